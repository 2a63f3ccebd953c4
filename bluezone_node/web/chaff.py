"""Answers to chaff: requests that phones send only so that a real one does not stand out.

The answer must look like a real one on the wire, so its length and delay are drawn from those of
recent real ones (Google's issue #1575: chaff that answered at once was easy to tell).
"""

import asyncio
from base64 import b64encode
from collections import deque

from starlette.responses import Response

from bluezone_node.ports import Entropy

HEADER = "x-chaff"
REMEMBERED = 64
LONGEST_SECONDS = 1.0
FIRST_SAMPLE = (2200, 0.02)
"""Length in bytes and delay in seconds, before any real request has come."""

_SHAPE = b'{"padding":"%s"}'


class Chaff:
    """Remembers how real answers looked, and makes others that look the same."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._samples: deque[tuple[int, float]] = deque([FIRST_SAMPLE], maxlen=REMEMBERED)

    def note(self, length: int, seconds: float) -> None:
        """Remember a real answer of *length* bytes that took *seconds*."""
        self._samples.append((length, min(seconds, LONGEST_SECONDS)))

    async def answer(self) -> Response:
        """Wait as long, and answer with as many bytes, as a recent real request."""
        chosen = int.from_bytes(self._entropy(8)) % len(self._samples)
        length, seconds = self._samples[chosen]
        await asyncio.sleep(seconds)
        room = max(0, length - len(_SHAPE) + 2)
        filling = b64encode(self._entropy(room * 3 // 4 + 3))[:room]
        return Response(_SHAPE % filling, media_type="application/json")
