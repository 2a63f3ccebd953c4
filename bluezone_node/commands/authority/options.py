"""What commands of the authority share: its folder, its roles, and where time comes from."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from bluezone_node.clock import SystemClock
from bluezone_node.errors import BadConfig
from bluezone_node.ports import Clock

ROLES = {
    "all": ("registrar", "publisher"),
    "registrar": ("registrar",),
    "publisher": ("publisher",),
}


def dir_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--dir`` and ``--config``, handed over as an opened folder."""

    @click.option(
        "--dir",
        "directory",
        type=click.Path(path_type=Path),
        envvar="BLUEZONE_AUTHORITY_DIR",
        help="The authority's folder, as made by `authority init`.",
    )
    @click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path),
        help="Another settings file; without --dir, the folder is the one it lies in.",
    )
    @wraps(command)
    def opened(directory: Path | None, config: Path | None, **rest: Any) -> Any:
        from bluezone_node.store.authority.folder import open_folder

        if directory is None and config is None:
            raise click.UsageError("name the authority's folder: --dir DIR, or --config FILE")
        return command(folder=open_folder(directory or config.parent, config), **rest)  # type: ignore[union-attr]

    return opened


clock_option = click.option(
    "--clock",
    "clock_spec",
    default="system",
    show_default=True,
    metavar="system|air:ADDR",
    help="Where time comes from: this machine, or a simulated air.",
)


@asynccontextmanager
async def clock_of(spec: str) -> AsyncIterator[Clock]:
    """Yield the clock that *spec* names.

    Raises:
        BadConfig: it names none.
    """
    if spec == "system":
        yield SystemClock()
        return
    if not spec.startswith("air:"):
        raise BadConfig(f"there is no clock {spec!r}", hint="--clock system, or --clock air:ADDR")
    from bluezone_node.wiring.clock import open_clock

    async with open_clock(spec) as clock:
        yield clock


def time_of(spec: str) -> datetime:
    """Return what the clock that *spec* names shows now.

    Raises:
        BadConfig: it names none.
    """
    if spec == "system":
        return SystemClock().now()

    async def asked() -> datetime:
        async with clock_of(spec) as clock:
            return clock.now()

    return asyncio.run(asked())
