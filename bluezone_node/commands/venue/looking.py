"""``venue list`` and ``venue show``."""

from typing import Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import columns, json_option, print_json
from bluezone_node.commands.venue.desk import (
    details,
    found,
    summaries,
    venue_argument,
    with_places,
)

STATES = ("claimed", "approved", "rejected", "closed")
MOST = 200


@click.command("list")
@click.argument("words", nargs=-1)
@click.option("--state", type=click.Choice(STATES), help="Only those; `claimed` wait for a word.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=MOST, show_default=True)
@dir_option
@clock_option
@json_option
def list_venues(
    folder: Any,
    words: tuple[str, ...],
    state: str | None,
    limit: int,
    clock_spec: str,
    as_json: bool,
) -> None:
    """List places, newest first; WORDS stand in name or address, with or without diacritics."""
    from bluezone_node.authority.ports.venues import VenueState

    only = VenueState(state) if state else None
    told = with_places(
        folder,
        clock_spec,
        lambda places: summaries(
            places, places.directory.search(" ".join(words), OPERATOR, only, limit)
        ),
    )
    if as_json:
        print_json(told)
        return
    columns(
        ("id", "state", "kind", "commune", "name", "address"),
        (
            (
                each["id"][:8],
                each["state"],
                each["kind"],
                each["commune_name"] or f"{each['commune']:05}",
                each["name"],
                each["address"],
            )
            for each in told
        ),
    )


@click.command()
@venue_argument
@dir_option
@clock_option
@json_option
def show(folder: Any, venue: str, clock_spec: str, as_json: bool) -> None:
    """Tell all about a place; VENUE is its spoken code, the beginning of its id, or its name."""
    told = with_places(
        folder,
        clock_spec,
        lambda places: details(places, places.directory.view(found(places, venue), OPERATOR)),
    )
    if as_json:
        print_json(told)
        return
    for name, value in told.items():
        if name not in ("cards", "kiosks", "rooms"):
            click.echo(f"{name} = {'' if value is None else value}")
    for card in told["cards"]:
        ends = f", ends {card['revoked']:%Y-%m-%d %H:%M} UTC" if card["revoked"] else ""
        click.echo(f"card {card['code']}  {card['room'] or '(whole place)'}  to {card['to']}{ends}")
    for kiosk in told["kiosks"]:
        seen = f"{kiosk['seen']:%Y-%m-%d %H:%M} UTC" if kiosk["seen"] else "never"
        click.echo(f"kiosk {kiosk['number']}  {kiosk['room'] or '(whole place)'}  seen {seen}")
