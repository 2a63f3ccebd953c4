"""Answers to chaff: requests that phones send only so that a real one does not stand out.

The answer must look like a real one on the wire: it has the same headers, its length and delay are
drawn from those of recent real ones (Google's issue #1575: chaff that answered at once was easy to
tell), and its padding is drawn anew, as for a real one.
"""

import asyncio
import time
from collections import deque

from bluezone_node.authority.padding import padding
from bluezone_node.ports import Entropy

HEADER = "x-chaff"
REMEMBERED = 64
LONGEST_SECONDS = 1.0
FIRST_SAMPLE = (120, 0.02)
"""Length in bytes without the padding and delay in seconds, before any real request has come."""

_SHAPE = b'{"padding":"%s"}'
_LAST_SECONDS = 0.0015
"""An event loop counts its timers in milliseconds, which shows beside a real answer of two. The
last bit is waited for by asking again and again, which keeps nobody else waiting, and takes no
more of the processor than a real request."""


class Chaff:
    """Remembers how one route's real answers looked, and makes others that look the same.

    Only what succeeded is remembered: whoever sends rubbish must not be able to teach it what a
    real answer looks like.
    """

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._samples: deque[tuple[int, float]] = deque([FIRST_SAMPLE], maxlen=REMEMBERED)

    def note(self, length: int, seconds: float) -> None:
        """Remember a real answer of *length* bytes without its padding that took *seconds*."""
        if self._samples[0] is FIRST_SAMPLE:
            self._samples.clear()
        self._samples.append((length, min(seconds, LONGEST_SECONDS)))

    async def answer(self, started: float) -> bytes:
        """Wait until as long after *started* as a recent real answer took, and return its like.

        *started*: as of `time.perf_counter`, when the request had been read.
        """
        chosen = int.from_bytes(self._entropy(8)) % len(self._samples)
        length, seconds = self._samples[chosen]
        end = started + seconds
        await asyncio.sleep(max(0.0, end - _LAST_SECONDS - time.perf_counter()))
        while time.perf_counter() < end:  # noqa: ASYNC110 - an event would come a millisecond late
            await asyncio.sleep(0)
        filling = "A" * max(0, length - len(_SHAPE) + 2) + padding(self._entropy)
        return _SHAPE % filling.encode()
