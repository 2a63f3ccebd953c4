"""A lean load on an HTTP server: requests made beforehand, connections kept, answers not parsed.

It shares two cores with what it measures, so that it does as little as it can: writes bytes, and
counts bytes of the answer.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast


@dataclass(slots=True)
class Load:
    """What came of a load."""

    answered: int = 0
    refused: int = 0
    """Answers that were not 200."""
    began: float = 0.0
    ended: float = 0.0
    seconds: list[float] = field(default_factory=list)
    """From when each request was due to the end of its answer."""

    @property
    def rate(self) -> float:
        return self.answered / (self.ended - self.began)


class _Connection(asyncio.Protocol):
    def __init__(self, answered: Callable[["_Connection", bool], None]) -> None:
        self._answered = answered
        self._got = bytearray()
        self.due = 0.0
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def send(self, request: bytes, due: float) -> None:
        self.due, self.busy = due, True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        got = self._got
        got += data
        head = got.find(b"\r\n\r\n")
        if head < 0:
            return
        at = got.index(b"content-length: ") + 16
        if len(got) >= head + 4 + int(got[at : got.index(b"\r", at)]):
            good = got.startswith(b"HTTP/1.1 200")
            got.clear()
            self.busy = False
            self._answered(self, good)

    def connection_lost(self, error: Exception | None) -> None:
        if self.busy:
            raise ConnectionError("the server hung up") from error

    def close(self) -> None:
        self._transport.close()


async def _connect(
    address: tuple[str, int], number: int, answered: Callable[[_Connection, bool], None]
) -> list[_Connection]:
    loop = asyncio.get_running_loop()
    made = []
    for _ in range(number):
        _, connection = await loop.create_connection(lambda: _Connection(answered), *address)
        made.append(connection)
    return made


async def closed(address: tuple[str, int], connections: int, requests: Sequence[bytes]) -> Load:
    """Send *requests* as fast as they are answered, one at a time on each connection."""
    load, rest, done = Load(), deque(requests), asyncio.Event()

    def answered(connection: _Connection, good: bool) -> None:
        load.answered += 1
        load.refused += not good
        load.seconds.append(time.perf_counter() - connection.due)
        if rest:
            connection.send(rest.popleft(), time.perf_counter())
        elif load.answered == len(requests):
            done.set()

    opened = await _connect(address, connections, answered)
    load.began = time.perf_counter()
    for connection in opened:
        connection.send(rest.popleft(), time.perf_counter())
    await done.wait()
    return _finished(load, opened)


async def open_loop(
    address: tuple[str, int], connections: int, requests: Sequence[bytes], rate: float
) -> Load:
    """Send *rate* requests a second, whether or not the ones before were answered."""
    load, waiting, done = Load(), deque[tuple[bytes, float]](), asyncio.Event()
    free: list[_Connection] = []

    def answered(connection: _Connection, good: bool) -> None:
        load.answered += 1
        load.refused += not good
        load.seconds.append(time.perf_counter() - connection.due)
        if waiting:
            connection.send(*waiting.popleft())
        else:
            free.append(connection)
        if load.answered == len(requests):
            done.set()

    opened = await _connect(address, connections, answered)
    free.extend(opened)
    load.began = time.perf_counter()
    for number, request in enumerate(requests):
        due = load.began + number / rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        if free:
            free.pop().send(request, due)
        else:
            waiting.append((request, due))
    await done.wait()
    return _finished(load, opened)


def _finished(load: Load, opened: Sequence[_Connection]) -> Load:
    load.ended = time.perf_counter()
    for connection in opened:
        connection.close()
    if load.refused:
        raise RuntimeError(f"{load.refused} of {load.answered} requests were refused")
    return load
