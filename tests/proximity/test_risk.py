"""Rules: known answers of each country's, and what holds for all of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.alerts import Alert, AlertKind, AlertLevel
from bluezone_node.presets import load_preset, load_profile, preset_names
from bluezone_node.proximity.model import (
    CalibrationConfidence,
    ExposureWindow,
    Infectiousness,
    ReportType,
    ScanInstance,
)
from bluezone_node.proximity.preset import Preset
from bluezone_node.proximity.risk import Assessment, alerts_from
from bluezone_node.proximity.risk import assess as assess_by
from bluezone_node.proximity.rules.gaen import GaenRules, Level
from bluezone_node.proximity.rules.nhs import NhsRules

DAY = date(2021, 8, 1)
NOON = datetime(2021, 8, 1, 12, tzinfo=UTC)
PRESETS = [load_preset(name) for name in preset_names()]
each_preset = pytest.mark.parametrize("preset", PRESETS, ids=preset_names())


def window(
    *scans: tuple[float, int],
    report_type: ReportType = ReportType.CONFIRMED_TEST,
    infectiousness: Infectiousness = Infectiousness.HIGH,
    confidence: CalibrationConfidence = CalibrationConfidence.HIGH,
    day: date = DAY,
    packets: int = 20,
    link: int = 0,
) -> ExposureWindow:
    """A window of scans, each (minutes, attenuation in dB)."""
    start = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    instances = []
    for minutes, attenuation in scans:
        instances.append(
            ScanInstance(start, round(minutes * 60), packets, attenuation, attenuation)
        )
        start += timedelta(minutes=minutes)
    return ExposureWindow(day, report_type, infectiousness, confidence, tuple(instances), link=link)


PEOPLE = load_profile("people")


def assess(
    windows: Sequence[ExposureWindow], preset: Preset, today: date | None = None
) -> Assessment:
    """Judge among people."""
    return assess_by(windows, preset, PEOPLE, today)


def judged(name: str, *windows: ExposureWindow) -> Assessment:
    return assess(windows, load_preset(name))


# GAEN v2 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attenuation", "seconds"), [(55, 1050), (56, 600), (67, 600), (68, 198), (75, 198), (76, 0)]
)
def test_gaen_weighs_seconds_by_attenuation(attenuation: int, seconds: float) -> None:
    """Ten minutes by LFPH's narrow net v2: a limit belongs to the nearer bucket."""
    [day] = judged("lfph-narrow", window((10, attenuation))).days
    assert day.score == pytest.approx(seconds)


def test_gaen_multiplies_by_infectiousness_and_report_type() -> None:
    """Standard infectiousness weighs 30 percent by LFPH v2."""
    [day] = judged("lfph-narrow", window((10, 60), infectiousness=Infectiousness.STANDARD)).days
    assert day.score == pytest.approx(180)


def test_gaen_goes_by_the_typical_attenuation() -> None:
    """A single strong packet does not make a scan near."""
    far = window((15, 90))
    strong = replace(far, scans=(replace(far.scans[0], min_attenuation=40),))
    assert judged("lfph-wide", strong).days[0].score == 0


def test_gaen_levels_are_thresholds_on_the_day() -> None:
    """LFPH's tiers: nothing below 5 weighted minutes, advisory to 15, alert from there."""
    levels = [judged("lfph-narrow", window((m, 60))).level for m in (4.9, 5, 14.9, 15)]
    assert levels == [AlertLevel.NONE, AlertLevel.LOW, AlertLevel.LOW, AlertLevel.HIGH]


def test_gaen_sums_the_windows_of_a_day_but_not_of_two() -> None:
    """Twice eight minutes are enough on one day, and not on two."""
    one_day = judged("swisscovid", window((8, 50)), window((8, 50)))
    two_days = judged("swisscovid", window((8, 50)), window((8, 50), day=date(2021, 8, 2)))
    assert (one_day.level, two_days.level) == (AlertLevel.HIGH, AlertLevel.NONE)
    assert [day.day for day in two_days.days] == [DAY, date(2021, 8, 2)]


def gaen(**parameters: object) -> Preset:
    preset = load_preset("swisscovid")
    assert isinstance(preset.rules, GaenRules)
    return replace(preset, rules=replace(preset.rules, **parameters))  # type: ignore[arg-type]


def test_gaen_drops_windows_below_the_minimum_score() -> None:
    """With a minimum of 300, windows of four minutes add up to nothing."""
    [day] = assess([window((4, 50))] * 10, gaen(minimum_window_score=300)).days
    assert (day.score, day.nearness.minutes_near) == (0, 0)


