"""Keys of days: made two weeks ahead, destroyed three weeks after.

A kiosk seals every contact to the key of its day, also when it has been without a network for a
week.  When the key is gone nobody can read the register of that day any more, wherever copies of
its rows may lie: that, and not deleting them, is how the register forgets.
"""

from collections.abc import Callable
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.authority.ports.register import DayKeyStore
from bluezone_node.ports import Clock
from bluezone_node.venues.card import day_number
from bluezone_node.venues.register import DayKeys, write_day_keys

AHEAD = timedelta(days=14)
"""Kiosks must get through a week without a network; twice that, since weeks go wrong in pairs."""
KEPT = timedelta(days=21)
"""After the day itself: longest incubation and the time to find a case, and no longer; what
Singapore and the NHS kept visits for, and New Zealand's register after its first year."""


class DayKeyRing:
    """Keeps the keys of the days that count, and tells kiosks of them."""

    def __init__(
        self,
        store: DayKeyStore,
        signing: Callable[[], tuple[Ed25519PrivateKey, str]],
        clock: Clock,
    ) -> None:
        """*signing*: returns the key of the trust list's role ``register``, and its province."""
        self._store = store
        self._signing = signing
        self._clock = clock

    def tidy(self) -> None:
        """Make what is missing, and destroy what is over."""
        today = day_number(self._clock.now())
        for day in range(today, today + AHEAD.days + 1):
            self._store.make(day)
        for day in self._store.public():
            if day + KEPT.days < today:
                self._store.destroy(day)

    def published(self) -> bytes:
        """Return the signed list of public keys, for kiosks: of today and the days ahead.

        Within a day the same bytes, so that what is on the shelf is written once.
        """
        self.tidy()
        now = self._clock.now()
        today = day_number(now)
        keys = {day: key for day, key in self._store.public().items() if day >= today}
        created = now.replace(hour=0, minute=0, second=0, microsecond=0)
        key, province = self._signing()
        return write_day_keys(DayKeys(province, created, keys), key)
