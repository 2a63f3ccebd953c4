"""Publications that come at the same time share a transaction: one look, one write, one commit.

Waiting for the disk is most of what a small transaction costs, and a hundred phones that publish
at once would each wait for their own.  One thread writes; whoever comes meanwhile is in the next
transaction.  A lone publication waits for nobody; while several come, each transaction waits for a
moment, in which more will.  A publication is answered after the commit
that holds it, like before.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
    told: Future[Changes] = field(default_factory=Future, repr=False)

    def tell(self) -> None:
        """Tell the outcome to whoever waits for it."""
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

    def publish(self, keys: Sequence[bytes], decide: Decide) -> Future[Changes]:
        """Return what *decide* will have answered once it is written, or what was raised."""
        mine = Publication(keys, decide)
        mine.told.set_running_or_notify_cancel()  # it is written, whoever goes away
        with self._lock:
            self._waiting.append(mine)
            idle, self._busy = not self._busy, True
        if idle:
            self._writer.submit(self._write_all)
        return mine.told

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
            for publication in group:
                publication.tell()

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
