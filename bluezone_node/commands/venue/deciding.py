"""``venue approve``, ``reject``, ``rotate`` and ``close``: what a supervisor decides."""

from typing import Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import json_option, note, print_json
from bluezone_node.commands.venue.desk import details, found, venue_argument, with_places


@click.command()
@venue_argument
@dir_option
@clock_option
@json_option
def approve(folder: Any, venue: str, clock_spec: str, as_json: bool) -> None:
    """Give a place that was claimed its cards."""
    told = with_places(
        folder,
        clock_spec,
        lambda places: details(places, places.venues.approve(found(places, venue), OPERATOR)),
    )
    if as_json:
        print_json(told)
        return
    click.echo(told["code"])


@click.command()
@venue_argument
@dir_option
@clock_option
def reject(folder: Any, venue: str, clock_spec: str) -> None:
    """Turn a place away that was claimed."""
    with_places(
        folder,
        clock_spec,
        lambda places: places.venues.reject(found(places, venue), OPERATOR),
    )
    note("the place is rejected; its owner is not told by this program")


@click.command()
@venue_argument
@click.option("--now", "at_once", is_flag=True, help="The old cards are withdrawn at once.")
@dir_option
@clock_option
@json_option
def rotate(folder: Any, venue: str, at_once: bool, clock_spec: str, as_json: bool) -> None:
    """Give every room of a place a new card; the old ones end with tomorrow."""
    told = with_places(
        folder,
        clock_spec,
        lambda places: details(
            places, places.renewal.rotate(found(places, venue), OPERATOR, at_once=at_once)
        ),
    )
    if as_json:
        print_json(told)
        return
    click.echo(told["code"])
    ends = "are withdrawn" if at_once else "end with tomorrow"
    note(f"hang the new posters up: the old ones {ends}")


@click.command()
@venue_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@dir_option
@clock_option
def close(folder: Any, venue: str, yes: bool, clock_spec: str) -> None:
    """Close a place for good: its cards and kiosks end."""
    if not yes:
        click.confirm("Close the place for good?", abort=True)
    with_places(
        folder,
        clock_spec,
        lambda places: places.venues.close(found(places, venue), OPERATOR),
    )
    note("the place is closed; its cards are withdrawn with the next bundle")
