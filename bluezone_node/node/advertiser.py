"""Say who we are: one rolling identifier at a time, each for ten to twenty minutes."""

import asyncio
from datetime import timedelta

from bluezone_node.crypto.identifiers import rolling_proximity_identifier
from bluezone_node.crypto.keys import (
    TemporaryExposureKey,
    associated_encrypted_metadata_key,
    rolling_proximity_identifier_key,
)
from bluezone_node.crypto.metadata import Metadata, encode, encrypt
from bluezone_node.intervals import day_of, interval_at, midnight
from bluezone_node.node.chance import between
from bluezone_node.node.keyring import key_for
from bluezone_node.node.waiting import sleep_unless
from bluezone_node.ports import Clock, Entropy, OnStore, Radio
from bluezone_node.proximity.model import Beacon

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
    """Keeps the right identifier on the air."""

    def __init__(
        self, radio: Radio, clock: Clock, on_store: OnStore, entropy: Entropy, metadata: Metadata
    ) -> None:
        self._radio = radio
        self._clock = clock
        self._on_store = on_store
        self._entropy = entropy
        self._metadata = metadata
        self._current: Beacon | None = None
        self._renew = asyncio.Event()

    def renew(self) -> None:
        """Rotate at once: the key changed, or the time was set."""
        self._renew.set()

    async def run(self) -> None:
        """To be started when the time is known: a key is made and published for a day."""
        while True:
            self._renew.clear()
            await self._rotate()
            await self._stay()

    async def _rotate(self) -> None:
        interval = interval_at(self._clock.now())
        key = await self._on_store(lambda store: key_for(store, interval, self._entropy))
        chosen = beacon(key, interval, self._metadata)
        if chosen != self._current:
            # The same identifier again would only change the address, and link the two.
            await self._radio.advertise(chosen)
            self._current = chosen

    async def _stay(self) -> None:
        """Wait for the next rotation: random, at UTC midnight at the latest, or when asked.

        Midnight, because the key of a day is not to be heard after it: what is broadcast of an
        old key in the new day would be published hours before its tolerance runs out.
        """
        now = self._clock.now()
        to_midnight = (midnight(day_of(now)) + timedelta(days=1) - now).total_seconds()
        wait = min(between(SHORTEST_ROTATION, LONGEST_ROTATION, self._entropy), to_midnight)
        await sleep_unless(self._renew, self._clock, wait)
