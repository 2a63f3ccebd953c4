"""What may be seen for a short while, by the session that made it: codes, one-time passwords.

A form is answered by a redirection to a page, so that reloading that page does nothing again.
What the page shows must wait somewhere between the two, and neither an address nor a cookie is the
place for a code, nor for where a patient was.  It waits in the registrar's database, where every
worker process finds it, under a key made of the session's token, which only the person's browser
has: who steals the database reads nothing.  The same form sent twice (a double tap, a lost answer)
does its work once.
"""

import hmac
from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bluezone_node.authority.people.sessions import ABSOLUTE
from bluezone_node.authority.ports.shown import ShownStore
from bluezone_node.ports import Clock, Entropy

KEPT = timedelta(minutes=15)
"""Life of a short code; who has not written it down by then issues another."""
LONGEST_NAME = 64

_NONCE_BYTES = 12
_TYPED_DIGITS = 32
_LABEL = b"bluezone console shown 1:"

Thing = Mapping[str, Any]
"""Of texts, numbers, times, bytes and lists of them."""


class Shown:
    """Keeps what forms made. Every method blocks on the store.

    *token*: of the session. *name*: what the result goes by in the address of its page.
    """

    def __init__(self, store: ShownStore, clock: Clock, entropy: Entropy) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy

    def once(
        self, token: str, name: str, make: Callable[[], Thing], life: timedelta = KEPT
    ) -> None:
        """Keep what *make* returns for *life*; nothing where the name was used before.

        Where *make* raises, so does this, and the name may be used again.
        """
        place, now = self._place(token, name), self._clock.now()
        if not self._store.begin(place, now, now + life):
            return
        try:
            thing = make()
        except BaseException:
            self._store.drop(place)
            raise
        nonce = self._entropy(_NONCE_BYTES)
        sealed = _cipher(token).encrypt(nonce, msgspec.msgpack.encode(thing), place)
        self._store.fill(place, nonce + sealed)

    def keep(self, token: str, nonce: str, typed: Mapping[str, str]) -> str:
        """Keep what was typed into a form, and return what its page goes by.

        That name is the same for the same form with the same words, and tells nothing of either.
        """
        words = msgspec.msgpack.encode([nonce, typed])
        name = sha256(words).hexdigest()[:_TYPED_DIGITS]
        self.once(token, name, lambda: typed, ABSOLUTE)
        return name

    def get(self, token: str, name: str) -> dict[str, Any] | None:
        """Return what was made; empty while it is being made; None: nothing, or it is over."""
        place = self._place(token, name)
        found = self._store.read(place, self._clock.now())
        if not found:
            return None if found is None else {}
        try:
            opened = _cipher(token).decrypt(found[:_NONCE_BYTES], found[_NONCE_BYTES:], place)
        except InvalidTag:
            return None
        return msgspec.msgpack.decode(opened, type=dict[str, Any])

    def drop(self, token: str, name: str) -> None:
        """Remove what was made."""
        self._store.drop(self._place(token, name))

    def _place(self, token: str, name: str) -> bytes:
        words = _LABEL + b"place:" + name[:LONGEST_NAME].encode("utf-8", "replace")
        return hmac.digest(token.encode(), words, "sha256")


def _cipher(token: str) -> AESGCM:
    return AESGCM(hmac.digest(token.encode(), _LABEL + b"key", "sha256"))
