"""``venue posters``: those of all places, or of a search, in files for a print shop."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import note, progress
from bluezone_node.commands.private_file import write_private
from bluezone_node.commands.sheet_results import folder_for
from bluezone_node.commands.venue.desk import with_places
from bluezone_node.commands.venue.facts import commune_of
from bluezone_node.commands.venue.poster import size_option
from bluezone_node.errors import BadInput

if TYPE_CHECKING:
    from bluezone_node.venues.card import SignedCard
    from bluezone_node.wiring.venues import VenueParts

_ALL = 2**31 - 1
"""Places: more than any registrar has."""


@click.command()
@click.argument("words", nargs=-1)
@click.option("--commune", default="", help="Only of the commune or ward of that name or number.")
@size_option
@click.option(
    "--direction",
    "ways",
    type=click.Choice(["in", "out"]),
    multiple=True,
    help="A page for each that is named; otherwise one for both ways.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder to be made for the files."
)
@dir_option
@clock_option
def posters(
    folder: Any,
    words: tuple[str, ...],
    commune: str,
    size: Any,
    ways: tuple[Any, ...],
    out: Path,
    clock_spec: str,
) -> None:
    """Write the posters of places and their rooms as PDFs of up to 200 pages.

    Those of all approved places, or of those with WORDS in name or address; by commune and name.
    """
    from bluezone_node.authority.places.orders import EDITION
    from bluezone_node.authority.places.printing import cards_to_print
    from bluezone_node.authority.ports.venues import VenueState
    from bluezone_node.posters.batch import MOST, batch
    from bluezone_node.posters.fonts import faces

    def look(places: "VenueParts") -> "list[tuple[SignedCard, str]]":
        of = (EDITION, commune_of(commune, places.communes.book("", EDITION))) if commune else None
        found = places.directory.search(" ".join(words), OPERATOR, VenueState.APPROVED, _ALL, of)
        if not found:
            raise BadInput(
                "No approved place is meant by that.",
                reason="no_posters",
                hint="bluezone-node venue list",
            )
        return cards_to_print(places.directory, places.communes, found, OPERATOR)

    directions = tuple(dict.fromkeys(ways)) or (None,)
    each = MOST // len(directions)
    left_out: list[str] = []
    with folder_for(out):
        faces()  # without a font nothing is begun
        cards = with_places(folder, clock_spec, look)
    with progress("drawing", len(cards)) as advance:
        for number, first in enumerate(range(0, len(cards), each), 1):
            some = cards[first : first + each]
            made = batch(some, folder.settings.places.host, size=size, directions=directions)
            write_private(made.content, out / f"posters-{number:04}.pdf", replace=False)
            left_out += made.left_out
            advance(len(some))
    note(f"{out}: posters of {len(cards) - len(left_out)} cards")
    if left_out:
        note(f"names that the font cannot set, on the last pages: {', '.join(left_out)}")
        raise SystemExit(1)
