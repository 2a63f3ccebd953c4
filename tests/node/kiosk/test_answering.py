"""Asking for warrants where nobody answers: said once, however long the network is away."""

from collections.abc import Callable, Sequence

import pytest

from bluezone_node.errors import AuthorityRefused, BluezoneError, Unreachable
from bluezone_node.node.kiosk.answering import Answering
from bluezone_node.node.kiosk.register import Opened, Register
from bluezone_node.venues.register import ReleasedContact


class Door:
    """A registrar that fails as it is told."""

    error: BluezoneError | None = None

    async def warrants(self) -> list[bytes]:
        if self.error is not None:
            raise self.error
        return []

    async def send_rows(
        self, warrant_id: bytes, part: int, rows: Sequence[ReleasedContact], *, last: bool
    ) -> None:
        raise AssertionError


async def at_register(work: Callable[[Register], Opened]) -> Opened:
    raise AssertionError


async def test_ten_days_without_a_network_are_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """Another one when something else is wrong, or the same once more after it was well."""
    door = Door()
    answering = Answering(at_register, door)
    away, revoked = Unreachable("nobody answers"), AuthorityRefused("gone", reason="unauthorized")
    for error in (away, away, revoked, revoked, None, away):
        door.error = error
        assert await answering.once() == 0
    assert [record.message for record in caplog.records] == [
        "warrants cannot be asked for: nobody answers",
        "the authority does not speak to this kiosk: unauthorized",
        "warrants cannot be asked for: nobody answers",
    ]
