"""Say who we are: one rolling identifier at a time, each for ten to twenty minutes.

The node of a place sends the place's tag beside it, and changes both at each quarter of an hour:
an identifier that outlived a tag would tie it to the next one, for whoever listens.
"""

import asyncio
from datetime import datetime, timedelta

from bluezone_node.crypto.identifiers import rolling_proximity_identifier
from bluezone_node.crypto.keys import (
    TemporaryExposureKey,
    associated_encrypted_metadata_key,
    rolling_proximity_identifier_key,
)
from bluezone_node.crypto.metadata import Metadata, encode, encrypt
from bluezone_node.intervals import day_of, interval_at, midnight
from bluezone_node.node.announcer import Announcer
from bluezone_node.node.chance import between
from bluezone_node.node.keyring import key_for
from bluezone_node.node.waiting import sleep_unless
from bluezone_node.ports import Clock, Entropy, OnStore, Radio
from bluezone_node.proximity.model import Beacon
from bluezone_node.venues.tags import AirTag

SHORTEST_ROTATION = 600.0
LONGEST_ROTATION = 1200.0
"""Seconds an identifier stays on the air, drawn anew each time (GAEN Bluetooth specification
v1.2: 10 to 20 minutes, random, so that rotations of different devices do not line up and an
observer cannot predict the next)."""


def beacon(key: TemporaryExposureKey, interval: int, metadata: Metadata) -> Beacon:
    """Return what *key* puts on the air during *interval*."""
    rpi = rolling_proximity_identifier(rolling_proximity_identifier_key(key.key), interval)
    aem = encrypt(associated_encrypted_metadata_key(key.key), rpi, encode(metadata))
    return Beacon(rpi, aem)


class Advertiser:
    """Keeps the right identifier on the air, and at a place its tag."""

    def __init__(
        self,
        radio: Radio,
        clock: Clock,
        on_store: OnStore,
        entropy: Entropy,
        metadata: Metadata,
        announcer: Announcer | None = None,
    ) -> None:
        """*announcer*: of the place that this node stands at; None: it is a person's."""
        self._radio = radio
        self._clock = clock
        self._on_store = on_store
        self._entropy = entropy
        self._metadata = metadata
        self._announcer = announcer
        self._current: tuple[Beacon, AirTag | None] | None = None
        self._renew = asyncio.Event()

    def renew(self) -> None:
        """Rotate at once: the key changed, or the time was set."""
        self._renew.set()

    def place_problem(self) -> str:
        """Return why the tag of the place is not on the air, in words; empty where it is, or where
        there is no place."""
        if self._announcer is None:
            return ""
        if self._announcer.tag(self._clock.now()) is None:
            return "no card of the place is valid today"
        radio = self._radio.condition()
        if radio.advertising and not radio.announcing:
            return f"the adapter sends the identifier alone: {radio.detail}"
        return ""

    async def run(self) -> None:
        """To be started when the time is known: a key is made and published for a day."""
        while True:
            self._renew.clear()
            await self._rotate()
            await self._stay()

    async def _rotate(self) -> None:
        now = self._clock.now()
        interval = interval_at(now)
        key = await self._on_store(lambda store: key_for(store, interval, self._entropy))
        tag = None if self._announcer is None else self._announcer.tag(now)
        chosen = beacon(key, interval, self._metadata), tag
        if chosen != self._current:
            # The same identifier again would only change the address, and link the two.
            await self._radio.advertise(*chosen)
            self._current = chosen

    async def _stay(self) -> None:
        """Wait for the next rotation: random, at UTC midnight at the latest, or when asked.

        With a place's tag it comes with the slot, after 15 minutes: random times protect people
        from being followed, and what stands at a door is not followed anywhere.

        Midnight, because the key of a day is not to be heard after it: what is broadcast of an
        old key in the new day would be published hours before its tolerance runs out.
        """
        now = self._clock.now()
        await sleep_unless(self._renew, self._clock, (self._next(now) - now).total_seconds())

    def _next(self, now: datetime) -> datetime:
        if self._announcer is not None:
            # Midnight, too, is the end of a slot.
            return self._announcer.change_after(now)
        drawn = between(SHORTEST_ROTATION, LONGEST_ROTATION, self._entropy)
        return min(now + timedelta(seconds=drawn), midnight(day_of(now)) + timedelta(days=1))
