"""The identifiers of many published keys at once.

The same bytes as ``crypto.identifiers`` gives for one key; made apart because matching a
country's keys against the log is the one place where a node's time goes (see
``crypto.libcrypto``).  Where libcrypto cannot be called directly, or answers a published vector
wrongly, the ``cryptography`` package does the work, several times slower.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bluezone_node.crypto.identifiers import IDENTIFIER_BYTES, identifier_blocks
from bluezone_node.crypto.keys import KEY_BYTES, rolling_proximity_identifier_key
from bluezone_node.crypto.libcrypto import DerivedEncryption, LibcryptoUnusable
from bluezone_node.intervals import ROLLING_PERIOD

LANES = 256
"""Keys a call. Their identifiers (590 kB) stay in a core's cache until they are looked up."""

_VECTOR_KEY = bytes.fromhex("75c734c6dd1a782de7a965da5eb93125")
_VECTOR_START = 2642976
_VECTOR_FIRST = bytes.fromhex("8be6cd371c5c891604bfbe49df845096")
_VECTOR_LAST = bytes.fromhex("f431b62ecf443102ce4ed0407de54bd4")
"""google/exposure-notifications-internals, TestVectors.java: first and last of the day."""


class BulkIdentifiers:
    """Makes the rolling proximity identifiers of up to ``LANES`` keys a call.

    One object serves one thread: the array returned is written again by the next call.
    """

    def __init__(self, *, direct: bool = True) -> None:
        """Use libcrypto directly where it proves itself, and never with ``direct=False``."""
        self._direct = _proven() if direct else None
        self._rows = np.zeros((LANES if self._direct is None else 0, ROLLING_PERIOD, 16), np.uint8)

    @property
    def direct(self) -> bool:
        """Whether libcrypto is called directly: the fast way."""
        return self._direct is not None

    def generate(
        self, keys: NDArray[np.uint8], first: Sequence[int], counts: Sequence[int]
    ) -> NDArray[np.uint8]:
        """Return the identifiers of *keys* from interval *first* on, *counts* of them.

        Args:
            keys: shape (n, 16), n at most ``LANES``.
            first: n ENIntervalNumbers, unsigned 32-bit.
            counts: n numbers, 1 to 144.

        Returns:
            Shape (n, 144, 16). Of row i the first ``counts[i]`` identifiers mean something.
        """
        if self._direct is not None:
            try:
                lengths = [count * IDENTIFIER_BYTES for count in counts]
                return self._direct.encrypt(keys, list(map(_padded_data, first)), lengths)
            except LibcryptoUnusable:
                self._direct = None
                self._rows = np.zeros((LANES, ROLLING_PERIOD, 16), np.uint8)
        for row, key, interval, count in zip(self._rows, keys, first, counts, strict=False):
            rpik = rolling_proximity_identifier_key(key.tobytes())
            made = identifier_blocks(rpik, _padded_data(interval)[: count * IDENTIFIER_BYTES])
            row[:count] = np.frombuffer(made, np.uint8).reshape(count, IDENTIFIER_BYTES)
        return self._rows[: len(keys)]


def _proven() -> DerivedEncryption | None:
    """Return the direct way if it is there and gives the published identifiers."""
    try:
        direct = DerivedEncryption(b"EN-RPIK", LANES, ROLLING_PERIOD)
        return direct if _gives_published(direct) else None
    except LibcryptoUnusable:
        return None


def _gives_published(direct: DerivedEncryption) -> bool:
    # Twice, and on the second lane: what one call leaves behind must not reach the next.
    keys = np.frombuffer(bytes(KEY_BYTES) + _VECTOR_KEY, np.uint8).reshape(2, KEY_BYTES)
    day, lengths = [_padded_data(_VECTOR_START)] * 2, [ROLLING_PERIOD * IDENTIFIER_BYTES] * 2
    for _ in range(2):
        made = direct.encrypt(keys, day, lengths)[1]
        if (made[0].tobytes(), made[-1].tobytes()) != (_VECTOR_FIRST, _VECTOR_LAST):
            return False
    return True


@lru_cache(maxsize=2048)  # every interval of two weeks, should no key start at midnight: 5 MB
def _padded_data(first: int) -> bytes:
    """Return what is encrypted for the 144 intervals from *first* on (CRYPTO v1.2)."""
    blocks = np.zeros(
        ROLLING_PERIOD, dtype=[("prefix", "S6"), ("zeros", "S6"), ("interval", "<u4")]
    )
    blocks["prefix"] = b"EN-RPI"
    # Wraps like the unsigned 32-bit number it is: beyond a key's period nothing is read.
    blocks["interval"] = (first + np.arange(ROLLING_PERIOD, dtype=np.int64)).astype(np.uint32)
    return blocks.tobytes()
