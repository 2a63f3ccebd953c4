"""What every store of a node promises: the SQLite file, the same sealed, and the one in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.alerts import Alert, AlertKind, AlertLevel
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import BadInput
from bluezone_node.intervals import interval_at
from bluezone_node.ports import (
    ExportRecord,
    ExportState,
    MatchedKey,
    NodeStore,
    Report,
    SourceState,
    StoredVisit,
)
from bluezone_node.proximity.calibration import Calibration, Level
from bluezone_node.proximity.model import (
    DiagnosisKey,
    Encounter,
    HeardIdentifier,
    HeardScan,
    IdentifierProtocol,
    ReportType,
    RssiHistogram,
    Scan,
)
from bluezone_node.store.node import open_node_store
from bluezone_node.venues.head import BundleHead
from bluezone_node.venues.text import Proof
from bluezone_node.venues.visits import Mark, OutKind, Visit
from tests.stores import MemoryNodeStore
from tests.venues.places import card_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TODAY = NOON.date()
DAY = timedelta(days=1)
GAEN, BLUEZONE = IdentifierProtocol.GAEN, IdentifierProtocol.BLUEZONE
AN, BINH, CHI = (bytes([n]) * 16 for n in (1, 2, 3))


SECRETS = {"sqlite": None, "sealed": b"BLUEZONE-NODE-KEY-1:for the contract suite"}


@pytest.fixture(params=[*SECRETS, "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NodeStore]:
    if request.param == "memory":
        yield MemoryNodeStore()
    else:
        with open_node_store(tmp_path / "state" / "node.db", SECRETS[request.param]) as opened:
            yield opened


def heard(
    identifier: bytes,
    *minutes: int,
    metadata: bytes | None = b"meta",
    protocol: IdentifierProtocol = GAEN,
    start: datetime = NOON,
) -> Encounter:
    """An encounter heard once at -60 dBm, *minutes* after *start*."""
    level = RssiHistogram(((-60, 1),))
    scans = tuple(HeardScan(start + minute * MINUTE, 60, level) for minute in minutes)
    return Encounter(identifier, metadata, scans, protocol)


def own_key(byte: int, day: datetime = NOON, period: int = 144) -> TemporaryExposureKey:
    return TemporaryExposureKey(bytes([byte]) * 16, interval_at(day) // 144 * 144, period)


# Own keys


def test_own_keys_come_back_in_order_of_validity(store: NodeStore) -> None:
    """Keys are returned by first interval, then by end."""
    late, early, short = own_key(1, NOON + DAY), own_key(2), own_key(3, period=30)
    for key in (late, early, short):
        store.add_own_key(key)
    assert store.own_keys() == [short, early, late]


def test_an_own_key_is_added_once(store: NodeStore) -> None:
    """Adding the same key again changes nothing."""
    store.add_own_key(own_key(1))
    store.add_own_key(own_key(1))
    assert store.own_keys() == [own_key(1)]


def test_a_retired_key_is_shortened_and_has_a_successor(store: NodeStore) -> None:
    """Retiring replaces the key by its shortened self and adds the new one, and may be repeated."""
    store.add_own_key(own_key(1))
    for _ in range(2):
        store.retire_own_key(own_key(1), own_key(1, period=72), own_key(2))
    assert store.own_keys() == [own_key(1, period=72), own_key(2)]


# Encounters and coverage


def test_an_empty_store_has_heard_nobody(store: NodeStore) -> None:
    """Every question has an answer before anything is written."""
    assert list(store.heard_identifiers(GAEN)) == []
    assert list(store.encounters(NOON, NOON + DAY)) == []
    assert store.encounters_with(GAEN, [AN]) == []
    assert store.scans(NOON, NOON + DAY) == []


def test_an_encounter_comes_back_as_it_was_logged(store: NodeStore) -> None:
    """Identifier, metadata, protocol, scans and histograms survive to the last bit."""
    histogram = RssiHistogram(((-101, 700), (-60, 1), (0, 13), (20, 255)))
    scans = (HeardScan(NOON, 300, histogram), HeardScan(NOON + MINUTE, 60, histogram))
    gaen = Encounter(bytes(range(16)), b"\x00\xff\x00\x01", scans)
    bluezone = Encounter(bytes(12), None, scans, BLUEZONE)
    store.log([gaen, bluezone], [])
    assert sorted(store.encounters(NOON, NOON + DAY), key=lambda e: len(e.identifier)) == [
        bluezone,
        gaen,
    ]


def test_scans_of_one_identifier_join_over_many_calls(store: NodeStore) -> None:
    """An identifier heard in ten flushes is one encounter of ten scans."""
    for minute in range(10):
        store.log([heard(AN, minute), heard(BINH, minute)], [])
    assert store.encounters_with(GAEN, [AN]) == [heard(AN, *range(10))]
    assert list(store.encounters(NOON, NOON + DAY)) == [
        heard(AN, *range(10)),
        heard(BINH, *range(10)),
    ]
    last = int((NOON + 9 * MINUTE).timestamp())
    assert list(store.heard_identifiers(GAEN)) == [
        HeardIdentifier(AN, int(NOON.timestamp()), last),
        HeardIdentifier(BINH, int(NOON.timestamp()), last),
    ]


def test_scans_come_back_ascending_whatever_the_order_of_writing(store: NodeStore) -> None:
    """A scan that was logged late takes its place in time, and widens the encounter."""
    store.log([heard(AN, 5)], [])
    store.log([heard(AN, 2)], [])
    assert store.encounters_with(GAEN, [AN]) == [heard(AN, 2, 5)]
    rows = list(store.heard_identifiers(GAEN))
    assert max(row.last for row in rows) - min(row.first for row in rows) == 180


def test_a_scan_heard_twice_in_one_second_keeps_both_histograms(store: NodeStore) -> None:
    """When the clock was set back, the second hearing adds to the first."""
    for level, count in ((-60, 200), (-60, 100), (-70, 3)):
        scan = HeardScan(NOON, 60, RssiHistogram(((level, count),)))
        store.log([Encounter(AN, b"meta", (scan,))], [])
    (encounter,) = store.encounters_with(GAEN, [AN])
    assert encounter.scans == (HeardScan(NOON, 60, RssiHistogram(((-70, 3), (-60, 300)))),)


def test_metadata_and_protocol_keep_encounters_apart(store: NodeStore) -> None:
    """The same identifier with other metadata, or none, is another encounter."""
    plain, none = heard(AN, 0), heard(AN, 1, metadata=None)
    bluezone = heard(bytes(12), 2, metadata=None, protocol=BLUEZONE)
    store.log([plain, none, bluezone], [])
    assert store.encounters_with(GAEN, [AN, bytes(12)]) == [plain, none]
    assert store.encounters_with(BLUEZONE, [AN, bytes(12)]) == [bluezone]
    assert [h.identifier for h in store.heard_identifiers(BLUEZONE)] == [bytes(12)]
    assert [h.identifier for h in store.heard_identifiers(GAEN)] == [AN, AN]


def test_encounters_with_finds_only_what_is_asked_for(store: NodeStore) -> None:
    """Of many identifiers, given in any number and repeated, the known ones are found."""
    store.log([heard(AN, 0), heard(BINH, 1), heard(CHI, 6000)], [])
    strangers = [number.to_bytes(16, "big") for number in range(1000)]
    assert store.encounters_with(GAEN, iter([*strangers, CHI, AN, AN])) == [
        heard(AN, 0),
        heard(CHI, 6000),
    ]
    assert store.encounters_with(GAEN, []) == []


def test_encounters_of_a_range_are_half_open_and_in_order(store: NodeStore) -> None:
    """An encounter belongs to the range in which it was first heard."""
    store.log([heard(CHI, 10, 11), heard(AN, 0, 30), heard(BINH, 5)], [])
    found = store.encounters(NOON, NOON + 10 * MINUTE)
    assert [encounter.identifier for encounter in found] == [AN, BINH]
    found = store.encounters(NOON + 10 * MINUTE, NOON + 11 * MINUTE)
    assert list(found) == [heard(CHI, 10, 11)]


def test_coverage_tells_listening_from_silence(store: NodeStore) -> None:
    """Scans are kept even when nothing was heard, and come back by half-open range."""
    quiet = [Scan(NOON + n * MINUTE, 60, 59.5, 0, n) for n in range(5)]
    store.log([], quiet)
    assert store.scans(NOON, NOON + DAY) == quiet
    assert store.scans(NOON + MINUTE, NOON + 3 * MINUTE) == quiet[1:3]


def test_a_minute_listened_to_twice_is_one_scan(store: NodeStore) -> None:
    """When the clock was set back, no minute counts for more than itself."""
    store.log([], [Scan(NOON, 60, 40.0, 3, 1)])
    store.log([], [Scan(NOON, 60, 40.0, 2, 0)])
    assert store.scans(NOON, NOON + MINUTE) == [Scan(NOON, 60, 60.0, 5, 1)]


# Exports


def test_a_source_is_remembered_between_syncs(store: NodeStore) -> None:
    """A source never seen has the empty state; a later state replaces an earlier."""
    assert store.source_state("vn") == SourceState("vn")
    state = SourceState("vn", NOON, NOON + MINUTE, "truncated")
    store.put_source_state(replace(state, problem="unreachable", last_success=None))
    store.put_source_state(state)
    assert store.source_state("vn") == state
    assert store.source_state("other") == SourceState("other")


def test_an_export_that_was_listed_has_a_line_before_it_is_fetched(store: NodeStore) -> None:
    """What is on offer and not yet checked can be counted; a line that exists is left alone."""
    done = ExportRecord("vn", "1.zip", ExportState.MATCHED, NOON)
    store.record_export(done, [], [])
    store.note_seen("vn", ["1.zip", "2.zip"], NOON + MINUTE)
    seen = ExportRecord("vn", "2.zip", ExportState.SEEN, NOON + MINUTE, attempts=0)

    assert store.export_records("vn") == [done, seen]


def test_the_ledger_has_one_line_an_export(store: NodeStore) -> None:
    """A failed export that succeeds later replaces its line; sources are kept apart."""
    failed = ExportRecord("vn", "1.zip", ExportState.FAILED, NOON, reason="truncated")
    done = ExportRecord("vn", "1.zip", ExportState.MATCHED, NOON + MINUTE, 10, 2, 1, 1700, "", 2)
    other = ExportRecord("de", "1.zip", ExportState.MATCHED, NOON)
    for record in (failed, other, done):
        store.record_export(record, [], [])
    assert store.export_records("vn") == [done]
    assert sorted(store.export_records(), key=lambda r: r.source) == [other, done]
    assert store.export_records("fr") == []


def diagnosis(
    byte: int, report: ReportType = ReportType.CONFIRMED_TEST, days: int | None = 1
) -> DiagnosisKey:
    return DiagnosisKey(bytes([byte]) * 16, interval_at(NOON), 144, report, 3, days)


def record(name: str) -> ExportRecord:
    return ExportRecord("vn", name, ExportState.MATCHED, NOON)


def test_a_matched_key_keeps_its_first_row(store: NodeStore) -> None:
    """The same key in a later export, as a primary key, changes nothing."""
    first = MatchedKey(diagnosis(1), "vn", "1.zip")
    store.record_export(record("1.zip"), [first], [])
    store.record_export(record("2.zip"), [MatchedKey(diagnosis(1, days=None), "vn", "2.zip")], [])
    assert store.matched_keys() == [first]


def test_a_revision_replaces_report_type_and_onset_only(store: NodeStore) -> None:
    """A key revised later, or within its own export, keeps where it came from and its risk."""
    likely = diagnosis(1, ReportType.CONFIRMED_CLINICAL)
    revoked = replace(diagnosis(1, ReportType.REVOKED, None), transmission_risk=7)
    store.record_export(record("1.zip"), [MatchedKey(likely, "vn", "1.zip")], [])
    store.record_export(
        record("2.zip"),
        [MatchedKey(diagnosis(2), "vn", "2.zip")],
        [MatchedKey(revoked, "vn", "2.zip"), MatchedKey(diagnosis(2, days=-2), "vn", "2.zip")],
    )
    assert store.matched_keys() == [
        MatchedKey(diagnosis(1, ReportType.REVOKED, None), "vn", "1.zip"),
        MatchedKey(diagnosis(2, days=-2), "vn", "2.zip"),
    ]


def test_a_revision_outlasts_the_key_that_comes_after_it(store: NodeStore) -> None:
    """A withdrawn diagnosis stays withdrawn when its own export is matched late."""
    revoked = MatchedKey(diagnosis(1, ReportType.REVOKED), "vn", "2.zip")
    store.record_export(record("2.zip"), [], [revoked])
    store.record_export(record("1.zip"), [MatchedKey(diagnosis(1), "vn", "1.zip")], [])
    (kept,) = store.matched_keys()
    assert kept.key.report_type is ReportType.REVOKED


# Alerts


def alert(day: date = TODAY, level: AlertLevel = AlertLevel.LOW, score: float = 12.5) -> Alert:
    start = datetime(day.year, day.month, day.day, 9, 30, tzinfo=UTC)
    return Alert(
        AlertKind.PROXIMITY,
        day,
        start,
        start + timedelta(minutes=20),
        level,
        score,
        15.0,
        4.5,
        0.5,
        "high",
        321,
        "swisscovid",
        "confirmed_test",
    )


def test_an_alert_is_to_be_told_until_it_was_told(store: NodeStore) -> None:
    """A node that dies between the commit and the telling tells it when it is back."""
    assert store.put_alerts([alert()], NOON, "swisscovid") == [alert()]
    (before,) = store.alerts()
    assert (before.alert, before.raised, before.told, before.acknowledged) == (
        alert(),
        NOON,
        None,
        None,
    )
    assert store.put_alerts([alert()], NOON + MINUTE, "swisscovid") == [alert()]
    assert store.alerts() == [before]
    store.mark_told([alert()], NOON + MINUTE)
    assert store.put_alerts([alert()], NOON + 2 * MINUTE, "swisscovid") == []
    assert store.alerts() == [replace(before, told=NOON + MINUTE)]


def test_an_alert_that_grows_is_told_again_and_unread(store: NodeStore) -> None:
    """A higher level is news even to one who read the alert; more of the same is not."""
    store.put_alerts([alert()], NOON, "swisscovid")
    store.mark_told([alert()], NOON)
    (first,) = store.alerts()
    assert store.acknowledge(first.id, NOON + MINUTE)
    assert store.put_alerts([alert(score=13)], NOON + 2 * MINUTE, "swisscovid") == []
    (same,) = store.alerts()
    assert (same.id, same.alert.score) == (first.id, 13)
    assert (same.raised, same.acknowledged) == (NOON + 2 * MINUTE, NOON + MINUTE)
    high = alert(level=AlertLevel.HIGH)
    assert store.put_alerts([high], NOON + 3 * MINUTE, "swisscovid") == [high]
    (grown,) = store.alerts()
    assert (grown.id, grown.told, grown.acknowledged) == (first.id, None, None)


def test_an_alert_no_longer_founded_is_withdrawn(store: NodeStore) -> None:
    """Alerts of these rules that are not raised again go; those of other rules stay."""
    other = replace(alert(), rules="vietnam-f1")
    store.put_alerts([other], NOON, "vietnam-f1")
    store.put_alerts([alert()], NOON, "swisscovid")
    assert store.put_alerts([], NOON, "swisscovid") == []
    assert [entry.alert for entry in store.alerts()] == [other]


def test_alerts_come_newest_exposure_first(store: NodeStore) -> None:
    """Whatever the order in which they were raised."""
    days = [NOON.date() - timedelta(days=n) for n in (3, 0, 5)]
    store.put_alerts([alert(day) for day in days], NOON, "swisscovid")
    assert [entry.alert.day for entry in store.alerts()] == sorted(days, reverse=True)


def test_only_an_existing_alert_can_be_acknowledged(store: NodeStore) -> None:
    """The first reading counts; an unknown number is said to be unknown."""
    store.put_alerts([alert()], NOON, "swisscovid")
    (entry,) = store.alerts()
    assert store.acknowledge(entry.id, NOON)
    assert store.acknowledge(entry.id, NOON + DAY)
    assert store.alerts()[0].acknowledged == NOON
    assert not store.acknowledge(entry.id + 1, NOON)


# Diagnosis reports


def report(started: datetime = NOON) -> Report:
    keys = (own_key(2), own_key(1, NOON - DAY, 100))
    return Report(0, started, "token", "confirmed", date(2026, 3, 1), b"s" * 16, keys)


def test_a_report_is_taken_up_where_it_broke_off(store: NodeStore) -> None:
    """Each step updates the one row, keys in the order in which they were given."""
    number = store.save_report(report())
    assert store.reports() == [replace(report(), id=number)]
    published = replace(
        report(),
        id=number,
        onset=None,
        certificate="certificate",
        published=NOON + MINUTE,
        revision_token="revision",
        keys=(own_key(3),),
    )
    assert store.save_report(published) == number
    assert store.reports() == [published]


def test_reports_come_back_in_order(store: NodeStore) -> None:
    """Two reports keep their own keys, and one without keys has none."""
    numbers = [store.save_report(entry) for entry in (report(), replace(report(), keys=()))]
    assert [entry.id for entry in store.reports()] == numbers
    assert [len(entry.keys) for entry in store.reports()] == [2, 0]


# Forgetting


def fill(store: NodeStore, at: datetime) -> None:
    """Write one of everything, of the UTC day of *at*."""
    mark = at.day
    store.add_own_key(own_key(mark, at))
    store.log([heard(bytes([mark]) * 16, 0, 1, start=at)], [Scan(at, 60, 60.0, 1, 0)])
    key = replace(diagnosis(mark), rolling_start=interval_at(at) // 144 * 144)
    line = ExportRecord("vn", f"{mark}.zip", ExportState.MATCHED, at)
    store.record_export(line, [MatchedKey(key, "vn", line.name)], [])
    store.put_alerts([replace(alert(at.date()), rules=f"rules {mark}")], at, f"rules {mark}")
    store.save_report(replace(report(at), keys=(own_key(mark, at),)))


def test_forget_removes_what_is_older_and_nothing_else(store: NodeStore) -> None:
    """Of two days three days apart, a limit between them takes the first but for a file's name."""
    fill(store, NOON)
    fill(store, NOON + 3 * DAY)
    assert store.forget(NOON + 2 * DAY) > 0
    assert store.own_keys() == [own_key(5, NOON + 3 * DAY)]
    assert [h.identifier for h in store.heard_identifiers(GAEN)] == [b"\x05" * 16]
    assert [e.identifier for e in store.encounters(NOON, NOON + 9 * DAY)] == [b"\x05" * 16]
    assert [scan.start for scan in store.scans(NOON, NOON + 9 * DAY)] == [NOON + 3 * DAY]
    assert [match.export for match in store.matched_keys()] == ["5.zip"]
    assert [line.name for line in store.export_records()] == ["2.zip", "5.zip"]
    assert [entry.alert.rules for entry in store.alerts()] == ["rules 5"]
    assert [entry.started for entry in store.reports()] == [NOON + 3 * DAY]
    assert store.forget(NOON + 2 * DAY) == 0


