"""``bluezone-node lab fit``: a profile from labelled recordings, to be tested on others."""

from collections import defaultdict
from datetime import UTC, datetime
from math import isnan, log
from pathlib import Path
from statistics import fmean

import click

from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.commands.lab.labelled import (
    LabelledRecording,
    Packets,
    Unlabelled,
    chosen,
    find_recordings,
    read_labelled,
)
from bluezone_node.commands.lab.profiles import BARE_BOARDS
from bluezone_node.errors import BadInput
from bluezone_node.presets import DEFAULT_PROFILE, load_profile
from bluezone_node.proximity import fitting
from bluezone_node.proximity.fitting import Fit, LabelledMinute
from bluezone_node.proximity.model import SCAN_SECONDS
from bluezone_node.proximity.profile import Profile

NEAREST = 0.1
"""Metres: labels nearer than that say 'touching', and have no useful logarithm."""

LEAST_MINUTES = 3
"""Labelled minutes of a link that is used: less is somebody passing, whose mean is one body's
shadow."""


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--set",
    "names",
    multiple=True,
    metavar="NAME",
    help="This recording: its file's name without the ending. Several are pooled.",
)
@click.option(
    "--exponent",
    type=click.FloatRange(0.5, 6),
    metavar="N",
    help="Fix the slope: 2 in line of sight, about 1 among people.",
)
@json_option
def fit(folder: Path, names: tuple[str, ...], exponent: float | None, as_json: bool) -> None:
    """Fit the constants of the estimator to the labelled recordings in FOLDER.

    FOLDER is as for `lab evaluate`; packets must tell their true_distance_m. With --json the
    profile is printed, to be put into a file and given to `lab evaluate --profile FILE`: test it
    on other recordings than these.

    A slope is refused where these recordings cannot tell it: from fewer than three distances, or
    where attenuation hardly grows with distance. Then fix it.
    """
    recordings = _read(folder, names)
    links = [link for recording in recordings for link in _links(recording)]
    fitted = fitting.fit(links, exponent)
    profile, taken = _profile(fitted, recordings)
    told = f"fitted on {profile.fitted_on}: {fitted.links} links at {fitted.distances} distances"
    note(f"{told} (links of at least {LEAST_MINUTES} labelled minutes)")
    if fitted.correlation is not None:
        note(
            f"exponent {fitted.exponent:.2f} ± {fitted.exponent_error:.2f}, "
            f"correlation {fitted.correlation:.2f}"
        )
    for constant in taken:
        note(f"{constant} cannot be told from these and is that of another profile")
    if as_json:
        print_json(profile)
        return
    columns(["constant", "value", "unit"], _rows(profile))


def _read(folder: Path, names: tuple[str, ...]) -> list[LabelledRecording]:
    recordings = []
    for name, path in chosen(find_recordings(folder), names).items():
        try:
            recordings.append(read_labelled(name, path))
        except Unlabelled as missing:
            note(f"{path.name} is skipped: {missing}")
    if not recordings:
        raise BadInput(f"Nothing in {folder} is labelled.", reason="nothing_usable")
    if len(recordings) > 1 and not names:
        raise BadInput(
            f"There are {len(recordings)} recordings here: fitted on all, none is left to test on.",
            reason="many_sets",
            hint=f"Choose with --set: {', '.join(r.name for r in recordings)}.",
        )
    return recordings


def _links(recording: LabelledRecording) -> list[list[LabelledMinute]]:
    """Return the links of *recording* that are long enough, by their labelled minutes."""
    links = [_labelled_minutes(packets) for packets in recording.links.values()]
    if not any(links):
        raise BadInput(
            f"No packet of {recording.name} tells its true_distance_m.", reason="no_distance"
        )
    return [link for link in links if len(link) >= LEAST_MINUTES]


def _labelled_minutes(packets: Packets) -> list[LabelledMinute]:
    losses: defaultdict[int, list[float]] = defaultdict(list)
    logs: defaultdict[int, list[float]] = defaultdict(list)
    columns_of = zip(packets.seconds, packets.losses, packets.metres, strict=True)
    for second, loss, metres in columns_of:
        if not isnan(metres):
            minute = int(second // SCAN_SECONDS)
            losses[minute].append(float(loss))
            logs[minute].append(log(max(metres, NEAREST)))
    return [LabelledMinute(m, tuple(losses[m]), fmean(logs[m])) for m in sorted(losses)]


def _profile(fitted: Fit, recordings: list[LabelledRecording]) -> tuple[Profile, list[str]]:
    """Return the profile, and the names of the constants that are another's."""
    people = any(recording.other_power for recording in recordings)
    like = load_profile(DEFAULT_PROFILE if people else BARE_BOARDS)
    borrowed = ("typical_distance", "distance_spread", "drift")
    constants = {
        name: getattr(fitted, name)
        for name in ("loss_at_1m", "exponent", "link_spread", "fading", "packet_spread", *borrowed)
    }
    taken = [name for name in borrowed if constants[name] is None]
    constants |= {name: getattr(like, name) for name in taken}
    names = ", ".join(recording.name for recording in recordings)
    slope = (
        "the slope was given"
        if fitted.correlation is None
        else f"exponent ± {fitted.exponent_error:.2f}, correlation {fitted.correlation:.2f}"
    )
    others = f"; of the profile {like.name}: {', '.join(taken)}" if taken else ""
    return (
        Profile(
            name="fitted",
            title=f"Khớp từ / Fitted on {names}",
            source=f"bluezone-node lab fit: {fitted.links} links at {fitted.distances} distances",
            date=datetime.now(UTC).date(),
            fitted_on=names,
            note=f"To be tested on other recordings; {slope}{others}.",
            **{name: round(value, 3) for name, value in constants.items()},
        ),
        taken,
    )


def _rows(profile: Profile) -> list[tuple[str, str, str]]:
    return [
        ("loss_at_1m", f"{profile.loss_at_1m:.1f}", "dB"),
        ("exponent", f"{profile.exponent:.2f}", ""),
        ("link_spread", f"{profile.link_spread:.1f}", "dB"),
        ("fading", f"{profile.fading:.1f}", "dB"),
        ("packet_spread", f"{profile.packet_spread:.1f}", "dB"),
        ("typical_distance", f"{profile.typical_distance:.1f}", "m"),
        ("distance_spread", f"{profile.distance_spread:.2f}", "of ln(m)"),
        ("drift", f"{profile.drift:.2f}", "of ln(m), after a minute"),
    ]
