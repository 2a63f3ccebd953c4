"""Who may use the page: whoever sits at the machine, and on a network those who know the PIN.

A request must be addressed to this machine by number, or by its own name: a page elsewhere whose
name is made to lead here (DNS rebinding) is told that there is nothing.
"""

import hashlib
import hmac
from collections.abc import Callable, Collection
from ipaddress import ip_address
from threading import Lock
from urllib.parse import urlsplit

from bluezone_node.errors import BadInput
from bluezone_node.ports import Clock, Entropy

COOKIE = "kiosk-session"
SHORTEST_PIN = 6
LONGEST_PIN = 64
SESSION_SECONDS = 12 * 3600
"""A working day."""
MANAGER_SECONDS = 600.0
"""For the manager's page: the next visitor stands at the same screen."""
MAX_SESSIONS = 64
ATTEMPTS = 5
ATTEMPTS_SECONDS = 60.0
"""Of all visitors together: a door has one keypad. A million PINs take four months."""

_SALT_BYTES = 16
_COST = 1 << 14
"""Of scrypt, with blocks of 8: 16 MB, and some 60 ms on a PC."""


def hash_pin(pin: str, entropy: Entropy) -> str:
    """Return what is kept of a PIN.

    Raises:
        BadInput: reason ``pin_length``.
    """
    if not SHORTEST_PIN <= len(pin) <= LONGEST_PIN:
        raise BadInput(
            f"The PIN has {SHORTEST_PIN} to {LONGEST_PIN} characters.", reason="pin_length"
        )
    salt = entropy(_SALT_BYTES)
    return f"{salt.hex()}:{_stretched(pin, salt).hex()}"


class Gate:
    """The PIN, the sessions of those who gave it, and the names of this machine."""

    def __init__(
        self,
        pin_hash: Callable[[], str],
        names: Collection[str],
        clock: Clock,
        entropy: Entropy,
        *,
        open_on_loopback: bool,
    ) -> None:
        self._pin_hash = pin_hash
        self._names = {name.lower() for name in names}
        self._clock = clock
        self._entropy = entropy
        self.open_on_loopback = open_on_loopback
        """Whether the door's page needs no PIN: it is served to this machine alone."""
        self._sessions: dict[str, tuple[float, str]] = {}
        """By token: since when, and what was kept of the PIN then. Another PIN ends them."""
        self._attempts: list[float] = []
        self._counting = Lock()

    @property
    def has_pin(self) -> bool:
        return bool(self._pin_hash())

    def is_here(self, host: str) -> bool:
        """Tell whether the header ``Host`` names this machine."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    def knows(self, token: str, *, manager: bool = False) -> bool:
        """Tell whether *token* is of a session that lasts; *manager*: for the manager's page."""
        begun, pin = self._sessions.get(token, (0.0, ""))
        lasts = MANAGER_SECONDS if manager else SESSION_SECONDS
        return pin != "" and self._clock.monotonic() - begun < lasts and pin == self._pin_hash()

    def enter(self, pin: str) -> str:
        """Return the token of a new session. Blocks for some hundredths of a second.

        Raises:
            BadInput: reason ``pin_wrong`` or ``pin_attempts``.
        """
        now = self._clock.monotonic()
        with self._counting:
            self._attempts = [at for at in self._attempts if now - at < ATTEMPTS_SECONDS]
            if len(self._attempts) >= ATTEMPTS:
                raise BadInput("Too many wrong PINs; wait a minute.", reason="pin_attempts")
            # Counted before it is judged: many at once are no way round.
            self._attempts.append(now)
        kept = self._pin_hash()
        salt, _, known = kept.partition(":")
        made = _stretched(pin[:LONGEST_PIN], bytes.fromhex(salt)).hex()
        if not known or not hmac.compare_digest(made, known):
            raise BadInput("This is not the PIN.", reason="pin_wrong")
        with self._counting:
            self._attempts = [at for at in self._attempts if at != now]
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[min(self._sessions, key=self._sessions.__getitem__)]
        token = self._entropy(32).hex()
        self._sessions[token] = (now, kept)
        return token


def _stretched(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=_COST, r=8, p=1, dklen=32)
