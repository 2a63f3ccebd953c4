"""A matched key and what was logged of it become exposure windows, as GAEN cuts them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto import metadata as aem
from bluezone_node.crypto.identifiers import rolling_proximity_identifier
from bluezone_node.crypto.keys import (
    associated_encrypted_metadata_key,
    rolling_proximity_identifier_key,
)
from bluezone_node.intervals import interval_at, interval_start
from bluezone_node.proximity.model import (
    CalibrationConfidence,
    DiagnosisKey,
    Encounter,
    ExposureWindow,
    HeardScan,
    Infectiousness,
    ReportType,
    RssiHistogram,
)
from bluezone_node.proximity.windows import exposure_windows

DAY = 2642976  # 2020-04-02, the day of the published vector
KEY = DiagnosisKey(
    bytes.fromhex("75c734c6dd1a782de7a965da5eb93125"),
    DAY,
    144,
    ReportType.CONFIRMED_TEST,
    transmission_risk=3,
    days_since_onset=-1,
)
NOON = interval_start(DAY + 72)


def rpi(interval: int) -> bytes:
    return rolling_proximity_identifier(rolling_proximity_identifier_key(KEY.key), interval)


def encrypted(interval: int, tx_power: int = 0, confidence: int = 2) -> bytes:
    plain = aem.encode(aem.Metadata(tx_power, confidence))
    return aem.encrypt(associated_encrypted_metadata_key(KEY.key), rpi(interval), plain)


def encounter(
    *starts: float,
    interval: int = DAY + 72,
    metadata: bytes | None = b"",
    rssi: Sequence[tuple[int, int]] = ((-60, 10),),
    seconds: int = 60,
) -> Encounter:
    """An encounter at noon: scans *starts* minutes later, of the identifier of *interval*."""
    scans = tuple(
        HeardScan(NOON + timedelta(minutes=m), seconds, RssiHistogram(tuple(rssi))) for m in starts
    )
    sent = encrypted(interval) if metadata == b"" else metadata
    return Encounter(rpi(interval), sent, scans)


def windows(
    encounters: list[Encounter], intervals: Sequence[int] = (DAY + 72,), rx_offset: float = 0.0
) -> list[ExposureWindow]:
    return exposure_windows(
        KEY,
        [(interval, rpi(interval)) for interval in intervals],
        encounters,
        infectiousness=lambda days: Infectiousness.HIGH if days == -1 else Infectiousness.NONE,
        rx_offset=rx_offset,
    )


def test_published_vector_tells_its_transmit_power() -> None:
    """The identifier and metadata published with the specification decrypt to 8 dBm."""
    heard = Encounter(
        bytes.fromhex("8be6cd371c5c891604bfbe49df845096"),
        bytes.fromhex("72033874"),
        (HeardScan(interval_start(DAY), 60, RssiHistogram(((-62, 1), (-61, 1)))),),
    )
    [window] = windows([heard], [DAY])
    [scan] = window.scans
    assert (scan.typical_attenuation, scan.min_attenuation, scan.count) == (70, 69, 2)
    assert window.calibration_confidence is CalibrationConfidence.LOWEST
    assert window.day == date(2020, 4, 2)


def test_a_window_carries_what_the_key_says() -> None:
    """Report type, mapped infectiousness, transmission risk and sender's confidence."""
    [window] = windows([encounter(0)])
    assert window.report_type is ReportType.CONFIRMED_TEST
    assert window.infectiousness is Infectiousness.HIGH
    assert window.transmission_risk == 3
    assert window.calibration_confidence is CalibrationConfidence.MEDIUM


@pytest.mark.parametrize(
    ("hours", "kept"), [(-2, True), (-2.01, False), (2, True), (2.16, True), (2.17, False)]
)
def test_clocks_may_differ_by_twelve_intervals(hours: float, kept: bool) -> None:
    """Heard within [j−12, j+12] intervals of its own: kept; outside: a replay or a stray."""
    assert bool(windows([encounter(60 * hours)])) is kept


def test_an_identifier_on_the_air_for_over_twenty_minutes_is_a_replay() -> None:
    """Scans later than 20 minutes after the first credible one of that identifier do not count."""
    [window] = windows([encounter(0, 20, 21)])
    assert [scan.start for scan in window.scans] == [NOON, NOON + timedelta(minutes=20)]


def test_the_twenty_minutes_begin_with_the_first_credible_scan() -> None:
    """A scan outside the clock tolerance does not start the twenty minutes."""
    [window] = windows([encounter(-180, 0, 20)])
    assert len(window.scans) == 2


@pytest.mark.parametrize("tx_power", [-51, 21, 127])
def test_an_incredible_transmit_power_drops_the_scan(tx_power: int) -> None:
    """Metadata is not authenticated: powers outside −50..20 dBm are not believed."""
    assert windows([encounter(0, metadata=encrypted(DAY + 72, tx_power))]) == []


