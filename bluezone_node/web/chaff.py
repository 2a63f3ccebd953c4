"""Answers to chaff: requests that phones send only so that a real one does not stand out.

The answer must look like a real one on the wire: it has the same headers, its length and delay are
drawn from those of recent real ones (Google's issue #1575: chaff that answered at once was easy to
tell), and its padding is drawn anew, as for a real one.
"""

import asyncio
import time
from collections import deque

from starlette.concurrency import run_in_threadpool

from bluezone_node.authority.padding import padding
from bluezone_node.ports import Entropy

HEADER = "x-chaff"
REMEMBERED = 64
LONGEST_SECONDS = 1.0
FIRST_SAMPLE = (120, 0.02)
"""Length in bytes without the padding and delay in seconds, before any real request has come."""

_SHAPE = b'{"padding":"%s"}'
_LAST_SECONDS = 0.002
"""An event loop counts its timers in milliseconds, which shows beside a real answer of three. The
last bit is waited for in a thread, as a real request is worked on in one."""

_STEP_SECONDS = 0.00002
"""How far one answer that was late or early moves the next ones. By a step, not by the error: one
that was held up must not hurry the rest."""


class Chaff:
    """Remembers how one route's real answers looked, and makes others that look the same.

    Only what succeeded is remembered: whoever sends rubbish must not be able to teach it what a
    real answer looks like.
    """

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._samples: deque[tuple[int, float]] = deque([FIRST_SAMPLE], maxlen=REMEMBERED)
        self._late = 0.0
        """Seconds by which whoever sleeps wakes up too late, on this machine under this load."""

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
        await run_in_threadpool(_sleep_until, end - self._late)
        filling = "A" * max(0, length - len(_SHAPE) + 2) + padding(self._entropy)
        answer = _SHAPE % filling.encode()
        step = _STEP_SECONDS if time.perf_counter() > end else -_STEP_SECONDS
        self._late = max(0.0, self._late + step)
        return answer


def _sleep_until(end: float) -> None:
    time.sleep(max(0.0, end - time.perf_counter()))
