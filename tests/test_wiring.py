"""What the wiring decides by itself: whose word counts for the time, and what waits for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bluezone_node.config import AuthoritySettings, NodeSettings, Settings
from bluezone_node.control import ControlDoor
from bluezone_node.errors import TimeUnknown
from bluezone_node.ports import Voucher
from bluezone_node.wiring.clock import witness_of
from bluezone_node.wiring.errands import open_diagnosis
from bluezone_node.wiring.sync import open_import, open_sync

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

Open = Callable[[Settings], AbstractAsyncContextManager[object]]


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[Settings]:
    """Settings of a node that runs and does not know the time."""
    time = {"known": False, "problem": "nothing vouches for the clock"}
    door = ControlDoor(tmp_path, {"status": lambda: {"time": time}})
    await door.open()
    yield Settings(
        node=NodeSettings(state_dir=str(tmp_path)),
        authority=AuthoritySettings("http://registrar.invalid", "http://publisher.invalid"),
    )
    await door.close()


@pytest.mark.parametrize(
    "open_service",
    [open_sync, lambda settings: open_import(settings, [], []), open_diagnosis],
    ids=["sync", "import", "diagnosis"],
)
async def test_what_needs_the_time_is_refused_beside_a_node_that_does_not_know_it(
    settings: Settings, open_service: Open
) -> None:
    """An export would be matched without what the node still holds in memory."""

    async def enter() -> None:
        async with open_service(settings):
            pass

    with pytest.raises(TimeUnknown, match="nothing vouches for the clock"):
        await asyncio.to_thread(asyncio.run, enter())


def test_simulated_time_is_always_right() -> None:
    """Whoever owns the machine, and whatever its own clock says."""
    assert witness_of("air:/run/a.sock#an", owner_vouches=False)(NOW) is Voucher.SIMULATION


def test_the_owner_can_vouch_for_the_machines_clock() -> None:
    """There is always somebody then."""
    assert witness_of("bluez:hci0", owner_vouches=True)(NOW) is not Voucher.NOBODY
