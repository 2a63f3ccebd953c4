"""``venue communes``: the official list by which places are named and found."""

from pathlib import Path
from typing import Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.commands.sheet_results import REJECTED, folder_for, tell_result, write_result
from bluezone_node.commands.venue.desk import with_places
from bluezone_node.venues.names import folded

READ = "communes.csv"

_edition_option = click.option(
    "--edition",
    type=click.IntRange(1, 2),
    default=2,
    show_default=True,
    help="Of the list: before or since 1 July 2025.",
)


@click.group()
def communes() -> None:
    """The official list of communes: with it, places are registered and printed by its names."""


@communes.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_edition_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help=f"Folder to be made for {READ} and {REJECTED}.",
)
@dir_option
@clock_option
@json_option
def import_(
    folder: Any, file: Path, edition: int, out: Path, clock_spec: str, as_json: bool
) -> None:
    """Make FILE the list of communes: CSV with code, name and province, or a map in TopoJSON.

    Communes that it does not have leave the list, but where a row was rejected.
    """
    from bluezone_node.authority.places.commune_lists import MAX_BYTES

    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    with folder_for(out):
        result = with_places(
            folder, clock_spec, lambda places: places.commune_lists.take(data, edition, OPERATOR)
        )
    write_result(out, READ, result.communes_csv(), result)
    tell_result(out, result, as_json=as_json)


@communes.command("list")
@click.argument("words", nargs=-1)
@_edition_option
@click.option("--province", type=click.IntRange(1, 99), help="Its number; otherwise of all.")
@dir_option
@clock_option
@json_option
def list_(
    folder: Any,
    words: tuple[str, ...],
    edition: int,
    province: int | None,
    clock_spec: str,
    as_json: bool,
) -> None:
    """List communes; WORDS stand in the name, with or without diacritics."""
    listed, counts = with_places(
        folder,
        clock_spec,
        lambda places: (
            places.commune_lists.listed(edition, province),
            places.commune_lists.counts(),
        ),
    )
    wanted = folded(" ".join(words)).split()
    found = [each for each in listed if all(word in folded(each.name) for word in wanted)]
    if as_json:
        print_json(found)
        return
    columns(
        ("code", "name", "province"),
        ((f"{each.code:05}", each.name, f"{each.province:02}") for each in found),
    )
    note(f"{len(found)} of {counts.get(edition, 0)} communes of edition {edition}")
