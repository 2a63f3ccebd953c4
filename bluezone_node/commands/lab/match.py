"""``bluezone-node lab match``: an export file against a recording, without the node's database."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import click

from bluezone_node.commands.console import columns, json_option, note, print_json, progress
from bluezone_node.commands.lab.options import (
    preset_option,
    public_key_option,
    sightings_option,
)
from bluezone_node.commands.lab.sightings import heard_times, read_sightings
from bluezone_node.crypto.signing import PublicKey
from bluezone_node.errors import BadExport
from bluezone_node.export.archive import MAX_EXPORT_BYTES
from bluezone_node.export.container import Export, open_verified
from bluezone_node.export.signature import SignatureState
from bluezone_node.presets import load_preset
from bluezone_node.proximity.encounters import fold_all
from bluezone_node.proximity.matching import HeardIndex, MatchedIdentifiers, match_batches
from bluezone_node.proximity.model import (
    DiagnosisKey,
    Encounter,
    ExposureWindow,
    ScanInstance,
)
from bluezone_node.proximity.preset import Preset
from bluezone_node.proximity.windows import exposure_windows

DEFAULT_PRESET = "lfph-narrow"


@dataclass(frozen=True, slots=True)
class MatchReport:
    """What was found of an export in a recording."""

    keys: int
    revised_keys: int
    matched_keys: int
    """Distinct keys, primary and revised."""
    windows: list[dict[str, object]]
    keys_per_second: int
    """Reading the keys out of the export included."""


@click.command()
@click.option(
    "--export",
    "export_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A zip, or a bare export.bin.",
)
@sightings_option
@public_key_option
@preset_option(default=DEFAULT_PRESET)
@json_option
def match(
    export_file: Path,
    sightings_file: Path,
    public_keys: tuple[PublicKey, ...],
    preset_name: str,
    as_json: bool,
) -> None:
    """Find the keys of an export in recorded sightings, and the exposure windows that follow."""
    preset = load_preset(preset_name)
    export = _open(export_file, public_keys)
    encounters, _ = fold_all(read_sightings(sightings_file))
    index = HeardIndex(heard_times(encounters))
    began = perf_counter()
    matched = _matched(export, index)
    spent = perf_counter() - began
    windows = _windows(matched.values(), encounters, preset)
    report = MatchReport(
        keys=export.key_count,
        revised_keys=export.revised_key_count,
        matched_keys=len(matched),
        windows=[
            {
                "day": window.day,
                "report_type": window.report_type,
                "infectiousness": window.infectiousness,
                "scans": [_scan(scan) for scan in window.scans],
            }
            for window in windows
        ],
        keys_per_second=round((export.key_count + export.revised_key_count) / spent),
    )
    if as_json:
        print_json(report)
    else:
        _tell(report, windows)


def _open(path: Path, public_keys: Sequence[PublicKey]) -> Export:
    """Open the export; without a key to check it with, any is taken, and that is said.

    Raises:
        BadExport: it is malformed, or not signed by one of the keys given.
    """
    with path.open("rb") as stream:
        data = stream.read(MAX_EXPORT_BYTES + 1)
    export = open_verified(data, public_keys)
    if not public_keys:
        note(f"note: nobody's signature on {path} was checked ({export.signature})")
    elif export.signature is not SignatureState.VERIFIED:
        raise BadExport(
            f"{path} is not signed by the public key given.",
            reason="unsigned" if export.signature is SignatureState.UNSIGNED else "signature_bad",
            hint="without --public-key it is matched unchecked",
        )
    return export


def _matched(export: Export, index: HeardIndex) -> dict[bytes, MatchedIdentifiers]:
    """Return what matched, by key: a revised key changes the diagnosis, never the intervals."""
    found: dict[bytes, MatchedIdentifiers] = {}
    with progress("matching", export.key_count + export.revised_key_count) as advance:
        for one in match_batches(index, _counted(export.key_batches(), advance)):
            found.setdefault(one.key.key, one)
        for one in match_batches(index, _counted(export.revised_key_batches(), advance)):
            primary = found.setdefault(one.key.key, one)
            revised = replace(
                primary.key,
                report_type=one.key.report_type,
                days_since_onset=one.key.days_since_onset,
            )
            found[one.key.key] = replace(primary, key=revised)
    return found


def _counted(
    batches: Iterable[list[DiagnosisKey]], advance: Callable[[int], None]
) -> Iterator[list[DiagnosisKey]]:
    for batch in batches:
        yield batch
        advance(len(batch))


def _windows(
    matched: Iterable[MatchedIdentifiers], encounters: Iterable[Encounter], preset: Preset
) -> list[ExposureWindow]:
    """Return the windows of exposure to every key, in order of time."""
    heard: dict[bytes, list[Encounter]] = {}
    for encounter in encounters:
        heard.setdefault(encounter.identifier, []).append(encounter)
    windows = [
        window
        for one in matched
        for window in exposure_windows(
            one.key,
            one.identifiers,
            [encounter for _, identifier in one.identifiers for encounter in heard[identifier]],
            infectiousness=preset.infectiousness_of,
        )
    ]
    return sorted(windows, key=lambda window: window.scans[0].start)


def _scan(scan: ScanInstance) -> dict[str, object]:
    """Return *scan* in GAEN's words."""
    return {
        "start": scan.start,
        "seconds": scan.seconds,
        "count": scan.count,
        "typical_attenuation": scan.typical_attenuation,
        "min_attenuation": scan.min_attenuation,
    }


def _tell(report: MatchReport, windows: Iterable[ExposureWindow]) -> None:
    click.echo(
        f"{report.matched_keys} of {report.keys} keys"
        + (f" and {report.revised_keys} revised keys" if report.revised_keys else "")
        + f" were heard ({report.keys_per_second:,} keys/s)"
    )
    rows = [
        (
            f"{window.scans[0].start:%Y-%m-%d %H:%M}",
            round(sum(scan.seconds for scan in window.scans) / 60),
            min(scan.min_attenuation for scan in window.scans),
            window.report_type.name.lower(),
            window.infectiousness.name.lower(),
        )
        for window in windows
    ]
    if rows:
        columns(("UTC", "minutes", "min_dB", "report_type", "infectiousness"), rows)
