"""``authority init`` and ``migrate``: the folder and its databases, as this version has them."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import click

from bluezone_node.commands.authority.options import (
    ROLES,
    clock_option,
    dir_option,
    time_of,
)
from bluezone_node.commands.console import json_option, note, print_json


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--role", type=click.Choice(list(ROLES)), default="all", show_default=True)
@clock_option
@json_option
def init(directory: Path, role: str, clock_spec: str, as_json: bool) -> None:
    """Make the folder and the keys of a new authority."""
    from bluezone_node.crypto.signing import load_public_key, public_base64
    from bluezone_node.store.authority.folder import SETTINGS, make_folder

    folder = make_folder(directory, ROLES[role], time_of(clock_spec))
    url = f"http://{folder.settings.serve.listen}"
    made: dict[str, str] = {"dir": str(folder.path), "config": str(folder.path / SETTINGS)}
    if "registrar" in ROLES[role]:
        made["registrar"] = url
        made["places_root"] = b64encode(folder.place_keys().root_public()).decode()
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
    if "registrar" in ROLES[role]:
        note(f"Move {folder.place_keys().root_file} to a safe place, away from this machine.")
    if role == "all":
        note("A node needs this in its config.toml:")
        click.echo(
            f'[[sources]]\nname = "authority"\nurl = "{made["exports"]}"\n'
            f'public_keys = ["{made["public_key"]}"]\n\n'
            f'[authority]\nregistrar = "{url}"\npublisher = "{url}"\n'
            f'health_authority = "{made["health_authority"]}"\n\n'
            f'[places]\nroot = "{made["places_root"]}"\nurl = "{made["exports"]}/places"\n'
            f'hosts = ["{folder.settings.places.host}"]'
        )
        return
    for name, value in made.items():
        click.echo(f"{name} = {value}")


@click.command()
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
