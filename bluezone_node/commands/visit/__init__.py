"""``bluezone-node visit``: check in and out with one's own device, and see what is kept of it."""

import click

from bluezone_node.commands.visit.changing import edit, forget, leave
from bluezone_node.commands.visit.code import code
from bluezone_node.commands.visit.listing import list_visits
from bluezone_node.commands.visit.scanning import check_in


@click.group()
def visit() -> None:
    """Places you were at. Nothing of it leaves this device.

    All times are Vietnam's (UTC+7), as on a place's screen, whatever zone this device is set to.
    """


for command in (check_in, leave, list_visits, edit, forget, code):
    visit.add_command(command)
