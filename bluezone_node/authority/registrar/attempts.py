"""Guessing codes is slowed down, and whoever holds a right one is not.

Each address has an allowance of attempts.  Where wrong short codes come in numbers from everywhere,
somebody is guessing from many addresses: until that is over each address may be wrong but a few
times, and each network not much oftener, as who rents one has thousands of addresses.  Right codes
use nothing up of that, and wrong ones from elsewhere nothing either, so the holder of a right code
is heard; and a long code, which cannot be guessed, is held up by nothing but its own address's
allowance.
"""

import hmac
from datetime import timedelta

from bluezone_node.authority.addresses import site, subscriber
from bluezone_node.authority.limits import TooManyAttempts
from bluezone_node.authority.ports.allowances import Allowances, Rate
from bluezone_node.authority.settings import RegistrarSettings
from bluezone_node.ports import Clock

_MINUTE = timedelta(minutes=1)
DURING_ALARM = Rate(5, timedelta(minutes=15))
"""Wrong short codes of each address while somebody guesses: who mistyped one can try again, and an
address meets one of 100 living codes once in 5.7 years."""
OF_A_SITE = Rate(50, timedelta(minutes=15))
"""The same of each network (IPv6 /48, IPv4 /24). A /48 has 65,536 subscribers' addresses; where
those are a carrier's telephones, ten times as many may mistype as behind one address."""


class Attempts:
    """The limits on redeeming and issuing codes. Every method blocks on the store."""

    def __init__(
        self, allowances: Allowances, clock: Clock, *, secret: bytes, settings: RegistrarSettings
    ) -> None:
        self._allowances = allowances
        self._clock = clock
        self._secret = secret
        self._each = Rate(settings.verify_per_minute, _MINUTE)
        self._all = Rate(settings.wrong_per_minute, _MINUTE)

    def before_claim(self, address: str, *, guessable: bool) -> None:
        """Take one attempt of *address*; empty: of nobody, as where the caller is no network.

        Raises:
            TooManyAttempts
        """
        if not address:
            return
        self._take("address", subscriber(address), self._each, "Too many attempts.")
        now = self._clock.now()
        if not guessable or not self._allowances.wait(*self._everybody, now):
            return
        if wait := max(self._allowances.wait(*each, now) for each in self._wrong(address)):
            raise TooManyAttempts(
                "Many wrong codes are being tried, so that attempts are limited.", wait
            )

    def wrong(self, address: str) -> None:
        """Take note of a wrong short code from *address*."""
        now = self._clock.now()
        self._allowances.take(*self._everybody, now)
        if address:
            for each in self._wrong(address):
                self._allowances.take(*each, now)

    def before_issue(self, realm: str, per_minute: int) -> None:
        """Take one code of those that *realm* may issue in a minute.

        Raises:
            TooManyAttempts
        """
        rate = Rate(per_minute, _MINUTE)
        self._take("issue", realm, rate, "The province issues too many codes at a time.")

    def first(self, kind: str, subject: bytes, period: timedelta) -> bool:
        """Tell whether *subject* was not seen within *period*, and remember it for as long."""
        bucket = self._bucket(kind, subject.hex())
        return not self._allowances.take(bucket, Rate(1, period), self._clock.now())

    def forget(self) -> int:
        """Remove allowances that are full again; return how many."""
        return self._allowances.forget(self._clock.now())

    @property
    def _everybody(self) -> tuple[bytes, Rate]:
        return self._bucket("everybody", ""), self._all

    def _wrong(self, address: str) -> list[tuple[bytes, Rate]]:
        return [
            (self._bucket("wrong", subscriber(address)), DURING_ALARM),
            (self._bucket("site", site(address)), OF_A_SITE),
        ]

    def _take(self, kind: str, name: str, rate: Rate, sentence: str) -> None:
        if wait := self._allowances.take(self._bucket(kind, name), rate, self._clock.now()):
            raise TooManyAttempts(sentence, wait)

    def _bucket(self, kind: str, name: str) -> bytes:
        # A digest: addresses are kept nowhere.
        return hmac.digest(self._secret, f"allowance:{kind}:{name}".encode(), "sha256")
