"""``bluezone-node lab inspect``: what an export file is, who signed it, and what is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec import UNSET, UnsetType

from bluezone_node.commands.console import json_option, print_json
from bluezone_node.commands.lab.options import public_key_option
from bluezone_node.crypto.signing import PublicKey
from bluezone_node.errors import BadExport
from bluezone_node.export.archive import MAX_EXPORT_BYTES
from bluezone_node.export.container import Export, open_verified
from bluezone_node.export.signature import SignatureState
from bluezone_node.intervals import from_unix, interval_at


@dataclass(frozen=True, slots=True)
class Inspection:
    """The JSON document. What could not be read is null, or 0 for a count."""

    header_ok: bool
    region: str | None = None
    start: int | None = None
    """Unix seconds, as in the file."""
    end: int | None = None
    batch_num: int | None = None
    batch_size: int | None = None
    keys: int = 0
    revised_keys: int = 0
    signature: SignatureState = SignatureState.BAD
    """Of a file that cannot be read: bad, since nothing in it is vouched for."""
    problems: Sequence[str] = ()
    reason: str | UnsetType = UNSET
    """Why the file must be refused; left out where it need not be."""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@public_key_option
@json_option
def inspect(file: Path, public_keys: tuple[PublicKey, ...], as_json: bool) -> None:
    """Look into an export FILE: the zip, or a bare export.bin.

    With --public-key the file must be signed by that key; without, only its form is judged.
    Fails where a node would refuse the file.
    """
    with file.open("rb") as stream:
        data = stream.read(MAX_EXPORT_BYTES + 1)
    try:
        export = open_verified(data, public_keys, now_interval=interval_at(datetime.now(UTC)))
    except BadExport as refused:
        if as_json:
            print_json(
                Inspection(header_ok=False, problems=[refused.reason], reason=refused.reason)
            )
        raise
    refusal = _refusal(export, bool(public_keys))
    if as_json:
        print_json(_inspection(export, refusal.reason if refusal else UNSET))
    else:
        _print(export)
    if refusal:
        raise refusal


def _refusal(export: Export, must_be_signed: bool) -> BadExport | None:
    if not must_be_signed or export.signature is SignatureState.VERIFIED:
        return None
    if export.signature is SignatureState.UNSIGNED:
        return BadExport("The export is not signed.", reason="unsigned")
    return BadExport(
        "No signature is by the given key over this content: the file was altered, or somebody"
        " else signed it.",
        reason="signature_bad",
    )


def _inspection(export: Export, reason: str | UnsetType) -> Inspection:
    header = export.header
    return Inspection(
        header_ok=True,
        region=header.region,
        start=header.start_timestamp,
        end=header.end_timestamp,
        batch_num=header.batch_num,
        batch_size=header.batch_size,
        keys=export.key_count,
        revised_keys=export.revised_key_count,
        signature=export.signature,
        problems=export.problems,
        reason=reason,
    )


def _print(export: Export) -> None:
    header = export.header
    claims = [f"{claim.key_id or '?'} ({claim.key_version or '?'})" for claim in export.signed_by]
    for name, value in {
        "region": header.region or "not told",
        "published": f"{_utc(header.start_timestamp)} to {_utc(header.end_timestamp)} UTC",
        "file": f"{header.batch_num} of {header.batch_size}",
        "keys": export.key_count,
        "revised keys": export.revised_key_count,
        "signature": export.signature.value,
        "signed by, as it claims": ", ".join(claims) or "nobody",
        "problems": ", ".join(export.problems) or "none",
    }.items():
        # The file is anybody's: what it says must not steer the terminal.
        shown = "".join(c if c.isprintable() else "?" for c in str(value))
        click.echo(f"{name + ':':25}{shown}")


def _utc(unix: int) -> str:
    return f"{from_unix(unix):%Y-%m-%d %H:%M}"
