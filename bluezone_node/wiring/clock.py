"""Where time comes from, and who vouches for it: the machine, or the air of a simulated radio."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bluezone_node.clock import SystemClock
from bluezone_node.ports import Clock, Voucher, Witness
from bluezone_node.witness import SystemWitness


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


def witness_of(spec: str, *, owner_vouches: bool) -> Witness:
    """Return who vouches for the clock that goes with a radio; simulated time is always right."""
    if spec.startswith("air:"):
        return lambda _now: Voucher.SIMULATION
    return SystemWitness(owner_vouches=owner_vouches)
