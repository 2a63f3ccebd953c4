"""``bluezone-node lab evaluate``: which rules tell contacts, on one's own recordings."""

from pathlib import Path

import click

from bluezone_node.commands.console import columns, json_option, note, print_json, progress
from bluezone_node.commands.lab.chart import draw
from bluezone_node.commands.lab.evaluation import (
    MethodFigures,
    SetFigures,
    figures_of,
    reliability_of,
)
from bluezone_node.commands.lab.labelled import (
    LabelledRecording,
    Unlabelled,
    chosen,
    find_recordings,
    read_labelled,
)
from bluezone_node.commands.lab.methods import Method, methods
from bluezone_node.commands.lab.profiles import BARE_BOARDS, ProfileOrFile
from bluezone_node.commands.lab.samples import LOOK_SECONDS, Cutting, cut_samples
from bluezone_node.errors import BadInput
from bluezone_node.presets import DEFAULT_PROFILE, load_profile
from bluezone_node.proximity.encounters import LONGEST_SCAN_SECONDS
from bluezone_node.proximity.profile import Profile


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--set",
    "names",
    multiple=True,
    metavar="NAME",
    help="Only this recording: its file's name without the ending. Any of several.",
)
@click.option(
    "--metres",
    type=click.FloatRange(0.1, 50),
    default=2.0,
    show_default=True,
    help="What a contact is: within this distance",
)
@click.option(
    "--minutes",
    type=click.FloatRange(1, 1440),
    default=15.0,
    show_default=True,
    help="… for so long.",
)
@click.option(
    "--window",
    type=click.IntRange(1, 1440),
    default=15,
    show_default=True,
    help="Minutes of a sample, where the truth is a distance for each packet.",
)
@click.option(
    "--calibrate-at",
    type=click.FloatRange(0.1, 50),
    metavar="METRES",
    help="Learn the level of each receiver from what is labelled with this distance.",
)
@click.option(
    "--thin",
    type=click.IntRange(LOOK_SECONDS, LONGEST_SCAN_SECONDS),
    metavar="SECONDS",
    help="Keep one look of 4 seconds in so many, as phones do.",
)
@click.option(
    "--profile",
    type=ProfileOrFile(),
    help="How signal strength and distance go together: a name, or a file by `lab fit`.",
)
@click.option(
    "--svg",
    "picture",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Draw the figures, too.",
)
@json_option
def evaluate(
    folder: Path,
    names: tuple[str, ...],
    metres: float,
    minutes: float,
    window: int,
    calibrate_at: float | None,
    thin: int | None,
    profile: Profile | None,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Tell how well every preset, and plain rules beside them, find contacts in FOLDER.

    FOLDER holds CSV files (plain or gzip) with the columns t_seconds, rssi_dbm, tx_device (or
    device), optionally scenario, rx_device and tx_dbm, and true_distance_m unless NAME_truth_links
    beside NAME tells the truth for whole links (scenario, rx_device, tx_device, dose_min_1m and
    min_within_2m or others of the kind). Where that is told, a link is a sample, also one that
    was never heard; else each link is cut into windows, which are contacts if most of the window
    was spent within --metres.

    Without --profile, what sends at 12 dBm (or does not tell) is taken for bare boards in line of
    sight, and all else for phones on people. Constants, and thresholds, must have been chosen on
    other recordings than these: docs/distance.md says which were.
    """
    cutting = Cutting(metres, minutes, window, thin, calibrate_at)
    compared = methods(metres, minutes)
    found = chosen(find_recordings(folder), names)
    told = []
    with progress("evaluating", len(found)) as advance:
        for name, path in found.items():
            try:
                told.append(_evaluated(read_labelled(name, path), cutting, compared, profile))
            except Unlabelled as missing:
                note(f"{path.name} is skipped: {missing}")
            advance(1)
    usable = [one for one in told if one.samples]
    for one in told:
        for said in one.notes:
            note(f"{one.set}: {said}")
    if not usable:
        raise BadInput(
            f"Nothing in {folder} can be evaluated.",
            reason="nothing_usable",
            hint="docs/distance.md says what a labelled recording is.",
        )
    if as_json:
        print_json({"metres": metres, "minutes": minutes, "sets": usable})
    else:
        for one in usable:
            _print(one, metres, minutes)
    if picture is not None:
        picture.write_text(draw(usable, metres, minutes), encoding="utf-8")


def _evaluated(
    recording: LabelledRecording,
    cutting: Cutting,
    compared: list[Method],
    profile: Profile | None,
) -> SetFigures:
    people, boards = (profile or load_profile(name) for name in (DEFAULT_PROFILE, BARE_BOARDS))
    cut = cut_samples(
        recording,
        cutting,
        lambda sender: people if recording.other_power.get(sender, 0) > 0 else boards,
    )
    notes = [f"left out {n} packets: {why}" for why, n in sorted(recording.left_out.items())]
    notes += cut.notes
    window = cutting.window if recording.truth is None else None
    # A rule that asks for a quarter of an hour says nothing of a minute.
    decide = window is None or window >= cutting.minutes
    if not cut.samples:
        notes.append("nothing is left of it" + ("" if window is None else ": a shorter --window?"))
    elif not decide:
        notes.append("windows are too short for thresholds: only ranks and best thresholds count")
    contacts = sum(sample.contact for sample in cut.samples)
    if cut.samples and contacts in (0, len(cut.samples)):
        notes.append(f"{contacts} of {len(cut.samples)} are contacts: only doses can be compared")
    return SetFigures(
        set=recording.name,
        samples=len(cut.samples),
        contacts=contacts,
        scenes=len({sample.scenario for sample in cut.samples}),
        unheard=sum(not sample.scans for sample in cut.samples),
        window=window,
        profiles=tuple(sorted({sample.profile.name for sample in cut.samples})),
        mean_dose=round(sum(sample.dose for sample in cut.samples) / max(len(cut.samples), 1), 6),
        methods=tuple(figures_of(method, cut.samples, decide=decide) for method in compared)
        if cut.samples
        else (),
        reliability=reliability_of(cut.samples, cutting.metres),
        notes=tuple(notes),
    )


def _print(told: SetFigures, metres: float, minutes: float) -> None:
    if told.window is None:
        kind, contact = "links", f"{minutes:g} min within {metres:g} m"
    else:
        kind, contact = f"windows of {told.window} min", f"mostly within {metres:g} m"
    click.echo(
        f"{told.set}: {told.samples} {kind} ({told.unheard} never heard) in {told.scenes} scenes, "
        f"{told.contacts} of them contacts ({contact}); true dose {told.mean_dose:.1f} min; "
        f"profile {', '.join(told.profiles)}"
    )
    columns(
        [
            "method",
            "AUC",
            "(95 %)",
            "missed",
            "false alarms",
            "nDCF",
            "best nDCF",
            "from",
            "precision",
            "recall",
            "dose error",
            "bias",
        ],
        (_row(one) for one in told.methods),
    )
    words = [
        f"{one.chance} {one.contacts} of {one.samples} ({_percent(one.share)})"
        for one in told.reliability.told
        if one.samples
    ]
    if words:
        click.echo(
            f"contacts where the estimator's chance was {', '.join(words)}; the true minutes lay "
            f"in its interval, which claims 90 %, in {_percent(told.reliability.covered)}"
        )
    click.echo()


def _row(one: MethodFigures) -> list[str]:
    interval = one.auc_interval
    return [
        one.method,
        _decimals(one.auc, 3),
        "-" if interval is None else f"{interval[0]:.2f}-{interval[1]:.2f}",
        _percent(one.p_miss),
        _percent(one.p_fa),
        _decimals(one.ndcf, 2),
        _decimals(one.min_ndcf, 2),
        _decimals(one.best_threshold, 1),
        _percent(one.precision),
        _percent(one.recall),
        f"{one.dose_mae:.2f}",
        f"{one.dose_bias:+.2f}",
    ]


def _decimals(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"
