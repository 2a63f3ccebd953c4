"""Asking for a warrant, approving it, and how far each has come."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.commands.officer_key import passphrase_option, read_officer_key
from bluezone_node.commands.vietnam_time import VietnamTime, window_in_vietnam
from bluezone_node.commands.warrant.registrar import Registrar, at_registrar
from bluezone_node.commands.warrant.signing import confirmed, key_option

if TYPE_CHECKING:
    from bluezone_node.authority.places.warrants import WarrantView
    from bluezone_node.authority.ports.register import StoredWarrant


@click.command()
@click.argument("venue")
@click.option("--from", "start", type=VietnamTime(), required=True, help="Visitors who came …")
@click.option("--to", "end", type=VietnamTime(), required=True, help="… until then; 24 h at most.")
@click.option("--case", "case", required=True, help="Pseudonym of the case; never a name.")
@click.option("--basis", required=True, help="The law, in words: the place and visitors read it.")
@click.option(
    "--hours",
    type=click.IntRange(1, 72),
    default=72,
    show_default=True,
    help="How long the place may answer.",
)
@key_option
@passphrase_option
@dir_option
@clock_option
@json_option
def request(
    folder: Any,
    venue: str,
    start: datetime,
    end: datetime,
    case: str,
    basis: str,
    hours: int,
    key_file: Path,
    passphrase_file: Path | None,
    clock_spec: str,
    as_json: bool,
) -> None:
    """Ask to open the register of VENUE: its spoken code, id or name."""
    from bluezone_node.venues.warrant import write_warrant

    key, life = read_officer_key(key_file, passphrase_file), timedelta(hours=hours)

    def act(at: Registrar) -> "StoredWarrant":
        place = at.directory.find(venue, OPERATOR).venue_id
        asked = at.warrants.drafted(place, start, end, case, basis, life, OPERATOR)
        return at.warrants.request(write_warrant(asked, key), OPERATOR)

    stored = at_registrar(folder, clock_spec, act)
    if as_json:
        print_json({"id": stored.warrant_id.hex(), "expires": stored.expires})
        return
    click.echo(stored.warrant_id.hex())
    note("Chờ người thứ hai duyệt: / a second person approves it:")
    note(f"bluezone-node warrant approve {stored.warrant_id.hex()[:8]} --key FILE")


@click.command()
@click.argument("id")
@key_option
@passphrase_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@dir_option
@clock_option
def approve(
    folder: Any,
    id: str,  # noqa: A002 - the name in the manual
    key_file: Path,
    passphrase_file: Path | None,
    yes: bool,
    clock_spec: str,
) -> None:
    """Sign the warrant ID as the second person; its words are shown first."""
    from bluezone_node.venues.warrant import words_of, write_warrant

    stored = at_registrar(folder, clock_spec, lambda at: at.warrants.named(id, OPERATOR))
    words = words_of(stored.requested)
    confirmed(words, "Duyệt lệnh này? / Approve it?", yes=yes)
    signed = write_warrant(words, read_officer_key(key_file, passphrase_file))
    at_registrar(
        folder,
        clock_spec,
        lambda at: at.warrants.approve(stored.warrant_id, signed, OPERATOR),
    )
    note("Đã duyệt. Máy quầy của nơi đó nhận lệnh khi có mạng.")
    note("Approved. The place's kiosk takes it when it has a network; else: warrant file")


@click.command("list")
@dir_option
@clock_option
@json_option
def list_warrants(folder: Any, clock_spec: str, as_json: bool) -> None:
    """Say which warrants there are, and how far each has come."""

    def act(at: Registrar) -> list[dict[str, Any]]:
        return [_told(at, at.warrants.view(each)) for each in at.warrants.all(OPERATOR)]

    found = at_registrar(folder, clock_spec, act)
    if as_json:
        print_json(found)
        return
    columns(
        ("id", "place", "window", "state", "rows"),
        (
            (
                each["id"][:8],
                each["place"],
                window_in_vietnam(each["from"], each["to"]),
                each["state"],
                each["rows"],
            )
            for each in found
        ),
    )


def _told(at: Registrar, view: "WarrantView") -> dict[str, Any]:
    stored = view.stored
    return {
        "id": stored.warrant_id.hex(),
        "place": at.directory.find(stored.venue_id.hex(), OPERATOR).name,
        "realm": stored.realm,
        "from": stored.start,
        "to": stored.end,
        "expires": stored.expires,
        "state": view.state,
        "rows": view.rows,
    }