def test_forget_cuts_an_encounter_that_lasts_across_the_limit(store: NodeStore) -> None:
    """Its older scans go, the others stay, and it is first heard where they begin."""
    store.log([heard(AN, 0, 1, 2, 3), heard(BINH, 0, 1)], [])
    assert store.forget(NOON + 2 * MINUTE) > 0
    assert store.encounters_with(GAEN, [AN, BINH]) == [heard(AN, 2, 3)]
    (left,) = store.heard_identifiers(GAEN)
    assert left.first == int((NOON + 2 * MINUTE).timestamp())
    store.log([heard(AN, 4), heard(BINH, 4)], [])
    assert store.encounters_with(GAEN, [AN, BINH]) == [heard(AN, 2, 3, 4), heard(BINH, 4)]


def test_a_key_is_kept_until_its_last_interval_is_over(store: NodeStore) -> None:
    """The rolling end, not the start, decides; so it does for matched keys."""
    store.add_own_key(own_key(1))
    end = datetime(2026, 3, 3, tzinfo=UTC)
    assert store.forget(end - timedelta(seconds=1)) == 0
    assert store.forget(end) == 1


def test_names_of_exports_outlast_the_exports(store: NodeStore) -> None:
    """A name is kept a day longer than bundles of notices, which may still be on offer."""
    store.record_export(record("1.zip"), [], [])
    store.forget(NOON + 8 * DAY)
    assert len(store.export_records()) == 1
    store.forget(NOON + 8 * DAY + MINUTE)
    assert store.export_records() == []


