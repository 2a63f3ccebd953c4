"""The node's store in plain lists and dicts, for tests of services: no file, no thread.

It passes the same contract suite as the SQLite adapter (``tests/contract/test_node_store.py``).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bluezone_node.alerts import Alert, AlertKind
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.intervals import INTERVAL_SECONDS, RETENTION, day_of, from_unix
from bluezone_node.ports import (
    ExportRecord,
    ExportState,
    MatchedKey,
    NodeStore,
    Report,
    Result,
    SourceState,
    StoredAlert,
    StoredVisit,
)
from bluezone_node.proximity.calibration import Calibration
from bluezone_node.proximity.model import (
    DiagnosisKey,
    Encounter,
    HeardIdentifier,
    HeardScan,
    IdentifierProtocol,
    Scan,
)
from bluezone_node.venues.head import BundleHead
from bluezone_node.venues.passes import shown_during
from bluezone_node.venues.visits import VISIT_RETENTION

VISIT_GRACE = VISIT_RETENTION - RETENTION
LEDGER_GRACE = VISIT_GRACE + timedelta(days=1)

Whose = tuple[IdentifierProtocol, bytes, bytes | None]


class MemoryNodeStore:
    """A NodeStore that forgets when the test ends."""

    def __init__(self) -> None:
        self._ids = 0
        self.erase()

    def erase(self) -> None:
        self._keys: list[TemporaryExposureKey] = []
        self._heard: dict[Whose, dict[datetime, HeardScan]] = {}
        self._scans: dict[datetime, Scan] = {}
        self._sources: dict[str, SourceState] = {}
        self._exports: dict[tuple[str, str], ExportRecord] = {}
        self._matched: dict[bytes, MatchedKey] = {}
        self._alerts: list[StoredAlert] = []
        self._reports: dict[int, Report] = {}
        self._calibrations: dict[str, Calibration] = {}
        self._visits: dict[int, StoredVisit] = {}
        self._bundles: dict[int, tuple[BundleHead, bytes]] = {}
        self._place_files: dict[str, bytes] = {}
        self._shown_passes: dict[bytes, datetime] = {}

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    # Own keys

    def own_keys(self) -> list[TemporaryExposureKey]:
        return sorted(self._keys, key=lambda key: (key.rolling_start, key.rolling_end))

    def add_own_key(self, key: TemporaryExposureKey) -> None:
        if key.key not in {known.key for known in self._keys}:
            self._keys.append(key)

    def retire_own_key(
        self, old: TemporaryExposureKey, shortened: TemporaryExposureKey, new: TemporaryExposureKey
    ) -> None:
        self._keys = [key for key in self._keys if key.key != old.key]
        self.add_own_key(shortened)
        self.add_own_key(new)

    # Encounters and coverage

    def log(self, encounters: Iterable[Encounter], scans: Iterable[Scan]) -> None:
        for encounter in encounters:
            whose = (encounter.protocol, encounter.identifier, encounter.metadata)
            heard = self._heard.setdefault(whose, {})
            for scan in encounter.scans:
                known = heard.get(scan.start)
                heard[scan.start] = scan if known is None else _both_heard(known, scan)
        for listened in scans:
            before = self._scans.get(listened.start)
            self._scans[listened.start] = (
                listened if before is None else _both_listened(before, listened)
            )

    def heard_identifiers(self, protocol: IdentifierProtocol) -> Iterator[HeardIdentifier]:
        for (whose, identifier, _), heard in list(self._heard.items()):
            if whose is protocol:
                first, last = min(heard).timestamp(), max(heard).timestamp()
                yield HeardIdentifier(identifier, int(first), int(last))

    def encounters_with(
        self, protocol: IdentifierProtocol, identifiers: Iterable[bytes]
    ) -> list[Encounter]:
        wanted = set(identifiers)
        return [
            encounter
            for encounter in self._all()
            if encounter.protocol is protocol and encounter.identifier in wanted
        ]

    def encounters(self, start: datetime, end: datetime) -> Iterator[Encounter]:
        return (entry for entry in self._all() if start <= entry.scans[0].start < end)

    def _all(self) -> list[Encounter]:
        found = [
            Encounter(identifier, metadata, tuple(heard[at] for at in sorted(heard)), protocol)
            for (protocol, identifier, metadata), heard in self._heard.items()
        ]
        return sorted(found, key=lambda encounter: encounter.scans[0].start)

    def scans(self, start: datetime, end: datetime) -> list[Scan]:
        return [self._scans[at] for at in sorted(self._scans) if start <= at < end]

    # Exports

    def source_state(self, source: str) -> SourceState:
        return self._sources.get(source, SourceState(source))

    def put_source_state(self, state: SourceState) -> None:
        self._sources[state.source] = state

    def export_records(self, source: str | None = None) -> list[ExportRecord]:
        return [entry for entry in self._exports.values() if source in (None, entry.source)]

    def note_seen(self, source: str, names: Sequence[str], at: datetime) -> None:
        for name in names:
            line = ExportRecord(source, name, ExportState.SEEN, at, attempts=0)
            self._exports.setdefault((source, name), line)

    def record_export(
        self, record: ExportRecord, matched: Sequence[MatchedKey], revised: Sequence[MatchedKey]
    ) -> None:
        self._exports[record.source, record.name] = record
        for entry in matched:
            self._matched.setdefault(entry.key.key, entry)
        for entry in revised:
            known = self._matched.setdefault(entry.key.key, entry)
            self._matched[entry.key.key] = replace(known, key=_revised(known.key, entry.key))

    def matched_keys(self) -> list[MatchedKey]:
        return list(self._matched.values())

    # Alerts

    def alerts(self) -> list[StoredAlert]:
        newest = sorted(self._alerts, key=lambda entry: entry.id, reverse=True)
        return sorted(newest, key=lambda entry: entry.alert.start, reverse=True)

    def put_alerts(self, alerts: Sequence[Alert], at: datetime, rules: str) -> list[Alert]:
        known = {
            entry.alert.identity: entry for entry in self._alerts if entry.alert.rules == rules
        }
        kept = [entry for entry in self._alerts if entry.alert.rules != rules]
        raised = []
        for alert in alerts:
            before = known.get(alert.identity)
            if before is None:
                before = StoredAlert(alert, self._next_id(), at, told=None, acknowledged=None)
            raised.append(before.renewed(alert, at))
        self._alerts = kept + raised
        return [entry.alert for entry in raised if entry.told is None]

    def mark_told(self, alerts: Sequence[Alert], at: datetime) -> None:
        self._alerts = [
            replace(entry, told=at) if entry.alert in alerts else entry for entry in self._alerts
        ]

    def acknowledge(self, alert_id: int, at: datetime) -> bool:
        self._alerts = [
            replace(entry, acknowledged=entry.acknowledged or at) if entry.id == alert_id else entry
            for entry in self._alerts
        ]
        return any(entry.id == alert_id for entry in self._alerts)

    # Diagnosis reports

    def save_report(self, report: Report) -> int:
        number = report.id or self._next_id()
        self._reports[number] = replace(report, id=number)
        return number

    def reports(self) -> list[Report]:
        return [self._reports[number] for number in sorted(self._reports)]

    # Calibrations

    def calibrations(self) -> list[Calibration]:
        return sorted(self._calibrations.values(), key=lambda each: each.made, reverse=True)

    def put_calibration(self, calibration: Calibration) -> None:
        self._calibrations[calibration.radio] = calibration

    def forget_calibrations(self) -> int:
        forgotten = len(self._calibrations)
        self._calibrations.clear()
        return forgotten

    # Places

    def visits(self) -> list[StoredVisit]:
        return sorted(self._visits.values(), key=lambda entry: (entry.visit.came, entry.id))

    def change_visits(
        self, change: Callable[[Sequence[StoredVisit]], Sequence[StoredVisit]]
    ) -> list[StoredVisit]:
        changed = [
            replace(entry, id=entry.id or self._next_id()) for entry in change(self.visits())
        ]
        self._visits |= {entry.id: entry for entry in changed}
        return changed

    def forget_visits(self, ids: Collection[int] | None = None) -> int:
        before = dict(self._visits)
        due = set(self._visits) if ids is None else set(ids) & set(self._visits)
        self._visits = {row: entry for row, entry in self._visits.items() if row not in due}
        gone = [entry for row, entry in before.items() if row in due]

        def shown(at: datetime) -> bool:
            return ids is None or any(shown_during(at, entry.visit) for entry in gone)

        self._alerts = [
            entry
            for entry in self._alerts
            if not (entry.alert.kind is AlertKind.VENUE and int(entry.alert.subject) in due)
            and not (entry.alert.kind is AlertKind.REGISTER and shown(entry.alert.start))
        ]
        self._shown_passes = {n: at for n, at in self._shown_passes.items() if not shown(at)}
        return len(due)

    def bundles(self) -> Iterator[bytes]:
        yield from [self._bundles[sequence][1] for sequence in sorted(self._bundles)]

    def heads(self) -> list[BundleHead]:
        return [self._bundles[sequence][0] for sequence in sorted(self._bundles)]

    def newest_head(self) -> BundleHead | None:
        return next(reversed(self.heads()), None)

    def add_bundle(self, head: BundleHead, content: bytes, record: ExportRecord) -> None:
        self._bundles[head.sequence] = head, content
        self.record_export(record, [], [])

    def drop_bundles(self, sequences: Collection[int], records: Sequence[ExportRecord]) -> None:
        for sequence in sequences:
            self._bundles.pop(sequence, None)
        for record in records:
            self.record_export(record, [], [])

    def place_file(self, name: str) -> bytes | None:
        return self._place_files.get(name)

    def put_place_file(self, name: str, content: bytes) -> None:
        self._place_files[name] = content

    def add_shown_pass(self, nonce: bytes, at: datetime) -> None:
        self._shown_passes[nonce] = from_unix(int(at.timestamp()))

    def shown_passes(self) -> dict[bytes, datetime]:
        return dict(self._shown_passes)

    # The rest

    def forget(self, before: datetime) -> int:
        due = before.timestamp()
        removed = 0
        for whose, heard in list(self._heard.items()):
            late = {at: scan for at, scan in heard.items() if at >= before}
            removed += len(heard) - len(late) + (not late)
            self._heard[whose] = late
        self._heard = {whose: heard for whose, heard in self._heard.items() if heard}
        size = self._size()
        self._scans = {at: scan for at, scan in self._scans.items() if at >= before}
        self._keys = [key for key in self._keys if key.rolling_end * INTERVAL_SECONDS > due]
        self._matched = {
            key: entry
            for key, entry in self._matched.items()
            if entry.key.rolling_end * INTERVAL_SECONDS > due
        }
        self._alerts = [entry for entry in self._alerts if entry.alert.day >= day_of(before)]
        self._exports = {
            name: entry
            for name, entry in self._exports.items()
            if entry.at >= before - LEDGER_GRACE
        }
        self._reports = {
            number: report for number, report in self._reports.items() if report.started >= before
        }
        self._visits = {
            row: entry
            for row, entry in self._visits.items()
            if day_of(entry.visit.came) >= day_of(before - VISIT_GRACE)
        }
        self._bundles = {
            sequence: kept
            for sequence, kept in self._bundles.items()
            if kept[0].created >= before - VISIT_GRACE or sequence == max(self._bundles)
        }
        removed += size - self._size()
        for number, report in self._reports.items():
            if report.published is not None:
                keys = tuple(k for k in report.keys if k.rolling_end * INTERVAL_SECONDS > due)
                removed += len(report.keys) - len(keys)
                self._reports[number] = replace(report, keys=keys)
        return removed

    def _size(self) -> int:
        reports = sum(1 + len(report.keys) for report in self._reports.values())
        rows = (
            self._scans,
            self._keys,
            self._matched,
            self._alerts,
            self._exports,
            self._visits,
            self._bundles,
        )
        return reports + sum(len(part) for part in rows)


class OnMemory:
    """An OnStore over any store: the work runs at once, in the caller's thread."""

    def __init__(self, store: NodeStore) -> None:
        self._store = store

    async def __call__(self, work: Callable[[NodeStore], Result]) -> Result:
        return work(self._store)


def _both_heard(one: HeardScan, other: HeardScan) -> HeardScan:
    return HeardScan(one.start, max(one.seconds, other.seconds), one.rssi + other.rssi)


def _both_listened(one: Scan, other: Scan) -> Scan:
    seconds = max(one.seconds, other.seconds)
    return Scan(
        one.start,
        seconds,
        min(one.listened + other.listened, seconds),
        one.sightings + other.sightings,
        one.foreign + other.foreign,
    )


def _revised(known: DiagnosisKey, revision: DiagnosisKey) -> DiagnosisKey:
    return replace(
        known, report_type=revision.report_type, days_since_onset=revision.days_since_onset
    )
