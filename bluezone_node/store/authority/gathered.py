"""Publications that come at the same time share a transaction: one look, one write, one commit.

Waiting for the disk is most of what a small transaction costs, and a hundred phones that publish
at once would each wait for their own.  Whoever comes while nobody writes begins at once, so that a
lone publication waits for nothing; who comes meanwhile is in the next transaction.  A publication
is answered after the commit that holds it, like before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock

from bluezone_node.authority.ports.exposures import Changes, Decide

MOST = 64
"""In one transaction: what it locks, others wait for."""


@dataclass(slots=True, eq=False)
class Publication:
    """One of those that wait."""

    keys: Sequence[bytes] = field(repr=False)
    decide: Decide = field(repr=False)
    outcome: Changes | BaseException | None = None
    """None: not written yet."""
    turn: Event = field(default_factory=Event)
    """Set when there is an outcome, or when this one's thread is to write for all who wait."""


class Gathered:
    """Lets one thread write for all that wait. `publish` blocks."""

    def __init__(self, write: Callable[[Sequence[Publication]], None]) -> None:
        """*write* gives every publication its outcome, or raises."""
        self._write = write
        self._lock = Lock()
        self._waiting: list[Publication] = []
        self._busy = False

    def publish(self, keys: Sequence[bytes], decide: Decide) -> Changes:
        """Return what *decide* answered, once it is written; raise what it, or writing, raised."""
        mine = Publication(keys, decide)
        with self._lock:
            self._waiting.append(mine)
            first, self._busy = not self._busy, True
        if not first:
            mine.turn.wait()
        if mine.outcome is None:
            self._write_for_all()
        if isinstance(mine.outcome, BaseException):
            raise mine.outcome
        assert mine.outcome is not None  # noqa: S101 - writing saw to it
        return mine.outcome

    def _write_for_all(self) -> None:
        """Write what waits, this thread's own first, and hand over to one since come."""
        with self._lock:
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        try:
            self._write(group)
        except BaseException as error:
            for publication in group:
                publication.outcome = publication.outcome or error
        finally:
            with self._lock:
                self._busy = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].turn.set()
            for publication in group:
                publication.turn.set()
