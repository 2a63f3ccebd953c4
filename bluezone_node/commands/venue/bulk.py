"""``venue import``: the places of a CSV file."""

from pathlib import Path
from typing import Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import json_option, note, print_json, progress
from bluezone_node.commands.private_file import write_private
from bluezone_node.commands.venue.desk import with_places
from bluezone_node.errors import BadInput

REGISTERED, REJECTED = "registered.csv", "rejected.csv"


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help=f"Folder to be made for {REGISTERED} and {REJECTED}.",
)
@click.option("--rows", type=int, help="How many there should be; otherwise nothing is done.")
@click.option("--realm", default="", help="Province of rows that name none.")
@dir_option
@clock_option
@json_option
def import_(
    folder: Any,
    file: Path,
    out: Path,
    rows: int | None,
    realm: str,
    clock_spec: str,
    as_json: bool,
) -> None:
    """Register the places in a CSV FILE; those that are there already stay as they are.

    Columns: name, commune, and if wanted kind, edition, address, hours, stay, rooms, phone, realm.
    """
    from bluezone_node.authority.places.bulk import MAX_BYTES

    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    try:
        out.mkdir(mode=0o700)
    except FileExistsError:
        raise BadInput(
            f"{out} exists and is not overwritten", reason="exists", hint="choose another name"
        ) from None
    try:
        with progress("reading", data.count(b"\n")) as advance:
            result = with_places(
                folder,
                clock_spec,
                lambda places: places.bulk.register(
                    data, OPERATOR, realm=realm, rows=rows, advance=advance
                ),
            )
    except BaseException:
        out.rmdir()
        raise
    write_private(result.registered_csv(), out / REGISTERED, replace=False)
    if result.rejected:
        write_private(result.rejected_csv(), out / REJECTED, replace=False)
    if as_json:
        print_json(result.totals)
    else:
        for name, number in result.totals.items():
            click.echo(f"{name}: {number}")
    if result.rejected:
        note(f"what was rejected, and why: {out / REJECTED}")
        raise SystemExit(1)
