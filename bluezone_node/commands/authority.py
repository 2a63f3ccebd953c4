"""``authority``: the health authority's server, and a health worker's desk."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from bluezone_node.clock import SystemClock
from bluezone_node.commands import LazyGroup
from bluezone_node.commands.console import json_option, note, print_json
from bluezone_node.errors import BadConfig
from bluezone_node.ports import Clock

ROLES = {
    "all": ("registrar", "publisher"),
    "registrar": ("registrar",),
    "publisher": ("publisher",),
}


@click.group(
    cls=LazyGroup,
    lazy={
        "audit": "authority_audit:audit",
        "users": "authority_users:users",
        "code": "authority_code:code",
        "export": "authority_export:export",
        "imports": "authority_imports:imports",
        "keys": "authority_keys:keys",
        "mirror": "authority_mirror:mirror",
        "backup": "authority_backup:backup",
        "doctor": "authority_doctor:doctor",
        "restore": "authority_backup:restore",
    },
)
def authority() -> None:
    """The health authority's server: codes, certificates, keys and exports."""
    if find_spec("sqlalchemy") is None:
        raise BadConfig(
            "the server's packages are not installed: a node does without",
            hint="sudo apt install ./bluezone-authority_*.deb, or pip install '.[authority]'",
        )


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


@authority.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--role", type=click.Choice(list(ROLES)), default="all", show_default=True)
@json_option
def init(directory: Path, role: str, as_json: bool) -> None:
    """Make the folder and the keys of a new authority."""
    from bluezone_node.crypto.signing import load_public_key, public_base64
    from bluezone_node.store.authority.folder import SETTINGS, make_folder

    folder = make_folder(directory, ROLES[role])
    url = f"http://{folder.settings.serve.listen}"
    made: dict[str, str] = {"dir": str(folder.path), "config": str(folder.path / SETTINGS)}
    if "registrar" in ROLES[role]:
        made["registrar"] = url
    if "publisher" in ROLES[role]:
        pem = folder.export_public_key
        made |= {
            "publisher": url,
            "exports": f"{url}/exports",
            "health_authority": folder.settings.publisher.health_authorities[0].id,
            "public_key_file": str(pem),
            "public_key": public_base64(load_public_key(pem.read_bytes())),
        }
    if as_json:
        print_json(made)
        return
    note(f"A new authority is in {folder.path}. Start it with:")
    note(f"  bluezone-node authority serve --dir {folder.path} --role {role}")
    if role == "all":
        note("A node needs this in its config.toml:")
        click.echo(
            f'[[sources]]\nname = "authority"\nurl = "{made["exports"]}"\n'
            f'public_keys = ["{made["public_key"]}"]\n\n'
            f'[authority]\nregistrar = "{url}"\npublisher = "{url}"\n'
            f'health_authority = "{made["health_authority"]}"'
        )
        return
    for name, value in made.items():
        click.echo(f"{name} = {value}")


@authority.command()
@dir_option
@click.option("--role", type=click.Choice(list(ROLES)), default="all", show_default=True)
@click.option("--listen", metavar="HOST:PORT", help="Port 0 lets the system choose.")
@click.option(
    "--workers",
    type=click.IntRange(0, 256),
    metavar="N",
    help="Serve with N processes (0: one for each core) and one more for exports; else with one.",
)
@clock_option
@json_option
def serve(
    folder: Any,
    role: str,
    listen: str | None,
    workers: int | None,
    clock_spec: str,
    as_json: bool,
) -> None:
    """Serve, and export every period, until told to stop."""
    import uvloop

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    # An HTTP server's word for every refused byte is noise to whoever runs this.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Each message to a gateway would leave a line with its time.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    count = len(os.sched_getaffinity(0)) if workers == 0 else workers
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        listen = listen or folder.settings.serve.listen
        runner.run(_serve(folder, role, listen, count, clock_spec, as_json))


async def _serve(
    folder: Any, role: str, listen: str, workers: int | None, clock_spec: str, as_json: bool
) -> None:
    from bluezone_node.wiring.serving import serve_authority

    def ready(address: str) -> None:
        note(f"listening on {address}")
        if as_json:
            print_json({"listening": address})

    async with clock_of(clock_spec) as clock:
        await serve_authority(folder, clock, ROLES[role], listen, ready, workers)


@authority.command()
@dir_option
@json_option
def status(folder: Any, as_json: bool) -> None:
    """Say how much is kept, and up to when keys were exported."""
    from bluezone_node.wiring.authority import databases_of, open_authority

    there = {role: each for role, each in databases_of(folder).items() if each.exists()}
    document: dict[str, Any] = {"dir": str(folder.path)}
    with open_authority(folder, SystemClock(), there) as parts:
        if parts.verification is not None:
            document["registrar"] = parts.verification.counts()
        if parts.exposures is not None:
            document["publisher"] = parts.exposures.counts()
        if parts.exporter is not None:
            from bluezone_node.wiring.shelves import place_of

            health = parts.exporter.health()
            document["exports"] = {"place": place_of(folder), **asdict(health)}
        if parts.federation is not None:
            from bluezone_node.commands.authority_imports import standing

            named = [each.name for each in folder.settings.imports]
            document["imports"] = standing(parts.federation.store, named)
    document["databases"] = {
        role: {"place": each.label, "layout": each.layout.revision} for role, each in there.items()
    }
    if as_json:
        print_json(document)
        return
    import msgspec

    click.echo(f"folder  {folder.path}")
    for part in ("registrar", "publisher"):
        for name, value in msgspec.to_builtins(document.get(part, {})).items():
            click.echo(f"{part}  {name.replace('_', ' ')}: {'never' if value is None else value}")
    if "exports" in document:
        from bluezone_node.commands.authority_export import lines_of

        click.echo("\n".join(lines_of(document["exports"]["place"], health)))
    for known in document.get("imports", []):
        click.echo(
            f"publisher  import of {known['origin']}: {known['keys']} keys, {known['failed']} "
            f"files failed, {known['problem'] or 'no problem'}"
        )
    for role, each in there.items():
        click.echo(f"{role}  database: {each.label} (layout {each.layout.revision})")


@authority.command()
@dir_option
@click.option("--role", type=click.Choice(list(ROLES)), default="all", show_default=True)
@json_option
def migrate(folder: Any, role: str, as_json: bool) -> None:
    """Bring the databases to the layout of this version, and say what was done."""
    from bluezone_node.wiring.authority import databases_of

    databases = databases_of(folder)
    done = {each: databases[each].migrate() for each in ROLES[role]}
    layouts = {each: databases[each].layout.revision for each in done}
    if as_json:
        print_json({each: {"done": done[each], "layout": layouts[each]} for each in done})
        return
    for each, step in done.items():
        click.echo(f"{each}  {databases[each].label}: {step}, layout {layouts[each]}")


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