def test_a_published_report_loses_keys_that_are_due(store: NodeStore) -> None:
    """An unfinished report keeps them: its certificate covers them all."""
    unfinished = store.save_report(report())
    published = store.save_report(replace(report(), published=NOON))
    store.forget(datetime(2026, 3, 2, tzinfo=UTC))
    kept = {entry.id: len(entry.keys) for entry in store.reports()}
    assert kept == {unfinished: 2, published: 1}


# Calibrations


def calibrated(radio: str, offset: float = 4.25, made: datetime = NOON) -> Calibration:
    near, far = Level(311, -57.125, 7.5), Level(280, -62.5, 6.25)
    return Calibration(made, radio, 12.0, near, far, offset, 2.5)


def test_a_calibration_comes_back_as_it_was_put(store: NodeStore) -> None:
    """Every figure of it, newest first."""
    old, new = calibrated("bluez:hci0"), calibrated("bluez:hci1", -3.5, NOON + DAY)
    store.put_calibration(old)
    store.put_calibration(new)
    assert store.calibrations() == [new, old]


def test_of_one_adapter_the_last_calibration_counts(store: NodeStore) -> None:
    """It takes the place of the one before, and of no other adapter's."""
    other = calibrated("bluez:hci1")
    for each in (calibrated("bluez:hci0"), other, calibrated("bluez:hci0", 1.5, NOON + DAY)):
        store.put_calibration(each)
    assert store.calibrations() == [calibrated("bluez:hci0", 1.5, NOON + DAY), other]


