"""The exporter: stored keys become signed files, one for each window of time.

A window is *drawn* first — its made-up keys and its batch are written to the store in one
transaction — and its files are written after.  Killed in between, the next run finds the batch
and writes the same files; run twice, it writes nothing.  The index is compared and mended each
time (Google's issues #453, #457, #711: an index that disagreed with the files).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bluezone_node.authority.ports.exposures import Exposure
from bluezone_node.authority.ports.keys import ExportKeys
from bluezone_node.authority.ports.shelf import ExportShelf
from bluezone_node.authority.ports.windows import ExportBatch, WindowStore
from bluezone_node.authority.settings import ExportSettings
from bluezone_node.authority.upload import floor
from bluezone_node.export.container import ExportHeader, write_export
from bluezone_node.export.signature import SignedBy, Signer
from bluezone_node.ports import Clock, Entropy
from bluezone_node.proximity.model import DiagnosisKey, ReportType

ROOT = "exports"
"""First part of every line of the index; the files are served under it."""
INDEX = "index.txt"

REPORT_TYPES = {
    "confirmed": ReportType.CONFIRMED_TEST,
    "likely": ReportType.CONFIRMED_CLINICAL,
    "user-report": ReportType.SELF_REPORT,
    "negative": ReportType.REVOKED,
}

_FILE = re.compile(r"\d+-\d+-\d{5}\.zip")


@dataclass(frozen=True, slots=True)
class ExportRun:
    """What one run did."""

    windows: int
    """Drawn."""
    written: int
    """Files."""
    removed: int
    """Files."""


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
    ) -> None:
        self._store = store
        self._shelf = shelf
        self._clock = clock
        self._entropy = entropy
        self._keys = keys
        self._settings = settings
        self._period = timedelta(minutes=settings.period_minutes)

    def run(self) -> ExportRun:
        """Draw the windows that are due, write their files, mend the index, remove what is old."""
        now = self._clock.now()
        # Whole windows expire, so that a file can be made again as long as it is on offer.
        expired = floor(now - timedelta(days=self._settings.retention_days), self._period)
        drawn = 0
        for start, end in self._due(now, expired):
            self._store.draw_batch(start, end, partial(self._draw, start, end))
            drawn += 1
        live = [batch for batch in self._store.batches() if batch.end > expired]
        present = self._shelf.names()
        # The newest first, as the format has it.
        signers = [
            Signer(key, SignedBy(self._settings.key_id, version))
            for version, key in reversed(self._keys.usable(now).items())
        ]
        written = sum(self._write(batch, present, signers) for batch in live)
        names = [file_name(batch, n) for batch in live for n in range(1, batch.files + 1)]
        index = "".join(f"{ROOT}/{name}\n" for name in names).encode()
        if self._shelf.read(INDEX) != index:
            self._shelf.put(INDEX, index)
        # Only now: no line of the index may name a file that is gone.
        stale = {name for name in present - set(names) if _FILE.fullmatch(name)}
        for name in stale:
            self._shelf.remove(name)
        self._store.forget(expired)
        return ExportRun(drawn, written, len(stale))

    def _due(self, now: datetime, expired: datetime) -> Iterator[tuple[datetime, datetime]]:
        bound = floor(now - timedelta(minutes=self._settings.min_age_minutes), self._period)
        if batches := self._store.batches():
            start = batches[-1].end
        else:
            oldest = self._store.oldest_created() or bound
            start = min(bound - self._period, floor(oldest, self._period))
        start = max(start, expired)
        while start < bound:
            # Short where the period was changed in the settings: windows lie on its multiples.
            end = floor(start, self._period) + self._period
            yield start, end
            start = end

    def _draw(
        self, start: datetime, end: datetime, primary: Sequence[Exposure], revised: int
    ) -> tuple[Sequence[Exposure], ExportBatch]:
        settings = self._settings
        filling: Sequence[Exposure] = ()
        if 0 < len(primary) < settings.min_records:
            spread = int.from_bytes(self._entropy(8)) % settings.padding_spread
            missing = settings.min_records + spread - len(primary)
            filling = made_up(primary, missing, self._entropy)
        records = len(primary) + len(filling) + revised
        files = -(-records // settings.max_records)
        return filling, ExportBatch(start, end, files, settings.max_records)

    def _write(self, batch: ExportBatch, present: set[str], signers: Sequence[Signer]) -> int:
        """Write the files of *batch* that are not there; return how many."""
        missing = [n for n in range(1, batch.files + 1) if file_name(batch, n) not in present]
        if not missing:
            return 0
        primary = self._store.created_in(batch.start, batch.end)
        revised = self._store.revised_in(batch.start, batch.end)
        for n in missing:
            first, last = (n - 1) * batch.max_records, n * batch.max_records
            header = ExportHeader(
                start_timestamp=int(batch.start.timestamp()),
                # Phones take two files with equal times for one and skip the second (#1182).
                end_timestamp=int(batch.end.timestamp()) + n - 1,
                region=self._settings.region,
            )
            data = write_export(
                [diagnosis_key(exposure) for exposure in primary[first:last]],
                [
                    revised_key(exposure)
                    for exposure in revised[
                        max(0, first - len(primary)) : max(0, last - len(primary))
                    ]
                ],
                header,
                signers,
            )
            self._shelf.put(file_name(batch, n), data)
        return len(missing)


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


def diagnosis_key(exposure: Exposure) -> DiagnosisKey:
    """Return *exposure* as it was first published."""
    return DiagnosisKey(
        exposure.key,
        exposure.rolling_start,
        exposure.rolling_period,
        REPORT_TYPES[exposure.report_type],
        exposure.transmission_risk,
        exposure.days_since_onset,
    )


def revised_key(exposure: Exposure) -> DiagnosisKey:
    """Return *exposure* as it was revised."""
    revision = exposure.revision
    assert revision is not None  # noqa: S101 - selected by the time of its revision
    return replace(
        diagnosis_key(exposure),
        report_type=REPORT_TYPES[revision.report_type],
        days_since_onset=revision.days_since_onset,
    )