@pytest.mark.parametrize(
    ("threshold", "reached"),
    [
        ({"day_max": 600}, True),
        ({"day_max": 601}, False),
        ({"weighted_duration": 900}, True),
        ({"confirmed_test_sum": 600}, True),
        ({"confirmed_test_sum": 601}, False),
        ({"self_report_sum": 300}, True),
        ({"confirmed_clinical_sum": 1}, False),
        ({"recursive_sum": 1, "day_sum": 900}, True),
        ({}, False),
    ],
)
def test_gaen_any_threshold_that_is_set_reaches_a_level(
    threshold: dict[str, float], reached: bool
) -> None:
    """Ten minutes confirmed and five self-reported, against each threshold there is."""
    windows = [window((10, 50)), window((5, 50), report_type=ReportType.SELF_REPORT)]
    level = Level(AlertLevel.HIGH, **threshold)
    assert (assess(windows, gaen(levels=(level,))).level is AlertLevel.HIGH) is reached


def test_gaen_levels_stand_in_order_of_priority() -> None:
    """The first level reached decides, as in the reference design."""
    levels = (Level(AlertLevel.LOW, day_sum=1), Level(AlertLevel.HIGH, day_sum=1))
    assert assess([window((10, 50))], gaen(levels=levels)).level is AlertLevel.LOW


# CWA v2 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attenuation", "minutes"),
    [(0, 8), (62, 8), (63, 10), (72, 10), (73, 1), (78, 1), (79, 0)],
)
def test_cwa_weighs_minutes_by_minimum_attenuation(attenuation: int, minutes: float) -> None:
    """Ten minutes at transmission risk level 5, whose value is 1."""
    seen = window(
        (10, attenuation),
        report_type=ReportType.CONFIRMED_CLINICAL,
        infectiousness=Infectiousness.STANDARD,
    )
    [day] = judged("cwa-v2", seen).days
    assert day.score == pytest.approx(minutes)


@pytest.mark.parametrize(
    ("report_type", "infectiousness", "value"),
    [
        (ReportType.RECURSIVE, Infectiousness.STANDARD, 0),
        (ReportType.RECURSIVE, Infectiousness.HIGH, 0),
        (ReportType.SELF_REPORT, Infectiousness.STANDARD, 0.6),
        (ReportType.SELF_REPORT, Infectiousness.HIGH, 0.8),
        (ReportType.CONFIRMED_CLINICAL, Infectiousness.STANDARD, 1.0),
        (ReportType.CONFIRMED_CLINICAL, Infectiousness.HIGH, 1.2),
        (ReportType.CONFIRMED_TEST, Infectiousness.STANDARD, 1.4),
        (ReportType.CONFIRMED_TEST, Infectiousness.HIGH, 1.6),
    ],
)
def test_cwa_encodes_transmission_risk(
    report_type: ReportType, infectiousness: Infectiousness, value: float
) -> None:
    """Report type and infectiousness together give the level, and its value the weight."""
    seen = window((10, 65), report_type=report_type, infectiousness=infectiousness)
    assert judged("cwa-v2", seen).days[0].score == pytest.approx(10 * value)


def clinical(
    seconds: float, confidence: CalibrationConfidence, attenuation: int = 65
) -> ExposureWindow:
    return window(
        (seconds / 60, attenuation),
        report_type=ReportType.CONFIRMED_CLINICAL,
        infectiousness=Infectiousness.STANDARD,
        confidence=confidence,
    )


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(290, AlertLevel.NONE), (297, AlertLevel.LOW), (530, AlertLevel.LOW), (537, AlertLevel.HIGH)],
)
def test_cwa_rounds_the_day_to_one_decimal(seconds: int, level: AlertLevel) -> None:
    """4.95 minutes are 5.0 and low, 8.95 are 9.0 and high, as since EXPOSUREAPP-12211."""
    [day] = judged("cwa-v2", clinical(seconds, CalibrationConfidence.LOWEST)).days
    assert day.level is level


def test_cwa_floating_point_does_not_decide() -> None:
    """0.6 + 4.8 + 3.6 is 9, however the machine adds it."""
    parts = [
        window(
            (minutes, attenuation),
            report_type=ReportType.CONFIRMED_CLINICAL,
        )
        for minutes, attenuation in ((5, 73), (4, 72), (3, 70))
    ]
    assert judged("cwa-v2", *parts).level is AlertLevel.HIGH


