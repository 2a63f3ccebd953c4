"""``bluezone-node sync`` and ``keys import``: bring in what authorities published."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.console import json_option, note, print_json, progress
from bluezone_node.commands.options import config_option
from bluezone_node.commands.place_status import PROBLEMS
from bluezone_node.config import PLACES_SOURCE
from bluezone_node.errors import BadConfig
from bluezone_node.node.sync import Round, Sync
from bluezone_node.ports import ExportState


@click.command()
@click.option("--now", is_flag=True, help="Even if the last sync was a short while ago.")
@click.option(
    "--places",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Take notices of places from this folder, of a stick for example, and nothing else.",
)
@config_option
@json_option
def sync(now: bool, places: Path | None, config: Path | None, as_json: bool) -> None:
    """Download, verify and match new exports and notices of places."""
    from bluezone_node.wiring.sync import open_stick, open_sync

    settings = settings_file.load(config)
    if not settings.sources and places is None and not (settings.places and settings.places.url):
        raise BadConfig(
            "no sources are configured", hint="add a [[sources]] section: docs/operate.md"
        )

    async def work(advance: Callable[[int], None]) -> Round | None:
        if places is not None:
            async with open_stick(settings, places) as service:
                return await service.once(advance)
        async with open_sync(settings) as service:
            return await service.once(advance) if now or await service.due() else None

    with progress("matching keys", None) as advance:
        done = asyncio.run(work(advance))
    if done is None:
        note("The last sync was a short while ago; --now asks all the same.")
    else:
        _tell(done, as_json)


@click.group()
def keys() -> None:
    """Exports brought by hand."""


@keys.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    required=True,
    help="PEM file or base64 of the authority's public key; may be given more than once.",
)
@config_option
@json_option
def import_keys(
    files: tuple[Path, ...], public_keys: tuple[str, ...], config: Path | None, as_json: bool
) -> None:
    """Verify and match export FILES, from a USB stick for example. Needs no network."""
    from bluezone_node.wiring.sync import open_import

    async def work(advance: Callable[[int], None]) -> Round:
        service: Sync
        async with open_import(settings_file.load(config), files, public_keys) as service:
            return await service.once(advance)

    with progress("matching keys", None) as advance:
        done = asyncio.run(work(advance))
    _tell(done, as_json)


def _tell(done: Round, as_json: bool) -> None:
    """Print what one round did; exit 1 where anything could not be taken."""
    if as_json:
        print_json(
            {"exports": done.records, "problems": done.problems, "new_alerts": len(done.alerts)}
        )
    else:
        for record in done.records:
            if record.state is ExportState.MATCHED and record.source == PLACES_SOURCE:
                click.echo(f"{record.name}: {record.keys} notices, made-up ones included")
            elif record.state is ExportState.MATCHED:
                click.echo(
                    f"{record.name}: {record.keys} keys, {record.revised_keys} revised, "
                    f"{record.matched_keys} heard by this node"
                )
            else:
                note(f"{record.name}: refused ({record.reason})")
        for state in done.problems:
            note(f"{state.source}: {state.problem.replace('_', ' ')}")
            if state.source == PLACES_SOURCE and state.problem in PROBLEMS:
                note(f"hint: {PROBLEMS[state.problem]}")
        if not done.records and not done.problems:
            note("nothing new")
        if done.alerts:
            click.echo(f"{len(done.alerts)} new alert(s): see `bluezone-node alerts`")
    if done.problems:
        raise SystemExit(1)
