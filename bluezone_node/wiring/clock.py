"""Where time comes from: the machine, or the air that a radio is simulated on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bluezone_node.clock import SystemClock
from bluezone_node.ports import Clock


@asynccontextmanager
async def open_clock(spec: str) -> AsyncIterator[Clock]:
    """Return the clock that goes with a radio: a simulated air brings its own time.

    Raises:
        RadioUnavailable: *spec* names an air, and none answers.
    """
    if not spec.startswith("air:"):
        yield SystemClock()
        return
    from bluezone_node.ble.virtual import connect_clock

    clock = await connect_clock(spec)
    try:
        yield clock
    finally:
        await clock.close()