def test_cwa_counts_distinct_encounters_of_days_with_a_level() -> None:
    """Windows alike in risk level and calibration are one person, and quiet days count none."""
    lowest, high = CalibrationConfidence.LOWEST, CalibrationConfidence.HIGH
    low_twice = judged("cwa-v2", clinical(300, lowest), clinical(300, lowest))
    assert (low_twice.level, low_twice.encounters) == (AlertLevel.HIGH, (1, 0))
    two_people = judged("cwa-v2", clinical(300, lowest), clinical(600, high))
    assert two_people.encounters == (1, 1)
    assert judged("cwa-v2", clinical(60, lowest)).encounters == (0, 0)


def test_cwa_negative_seconds_count_nothing() -> None:
    """A clock set back between two scans gave windows negative seconds on phones."""
    seen = clinical(600, CalibrationConfidence.LOWEST)
    strange = replace(seen, scans=(*seen.scans, replace(seen.scans[0], seconds=-86_160)))
    assert judged("cwa-v2", strange).days[0].score == 10.0


# NHS-like ---------------------------------------------------------------------------------


def test_nhs_distance_is_the_inverse_of_its_path_loss() -> None:
    """The published model expects 68.8 dB at one metre and 75.1 at two."""
    rules = load_preset("nhs-like").rules
    assert isinstance(rules, NhsRules)
    assert rules.distance(68.78) == pytest.approx(1, abs=0.01)
    assert rules.distance(75.12) == pytest.approx(2, abs=0.01)
    assert 0 < rules.distance(0) < rules.distance(1.1) < 0.01


def test_nhs_score_of_a_quarter_of_an_hour() -> None:
    """Fifteen minutes within a metre score 900, at two metres about 225."""
    assert judged("nhs-like", window((15, 60))).days[0].score == 900
    assert judged("nhs-like", window((15, 75))).days[0].score == pytest.approx(225, rel=0.05)


def test_nhs_judges_windows_one_by_one() -> None:
    """Two windows that are each below the threshold stay below it together."""
    below = window((1.6, 60))
    assert judged("nhs-like", below, below).level is AlertLevel.NONE
    assert judged("nhs-like", window((3.2, 60))).level is AlertLevel.HIGH


# F1 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "attenuation", "level"),
    [
        (15, 45, AlertLevel.HIGH),
        (15, 60, AlertLevel.HIGH),
        (15, 64, AlertLevel.HIGH),
        (15, 65, AlertLevel.NONE),
        (20, 65, AlertLevel.HIGH),
        (25, 72, AlertLevel.HIGH),
        (120, 76, AlertLevel.NONE),
        (14, 45, AlertLevel.NONE),
    ],
)
def test_f1_needs_time_and_nearness(minutes: int, attenuation: int, level: AlertLevel) -> None:
    """At the limit the legal time is just enough; less time never, longer makes up for doubt."""
    assert judged("vn-f1-2m", window(*[(1, attenuation)] * minutes)).level is level


def test_f1_score_is_the_expected_minutes_within_the_limit() -> None:
    """What an average link loses at two metres counts half; far away and near, nothing and all."""
    at_two_metres = PEOPLE.loss_at_1m + 10 * PEOPLE.exponent * log10(2)
    for attenuation, expected in [(round(at_two_metres), 10), (25, 20), (110, 0)]:
        [day] = judged("vn-f1-2m", window(*[(1, attenuation)] * 20)).days
        assert day.score == pytest.approx(expected, abs=0.4)
        assert day.score == pytest.approx(day.nearness.within_2m.value)


def test_f1_counts_the_nearest_minutes_of_a_day() -> None:
    """Five hours across the room count no more than their nearest 25 minutes."""
    [hours] = judged("vn-f1-2m", window(*[(1, 78)] * 300)).days
    [minutes] = judged("vn-f1-2m", window(*[(1, 78)] * 25)).days
    assert hours.score == pytest.approx(minutes.score, rel=0.05)
    assert hours.nearness.within_2m.value > 10 * minutes.score


def test_f1_time_is_known_to_the_nearest_scan() -> None:
    """Looks every five minutes that show 13 minutes may well have been 15."""
    assert judged("vn-f1-2m", window((5, 45), (5, 45), (3, 45))).level is AlertLevel.HIGH
    assert judged("vn-f1-2m", window((5, 45), (5, 45))).level is AlertLevel.NONE


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(30, 100)), min_size=1, max_size=20),
    st.sampled_from(["people", "line-of-sight", "worn", "kiosk"]),
    st.sampled_from(["vn-f1-1m", "vn-f1-2m"]),
)
def test_f1_never_alerts_of_what_is_out_of_the_question(
    scans: list[tuple[float, int]], profile: str, name: str
) -> None:
    """Who is told of a contact is not told in the same breath that there hardly was one."""
    [day] = assess_by([window(*scans)], load_preset(name), load_profile(profile)).days
    if day.level is AlertLevel.HIGH:
        assert day.nearness.chance >= 0.0499


