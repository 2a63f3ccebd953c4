"""A poster that the registrar withdrew: of a closed place, or after its seed was changed."""

import pytest

from bluezone_node.crypto.cose import public_bytes
from bluezone_node.errors import BadInput
from bluezone_node.node.checkin import CheckIn
from bluezone_node.venues.text import DEFAULT_HOST, to_url
from tests.node.test_notices import MARKET, Stage
from tests.stores import OnMemory
from tests.venues.places import ROOT


async def test_a_withdrawn_poster_is_refused_from_the_next_bundle_on() -> None:
    """By the device itself, in words; until the next bundle it cannot know."""
    stage = Stage()
    door = CheckIn(
        stage.clock,
        OnMemory(stage.store),
        root=public_bytes(ROOT),
        hosts=(DEFAULT_HOST,),
        private=False,
    )
    poster = to_url(MARKET.cose, DEFAULT_HOST)
    stage.chain.add()
    await stage.sync.once()
    assert len((await door.scan(poster)).visits) == 1
    await door.leave()

    stage.chain.add(revoked=[MARKET.location_id[:8]])
    await stage.sync.once()
    with pytest.raises(BadInput) as refused:
        await door.scan(poster)
    assert refused.value.reason == "card_revoked"
    assert len(await door.visits()) == 1
