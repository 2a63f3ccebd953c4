"""``authority keys``: the keys that an authority signs with, and their change with overlap."""

import asyncio
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import click

from bluezone_node.commands.authority import clock_of, clock_option, dir_option
from bluezone_node.commands.console import columns, json_option, note, print_json

REGISTRAR_OVERLAP_DAYS = 7
"""A publisher that reads a copied file needs a person, who is there on working days."""


@click.group()
def keys() -> None:
    """The keys that the authority signs with."""


@keys.command("list")
@dir_option
@clock_option
@json_option
def list_keys(folder: Any, clock_spec: str, as_json: bool) -> None:
    """Say which key signs, which is next, and until when the one before is published."""
    ring, now = folder.registrar_keys().ring(), asyncio.run(_now(clock_spec))
    found = [
        {**asdict(key), "state": ring.state(key, now), "published_until": ring.retires(key)}
        for key in ring.published(now)
    ]
    if as_json:
        print_json(found)
        return
    columns(
        ("key", "state", "made", "signs from", "published until"),
        (
            (
                key["key_id"],
                key["state"],
                _minute(key["made"]),
                _minute(key["signs_from"]),
                _minute(key["published_until"]),
            )
            for key in found
        ),
    )


@keys.command()
@dir_option
@click.option(
    "--overlap",
    type=click.IntRange(0, 90),
    default=REGISTRAR_OVERLAP_DAYS,
    show_default=True,
    metavar="DAYS",
    help="So long the new key is published before it signs.",
)
@click.option("--force", is_flag=True, help="Even while the last rotation is under way.")
@clock_option
@json_option
def rotate(folder: Any, overlap: int, force: bool, clock_spec: str, as_json: bool) -> None:
    """Make a new key, publish it, and let it take over after the overlap."""
    now = asyncio.run(_now(clock_spec))
    new = folder.registrar_keys().rotate(now, timedelta(days=overlap), force=force)
    if as_json:
        print_json(asdict(new))
        return
    click.echo(new.key_id)
    note(f"published now, signs from {_minute(new.signs_from)}; a running server knows already")
    note("Copy registrar.jwks.json to every publisher that reads a file, before that time.")


async def _now(clock_spec: str) -> datetime:
    async with clock_of(clock_spec) as clock:
        return clock.now()


def _minute(instant: Any) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant is not None else "-"