def test_a_calibration_outlasts_the_log_and_can_be_forgotten(store: NodeStore) -> None:
    """It is about the adapter and not about people."""
    store.put_calibration(calibrated("bluez:hci0"))
    assert store.forget(NOON + 30 * DAY) == 0
    assert store.calibrations() == [calibrated("bluez:hci0")]
    assert store.forget_calibrations() == 1
    assert store.forget_calibrations() == 0
    assert store.calibrations() == []


# Places


def visit(came: datetime = NOON, label: str = "Chợ Hôm") -> Visit:
    """A visit with something in every field."""
    return Visit(
        came,
        came + MINUTE,
        label,
        card_of(),
        (Mark(b"t" * 16, b"k" * 10), Mark(b"a" * 12, b"s" * 10)),
        came + 2 * MINUTE,
        came + timedelta(minutes=20, microseconds=250),
        OutKind.SILENCE,
        4,
        (Proof(5_900_000, b"p" * 8),),
        private=True,
    )


def add(store: NodeStore, *visits: Visit) -> list[StoredVisit]:
    return store.change_visits(lambda _: [StoredVisit(0, each) for each in visits])


def test_a_visit_comes_back_as_it_was(store: NodeStore) -> None:
    """With card, tags, keys and proofs, in order of beginning; one that lasts as well."""
    bare = Visit(NOON - MINUTE, NOON - MINUTE)
    later, first = add(store, visit(), bare)
    assert (later.visit, first.visit) == (visit(), bare)
    assert store.visits() == [first, later]


