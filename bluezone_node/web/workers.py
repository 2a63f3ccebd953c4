"""The parent of several workers: starts them, replaces the dead and the dumb, and ends them.

uvicorn has a supervisor too.  It starts a worker that dies at once again without a pause, takes a
worker whose loop hangs for a sound one (a thread of its own answers for it), waits for ever for
one that does not end, and has no place for a process that serves nothing but does the rounds.
What is here needs no more of uvicorn than one server on one socket.
"""

import asyncio
import logging
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bluezone_node.errors import BadConfig
from bluezone_node.web.worker import BEAT_SECONDS, VARIABLE, Part

START_SECONDS = 60.0
"""A worker that does not serve by then never will."""
SILENT_SECONDS = 6.0 * BEAT_SECONDS
"""A worker whose loop stood still for so long is killed; its guests have given up before."""
STOP_SECONDS = 20.0
"""Requests under way get two seconds of it, an export that is being written the rest."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
"""Before a worker is started again: doubled each time, so that a fault which lasts (a full disk,
a database that is gone) does not burn a core, and is mended soon after it is over."""

log = logging.getLogger(__name__)


class Workers:
    """*count* workers that serve on one socket, and one for the rounds."""

    def __init__(
        self,
        count: int,
        bound: socket.socket,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        patience: float = SILENT_SECONDS,
    ) -> None:
        """*arguments*, *environ*: of the interpreter, as this process was started."""
        self._count = count
        self._bound = bound
        self._command = [sys.executable, *arguments]
        self._environ = environ
        self._patience = patience

    async def run(
        self,
        *,
        ready: Callable[[], None],
        alive: Callable[[], None],
        stop: asyncio.Event,
        reload: asyncio.Event,
    ) -> None:
        """Keep the workers at work until *stop* is set.

        *ready* is called once when all of them work, *alive* again and again while at least one
        serves; each time *reload* is set, all are replaced, one after the other.

        Raises:
            BadConfig: a worker ended before it ever served.
        """
        parts = [*[Part.SERVING] * self._count, Part.ROUNDS]
        slots: list[_Slot] = []
        jobs: list[asyncio.Task[None]] = []
        stopping = asyncio.create_task(stop.wait())
        try:
            for part in parts:
                slots.append(_Slot(part, await self._start(part)))
            first = asyncio.create_task(_all_ready(slots))
            await asyncio.wait((first, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not first.done():
                first.cancel()
                return
            first.result()
            jobs = [asyncio.create_task(self._keep(slot)) for slot in slots]
            jobs.append(asyncio.create_task(_watch(slots, alive)))
            jobs.append(asyncio.create_task(self._reload(slots, reload)))
            ready()
            done, _ = await asyncio.wait((*jobs, stopping), return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            stopping.cancel()
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
            await asyncio.gather(*(child.end() for slot in slots for child in slot.children))

    async def _start(self, part: Part) -> "_Child":
        ours, theirs = socket.socketpair()
        with theirs:
            passed = (theirs.fileno(), self._bound.fileno())
            process = await asyncio.create_subprocess_exec(
                *self._command,
                env={**self._environ, VARIABLE: f"{part}:{passed[0]}:{passed[1]}"},
                pass_fds=passed,
                stdin=asyncio.subprocess.DEVNULL,
                # What a program reads there was said by the parent: where it listens.
                stdout=asyncio.subprocess.DEVNULL,
            )
        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours)
        return _Child(process, reader, writer, self._patience)

    async def _keep(self, slot: "_Slot") -> None:
        """Start another worker whenever the one in *slot* has ended unasked."""
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE_SECONDS
        while True:
            child, since = slot.child, loop.time()
            status = await child.gone()
            if slot.child is not child:
                continue
            if loop.time() - since > LONGEST_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            log.error(
                "a worker (%s) ended with status %d; another starts in %g s",
                *(slot.part, status, pause),
            )
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            if slot.child is child:
                try:
                    slot.child = await self._start(slot.part)
                except OSError as error:
                    # Too many processes, too little memory: both may pass.
                    log.error("no worker could be started: %s", error.strerror)

    async def _reload(self, slots: Sequence["_Slot"], reload: asyncio.Event) -> None:
        """Replace all workers each time that *reload* is set; the old one ends last."""
        while True:
            await reload.wait()
            reload.clear()
            for slot in slots:
                try:
                    slot.next = await self._start(slot.part)
                    await slot.next.started()
                except (BadConfig, OSError) as error:
                    log.error("%s The others stay as they are.", error)
                    if slot.next is not None:
                        await slot.next.end()
                        slot.next = None
                    break
                slot.last, slot.child, slot.next = slot.child, slot.next, None
                await slot.last.end()
                slot.last = None
            else:
                log.info("all workers were replaced")


class _Child:
    """A worker, from outside."""

    def __init__(
        self,
        process: Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        patience: float,
    ) -> None:
        self._process = process
        self._writer = writer
        self._patience = patience
        self._ready = asyncio.Event()
        self._listening = asyncio.create_task(self._listen(reader))
        self.heard = 0.0
        """When it last said that it serves, in the loop's time."""

    async def started(self) -> None:
        """Return once it serves.

        Raises:
            BadConfig: it ended instead.
        """
        waiting = asyncio.create_task(self._ready.wait())
        await asyncio.wait((waiting, self._listening), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not self._ready.is_set():
            raise BadConfig(
                "A worker ended before it could serve.", hint="its own words stand above"
            )

    async def gone(self) -> int:
        """Return its status once it has ended, which it is made to where it is dumb."""
        # Whoever waits may be cancelled; the worker is listened to all the same.
        return await asyncio.shield(self._listening)

    async def end(self) -> None:
        """End it: gently, then not."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.gone()
        except TimeoutError:
            log.error("a worker did not end within %g s, and was killed", STOP_SECONDS)
            self._kill()
            await self.gone()

    async def _listen(self, reader: asyncio.StreamReader) -> int:
        patience = START_SECONDS
        try:
            while True:
                async with asyncio.timeout(patience):
                    if not await reader.read(64):
                        break
                self.heard, patience = asyncio.get_running_loop().time(), self._patience
                self._ready.set()
        except TimeoutError:
            log.error("a worker was silent for %g s, and was killed", patience)
            self._kill()
        except ConnectionError:
            pass  # it died with words of ours unread
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
        return await self._process.wait()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()


@dataclass(slots=True)
class _Slot:
    part: Part
    child: _Child
    next: _Child | None = field(default=None)
    """Who is about to take the place of *child*."""
    last: _Child | None = None
    """Whose place *child* took, as long as it has requests under way."""

    @property
    def children(self) -> list[_Child]:
        return [child for child in (self.child, self.next, self.last) if child is not None]


async def _all_ready(slots: Sequence[_Slot]) -> None:
    for slot in slots:
        await slot.child.started()


async def _watch(slots: Sequence[_Slot], alive: Callable[[], None]) -> None:
    """Call *alive* as long as somebody serves: one that is being replaced is no reason to worry."""
    loop = asyncio.get_running_loop()
    while True:
        if any(
            loop.time() - slot.child.heard < 2 * BEAT_SECONDS
            for slot in slots
            if slot.part is Part.SERVING
        ):
            alive()
        await asyncio.sleep(BEAT_SECONDS)
