"""``venue kiosk``: the file that makes a device the kiosk of a place."""

from pathlib import Path
from typing import Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import note
from bluezone_node.commands.private_file import write_private
from bluezone_node.commands.venue.desk import found, room_option, venue_argument, with_places
from bluezone_node.errors import BadInput
from bluezone_node.venues.register import read_register_key


@click.command()
@venue_argument
@room_option
@click.option("--out", type=click.Path(path_type=Path), help="The file to write: venue.json.")
@click.option(
    "--register-key",
    metavar="BASE64",
    help="Public key of a register of names, as printed by `kiosk key` at the kiosk.",
)
@click.option("--revoke", is_flag=True, help="End the kiosk of that room instead.")
@dir_option
@clock_option
def kiosk(
    folder: Any,
    venue: str,
    room: str,
    out: Path | None,
    register_key: str | None,
    revoke: bool,
    clock_spec: str,
) -> None:
    """Write the secret file of a kiosk, 0600; bring it to the device and nowhere else."""
    if revoke == (out is not None):
        raise click.UsageError("name the file to write, --out FILE; or --revoke the kiosk")
    if out is None:
        with_places(
            folder,
            clock_spec,
            lambda places: places.kiosk_files.revoke(found(places, venue), room, OPERATOR),
        )
        note("the kiosk is revoked; another one can be made")
        return
    # Asked first: a secret that could not be written down would have to be revoked.
    if out.exists():
        raise BadInput(
            f"{out} exists and is not overwritten", reason="exists", hint="choose another name"
        )
    public = None if register_key is None else read_register_key(register_key)
    made = with_places(
        folder,
        clock_spec,
        lambda places: places.kiosk_files.make(found(places, venue), room, OPERATOR, public),
    )
    write_private(made.content, out, replace=False)
    note(f"{out}: on the device, name it in [kiosk] venue")
    if made.rotated:
        note("The place has a new card, for its register: print its posters again.")