def test_f1_within_one_metre_is_stricter() -> None:
    """Twenty minutes at 65 dB: within two metres rather, within one hardly."""
    seen = window(*[(1, 65)] * 20)
    assert judged("vn-f1-2m", seen).level is AlertLevel.HIGH
    assert judged("vn-f1-1m", seen).level is AlertLevel.NONE


# Evidence ---------------------------------------------------------------------------------


def test_an_alert_carries_its_evidence() -> None:
    """Day, span, minutes, packets, report type, how near and how sure, and the rules."""
    late, early = window((10, 80), (20, 40)), window((5, 60), report_type=ReportType.SELF_REPORT)
    preset = load_preset("vn-f1-2m")
    assessment = assess([late, replace(early, link=1)], preset)
    [alert] = alerts_from(assessment, preset)
    near = assessment.days[0].nearness
    assert alert == Alert(
        kind=AlertKind.PROXIMITY,
        day=DAY,
        start=NOON,
        end=NOON + timedelta(minutes=11),
        level=AlertLevel.HIGH,
        score=alert.score,
        minutes_near=near.within_1m.value,
        minutes_middle=near.within_2m.value - near.within_1m.value,
        minutes_far=35 - near.within_2m.value,
        confidence="high",
        packets=60,
        rules="vn-f1-2m",
        report_type="confirmed_test",
        nearness=near,
    )
    assert near.minutes_heard == 35
    assert len(near.course) == 2


def test_the_picture_of_a_day_is_bounded() -> None:
    """Near twenty keys at once, each minute is drawn once, at the nearest of them."""
    crowd = [window(*[(1, level)] * 30, link=level) for level in range(50, 90, 2)]
    near = judged("vn-f1-2m", *crowd).days[0].nearness
    alone = judged("vn-f1-2m", crowd[0]).days[0].nearness
    assert near.minutes_heard == 600
    assert near.course == alone.course


def test_the_span_leaves_out_what_is_far() -> None:
    """Hours across the room do not make an exposure of twenty minutes look like hours."""
    [day] = judged("vn-f1-2m", window(*[(1, 110)] * 30, *[(1, 50)] * 20, *[(1, 110)] * 10)).days
    assert abs(day.start - (NOON + timedelta(minutes=30))) <= timedelta(minutes=5)
    assert abs(day.end - (NOON + timedelta(minutes=50))) <= timedelta(minutes=5)


@pytest.mark.parametrize(("attenuation", "confidence"), [(50, "high"), (66, "medium"), (75, "low")])
def test_confidence_is_how_likely_a_contact_was(attenuation: int, confidence: str) -> None:
    """Two in three is high, less than one in three low."""
    [day] = judged("vn-f1-2m", window(*[(1, attenuation)] * 20)).days
    assert day.confidence == confidence


def test_few_packets_are_less_sure_than_many() -> None:
    """One packet in ten minutes leaves the distance nearer to what it is between any two people."""
    many = judged("vn-f1-2m", window((10, 50), (10, 50), packets=200)).days[0].nearness
    few = judged("vn-f1-2m", window((10, 50), (10, 50), packets=1)).days[0].nearness
    between_any_two = 0.5
    assert many.chance > few.chance > between_any_two


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 140)), max_size=30),
    st.sampled_from(["people", "line-of-sight", "worn", "kiosk"]),
)
def test_minutes_and_their_bounds_are_consistent(
    scans: list[tuple[float, int]], profile: str
) -> None:
    """Within 1 m is part of within 2 m, which is part of 3 m, which is part of what was heard."""
    preset = load_preset("vn-f1-2m")
    seen = [window(scan, link=index) for index, scan in enumerate(scans)]
    for day in assess_by(seen, preset, load_profile(profile)).days:
        near = day.nearness
        assert near.minutes_heard == sum(minutes for minutes, _ in scans)
        widening = (near.within_1m, near.within_2m, near.within_3m)
        for bound in ("low", "value", "high"):
            minutes = [getattr(each, bound) for each in widening]
            assert minutes == sorted(minutes)
            assert 0 <= minutes[0] <= minutes[-1] <= near.minutes_heard + 1e-9
        for each in (*widening, near.dose):
            assert each.low <= each.value <= each.high
        assert near.within_1m.value <= near.dose.value <= near.minutes_heard + 1e-9
        assert near.minutes_near + near.minutes_middle + near.minutes_far == pytest.approx(
            near.minutes_heard
        )
        assert 0 <= near.chance <= 1