def test_a_visit_is_changed_in_one_step_with_all_others_in_view(store: NodeStore) -> None:
    """What is read, decided and written is one transaction; an error in it changes nothing."""
    (known,) = add(store, visit())

    def longer(stored: Sequence[StoredVisit]) -> list[StoredVisit]:
        return [replace(each, visit=replace(each.visit, party=9)) for each in stored] + [
            StoredVisit(0, visit(NOON + DAY))
        ]

    changed, new = store.change_visits(longer)
    assert (changed.id, changed.visit.party) == (known.id, 9)
    assert store.visits() == [changed, new]

    def failing(stored: Sequence[StoredVisit]) -> list[StoredVisit]:
        raise BadInput("no", reason="no")

    with pytest.raises(BadInput):
        store.change_visits(failing)
    assert store.visits() == [changed, new]


def at_place(number: int) -> Alert:
    return replace(alert(), kind=AlertKind.VENUE, rules="places", subject=str(number))


def test_alerts_of_one_day_are_told_apart_by_their_subject(store: NodeStore) -> None:
    """Two places on one day are two alerts; one that is withdrawn leaves the other."""
    assert store.put_alerts([at_place(1), at_place(2)], NOON, "places") == [
        at_place(1),
        at_place(2),
    ]
    store.mark_told([at_place(1)], NOON)
    assert store.put_alerts([at_place(2), at_place(1)], NOON, "places") == [at_place(2)]
    store.put_alerts([at_place(2)], NOON, "places")
    assert [entry.alert.subject for entry in store.alerts()] == ["2"]


