"""Waiting for the next turn, or for somebody who asks for it sooner."""

import asyncio

from bluezone_node.ports import Clock


async def sleep_unless(asked: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Sleep for *seconds* of *clock*, or until *asked* is set."""
    sleeping = asyncio.ensure_future(clock.sleep(seconds))
    asking = asyncio.ensure_future(asked.wait())
    try:
        await asyncio.wait({sleeping, asking}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleeping.cancel()
        asking.cancel()
