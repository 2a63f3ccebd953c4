"""``bluezone-node lab replay``: what the rules would have said of a recording of signal strength.

A recording does not say when the radio listened.  Each device therefore has its own rhythm of
scans: a scan stands for the time since the device was last heard, if that is within GAEN's five
minutes, and after a longer silence for the usual time between two hearings in this recording.
So a look of 4 seconds every few minutes and a radio that never pauses come to the same minutes.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from itertools import pairwise
from statistics import median

import click

from bluezone_node.alerts import AlertLevel
from bluezone_node.commands.console import columns, json_option, note, print_json, progress
from bluezone_node.commands.lab.options import preset_option
from bluezone_node.commands.lab.recording import Recording, read_recording
from bluezone_node.intervals import day_of, from_unix
from bluezone_node.presets import load_preset
from bluezone_node.proximity.encounters import LONGEST_SCAN_SECONDS
from bluezone_node.proximity.model import (
    SCAN_SECONDS,
    CalibrationConfidence,
    ExposureWindow,
    Infectiousness,
    ReportType,
    ScanInstance,
)
from bluezone_node.proximity.preset import Preset
from bluezone_node.proximity.risk import assess
from bluezone_node.proximity.windows import cut, scan_instance


@dataclass(frozen=True, slots=True)
class ReplayedDevice:
    """What the rules say of one device, had its bearer been highly infectious all along."""

    device: str
    minutes_observed: float
    minutes_near: float
    minutes_middle: float
    minutes_far: float
    score: float
    """Of its worst day: larger is more surely a close contact."""
    alert: bool


@click.command()
@click.argument("file", type=click.File("rb"))
@preset_option()
@json_option
def replay(file: BufferedReader, preset_name: str, as_json: bool) -> None:
    """Judge every device in a recording as if its bearer had been diagnosed.

    FILE (- for standard input; plain or gzip) is CSV with the columns t_seconds, device,
    rssi_dbm and optionally tx_dbm; others are ignored, order does not matter. Without tx_dbm a
    device is taken to send at 12 dBm, which puts a Raspberry Pi 3 on the scale of the presets.

    Rows that cannot be used are counted by reason, under "refused".
    """
    preset = load_preset(preset_name)
    with progress("reading", _size(file)) as advance:
        recording = read_recording(file, advance)
    judged = sorted(_judge(recording, preset), key=lambda d: (-d.score, d.device))
    for reason, count in sorted(recording.refused.items()):
        note(f"refused {count} rows: {reason} (first in line {recording.first_refused[reason]})")
    if as_json:
        print_json({"devices": judged, "refused": recording.refused})
        return
    columns(
        ["device", "observed min", "near", "middle", "far", "score", "alert"],
        (
            [
                told.device,
                *(
                    f"{value:.1f}"
                    for value in (
                        told.minutes_observed,
                        told.minutes_near,
                        told.minutes_middle,
                        told.minutes_far,
                        told.score,
                    )
                ),
                "yes" if told.alert else "no",
            ]
            for told in judged
        ),
    )


def _size(file: BufferedReader) -> int | None:
    """Return the bytes to come; None where there is no telling, as from a pipe."""
    try:
        status = os.fstat(file.fileno())
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _judge(recording: Recording, preset: Preset) -> Iterator[ReplayedDevice]:
    rhythm = _rhythm(recording)
    for device, minutes in recording.devices.items():
        scans = list(_scans(minutes, rhythm))
        assessment = assess(map(_window, cut(scans)), preset)
        yield ReplayedDevice(
            device=device,
            minutes_observed=sum(scan.seconds for scan in scans) / 60,
            minutes_near=sum(day.minutes_near for day in assessment.days),
            minutes_middle=sum(day.minutes_middle for day in assessment.days),
            minutes_far=sum(day.minutes_far for day in assessment.days),
            score=round(max(day.score for day in assessment.days), 6),
            alert=any(day.level is AlertLevel.HIGH for day in assessment.days),
        )


def _rhythm(recording: Recording) -> int:
    """Return the usual seconds from one hearing of a device to its next in this recording."""
    gaps = [
        gap
        for minutes in recording.devices.values()
        for gap in _gaps(sorted(minutes))
        if gap <= LONGEST_SCAN_SECONDS
    ]
    return round(median(gaps)) if gaps else SCAN_SECONDS


def _gaps(minutes: list[int]) -> Iterator[int]:
    for previous, this in pairwise(minutes):
        yield (this - previous) * SCAN_SECONDS


def _scans(minutes: dict[int, dict[int, int]], rhythm: int) -> Iterator[ScanInstance]:
    ascending = sorted(minutes)
    for minute, gap in zip(ascending, [rhythm, *_gaps(ascending)], strict=True):
        seconds = gap if gap <= LONGEST_SCAN_SECONDS else rhythm
        yield scan_instance(from_unix(minute * SCAN_SECONDS), seconds, minutes[minute])


def _window(scans: list[ScanInstance]) -> ExposureWindow:
    return ExposureWindow(
        day=day_of(scans[0].start),
        report_type=ReportType.CONFIRMED_TEST,
        infectiousness=Infectiousness.HIGH,
        calibration_confidence=CalibrationConfidence.LOWEST,
        scans=tuple(scans),
    )
