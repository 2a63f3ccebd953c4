"""``bluezone-node erase``: forget everything, beyond recovery."""

from pathlib import Path

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.console import note
from bluezone_node.commands.options import config_option


@click.command()
@config_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(config: Path | None, yes: bool) -> None:
    """Erase all keys, encounters and alerts of this node. It must not be running."""
    from bluezone_node.wiring.store import erase_node

    settings = settings_file.load(config)
    if not yes:
        click.confirm(
            "Xóa vĩnh viễn mọi khóa, lần gặp và cảnh báo của thiết bị này?\n"
            "Erase all keys, encounters and alerts of this device for ever?",
            abort=True,
            err=True,
        )
    erase_node(settings)
    note("Đã xóa mọi dữ liệu. / Everything is erased.")
