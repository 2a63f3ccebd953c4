"""Publications that share a transaction, and who is told what became of them."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Event

import pytest

from bluezone_node.authority.ports.exposures import Changes, Exposure
from bluezone_node.store.authority.gathered import Gathered, Publication


def decide(_stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
    return Changes()


class Written:
    """Writes when it is let, and remembers what."""

    def __init__(self) -> None:
        self.let = Event()
        self.keys: list[bytes] = []

    def __call__(self, group: Sequence[Publication]) -> None:
        assert self.let.wait(10)
        for publication in group:
            self.keys += publication.keys
            publication.outcome = publication.decide({}, None)


async def test_who_goes_away_is_written_all_the_same() -> None:
    """A caller that is cancelled keeps neither itself nor the others from being written."""
    written = Written()
    gathered = Gathered(written)
    one, two, three = (
        asyncio.create_task(gathered.publish_soon([key], decide)) for key in (b"1", b"2", b"3")
    )
    await asyncio.sleep(0)
    two.cancel()
    await asyncio.sleep(0)
    written.let.set()
    assert await one == await three == Changes()
    assert two.cancelled()
    assert sorted(written.keys) == [b"1", b"2", b"3"]


async def test_what_fails_is_told_to_all_of_a_transaction() -> None:
    """In a loop and in a thread alike."""

    def fail(_group: Sequence[Publication]) -> None:
        raise OSError("no space")

    gathered = Gathered(fail)
    waiting = asyncio.to_thread(gathered.publish, [b"1"], decide)
    told = await asyncio.gather(
        waiting, gathered.publish_soon([b"2"], decide), return_exceptions=True
    )
    assert [type(error) for error in told] == [OSError, OSError]


def test_a_loop_that_ended_is_not_waited_for() -> None:
    """Its server was stopped in the middle: whoever comes next is answered."""
    written = Written()
    gathered = Gathered(written)

    async def leave() -> None:
        async with asyncio.timeout(0):
            await gathered.publish_soon([b"1"], decide)

    with pytest.raises(TimeoutError):
        asyncio.run(leave())
    written.let.set()
    assert gathered.publish([b"2"], decide) == Changes()
    assert written.keys == [b"1", b"2"]
