"""Answering warrants over the network: asked for now and then, opened, noted, and sent.

Killed on the way, the kiosk begins the answer anew: the log has its entry already, the authority
knows the parts that it has.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from bluezone_node.errors import AuthorityRefused, BadInput, Unreachable
from bluezone_node.node.kiosk.register import Opened, Register
from bluezone_node.venues.answer import parts_of
from bluezone_node.venues.register import ReleasedContact

log = logging.getLogger(__name__)


class WarrantDoor(Protocol):
    """The registrar, as the kiosk of a place meets it."""

    async def warrants(self) -> list[bytes]:
        """Return the files that wait for this kiosk.

        Raises:
            AuthorityRefused: the kiosk is not known there.
            Unreachable: no usable answer; to be tried again.
        """

    async def send_rows(
        self, warrant_id: bytes, part: int, rows: Sequence[ReleasedContact], *, last: bool
    ) -> None:
        """Send a part of an answer; the same one twice is one.

        Raises:
            AuthorityRefused: it will not be taken.
            Unreachable: as `warrants`.
        """


AtRegister = Callable[[Callable[[Register], Opened]], Awaitable[Opened]]
"""Runs a piece of work in the thread of the register."""


class Answering:
    """Answers what waits at the authority. A round is safe to repeat."""

    def __init__(self, at_register: AtRegister, door: WarrantDoor) -> None:
        self._at_register = at_register
        self._door = door
        self._said = ""
        """What keeps it from asking, as the log has it: once, not each minute for ten days."""

    async def once(self) -> int:
        """Answer every warrant that waits; return how many were. What fails is in the log."""
        answered, said = 0, ""
        try:
            for file in await self._door.warrants():
                answered += await self._answer(file)
        except Unreachable as error:
            said = f"warrants cannot be asked for: {error}"
        except AuthorityRefused as error:
            said = f"the authority does not speak to this kiosk: {error.reason}"
        if said and said != self._said:
            log.warning(said)
        self._said = said
        return answered

    async def _answer(self, file: bytes) -> bool:
        try:
            opened = await self._at_register(lambda register: register.open(file))
        except BadInput as error:
            # Somebody at the server, or on the way, asks for what two officers did not sign.
            log.warning("a warrant is refused: %s", error.reason)
            return False
        parts = list(parts_of(opened.answer.rows))
        for number, rows in enumerate(parts):
            last = number == len(parts) - 1
            await self._door.send_rows(opened.warrant.warrant_id, number, rows, last=last)
        log.warning("the register was opened by a warrant: %d rows", len(opened.answer.rows))
        return True
