"""``venue poster``: the sheet that hangs at a place's door."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import note
from bluezone_node.commands.private_file import write_private
from bluezone_node.commands.venue.desk import found, room_option, venue_argument, with_places

if TYPE_CHECKING:
    from bluezone_node.venues.card import SignedCard
    from bluezone_node.wiring.venues import VenueParts

size_option = click.option(
    "--size", type=click.Choice(["a4", "a5", "sticker"]), default="a4", show_default=True
)


@click.command()
@venue_argument
@size_option
@click.option(
    "--format", "form", type=click.Choice(["pdf", "svg", "png"]), default="pdf", show_default=True
)
@click.option("--direction", type=click.Choice(["in", "out"]), help="Otherwise for both ways.")
@room_option
@click.option("--commune-name", default="", help="Printed so, and not as in the list.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--force", is_flag=True, help="Replace the file that is there.")
@dir_option
@clock_option
def poster(
    folder: Any,
    venue: str,
    size: Any,
    form: Any,
    direction: Any,
    room: str,
    commune_name: str,
    out: Path,
    force: bool,
    clock_spec: str,
) -> None:
    """Write the poster of a place, or of one of its rooms, to a file."""
    from bluezone_node.posters.rendering import make
    from bluezone_node.venues.text import to_url

    def look(places: "VenueParts") -> "tuple[SignedCard, str]":
        venue_id = found(places, venue)
        card = places.directory.card(venue_id, room, OPERATOR).signed
        return card, places.communes.of_card(card.card)

    card, commune = with_places(folder, clock_spec, look)
    url = to_url(card.cose, folder.settings.places.host, direction)
    write_private(
        make(card, url, size, direction, form, commune=commune_name or commune), out, force
    )
    note(f"{out}: the code under the square is {card.spoken_code}")
