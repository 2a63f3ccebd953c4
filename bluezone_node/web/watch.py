"""The parts of a running authority, looked at: for ``/readyz`` and for ``/metrics``.

Anybody may ask, so an answer serves for a moment, and a part that does not answer is asked once
and not once a caller.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

FRESH_SECONDS = 2.0
"""An answer serves that long."""
PATIENCE_SECONDS = 5.0
"""A part that takes longer does not answer."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that can be read off."""

    name: str
    """In snake_case, with its unit."""
    meaning: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found."""

    gauges: Sequence[Gauge] = ()
    wrong: Sequence[str] = ()
    """What a person must see to, in snake_case; empty: the part is in order."""


Look = Callable[[], Finding]
"""Blocks; raises anything where the part is out of order."""


class Watch:
    """Looks at parts by name."""

    def __init__(self, looks: Mapping[str, Look]) -> None:
        self._looks = looks
        self._found: dict[str, tuple[float, Finding]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    async def findings(self) -> dict[str, Finding]:
        """Return what is found of each part."""
        now = asyncio.get_running_loop().time()
        for name in self._looks:
            found_at, _ = self._found.get(name, (-FRESH_SECONDS, None))
            if name not in self._running and now - found_at >= FRESH_SECONDS:
                self._running[name] = asyncio.create_task(self._look(name))
        if self._running:
            await asyncio.wait(self._running.values(), timeout=PATIENCE_SECONDS)
        silent = Finding(wrong=["no_answer"])
        return {
            name: silent if name in self._running else self._found[name][1] for name in self._looks
        }

    async def _look(self, name: str) -> None:
        try:
            finding = await asyncio.to_thread(self._looks[name])
        except Exception as error:
            # The kind alone: the text may name people, places and passwords.
            finding = Finding(wrong=[type(error).__name__])
        self._found[name] = (asyncio.get_running_loop().time(), finding)
        del self._running[name]
