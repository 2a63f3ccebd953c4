"""The exporter: stored keys become signed files, one for each window of time.

A window is *drawn* first — its made-up keys and its batch are written to the store in one
transaction — and its files are written after.  Killed in between, the next run finds the batch
and writes the same files; run twice, it writes nothing.  The index is compared and mended each
time (Google's issues #453, #457, #711: an index that disagreed with the files).

No clock is believed blindly: one that is behind what was drawn, or so far ahead that all on offer
would be over, draws and removes nothing.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from operator import itemgetter

from bluezone_node.authority.ports.exposures import Exposure
from bluezone_node.authority.ports.keys import ExportKeys
from bluezone_node.authority.ports.shelf import ExportShelf
from bluezone_node.authority.ports.windows import ExportBatch, WindowStore
from bluezone_node.authority.publisher.upload import floor
from bluezone_node.authority.settings import ExportSettings
from bluezone_node.export.container import ExportHeader, write_file
from bluezone_node.export.keys import KEYS, REVISED_KEYS, KeyMessages, KeyRow
from bluezone_node.export.signature import SignedBy, Signer
from bluezone_node.intervals import to_unix
from bluezone_node.ports import Clock, Entropy
from bluezone_node.proximity.model import ReportType

ROOT = "exports"
"""First part of every line of the index; the files are served under it."""
INDEX = "index.txt"

REPORT_TYPES = {
    "confirmed": ReportType.CONFIRMED_TEST,
    "likely": ReportType.CONFIRMED_CLINICAL,
    "user-report": ReportType.SELF_REPORT,
    "negative": ReportType.REVOKED,
}

LATE = timedelta(minutes=15)
"""A window that is due so long is late: a server looks every minute."""

_FILE = re.compile(r"\d+-\d+-\d{5}\.zip")


class Held(StrEnum):
    """Why a run did not do all that a run does."""

    BUSY = "busy"
    """Another exporter is at work on the same database."""
    CLOCK_BEHIND = "clock_behind"
    """A window with keys was drawn that ends after now: the clock was set back, or was ahead."""
    CLOCK_AHEAD = "clock_ahead"
    """All keys there are would be over by this clock, and be removed: it may be wrong."""


@dataclass(frozen=True, slots=True)
class ExportRun:
    """What one run did."""

    windows: int
    """Drawn."""
    written: int
    """Files."""
    removed: int
    """Files."""
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class ExportHealth:
    """How the export stands."""

    windows: int
    """On offer, empty ones too."""
    newest_end: datetime | None
    """Of the newest window; None: none was drawn yet."""
    files: int
    """That should be on offer."""
    missing: int
    """Of these, how many are not there."""
    bytes: int
    """Of those that are."""
    index_right: bool
    waiting: int
    """Keys that came, or were revised, since the newest window."""
    late_seconds: int
    """For how long the oldest window that is due has been waiting; 0: none is."""
    held: Held | None

    @property
    def problems(self) -> tuple[str, ...]:
        """What a person must look at, in snake_case."""
        found = {
            "files_missing": self.missing > 0,
            "index_wrong": not self.index_right,
            "late": self.late_seconds > LATE.total_seconds(),
            str(self.held): self.held is not None,
        }
        return tuple(name for name, wrong in found.items() if wrong)


class Exporter:
    """Writes what is due. `run` blocks, and is safe to repeat at any time."""

    def __init__(
        self,
        store: WindowStore,
        shelf: ExportShelf,
        clock: Clock,
        entropy: Entropy,
        *,
        keys: ExportKeys,
        settings: ExportSettings,
        root: str = ROOT,
    ) -> None:
        """*root*: what the lines of the index begin with, the name of the index's own folder."""
        self._store = store
        self._shelf = shelf
        self._clock = clock
        self._entropy = entropy
        self._keys = keys
        self._settings = settings
        self._root = root
        self._period = timedelta(minutes=settings.period_minutes)

    def run(self, *, after_pause: bool = False) -> ExportRun:
        """Draw the windows that are due, write their files, mend the index, remove what is old.

        *after_pause*: somebody says that the clock is right although all on offer is over.
        """
        with self._store.alone() as alone:
            if not alone:
                return ExportRun(0, 0, 0, Held.BUSY)
            return self._run(self._clock.now(), after_pause=after_pause)

    def health(self) -> ExportHealth:
        """Return how the export stands; this reads the database and lists the shelf."""
        now = self._clock.now()
        expired = self._expired(now)
        batches = self._store.batches()
        newest_end = batches[-1].end if batches else None
        held = self._held(now, expired, batches)
        # A clock that is held in doubt ends no window.
        live = [b for b in batches if b.end > expired or held is Held.CLOCK_AHEAD]
        names = _names(live)
        present = self._shelf.files()
        waiting = self._store.waiting(newest_end)
        since = newest_end or self._store.oldest_created() or now
        late = now - self._min_age - (floor(since, self._period) + self._period)
        return ExportHealth(
            windows=len(live),
            newest_end=newest_end,
            files=len(names),
            missing=len(set(names) - set(present)),
            bytes=sum(present[name] for name in names if name in present),
            index_right=(self._shelf.read(INDEX) or b"") == self._index(names),
            waiting=waiting,
            late_seconds=max(0, int(late.total_seconds())),
            held=held,
        )

    def _run(self, now: datetime, *, after_pause: bool) -> ExportRun:
        expired = self._expired(now)
        batches = self._store.batches()
        if self._held(now, expired, batches) is Held.CLOCK_BEHIND and self._store.withdraw(now):
            batches = self._store.batches()
        held = self._held(now, expired, batches)
        if held is Held.CLOCK_AHEAD and not after_pause:
            return ExportRun(0, 0, 0, held)
        newest_end = batches[-1].end if batches else None
        drawn = 0
        for start, end in self._due(now, expired, newest_end):
            batch = ExportBatch(start, end, None, self._settings.max_records)
            self._store.draw(batch, self._settings.min_records, self._filling)
            drawn += 1
        self._store.settle()
        live = [batch for batch in self._store.batches() if batch.end > expired]
        present = set(self._shelf.files())
        # The newest first, as the format has it.
        signers = [
            Signer(key, SignedBy(self._settings.key_id, version))
            for version, key in reversed(self._keys.usable(now).items())
        ]
        written = {name for batch in live for name in self._write(batch, present, signers)}
        # No line may name a file that is not there, nor be taken away after its file.
        offered = [name for name in _names(live) if name in present | written]
        if self._shelf.read(INDEX) != self._index(offered):
            with self._shelf.writing(INDEX) as file:
                file.write(self._index(offered))
        stale = {name for name in present - set(offered) if _FILE.fullmatch(name)}
        for name in stale:
            self._shelf.remove(name)
        # A window is kept whole: its files must be able to be made again as long as they are on
        # offer, also where it is longer than the windows of today.
        self._store.forget(min([expired, *(batch.start for batch in live[:1])]))
        return ExportRun(drawn, len(written), len(stale), held if drawn == 0 else None)

    @property
    def _min_age(self) -> timedelta:
        return timedelta(minutes=self._settings.min_age_minutes)

    def _expired(self, now: datetime) -> datetime:
        """Return the end of the newest window that is no longer on offer; whole windows expire."""
        return floor(now - timedelta(days=self._settings.retention_days), self._period)

    def _held(
        self, now: datetime, expired: datetime, batches: Sequence[ExportBatch]
    ) -> Held | None:
        if not batches:
            return None
        newest_end = batches[-1].end
        if newest_end > now:
            return Held.CLOCK_BEHIND
        at_stake = any(batch.files for batch in batches) or self._store.waiting(newest_end)
        return Held.CLOCK_AHEAD if newest_end <= expired and at_stake else None

    def _index(self, names: Iterable[str]) -> bytes:
        return "".join(f"{self._root}/{name}\n" for name in names).encode()

    def _due(
        self, now: datetime, expired: datetime, newest_end: datetime | None
    ) -> Iterator[tuple[datetime, datetime]]:
        bound = floor(now - self._min_age, self._period)
        if newest_end is not None:
            start = newest_end
        else:
            oldest = self._store.oldest_created() or bound
            start = min(bound - self._period, floor(oldest, self._period))
        start = max(start, expired)
        while start < bound:
            # Short where the period was changed in the settings: windows lie on its multiples.
            end = floor(start, self._period) + self._period
            yield start, end
            start = end

    def _filling(self, real: Sequence[Exposure]) -> Sequence[Exposure]:
        spread = int.from_bytes(self._entropy(8)) % self._settings.padding_spread
        return made_up(real, self._settings.min_records + spread - len(real), self._entropy)

    def _write(
        self, batch: ExportBatch, present: set[str], signers: Sequence[Signer]
    ) -> Iterator[str]:
        """Write the files of *batch* that are not *present*, and yield their names."""
        if present.issuperset(_names([batch])):
            return
        pieces = _cut(self._rows(batch), batch.max_records)
        for number, those in groupby(pieces, key=itemgetter(0)):
            name = file_name(batch, number)
            if name in present:
                continue
            header = ExportHeader(
                start_timestamp=to_unix(batch.start),
                # Phones take two files with equal times for one and skip the second (#1182).
                end_timestamp=to_unix(batch.end) + number - 1,
                region=self._settings.region,
            )
            blocks = (messages.joined(rows) for _, messages, rows in those)
            with self._shelf.writing(name) as file:
                write_file(file, header, blocks, signers)
            yield name

    def _rows(self, batch: ExportBatch) -> Iterator[tuple[KeyMessages, Sequence[KeyRow]]]:
        messages = KeyMessages(KEYS, REPORT_TYPES)
        for rows in self._store.created_in(batch.start, batch.end):
            yield messages, rows
        messages = KeyMessages(REVISED_KEYS, REPORT_TYPES)
        for rows in self._store.revised_in(batch.start, batch.end):
            yield messages, rows


