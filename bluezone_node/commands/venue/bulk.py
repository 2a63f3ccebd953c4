"""``venue import``: the places of a CSV file."""

from pathlib import Path
from typing import Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import json_option, progress
from bluezone_node.commands.sheet_results import REJECTED, folder_for, tell_result, write_result
from bluezone_node.commands.venue.desk import with_places

REGISTERED = "registered.csv"


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
    with folder_for(out), progress("reading", data.count(b"\n")) as advance:
        result = with_places(
            folder,
            clock_spec,
            lambda places: places.bulk.register(
                data, OPERATOR, realm=realm, rows=rows, advance=advance
            ),
        )
    write_result(out, REGISTERED, result.registered_csv(), result)
    tell_result(out, result, as_json=as_json)
