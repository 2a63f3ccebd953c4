"""What a device asks for does not follow from where its owner was, nor from what it found."""

from tests.node.test_notices import MARKET, Stage, stay
from tests.venues.places import text_of


async def test_who_was_there_asks_for_what_everybody_asks_for() -> None:
    """The same files in the same order, before the alert and after it: nobody fetches more."""
    asked = []
    warned = []
    for stage in (Stage(stay()), Stage(stay(private=True)), Stage()):
        notice = stage.chain.notice(MARKET, text_of())
        stage.chain.add(notice)
        await stage.sync.once()
        stage.chain.add(retracted=[notice])
        await stage.sync.once()
        asked.append(tuple(stage.chain.exports.fetched))
        warned.append(len(stage.told.alerts))
    assert warned == [1, 1, 0]
    assert len({*asked}) == 1
    assert asked[0].count("00000001.cose") == 1
