"""A place's new card, taken over after each download: a rotation reaches doors that nobody visits.

The screen and the radio of a card that was withdrawn prove nothing any more: visitors' devices
refuse it, and notices are about the new one.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from bluezone_node.alerts import Alert
from bluezone_node.errors import AuthorityRefused, BadConfig, BadInput, Unreachable
from bluezone_node.venues.card import SignedCard

log = logging.getLogger(__name__)


class CardDoor(Protocol):
    """Where the place's registrar is asked."""

    async def card(self) -> bytes:
        """Return the newest signed card of the kiosk's room.

        Raises:
            AuthorityRefused: the kiosk was revoked, or has no card.
            Unreachable: no answer.
        """
        ...


class Renewing:
    """Asks for the newest card, and has it kept where it is another one."""

    def __init__(
        self,
        card: SignedCard,
        door: CardDoor,
        keep: Callable[[bytes, bytes | None], object],
        trust: Callable[[], Awaitable[bytes | None]],
    ) -> None:
        """*keep*: puts a signed card, and a trust list, where the next start finds them; raises as
        `venuefile.renew_venue_file`. *trust*: returns the list that was downloaded last."""
        self._held = card.cose
        self._door = door
        self._keep = keep
        self._trust = trust

    async def __call__(self, _now: datetime) -> list[Alert]:
        """Do one round; a card is no alert. Satisfies `node.sync.Judge`."""
        try:
            newest = await self._door.card()
            if newest != self._held:
                # Its signer may be of later than the list that came with the kiosk.
                self._keep(newest, await self._trust())
                self._held = newest
                log.warning("the place has a new card: it counts from the next start")
        except (AuthorityRefused, BadInput) as error:
            log.warning("no card to renew the place's: %s", error.reason)
        except (BadConfig, Unreachable) as error:
            log.warning("the place's card could not be renewed: %s", error)
        return []