def file_name(batch: ExportBatch, number: int) -> str:
    """Return the name of file *number* (from 1) of *batch*."""
    return f"{batch.start.timestamp():.0f}-{batch.end.timestamp():.0f}-{number:05}.zip"


def made_up(real: Sequence[Exposure], count: int, entropy: Entropy) -> list[Exposure]:
    """Return *count* keys that look like the *real* ones and are nobody's.

    Nothing about them says so, in the store or in the file: whoever has both still cannot tell.
    """
    newest = max(exposure.created for exposure in real)
    return [
        replace(
            real[i % len(real)],
            key=entropy(16),
            owner=entropy(32),
            created=newest,
            revision=None,
        )
        for i in range(count)
    ]


def _names(batches: Iterable[ExportBatch]) -> list[str]:
    return [file_name(batch, n) for batch in batches for n in range(1, (batch.files or 0) + 1)]


def _cut(
    blocks: Iterable[tuple[KeyMessages, Sequence[KeyRow]]], max_records: int
) -> Iterator[tuple[int, KeyMessages, Sequence[KeyRow]]]:
    """Yield the rows again, none beyond the end of a file, after the number of the file."""
    taken = 0
    for messages, rows in blocks:
        while rows:
            number, room = 1 + taken // max_records, max_records - taken % max_records
            yield number, messages, rows[:room]
            taken += len(rows[:room])
            rows = rows[room:]