@each_preset
def test_old_days_are_left_out_only_where_the_rules_say_so(preset: Preset) -> None:
    """The German app forgets after ten days; without today's date nothing is old."""
    old = [window((30, 40))]
    told = assess(old, preset, today=DAY + timedelta(days=11))
    assert bool(told.days) is (preset.rules.max_age_days == 0)
    assert assess(old, preset).days


@each_preset
@pytest.mark.parametrize("report_type", [ReportType.REVOKED, ReportType.UNKNOWN])
def test_revoked_and_unknown_never_count(preset: Preset, report_type: ReportType) -> None:
    """An hour beside a key that was revoked is nothing, by any rules."""
    nothing = window((60, 40), report_type=report_type)
    [day] = assess([nothing], preset).days
    assert (day.score, day.level, day.packets) == (0, AlertLevel.NONE, 0)
    assert day.nearness.minutes_heard == 0
    near = window((30, 40))
    assert assess([nothing, near], preset) == assess([near], preset)


@each_preset
def test_who_was_not_infectious_never_counts(preset: Preset) -> None:
    """An hour on a day of no infectiousness is nothing, by any rules."""
    [day] = assess([window((60, 40), infectiousness=Infectiousness.NONE)], preset).days
    assert (day.score, day.level, day.nearness.minutes_near) == (0, AlertLevel.NONE, 0)


@each_preset
def test_no_windows_no_days_no_alerts(preset: Preset) -> None:
    """Nobody met, nothing said."""
    assert alerts_from(assess([], preset), preset) == []


windows = st.lists(
    st.builds(
        lambda scans, report_type, infectiousness, confidence, day: window(
            *scans,
            report_type=report_type,
            infectiousness=infectiousness,
            confidence=confidence,
            day=DAY + timedelta(days=day),
        ),
        st.lists(st.tuples(st.integers(1, 5), st.integers(0, 110)), min_size=1, max_size=6),
        st.sampled_from(ReportType),
        st.sampled_from(Infectiousness),
        st.sampled_from(CalibrationConfidence),
        st.integers(0, 2),
    ),
    max_size=6,
)
# The German rules count the band from 63 to 73 dB more than what is nearer, as published.
monotonic = [preset for preset in PRESETS if preset.kind != "cwa-v2"]


@given(windows, st.sampled_from(PRESETS), st.randoms(use_true_random=False))
def test_the_order_of_windows_does_not_matter(
    seen: Sequence[ExposureWindow], preset: Preset, random: object
) -> None:
    """GAEN hands windows out shuffled, so no rule may look at their order."""
    apart = [replace(one, link=link) for link, one in enumerate(seen)]
    shuffled = list(apart)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for one, other in zip(assess(apart, preset).days, assess(shuffled, preset).days, strict=True):
        assert one.score == pytest.approx(other.score)
        assert one.nearness.dose.value == pytest.approx(other.nearness.dose.value)
        assert one.nearness.course == other.nearness.course
        assert (one.level, one.start, one.end) == (other.level, other.start, other.end)


@given(windows, st.integers(1, 30), st.integers(0, 110), st.sampled_from(PRESETS))
def test_more_time_never_lowers_a_score(
    seen: Sequence[ExposureWindow], minutes: int, attenuation: int, preset: Preset
) -> None:
    """Another meeting, near or far, takes nothing away."""
    before = {day.day: day for day in assess(seen, preset).days}
    after = assess([*seen, window((minutes, attenuation))], preset).days
    for day in after:
        if day.day in before:
            assert day.score >= before[day.day].score - 1e-9
            assert day.level >= before[day.day].level


@given(st.integers(1, 60), st.integers(0, 110), st.integers(0, 40), st.sampled_from(monotonic))
def test_nearer_never_scores_less(
    minutes: int, attenuation: int, nearer: int, preset: Preset
) -> None:
    """The same time spent nearer is at least as bad."""
    [far] = assess([window((minutes, attenuation))], preset).days
    [near] = assess([window((minutes, max(attenuation - nearer, 0)))], preset).days
    assert near.score >= far.score - 1e-9
    assert near.level >= far.level
