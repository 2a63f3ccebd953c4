"""``authority mirror``: another authority's exports, copied for where no network reaches."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bluezone_node.clock import SystemClock
from bluezone_node.commands.console import json_option, note, print_json
from bluezone_node.errors import BadConfig, Unreachable

if TYPE_CHECKING:
    from bluezone_node.authority.distribution.mirror import Mirror, MirrorRun
    from bluezone_node.ports import KeySource

MARK = ".mirror"
"""An empty file that says whose folder it is: a mirror removes what its source no longer has."""


@click.command()
@click.argument("source", metavar="URL")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    help="PEM file or base64; any of them must have signed. May stand more than once.",
)
@click.option("--unverified", is_flag=True, help="Copy without looking at signatures.")
@click.option(
    "--period",
    type=click.IntRange(1, 1440),
    metavar="MINUTES",
    help="Again and again, until told to stop. Default: once.",
)
@json_option
def mirror(
    source: str,
    folder: Path,
    public_keys: tuple[str, ...],
    unverified: bool,
    period: int | None,
    as_json: bool,
) -> None:
    """Copy the index and the files of another authority, unchanged, into DIR.

    URL may be a folder too, such as a mirror on a USB stick. DIR is called as the folder is in the
    lines of the index: exports.
    """
    if bool(public_keys) == unverified:
        raise click.UsageError("give the authority's --public-key, or say --unverified")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    folder = folder.absolute()
    _claim(folder)
    if period is None:
        run = asyncio.run(_once(source, folder, public_keys))
        _tell(run, as_json)
        if run.missing:
            click.get_current_context().exit(1)
        return
    try:
        asyncio.run(_again(source, folder, public_keys, period * 60, as_json))
    except KeyboardInterrupt:
        note("stopped; the next round goes on from here")


def _claim(folder: Path) -> None:
    """Make *folder*, and mark it as a mirror's.

    Raises:
        BadConfig: it has something in it already, and is none.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise BadConfig(
            f"{folder} is not empty and not a mirror; nothing was changed.",
            hint="name a folder that does not exist; a mirror removes what its source no more has",
        )
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    (folder / MARK).touch(mode=0o644)


async def _once(source: str, folder: Path, public_keys: tuple[str, ...]) -> "MirrorRun":
    async with _mirror(source, folder, public_keys) as mirror:
        return await mirror.run()


async def _again(
    source: str, folder: Path, public_keys: tuple[str, ...], seconds: int, as_json: bool
) -> None:
    async with _mirror(source, folder, public_keys) as mirror:
        while True:
            try:
                _tell(await mirror.run(), as_json)
            except (Unreachable, OSError) as error:
                note(str(error))
            await SystemClock().sleep(seconds)


@asynccontextmanager
async def _mirror(
    source: str, folder: Path, public_keys: tuple[str, ...]
) -> "AsyncIterator[Mirror]":
    from bluezone_node.authority.distribution.mirror import Mirror
    from bluezone_node.store.authority.shelf import FolderShelf
    from bluezone_node.wiring.public_keys import read_public_keys
    from bluezone_node.wiring.threads import in_thread

    keys = read_public_keys(public_keys) or None
    async with _source(source) as exports:
        yield Mirror(
            exports,
            FolderShelf(folder),
            folder.name,
            SystemClock(),
            public_keys=keys,
            in_thread=in_thread,
        )


@asynccontextmanager
async def _source(given: str) -> "AsyncIterator[KeySource]":
    from bluezone_node.client import HttpExports
    from bluezone_node.files import FolderExports

    place = given.removesuffix("/index.txt")
    if "://" not in given:
        yield FolderExports("the source", Path(place))
        return
    async with HttpExports("the source", place, conditional=True) as exports:
        yield exports


def _tell(run: Any, as_json: bool) -> None:
    if as_json:
        print_json(run)
        return
    click.echo(f"{run.listed} files on offer, {run.fetched} fetched, {run.removed} removed")
    if run.missing:
        note(f"some are missing, and will be tried again: {', '.join(run.missing)}")
