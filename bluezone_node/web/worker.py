"""One worker of several: what its parent gives it, and what it tells its parent.

A worker is the parent's own command, started again with two descriptors that a variable of the
environment names: the listening socket that all share, and a channel to the parent.  The worker
writes a byte to the channel once it serves and every few seconds from then on, from the loop that
serves: a byte that comes says that requests are answered.  The channel's end tells either of them
that the other is gone, however it died.
"""

import asyncio
import os
import signal
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

VARIABLE = "BLUEZONE_WORKER"
"""``PART:CHANNEL:SOCKET``, for workers alone."""

BEAT_SECONDS = 5


class Part(StrEnum):
    """What a worker does."""

    SERVING = "serving"
    ROUNDS = "rounds"
    """Exports, forgets, tidies: in a process of its own, which takes no time from requests."""


@dataclass(frozen=True, slots=True)
class Worker:
    """This process, where it is a worker."""

    part: Part
    channel: socket.socket
    bound: socket.socket
    """The socket to serve on; the rounds leave it alone."""

    async def live(self, stop: asyncio.Event) -> None:
        """Tell the parent that this loop turns; set *stop* when the parent is gone."""
        reader, writer = await asyncio.open_connection(sock=self.channel)
        beating = asyncio.create_task(_beat(writer))
        try:
            with suppress(ConnectionError):
                await reader.read()
        finally:
            stop.set()
            beating.cancel()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def this_worker(environ: MutableMapping[str, str] = os.environ) -> Worker | None:
    """Return what this process is for, or None where it is nobody's worker."""
    # Taken away: what a worker itself starts is no worker.
    given = environ.pop(VARIABLE, None)
    if given is None:
        return None
    part, channel, bound = given.split(":")
    for descriptor in (int(channel), int(bound)):
        os.set_inheritable(descriptor, False)
    # Ctrl-C reaches every process of a terminal; when a worker ends is the parent's word.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return Worker(Part(part), socket.socket(fileno=int(channel)), socket.socket(fileno=int(bound)))


async def _beat(writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(BEAT_SECONDS)
    except ConnectionError:
        return
