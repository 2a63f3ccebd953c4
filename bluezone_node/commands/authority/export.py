"""``authority export``: the files of keys that nodes fetch."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bluezone_node.clock import SystemClock
from bluezone_node.commands.authority.options import ROLES, clock_of, clock_option, dir_option
from bluezone_node.commands.console import json_option, note, print_json

if TYPE_CHECKING:
    from bluezone_node.authority.distribution.exporter import ExportHealth, ExportRun

HELD = {
    "busy": "another exporter is at work: nothing was done here",
    "clock_behind": "the newest window ends in the future by this clock: none is drawn until it "
    "has ended; see to the time synchronisation",
    "clock_ahead": "by this clock all keys on offer are over: nothing was drawn or removed; if the "
    "clock is right, because the server was off for so long: authority export run --after-pause",
}
PROBLEMS = {
    "files_missing": "files are missing: the next run writes them again",
    "index_wrong": "the index is not right: the next run mends it",
    "late": "a window is late: is the server running?",
} | HELD


@click.group()
def export() -> None:
    """Export files."""


@export.command()
@dir_option
@click.option("--after-pause", is_flag=True, help="The clock is right: the server was off so long.")
@clock_option
@json_option
def run(folder: Any, after_pause: bool, clock_spec: str, as_json: bool) -> None:
    """Write the exports that are due now; safe beside a running server."""
    own, imported = asyncio.run(_run(folder, clock_spec, after_pause))
    if as_json:
        print_json(asdict(own) | {"imported": imported})
        return
    for name, each in {"": own, **imported}.items():
        called = f"{name}: " if name else ""
        click.echo(
            f"{called}{each.windows} windows drawn, {each.written} files written, "
            f"{each.removed} removed"
        )
        if each.held:
            note(f"{called}{HELD[each.held]}")


async def _run(
    folder: Any, clock_spec: str, after_pause: bool
) -> "tuple[ExportRun, dict[str, ExportRun]]":
    from bluezone_node.wiring.authority import open_authority

    async with clock_of(clock_spec) as clock:
        with open_authority(folder, clock, ROLES["publisher"]) as parts:
            assert parts.exporter is not None  # noqa: S101 - the role was asked for
            assert parts.federation is not None  # noqa: S101 - the role was asked for
            own = parts.exporter.run(after_pause=after_pause)
            return own, parts.federation.export(after_pause=after_pause)


@export.command()
@dir_option
@json_option
def status(folder: Any, as_json: bool) -> None:
    """Say what is on offer and where, what waits, and what is wrong; exit 1 where something is."""
    from bluezone_node.wiring.authority import open_authority
    from bluezone_node.wiring.shelves import place_of

    with open_authority(folder, SystemClock(), ROLES["publisher"]) as parts:
        assert parts.exporter is not None  # noqa: S101 - the role was asked for
        health = parts.exporter.health()
    if as_json:
        print_json({"place": place_of(folder), **asdict(health), "problems": health.problems})
    else:
        for line in lines_of(place_of(folder), health):
            click.echo(line)
        for problem in health.problems:
            note(PROBLEMS[problem])
    if health.problems:
        click.get_current_context().exit(1)


def lines_of(place: str, health: "ExportHealth") -> list[str]:
    """Return how the export stands, in lines for a person."""
    newest = f"{health.newest_end:%Y-%m-%d %H:%M} UTC" if health.newest_end else "never"
    return [
        f"exports  place: {place}",
        f"exports  exported up to: {newest}, {health.windows} windows",
        f"exports  files: {health.files}, {health.missing} of them missing, {health.bytes} bytes",
        f"exports  index: {'right' if health.index_right else 'not right'}",
        f"exports  keys waiting: {health.waiting}",
    ]
