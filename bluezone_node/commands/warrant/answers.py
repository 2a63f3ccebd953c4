"""What a place answers to a warrant: carried on a stick, taken in, and read."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.commands.private_file import write_private
from bluezone_node.commands.vietnam_time import in_vietnam
from bluezone_node.commands.warrant.registrar import Registrar, at_registrar
from bluezone_node.commands.warrant.signing import FILE, read_file

if TYPE_CHECKING:
    from bluezone_node.authority.places.contacts import Opened
    from bluezone_node.authority.ports.register import StoredWarrant

_HEADING = (
    "Đến lúc (giờ Việt Nam) / came",
    "Họ tên / name",
    "Điện thoại / phone",
    "Năm sinh / born",
    "Số người / party",
    "Đã xác minh số / number verified",
)


@click.command("file")
@click.argument("id")
@click.argument("out", type=FILE)
@dir_option
@clock_option
def write_file(folder: Any, id: str, out: Path, clock_spec: str) -> None:  # noqa: A002
    """Write the approved warrant ID to OUT, for a stick to a kiosk without a network."""

    def act(at: Registrar) -> bytes:
        return at.warrants.file(at.warrants.named(id, OPERATOR).warrant_id, OPERATOR)

    write_private(at_registrar(folder, clock_spec, act), out, replace=False)
    note(f"Ở máy quầy / at the kiosk: bluezone-node kiosk warrant {out.name} --out ANSWER")


@click.command()
@click.argument("file", type=FILE)
@dir_option
@clock_option
def answer(folder: Any, file: Path, clock_spec: str) -> None:
    """Take in FILE, which a stick brought back from a kiosk."""
    from bluezone_node.venues.answer import MAX_ANSWER_BYTES, read_answer

    brought = read_answer(read_file(file, MAX_ANSWER_BYTES))
    new = at_registrar(folder, clock_spec, lambda at: at.openings.take_file(brought, OPERATOR))
    note(f"{new} dòng mới / new rows; bluezone-node warrant show {brought.warrant_id.hex()[:8]}")


@click.command()
@click.argument("id")
@click.option("--purpose", required=True, help="What the names are needed for: it is recorded.")
@click.option("--csv", "csv_file", type=FILE, help="Write the contacts to FILE, 0600, instead.")
@dir_option
@clock_option
@json_option
def show(
    folder: Any,
    id: str,  # noqa: A002
    purpose: str,
    csv_file: Path | None,
    clock_spec: str,
    as_json: bool,
) -> None:
    """Read the contacts that the place sent for the warrant ID."""

    def act(at: Registrar) -> "tuple[StoredWarrant, Opened]":
        stored = at.warrants.named(id, OPERATOR)
        return stored, at.openings.open(stored.warrant_id, purpose, OPERATOR)

    stored, opened = at_registrar(folder, clock_spec, act)
    rows = [
        (
            in_vietnam(came),
            contact.name,
            contact.phone,
            str(contact.birth_year or ""),
            str(contact.party),
            "có / yes" if contact.verified else "",
        )
        for came, contact in opened.contacts
    ]
    if csv_file is not None:
        from bluezone_node.authority.sheets import write_csv

        write_private(write_csv(_HEADING, rows), csv_file, replace=False)
        note(f"{len(rows)} → {csv_file}")
    elif as_json:
        contacts = [
            {
                "came": came,
                "name": contact.name,
                "phone": contact.phone,
                "birth_year": contact.birth_year,
                "party": contact.party,
                "verified": contact.verified,
            }
            for came, contact in opened.contacts
        ]
        print_json(
            {
                "id": stored.warrant_id.hex(),
                "contacts": contacts,
                "unreadable": opened.unreadable,
            }
        )
    else:
        columns(_HEADING, rows)
    if opened.unreadable:
        note(f"{opened.unreadable} dòng không đọc được: khóa ngày đã hủy, hoặc dòng bị sửa.")
        note(f"{opened.unreadable} rows do not open: their day's key is gone, or they were changed")
    note("Khách có thiết bị được báo là liên hệ của họ đã được mở. / Visitors are told of it.")
