"""``bluezone-node seal``: the key under which the data are encrypted at rest."""

from pathlib import Path

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.console import note
from bluezone_node.commands.options import config_option

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def seal() -> None:
    """The key of the data at rest. A node that has one encrypts when it starts."""


@seal.command("make-key")
@click.argument("file", type=_FILE)
def make_key_(file: Path) -> None:
    """Write a new random key to FILE, which must not exist."""
    from bluezone_node.wiring.at_rest import make_key

    make_key(file)
    note(
        f"Khóa mới: {file}. Ai mất khóa này thì mất dữ liệu của thiết bị.\n"
        f"A new key: {file}. Who loses it loses the data of the device."
    )


@seal.command("change-key")
@click.argument("file", type=_FILE)
@config_option
def change_key_(file: Path, config: Path | None) -> None:
    """Let the key or passphrase in FILE open the data, and the present one no longer."""
    from bluezone_node.wiring.at_rest import change_node_key

    change_node_key(settings_file.load(config), file)
    note(f"Now set node.key_file = {str(file)!r}, or make it the service's credential.")


@seal.command()
@config_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(config: Path | None, yes: bool) -> None:
    """Write the data back unencrypted. The node must not be running."""
    from bluezone_node.wiring.at_rest import unseal_node

    settings = settings_file.load(config)
    if not yes:
        click.confirm(
            "Bỏ mã hóa dữ liệu trên thẻ nhớ?\nLeave the data on the card unencrypted?",
            abort=True,
            err=True,
        )
    unseal_node(settings)
    note("Not encrypted any more. Take the key away too, or the next start encrypts again.")