@pytest.mark.parametrize("metadata", [None, b"abc", b"fivefive"])
def test_without_metadata_there_is_no_attenuation(metadata: bytes | None) -> None:
    """A frame without its four bytes proves presence but cannot be weighed."""
    assert windows([encounter(0, metadata=metadata)]) == []


def test_metadata_of_an_unknown_version_is_dropped() -> None:
    """Flipping the version bits makes the metadata unusable, not an error."""
    flipped = bytes([encrypted(DAY + 72)[0] ^ 0xC0]) + encrypted(DAY + 72)[1:]
    assert windows([encounter(0, metadata=flipped)]) == []


def test_two_identifiers_in_one_minute_are_one_scan() -> None:
    """A rotation inside a scan adds packets, not seconds."""
    before = encounter(9.1, rssi=[(-60, 4)])
    after = encounter(9.8, interval=DAY + 73, rssi=[(-70, 4)], seconds=60)
    [window] = windows([before, after], [DAY + 72, DAY + 73])
    [scan] = window.scans
    assert (scan.count, scan.seconds) == (8, 60)
    assert (scan.typical_attenuation, scan.min_attenuation) == (65, 60)
    assert scan.start == NOON + timedelta(minutes=9.1)


def test_windows_are_cut_at_thirty_minutes() -> None:
    """A scan 30 minutes after the first of its window begins the next one."""
    intervals = range(DAY + 72, DAY + 76)
    heard = [encounter(*range(10 * n, 10 * n + 10), interval=DAY + 72 + n) for n in range(4)]
    cut = windows(heard, intervals)
    assert [len(window.scans) for window in cut] == [30, 10]
    assert cut[1].scans[0].start == NOON + timedelta(minutes=30)


def test_a_window_belongs_to_the_day_it_starts_on() -> None:
    """A meeting across midnight is counted where it began."""
    late = interval_start(DAY + 144) - timedelta(minutes=5)
    heard = Encounter(
        rpi(DAY + 143),
        encrypted(DAY + 143),
        tuple(
            HeardScan(late + timedelta(minutes=m), 60, RssiHistogram(((-60, 1),)))
            for m in range(0, 15, 5)
        ),
    )
    [window] = windows([heard], [DAY + 143])
    assert (window.day, len(window.scans)) == (date(2020, 4, 2), 3)


def test_receiver_offset_reaches_the_attenuation() -> None:
    """A receiver known to read 5 dB too weak is corrected before weighing."""
    [window] = windows([encounter(0)], rx_offset=5)
    assert window.scans[0].typical_attenuation == 55


def test_a_key_without_report_type_takes_the_one_of_the_rules() -> None:
    """Early exports tell no report type; what that means is for the rules to say."""
    untold = replace(KEY, report_type=ReportType.UNKNOWN)
    arguments = (untold, [(DAY + 72, rpi(DAY + 72))], [encounter(0)])
    [bare] = exposure_windows(*arguments, infectiousness=lambda _: Infectiousness.HIGH)
    [mapped] = exposure_windows(
        *arguments,
        infectiousness=lambda _: Infectiousness.HIGH,
        report_type_when_missing=ReportType.CONFIRMED_TEST,
    )
    assert (bare.report_type, mapped.report_type) == (
        ReportType.UNKNOWN,
        ReportType.CONFIRMED_TEST,
    )


def test_encounters_of_others_are_ignored() -> None:
    """Only the identifiers that matched the key count."""
    assert windows([encounter(0)], [DAY + 71]) == []


rows = st.lists(
    st.builds(
        lambda start, n, power, rssi, count: encounter(
            start,
            interval=DAY + 72 + n,
            metadata=encrypted(DAY + 72 + n, power, abs(power) % 4),
            rssi=[(rssi, count)],
        ),
        st.integers(-150, 150),
        st.integers(0, 2),
        st.integers(-55, 25),
        st.integers(-100, -30),
        st.integers(1, 20),
    ),
    max_size=12,
)


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(heard: list[Encounter], random: object) -> None:
    """The database may give rows in any order."""
    intervals = range(DAY + 72, DAY + 75)
    shuffled = list(heard)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert windows(heard, intervals) == windows(shuffled, intervals)


@given(rows)
def test_windows_are_short_ordered_and_within_tolerance(heard: list[Encounter]) -> None:
    """No window spans 30 minutes, scans ascend, one a minute, and none lies out of tolerance."""
    for window in windows(heard, range(DAY + 72, DAY + 75)):
        starts = [scan.start for scan in window.scans]
        assert starts == sorted(starts)
        assert len({start.replace(second=0, microsecond=0) for start in starts}) == len(starts)
        assert starts[-1] - starts[0] < timedelta(minutes=30)
        assert all(abs(interval_at(s) - (DAY + 73)) <= 13 for s in starts)
        assert all(scan.min_attenuation <= scan.typical_attenuation for scan in window.scans)
        assert window.day == datetime.astimezone(starts[0], UTC).date()
