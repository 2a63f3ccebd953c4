"""Which key signs at an instant, and which are published: keys change with overlap.

A new key is published first and signs later, so that whoever keeps a copy of the public keys has
it before the first signature comes; the one before stays published until nothing that it signed
can still be in use.  All of it follows from the instants in the ring: nobody has to do anything
when a key's time comes or is over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from bluezone_node.authority.certificate import CLOCK_SKEW
from bluezone_node.authority.settings import MAX_CERTIFICATE_MINUTES
from bluezone_node.errors import AuthorityRefused

KEEP_CERTIFICATE_KEY = timedelta(minutes=MAX_CERTIFICATE_MINUTES) + CLOCK_SKEW
"""How long a key stays published that signs certificates no more: the longest that any setting
lets one live, so that a change of the setting in between cuts none off; and the publisher's clock
may be behind."""


KEEP_EXPORT_KEY = timedelta(0)
"""Every key that is published signs exports, the next one too: so a node that knows only the one
before or only the next takes them, and the one before is needed no more when its time is over."""


class KeyState(StrEnum):
    """What a key is good for, at an instant."""

    NEXT = "next"
    """Published, and signs later."""
    SIGNING = "signing"
    RETIRING = "retiring"
    """Published as long as something it signed may be in use."""
    GONE = "gone"
    """Nothing is left to verify with it; its file is deleted."""


@dataclass(frozen=True, slots=True)
class RingKey:
    """One key of a ring, without the key."""

    key_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
    made: Annotated[datetime, Meta(tz=True)]
    signs_from: Annotated[datetime, Meta(tz=True)]


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys in the order in which they sign, at least one."""

    keys: tuple[RingKey, ...]
    keep: timedelta
    """How long a key stays published after another has taken over."""

    def signing(self, now: datetime) -> RingKey:
        """Return the key that signs: the last whose time has come.

        Where none has, as a clock that was set back may have it, it is the first: whatever the
        clock says, there is one.
        """
        return self.keys[self._signing(now)]

    def state(self, key: RingKey, now: datetime) -> KeyState:
        place, signing = self.keys.index(key), self._signing(now)
        if place > signing:
            return KeyState.NEXT
        if place == signing:
            return KeyState.SIGNING
        retires = self.retires(key)
        return KeyState.GONE if retires is None or retires <= now else KeyState.RETIRING

    def retires(self, key: RingKey) -> datetime | None:
        """Return until when *key* is published; None while no other is to take over."""
        later = [other.signs_from for other in self.keys[self.keys.index(key) + 1 :]]
        return min(later) + self.keep if later else None

    def published(self, now: datetime) -> tuple[RingKey, ...]:
        """Return the keys that are next, signing or retiring."""
        return tuple(key for key in self.keys if self.state(key, now) is not KeyState.GONE)

    def tidied(self, now: datetime) -> "KeyRing":
        """Return the ring without the keys that are gone."""
        return KeyRing(self.published(now), self.keep)

    def rotated(self, new: RingKey, now: datetime, *, force: bool = False) -> "KeyRing":
        """Return the ring with *new* as the next key.

        *force* takes out keys that have signed nothing yet: *new* is in their place.

        Raises:
            AuthorityRefused: reason ``rotation_under_way``.
        """
        ring = self.tidied(now)
        signing = ring.signing(now)
        if len(ring.keys) > 1 and not force:
            last = ring.keys[-1]
            over = ring.retires(ring.keys[0])
            step = (
                f"{last.key_id} signs from {last.signs_from:%Y-%m-%d %H:%M} UTC"
                if last is not signing
                else f"{ring.keys[0].key_id} is published until {over:%Y-%m-%d %H:%M} UTC"
            )
            raise AuthorityRefused(
                f"A rotation is under way: {step}. Nothing was changed.",
                reason="rotation_under_way",
                hint="wait until it is over; --force begins another on top of it",
            )
        kept = ring.keys[: ring.keys.index(signing) + 1]
        return KeyRing((*kept, new), self.keep)

    def _signing(self, now: datetime) -> int:
        due = [place for place, key in enumerate(self.keys) if key.signs_from <= now]
        return due[-1] if due else 0
