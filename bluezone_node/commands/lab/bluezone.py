"""``bluezone-node lab bluezone``: a Bluezone day key against recorded sightings."""

from pathlib import Path

import click

from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.commands.lab.identifiers import check_length, hex_bytes
from bluezone_node.commands.lab.options import sightings_option
from bluezone_node.commands.lab.sightings import heard_times, read_sightings
from bluezone_node.crypto.bluezone import DAY_KEY_BYTES, DAY_SECONDS
from bluezone_node.intervals import from_unix
from bluezone_node.proximity.encounters import fold_all
from bluezone_node.proximity.matching import HeardIndex, match_bluezone
from bluezone_node.proximity.model import IdentifierProtocol


@click.command()
@click.option(
    "--key", "day_key", type=hex_bytes, required=True, metavar="HEX", help="The day key, 32 bytes."
)
@click.option(
    "--day-start",
    required=True,
    type=click.IntRange(0, 2**32),
    metavar="UNIX",
    help="When the first day of the key begins.",
)
@click.option(
    "--days", default=1, show_default=True, type=click.IntRange(1, 180), help="Days from there on."
)
@sightings_option
@json_option
def bluezone(
    day_key: bytes, day_start: int, days: int, sightings_file: Path, as_json: bool
) -> None:
    """Find the identifiers of a Bluezone phone in recorded sightings.

    Bluezone's identifiers carry no transmit power, so there is nothing to weigh: this says when
    the phone was heard, not how near it was.
    """
    check_length("--key", day_key, DAY_KEY_BYTES)
    encounters, _ = fold_all(read_sightings(sightings_file, IdentifierProtocol.BLUEZONE))
    index = HeardIndex(heard_times(encounters))
    end = day_start + days * DAY_SECONDS - 1
    found = [
        {"slot": slot.slot, "start": from_unix(slot.start)}
        for slot in match_bluezone(index, day_key, day_start, end)
    ]
    if as_json:
        print_json({"identifiers_heard": len(encounters), "matched": found})
        return
    if not found:
        note(f"none of {len(encounters)} identifiers is of this key")
        return
    columns(("UTC", "slot"), ((f"{m['start']:%Y-%m-%d %H:%M}", m["slot"]) for m in found))
