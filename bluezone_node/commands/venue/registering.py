"""``venue register``: one place, by somebody with a shell on the server."""

from typing import Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import json_option, note, print_json
from bluezone_node.commands.venue.desk import details, with_places
from bluezone_node.venues.card import CardFlag
from bluezone_node.venues.kinds import VenueKind

KINDS = [kind.name.lower().replace("_", "-") for kind in VenueKind]
MARKS = {
    "register": CardFlag.REGISTER_REQUIRED,
    "declaration": CardFlag.DECLARATION_REQUIRED,
    "radio": CardFlag.BLE_NODE,
    "check-out": CardFlag.CHECK_OUT_CODE,
    "staff": CardFlag.STAFF_CODE,
    "dual-control": CardFlag.DUAL_CONTROL,
}


@click.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), default="other", show_default=True)
@click.option("--commune", type=int, required=True, help="Number of the commune or ward.")
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
    commune: int,
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
    flags = CardFlag(0)
    for mark in marks:
        flags |= MARKS[mark]
    order = VenueOrder(
        name,
        VenueKind[kind.upper().replace("-", "_")],
        commune,
        realm,
        edition,
        address,
        opens,
        closes,
        stay,
        flags,
        rooms,
        phone,
    )
    view = with_places(
        folder,
        clock_spec,
        lambda places: places.directory.view(
            places.venues.register(order, OPERATOR).venue_id, OPERATOR
        ),
    )
    if as_json:
        print_json(details(view))
        return
    click.echo(view.spoken_code)
    note(f"its id is {view.venue.venue_id.hex()}; venue poster {view.spoken_code} prints it")
