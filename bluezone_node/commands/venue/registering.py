"""``venue register``: one place, by somebody with a shell on the server."""

from typing import TYPE_CHECKING, Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import json_option, note, print_json
from bluezone_node.commands.venue.desk import details, with_places
from bluezone_node.commands.venue.facts import KINDS, MARKS, commune_of, flags_of, kind_of

if TYPE_CHECKING:
    from bluezone_node.wiring.venues import VenueParts


@click.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), default="other", show_default=True)
@click.option("--commune", required=True, help="Name or number of the commune or ward.")
@click.option(
    "--edition",
    type=click.IntRange(1, 2),
    default=2,
    show_default=True,
    help="Of the list of communes: before or since 1 July 2025.",
)
@click.option("--address", default="", help="As it is printed on posters.")
@click.option("--hours", default="", metavar="07:00-22:30", help="Opening and closing.")
@click.option("--stay", type=int, default=0, help="Usual stay, minutes; otherwise as for its kind.")
@click.option("--room", "rooms", multiple=True, help="A room with a card of its own; many times.")
@click.option(
    "--mark",
    "marks",
    type=click.Choice(list(MARKS)),
    multiple=True,
    default=["check-out"],
    show_default=True,
    help="What its cards tell: a register of names is kept, a node sends tags, and so on.",
)
@click.option("--phone", default="", help="Of who answers for the place.")
@click.option("--realm", default="", help="Province, where there is more than one.")
@dir_option
@clock_option
@json_option
def register(
    folder: Any,
    name: str,
    kind: str,
    commune: str,
    edition: int,
    address: str,
    hours: str,
    stay: int,
    rooms: tuple[str, ...],
    marks: tuple[str, ...],
    phone: str,
    realm: str,
    clock_spec: str,
    as_json: bool,
) -> None:
    """Register a place called NAME, approved at once."""
    from bluezone_node.authority.places.orders import VenueOrder, parse_hours

    opens, closes = parse_hours(hours)

    def act(places: "VenueParts") -> dict[str, Any]:
        order = VenueOrder(
            name,
            kind_of(kind),
            commune_of(commune, places.communes.book(realm, edition)),
            realm,
            edition,
            address,
            opens,
            closes,
            stay,
            flags_of(marks),
            rooms,
            phone,
        )
        made = places.venues.register(order, OPERATOR)
        return details(places, places.directory.view(made.venue_id, OPERATOR))

    told = with_places(folder, clock_spec, act)
    if as_json:
        print_json(told)
        return
    click.echo(told["code"])
    note(f"its id is {told['id']}; venue poster {told['code']} prints it")
