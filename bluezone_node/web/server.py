"""Runs an application: binds, tells when it is ready, and stops within seconds when told to."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import uvicorn
from starlette.types import ASGIApp

from bluezone_node.errors import BadConfig
from bluezone_node.web.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator

GRACE_SECONDS = 2
"""Requests under way get this long to finish."""
KEEP_ALIVE_SECONDS = 5
COLLECT_AFTER = 50_000
"""Objects made and not yet gone before cycles are looked for among them: what a hundred requests
under way hold, and some megabytes. By default it is 700, and takes a sixth of a server's time."""


def bind(listen: str) -> socket.socket:
    """Return a socket bound to HOST:PORT; port 0 lets the kernel choose.

    Raises:
        BadConfig: the address is malformed, not ours, or in use.
    """
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise BadConfig(f"{listen!r} is not HOST:PORT", hint="for example 127.0.0.1:8600")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise BadConfig(f"{listen}: {error.strerror}") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise BadConfig(
            f"Cannot listen on {listen}: {error.strerror}",
            hint="choose another with --listen HOST:PORT",
        ) from error
    return bound


def address_of(bound: socket.socket) -> str:
    """Return the http address of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    app: ASGIApp,
    bound: socket.socket,
    *,
    trusted_proxies: Sequence[str],
    beside: Sequence[Callable[[], Awaitable[None]]] = (),
    ready: Callable[[], None],
    stop: asyncio.Event,
) -> None:
    """Serve *app* on *bound*, running *beside* in the same loop, until *stop* is set."""
    # Neither addresses nor paths of requests are logged, whatever else is configured: who asked
    # when is nobody's business, and a code may have been typed into an address.
    logging.getLogger("uvicorn.access").disabled = True
    # It warns of every request that is none: whoever scans the internet would fill the log.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    server = _Server(
        uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            http=Connection,
            ws="none",
            lifespan="off",
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        ),
        ready,
    )
    with _collecting_rarely():
        async with asyncio.TaskGroup() as group:
            others = [group.create_task(_run(job)) for job in beside]
            stopper = group.create_task(_stop_when(stop, server))
            await server.serve(sockets=[bound])
            for task in (*others, stopper):
                task.cancel()


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM or SIGINT sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


@contextmanager
def _collecting_rarely() -> "Iterator[None]":
    """Look for cycles seldom, and not at all among what was there before: it stays."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


class _Server(uvicorn.Server):
    """Leaves signals to us, and tells when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> "Iterator[None]":
        # uvicorn's own would raise the signal again afterwards, and the process would die of it.
        yield


async def _run(job: Callable[[], Awaitable[None]]) -> None:
    with suppress(asyncio.CancelledError):
        await job()


async def _stop_when(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True
