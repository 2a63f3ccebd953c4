"""Heavy work off the event loop, which stops when whoever waits for it is told to stop."""

import asyncio
import threading
from collections.abc import Callable

from bluezone_node.ports import Result


async def in_thread(work: Callable[[Callable[[], bool]], Result]) -> Result:
    """Run *work* in a thread, see `bluezone_node.ports.InThread`."""
    stopping = threading.Event()
    try:
        return await asyncio.to_thread(work, stopping.is_set)
    except asyncio.CancelledError:
        stopping.set()
        raise
