"""``venue edit``: what is said of a place, said otherwise."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import json_option, note, print_json
from bluezone_node.commands.venue.desk import details, found, venue_argument, with_places
from bluezone_node.commands.venue.facts import KINDS, MARKS, commune_of, flags_of, kind_of
from bluezone_node.errors import BadInput
from bluezone_node.venues.card import CardFlag
from bluezone_node.venues.names import composed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bluezone_node.authority.places.orders import VenueOrder
    from bluezone_node.authority.places.renewal import Edit
    from bluezone_node.wiring.venues import VenueParts

_MARK = click.Choice(list(MARKS))


@click.command()
@venue_argument
@click.option("--name", help="As it stands over the door.")
@click.option("--kind", type=click.Choice(KINDS))
@click.option("--commune", help="Name or number of the commune or ward.")
@click.option("--edition", type=click.IntRange(1, 2), help="Of the list of communes.")
@click.option("--address", help='As it is printed on posters; "": none.')
@click.option("--hours", metavar="07:00-22:30", help='Opening and closing; "": not told.')
@click.option("--stay", type=int, help="Usual stay, minutes; 0: as for its kind.")
@click.option("--room", "rooms", multiple=True, help="A room more; many times.")
@click.option("--no-room", "gone", multiple=True, help="A room that goes, with its card; many.")
@click.option("--mark", "marks", type=_MARK, multiple=True, help="What its cards tell from now on.")
@click.option("--no-mark", "unmarks", type=_MARK, multiple=True, help="And what no more.")
@click.option("--phone", help='Of who answers for the place; "": none.')
@click.option("--now", "at_once", is_flag=True, help="Old cards are withdrawn at once.")
@click.option("--yes", is_flag=True, help="Do not ask, also where posters must be printed anew.")
@dir_option
@clock_option
@json_option
def edit(
    folder: Any,
    venue: str,
    at_once: bool,
    yes: bool,
    clock_spec: str,
    as_json: bool,
    **said: Any,
) -> None:
    """Correct what is said of a place; what stands on its cards needs new ones, and posters.

    It says which before it does it. What is not named stays as it is.
    """

    def act(places: "VenueParts") -> dict[str, Any]:
        venue_id = found(places, venue)
        order = _order(places, venue_id, said)
        plan = places.renewal.plan(venue_id, order, OPERATOR)
        _tell(plan, at_once=at_once)
        if (plan.renewed or plan.removed) and not yes:
            click.confirm("Change it, and end those cards?", abort=True, err=True)
        view = places.renewal.edit(
            venue_id, order, OPERATOR, at_once=at_once, stamp=plan.before.stamp
        )
        return details(places, view)

    told = with_places(folder, clock_spec, act)
    if as_json:
        print_json(told)
    elif told["code"]:
        click.echo(told["code"])


def _order(places: "VenueParts", venue_id: bytes, said: dict[str, Any]) -> "VenueOrder":
    from bluezone_node.authority.places.orders import order_of, parse_hours

    before = places.directory.view(venue_id, OPERATOR).venue
    order = order_of(before)
    for name in ("name", "address", "edition"):
        if said[name] is not None:
            order = replace(order, **{name: said[name]})
    if said["stay"] is not None:
        order = replace(order, stay_minutes=said["stay"])
    if said["phone"] is not None:
        order = replace(order, contact=said["phone"])
    if said["kind"] is not None:
        order = replace(order, kind=kind_of(said["kind"]))
    if said["hours"] is not None:
        opens, closes = parse_hours(said["hours"])
        order = replace(order, opens=opens, closes=closes)
    if said["commune"] is not None:
        book = places.communes.book(before.realm, order.edition)
        order = replace(order, commune=commune_of(said["commune"], book))
    flags = CardFlag(order.flags) | flags_of(said["marks"])
    return replace(
        order,
        flags=flags & ~flags_of(said["unmarks"]),
        rooms=_rooms(before.rooms, said["rooms"], said["gone"]),
    )


def _rooms(
    before: "Iterable[str]", more: "Iterable[str]", gone: "Iterable[str]"
) -> tuple[str, ...]:
    rooms = [*before]
    for room in map(composed, gone):
        if room not in rooms:
            raise BadInput(
                "The place has no room of that name.",
                reason="room_not_found",
                hint=", ".join(rooms),
            )
        rooms.remove(room)
    return (*rooms, *more)


def _tell(plan: "Edit", *, at_once: bool) -> None:
    if not plan.facts:
        note("nothing changes: all of it is said already")
        return
    note(f"changes: {', '.join(plan.facts)}")
    if plan.renewed:
        note(f"new cards, posters to be printed anew: {_listed(plan.renewed)}")
    if plan.added:
        note(f"first cards, posters to be printed: {_listed(plan.added)}")
    if plan.removed:
        note(f"taken away, with cards and kiosks: {_listed(plan.removed)}")
    if plan.renewed or plan.removed:
        note(f"the old cards {'are withdrawn' if at_once else 'end with tomorrow'}")
    elif not plan.added:
        note("no poster changes")


def _listed(rooms: "Iterable[str]") -> str:
    return ", ".join(room or "(whole place)" for room in rooms)