def test_a_visit_is_forgotten_with_its_alerts(store: NodeStore) -> None:
    """And no other alert; what is not there is not counted."""
    one, other = add(store, visit(), visit(NOON + MINUTE))
    store.put_alerts([at_place(one.id), at_place(other.id)], NOON, "places")
    store.put_alerts([alert()], NOON, "swisscovid")
    assert store.forget_visits([one.id, 99]) == 1
    assert store.visits() == [other]
    assert {entry.alert.subject for entry in store.alerts()} == {str(other.id), ""}
    assert store.forget_visits() == 1
    assert store.forget_visits() == 0
    assert [entry.alert for entry in store.alerts()] == [alert()]


def head(number: int, *, breaker: bool = False) -> BundleHead:
    """Of a bundle made a day after the one before."""
    cards = (bytes([number]) * 8, bytes(8))
    return BundleHead(
        number,
        "VN",
        NOON + number * DAY,
        bytes([number]) * 32,
        b"its key.",
        breaker,
        cards,
        cards[:1],
    )


def test_bundles_come_back_in_order_and_the_newest_is_the_head(store: NodeStore) -> None:
    """Byte by byte, with the ledger line of each."""
    assert store.newest_head() is None
    second, first = (head(number, breaker=number == 1) for number in (2, 1))
    for each in (second, first):
        line = replace(record(f"{each.sequence}.cose"), source="places")
        store.add_bundle(each, bytes([each.sequence]) * 99, line)
    assert list(store.bundles()) == [b"\1" * 99, b"\2" * 99]
    assert store.heads() == [first, second]
    assert store.newest_head() == second
    assert len(store.export_records("places")) == 2


