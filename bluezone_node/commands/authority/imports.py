"""``authority imports``: keys that other authorities export, taken into one's own database."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bluezone_node.commands.authority.options import ROLES, clock_of, clock_option, dir_option
from bluezone_node.commands.console import columns, json_option, note, print_json

if TYPE_CHECKING:
    from bluezone_node.authority.distribution.importing import ImportRound
    from bluezone_node.authority.ports.imports import ImportStore


@click.group()
def imports() -> None:
    """Keys of other authorities."""


@imports.command()
@dir_option
@clock_option
@json_option
def run(folder: Any, clock_spec: str, as_json: bool) -> None:
    """Import what is new at every source now; safe beside a running server."""
    rounds = asyncio.run(_run(folder, clock_spec))
    busy = {each.name for each in folder.settings.imports} - {each.origin for each in rounds}
    if as_json:
        print_json({"rounds": rounds, "busy": sorted(busy)})
    else:
        for each in rounds:
            keys, revised = (sum(getattr(f, n) for f in each.files) for n in ("keys", "revised"))
            taken = sum(not file.problem for file in each.files)
            click.echo(f"{each.origin}: {taken} files, {keys} new keys, {revised} revised")
            if each.left:
                note(f"{each.origin}: {each.left} files are left for the next round")
            if each.problem:
                note(f"{each.origin}: {each.problem}")
        for origin in sorted(busy):
            note(f"{origin}: another process is importing")
        if not folder.settings.imports:
            note("there are no [[imports]] in the settings")
    if any(each.problem for each in rounds):
        click.get_current_context().exit(1)


async def _run(folder: Any, clock_spec: str) -> "list[ImportRound]":
    from bluezone_node.wiring.authority import open_authority

    async with clock_of(clock_spec) as clock:
        with open_authority(folder, clock, ROLES["publisher"]) as parts:
            assert parts.federation is not None  # noqa: S101 - the role was asked for
            async with parts.federation.connected() as importer:
                return await importer.run()


@imports.command()
@dir_option
@json_option
def status(folder: Any, as_json: bool) -> None:
    """Say of each source when it was asked, what came of it, and which files failed."""
    from bluezone_node.clock import SystemClock
    from bluezone_node.wiring.authority import open_authority

    with open_authority(folder, SystemClock(), ROLES["publisher"]) as parts:
        assert parts.federation is not None  # noqa: S101 - the role was asked for
        store = parts.federation.store
        known = standing(store, [each.name for each in folder.settings.imports])
        failed = [file for each in known for file in store.files(each["origin"]) if file.problem]
    if as_json:
        print_json({"sources": known, "failed": failed})
        return
    columns(
        ("origin", "last round", "last success", "files", "keys", "revised", "failed", "problem"),
        (
            (
                each["origin"],
                _minute(each["tried"]),
                _minute(each["succeeded"]),
                *(each[name] for name in ("files", "keys", "revised", "failed")),
                each["problem"] or "-",
            )
            for each in known
        ),
    )
    for file in failed:
        note(f"{file.origin}  {file.name}: {file.problem}, tried {file.attempts} times")


def standing(store: "ImportStore", named: Sequence[str]) -> list[dict[str, Any]]:
    """Return what is known of each origin that is in the settings, or of which anything is kept."""
    from bluezone_node.authority.ports.imports import ImportCounts, ImportSource

    sources = {each.origin: each for each in store.sources()}
    counts = {each.origin: each for each in store.counts()}
    return [
        asdict(sources.get(origin, ImportSource(origin)))
        | asdict(counts.get(origin, ImportCounts(origin, 0, 0, 0, 0)))
        for origin in sorted({*named, *counts})
    ]


def _minute(instant: Any) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant is not None else "never"
