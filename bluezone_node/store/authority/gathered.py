"""Publications that come at the same time share a transaction: one look, one write, one commit.

Waiting for the disk is most of what a small transaction costs, and a hundred phones that publish
at once would each wait for their own.  One thread writes; whoever comes meanwhile is in the next
transaction.  A lone publication waits for nobody; while several come, each transaction waits for a
moment, in which more will.  A publication is answered after the commit
that holds it, like before.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from time import sleep

from bluezone_node.authority.ports.exposures import Changes, Decide

MOST = 64
"""In one transaction: what it locks, others wait for."""

GATHER_SECONDS = 0.02
"""A transaction costs as much by itself as ten publications in it. At full load 25 share one
then, where 6 did without; it is nothing beside the way to a phone."""


@dataclass(slots=True, eq=False)
class Publication:
    """One of those that wait."""

    keys: Sequence[bytes] = field(repr=False)
    decide: Decide = field(repr=False)
    outcome: Changes | BaseException | None = None
    """None: not written yet."""
    told: Future[Changes] | asyncio.Future[Changes] = field(default_factory=Future, repr=False)

    def tell(self) -> None:
        """Tell the outcome to whoever waits for it: of a loop, in that loop."""
        if self.told.cancelled():
            return
        if isinstance(self.outcome, Changes):
            self.told.set_result(self.outcome)
        else:
            self.told.set_exception(self.outcome or RuntimeError("it was not written"))


class Gathered:
    """Lets one thread write for all."""

    def __init__(self, write: Callable[[Sequence[Publication]], None]) -> None:
        """*write* gives every publication its outcome, or raises."""
        self._write = write
        self._lock = Lock()
        self._waiting: list[Publication] = []
        self._busy = False
        self._writer = ThreadPoolExecutor(1, "publications")

    def publish(self, keys: Sequence[bytes], decide: Decide) -> Changes:
        """Return what *decide* answered, once it is written, or raise what was raised."""
        told = Future[Changes]()
        self._add(Publication(keys, decide, told=told))
        return told.result()

    async def publish_soon(self, keys: Sequence[bytes], decide: Decide) -> Changes:
        """As `publish`, in a loop; it is written even where the caller is cancelled."""
        told: asyncio.Future[Changes] = asyncio.get_running_loop().create_future()
        self._add(Publication(keys, decide, told=told))
        return await told

    def _add(self, mine: Publication) -> None:
        with self._lock:
            self._waiting.append(mine)
            idle, self._busy = not self._busy, True
        if idle:
            self._writer.submit(self._write_all)

    def _write_all(self) -> None:
        several = False
        while group := self._next_or_rest():
            if several and len(group) < MOST:
                sleep(GATHER_SECONDS)
                group += self._next(MOST - len(group))
            several = len(group) > 1
            try:
                self._write(group)
            except BaseException as error:
                for publication in group:
                    publication.outcome = publication.outcome or error
            _tell(group)

    def _next(self, most: int = MOST) -> list[Publication]:
        with self._lock:
            return self._taken(most)

    def _next_or_rest(self) -> list[Publication]:
        """Return who waits next; where nobody does, the next to come calls the writer again."""
        with self._lock:
            group = self._taken(MOST)
            self._busy = bool(group)
            return group

    def _taken(self, most: int) -> list[Publication]:
        group, self._waiting = self._waiting[:most], self._waiting[most:]
        return group


def _tell(group: Sequence[Publication]) -> None:
    """Tell all of *group*, each loop once: waking it costs more than telling."""
    of_loops = defaultdict[asyncio.AbstractEventLoop, list[Publication]](list)
    for publication in group:
        if isinstance(publication.told, Future):
            publication.tell()
        else:
            of_loops[publication.told.get_loop()].append(publication)
    for loop, theirs in of_loops.items():
        with suppress(RuntimeError):  # it was closed: nobody waits there
            loop.call_soon_threadsafe(_tell_here, theirs)


def _tell_here(group: Sequence[Publication]) -> None:
    for publication in group:
        publication.tell()