def test_bundles_that_count_no_more_go_with_a_line_in_the_ledger(store: NodeStore) -> None:
    """The head is then the newest of the others; the line of the file says why."""
    for number in (1, 2, 3):
        line = replace(record(f"{number}.cose"), source="places")
        store.add_bundle(head(number), bytes([number]), line)
    failed = replace(record("3.cose"), source="places", state=ExportState.FAILED, reason="forged")
    store.drop_bundles([3, 7], [failed])
    assert list(store.bundles()) == [b"\1", b"\2"]
    assert store.newest_head() == head(2)
    reasons = {each.name: each.reason for each in store.export_records("places")}
    assert reasons == {"1.cose": "", "2.cose": "", "3.cose": "forged"}


def test_visits_and_bundles_are_kept_for_21_days(store: NodeStore) -> None:
    """A week longer than encounters; of bundles the newest stays, for it is the chain's head."""
    add(store, visit(), visit(NOON + DAY))
    for number in (1, 2, 3):
        line = replace(record(f"{number}.cose"), at=NOON + 90 * DAY)
        store.add_bundle(head(number), b"content", line)
    assert store.forget(NOON + 7 * DAY) == 0
    assert store.forget(NOON + 8 * DAY) == 1
    assert len(store.visits()) == 1
    assert store.forget(NOON + 60 * DAY) == 3
    assert list(store.bundles()) == [b"content"]
    assert store.heads() == [head(3)]


def test_of_a_file_of_places_the_newest_is_kept(store: NodeStore) -> None:
    """The trust list and the day keys, each by its name."""
    assert store.place_file("trust.cose") is None
    for content in (b"old", b"new"):
        store.put_place_file("trust.cose", content)
    assert store.place_file("trust.cose") == b"new"
    assert store.place_file("days.cose") is None


def test_erase_leaves_nothing(store: NodeStore) -> None:
    """After erasing, the store is as new, and can be used again."""
    fill(store, NOON)
    add(store, visit())
    store.add_bundle(head(1), b"content", record("1.cose"))
    store.put_place_file("trust.cose", b"list")
    store.put_calibration(calibrated("bluez:hci0"))
    store.put_source_state(SourceState("vn", NOON))
    store.erase()
    assert store.own_keys() == []
    assert list(store.heard_identifiers(GAEN)) == []
    assert list(store.encounters(NOON - DAY, NOON + DAY)) == []
    assert store.scans(NOON - DAY, NOON + DAY) == []
    assert store.matched_keys() == []
    assert store.export_records() == []
    assert store.source_state("vn") == SourceState("vn")
    assert store.alerts() == []
    assert store.reports() == []
    assert store.calibrations() == []
    assert store.visits() == []
    assert list(store.bundles()) == []
    assert store.heads() == []
    assert store.place_file("trust.cose") is None
    fill(store, NOON + DAY)
    assert len(store.own_keys()) == 1
    assert store.encounters_with(GAEN, [b"\x03" * 16]) == [
        heard(b"\x03" * 16, 0, 1, start=NOON + DAY)
    ]
