"""``bluezone-node lab replay``: what the rules would have said of a recording of signals."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader

import click

from bluezone_node.alerts import AlertLevel
from bluezone_node.commands.console import columns, json_option, note, print_json, progress
from bluezone_node.commands.lab.options import preset_option, profile_option
from bluezone_node.commands.lab.profiles import BARE_BOARDS
from bluezone_node.commands.lab.recording import ASSUMED, Recording, read_recording
from bluezone_node.commands.lab.rhythm import scans_of, usual_gap, worst_windows
from bluezone_node.presets import DEFAULT_PROFILE, load_preset, load_profile
from bluezone_node.proximity.attenuation import RASPBERRY_PI_TX_POWER
from bluezone_node.proximity.preset import Preset
from bluezone_node.proximity.risk import assess


@dataclass(frozen=True, slots=True)
class ReplayedDevice:
    """What the rules say of one device, had its bearer been highly infectious all along."""

    device: str
    minutes_observed: float
    minutes_near: float
    """Expected minutes within 1 m, from 1 to 2 m, and beyond."""
    minutes_middle: float
    minutes_far: float
    minutes_within_2m: float
    dose_minutes: float
    """∫ min(1, 1/d²) dt, minutes at one metre or nearer."""
    interval: tuple[float, float]
    """Minutes within 2 m: nine times in ten they are between these."""
    score: float
    """Of its worst day: larger is more surely a close contact. By the F1 rules the expected
    minutes within the limit; `alert` also asks that the legal time be possible."""
    alert: bool


@click.command()
@click.argument("file", type=click.File("rb"))
@preset_option()
@profile_option(default=None)
@click.option(
    "--rx-offset",
    type=click.FloatRange(-40, 40),
    default=0.0,
    show_default=True,
    metavar="DB",
    help="Added to every level: how much too weak the receiver reads.",
)
@json_option
def replay(
    file: BufferedReader,
    preset_name: str,
    profile_name: str | None,
    rx_offset: float,
    as_json: bool,
) -> None:
    """Judge every device in a recording as if its bearer had been diagnosed.

    FILE (- for standard input; plain or gzip) is CSV with the columns t_seconds, device,
    rssi_dbm and optionally tx_dbm; others are ignored, order does not matter. Without a
    believable tx_dbm a device is taken for a Raspberry Pi that sends at 12 dBm.

    Without --profile, what sends at 12 dBm is taken for bare boards in line of sight (profile
    line-of-sight), and all else for phones on people (profile people).

    Rows that cannot be used are counted by reason, under "refused".
    """
    preset = load_preset(preset_name)
    with progress("reading", _size(file)) as advance:
        recording = read_recording(file, advance, rx_offset)
    judged = sorted(
        _judge(recording, preset, profile_name), key=lambda told: (-told[1].score, told[1].device)
    )
    for reason, count in sorted(recording.refused.items()):
        note(f"refused {count} rows: {reason} (first in line {recording.first_refused[reason]})")
    if recording.assumed:
        note(f"took {recording.assumed} rows for sent at {RASPBERRY_PI_TX_POWER} dBm: {ASSUMED}")
    if as_json:
        print_json(
            {
                "devices": [device for _, device in judged],
                "profiles": {device.device: profile for profile, device in judged},
                "refused": recording.refused,
                "assumed_tx_power": recording.assumed,
            }
        )
        return
    columns(
        [
            *("device", "observed min", "near", "middle", "far", "dose", "within 2 m", "score"),
            *("alert", "profile"),
        ],
        (
            [
                told.device,
                f"{told.minutes_observed:.1f}",
                f"{told.minutes_near:.1f}",
                f"{told.minutes_middle:.1f}",
                f"{told.minutes_far:.1f}",
                f"{told.dose_minutes:.1f}",
                f"{told.minutes_within_2m:.0f} ({told.interval[0]:.0f}-{told.interval[1]:.0f})",
                f"{told.score:.1f}",
                "yes" if told.alert else "no",
                profile,
            ]
            for profile, told in judged
        ),
    )


def _size(file: BufferedReader) -> int | None:
    """Return the bytes to come; None where there is no telling, as from a pipe."""
    try:
        status = os.fstat(file.fileno())
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _judge(
    recording: Recording, preset: Preset, profile_name: str | None
) -> Iterator[tuple[str, ReplayedDevice]]:
    """Yield each device, after the name of the profile it was judged by."""
    rhythm = usual_gap(recording.devices.values())
    phones = load_profile(profile_name or DEFAULT_PROFILE)
    boards = load_profile(profile_name or BARE_BOARDS)
    for device, minutes in recording.devices.items():
        windows = worst_windows(scans_of(minutes, rhythm))
        profile = phones if recording.other_power[device] > 0 else boards
        days = assess(windows, preset, profile).days
        each = [day.nearness for day in days]
        yield (
            profile.name,
            ReplayedDevice(
                device=device,
                minutes_observed=_sum(near.minutes_heard for near in each),
                minutes_near=_sum(near.minutes_near for near in each),
                minutes_middle=_sum(near.minutes_middle for near in each),
                minutes_far=_sum(near.minutes_far for near in each),
                minutes_within_2m=_sum(near.within_2m.value for near in each),
                dose_minutes=_sum(near.dose.value for near in each),
                interval=(
                    _sum(near.within_2m.low for near in each),
                    _sum(near.within_2m.high for near in each),
                ),
                score=max(day.score for day in days),
                alert=any(day.level is AlertLevel.HIGH for day in days),
            ),
        )


def _sum(minutes: Iterable[float]) -> float:
    return round(sum(minutes), 6)
