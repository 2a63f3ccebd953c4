"""``bluezone-node lab score``: exposure windows in, days and levels out, by any preset."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, BinaryIO

import click
import msgspec

from bluezone_node.alerts import AlertLevel
from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.commands.lab.options import preset_option, profile_option
from bluezone_node.errors import BadInput
from bluezone_node.intervals import midnight
from bluezone_node.presets import load_preset, load_profile
from bluezone_node.proximity.encounters import LONGEST_SCAN_SECONDS
from bluezone_node.proximity.model import (
    CalibrationConfidence,
    ExposureWindow,
    Infectiousness,
    ReportType,
    ScanInstance,
)
from bluezone_node.proximity.risk import assess

_AGE_ZERO = date(9000, 1, 1)
"""The day that stands for age 0 where windows tell only their age: beyond any real date."""

_OLDEST = 36_500
"""Days; older is a mistake."""

_Age = Annotated[int, msgspec.Meta(ge=0, le=_OLDEST)]


_Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]
"""What GAEN's own fields can hold."""


class _Scan(msgspec.Struct, rename="camel"):
    min_attenuation: _Int32
    typical_attenuation: _Int32
    seconds_since_last_scan: _Int32


class _Window(msgspec.Struct, rename="camel"):
    report_type: ReportType
    infectiousness: Infectiousness
    scan_instances: list[_Scan]
    calibration_confidence: CalibrationConfidence = CalibrationConfidence.LOWEST
    age_in_days: _Age | None = None
    day: date | None = msgspec.field(default=None, name="date")


class _Input(msgspec.Struct):
    windows: list[_Window]


@click.command()
@click.argument("file", type=click.File("rb"))
@preset_option()
@profile_option()
@json_option
def score(file: BinaryIO, preset_name: str, profile_name: str, as_json: bool) -> None:
    """Score the exposure windows in FILE, a JSON document with GAEN's names and enum numbers.

    FILE (- for standard input) has "windows", each with "ageInDays" or "date", "reportType",
    "infectiousness", optionally "calibrationConfidence", and "scanInstances" of
    "minAttenuation", "typicalAttenuation" and "secondsSinceLastScan".

    The unit of "score" is that of the preset: weighted seconds as in GAEN's daily summaries for
    LFPH and SwissCovid, minutes for CWA and the Vietnamese F1 rules, none for NHS. Levels are 0
    none, 1 low, 2 high. Windows of any age are scored.
    """
    preset = load_preset(preset_name)
    windows = [_window(index, told) for index, told in enumerate(_read(file))]
    assessment = assess(windows, preset, load_profile(profile_name))
    answer: dict[str, object] = {
        "days": [
            {"day": _label(day.day), "score": round(day.score, 6), "level": day.level}
            for day in assessment.days
        ],
        "level": assessment.level,
    }
    if preset.kind == "cwa-v2":
        low, high = assessment.encounters or (0, 0)
        answer |= {"encounters_low": low, "encounters_high": high}
    if as_json:
        print_json(answer)
        return
    columns(
        ["day", "score", "level", "near min", "middle min", "far min"],
        (
            [
                _label(day.day),
                f"{day.score:.1f}",
                day.level.name.lower(),
                f"{day.nearness.minutes_near:.0f}",
                f"{day.nearness.minutes_middle:.0f}",
                f"{day.nearness.minutes_far:.0f}",
            ]
            for day in assessment.days
        ),
    )
    click.echo(f"{preset.title}: {AlertLevel(assessment.level).name.lower()} in total")


def _read(file: BinaryIO) -> list[_Window]:
    try:
        document = msgspec.json.decode(file.read())
        told = msgspec.convert(document, _Input)
    except msgspec.ValidationError as error:
        raise BadInput(f"{file.name}: {error}.", reason="bad_window") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadInput(f"{file.name} is not a JSON document.", reason="not_json") from None
    unknown = sorted(set(_unknown(document)))
    if unknown:
        note(f"ignored, because no rule reads them: {', '.join(unknown)}")
    return told.windows


def _unknown(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of fields that nothing reads."""
    yield from document.keys() - _names(_Input)
    for window in document["windows"]:
        yield from window.keys() - _names(_Window)
        for scan in window["scanInstances"]:
            yield from scan.keys() - _names(_Scan)


def _names(struct: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(struct.__struct_encode_fields__)


def _window(index: int, told: _Window) -> ExposureWindow:
    day = _day(index, told)
    return ExposureWindow(
        day=day,
        report_type=told.report_type,
        infectiousness=told.infectiousness,
        calibration_confidence=told.calibration_confidence,
        scans=tuple(_scans(midnight(day), told.scan_instances)),
        link=index,
    )


def _scans(start: datetime, told: list[_Scan]) -> Iterator[ScanInstance]:
    """Yield the scans one after another: windows do not tell when their scans began."""
    for scan in told:
        yield ScanInstance(
            start=start,
            seconds=scan.seconds_since_last_scan,
            count=1,
            mean_attenuation=scan.typical_attenuation,
            min_attenuation=scan.min_attenuation,
        )
        # What claims to stand for more than GAEN lets it would only take the calendar to its end.
        start += timedelta(seconds=min(max(scan.seconds_since_last_scan, 0), LONGEST_SCAN_SECONDS))


def _day(index: int, told: _Window) -> date:
    if told.day is not None and told.day > _AGE_ZERO:
        raise BadInput(f"Window {index} is of a day that has no morrow.", reason="bad_window")
    if told.day is not None and told.age_in_days is None:
        return told.day
    if told.age_in_days is not None and told.day is None:
        return _AGE_ZERO - timedelta(days=told.age_in_days)
    raise BadInput(
        f"Window {index} must tell either ageInDays or date, and not both.",
        reason="window_without_day",
    )


def _label(day: date) -> str | int:
    """Return the day as it was told: its age in days, or its date."""
    age = (_AGE_ZERO - day).days
    return age if 0 <= age <= _OLDEST else day.isoformat()
