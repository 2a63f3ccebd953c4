"""Sessions: that a person signed in lasts, but not for long, and ends when the account changes.

The token is random and kept nowhere; what is kept is an HMAC of it.
"""

import hmac
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta

from bluezone_node.authority.ports.accounts import Session, StoredSession, User, UserStore
from bluezone_node.ports import Clock, Entropy

TOKEN_BYTES = 32
IDLE = timedelta(minutes=30)
"""A session ends after so long without a request: desks in a ward are shared, and telephone calls
are long. OWASP (Session Management Cheat Sheet) calls 15 to 30 minutes common, 2 to 5 where much is
at stake; what can be had here is a code, and each province has a daily number of them."""
ABSOLUTE = timedelta(hours=12)
"""A session ends after so long in any case: the longest shift."""
TOUCH = timedelta(minutes=1)
"""How exactly the last request is known, so that not every page writes."""


class Sessions:
    """Knows sessions by their tokens. Methods block on the store."""

    def __init__(self, store: UserStore, clock: Clock, entropy: Entropy, *, secret: bytes) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._secret = secret

    def new(self, name: str, now: datetime) -> tuple[str, StoredSession]:
        """Return a token, and what is to be kept of its session."""
        token = urlsafe_b64encode(self._entropy(TOKEN_BYTES)).rstrip(b"=").decode()
        return token, StoredSession(self.digest(token), name, now, now, now + ABSOLUTE)

    def find(self, token: str) -> Session | None:
        """Return what *token* allows; None: it is wrong, or its session is over."""
        digest, now = self.digest(token), self._clock.now()
        found = self._store.session(digest)
        if found is None:
            return None
        stored, user = found
        over = stored.expires <= now or stored.seen + IDLE <= now
        if over or user.disabled is not None:
            return None
        if now - stored.seen >= TOUCH:
            self._store.touch(digest, now)
        return self.told(token, stored, user)

    def told(self, token: str, stored: StoredSession, user: User) -> Session:
        """Return the session as its holder knows it."""
        csrf = self._hmac("csrf", token).hex()
        return Session(user.actor, csrf, stored.expires, user.password_due)

    def forget(self) -> int:
        """Erase those that are over; return how many."""
        now = self._clock.now()
        return self._store.forget_sessions(now, now - IDLE)

    def digest(self, token: str) -> bytes:
        """Return what a session is kept under."""
        return self._hmac("session", token)

    def _hmac(self, kind: str, token: str) -> bytes:
        return hmac.digest(self._secret, f"{kind}:{token}".encode("utf-8", "replace"), "sha256")
