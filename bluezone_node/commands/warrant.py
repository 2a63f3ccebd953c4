"""``bluezone-node warrant``: opening the register of a place, by two people, for a day at most."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import ROLES, clock_of, clock_option, dir_option
from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.commands.officer_key import (
    make_officer_key,
    passphrase_option,
    read_officer_key,
)
from bluezone_node.commands.private_file import write_private
from bluezone_node.commands.vietnam_time import VietnamTime, in_vietnam, window_in_vietnam
from bluezone_node.errors import BadConfig, BadInput

if TYPE_CHECKING:
    from bluezone_node.authority.places.contacts import Opened
    from bluezone_node.authority.places.directory import Directory
    from bluezone_node.authority.places.warrants import Warrants, WarrantView
    from bluezone_node.authority.ports.register import StoredWarrant
    from bluezone_node.venues.warrant import Warrant

_FILE = click.Path(path_type=Path, dir_okay=False)
_key_option = click.option(
    "--key",
    "key_file",
    type=_FILE,
    required=True,
    help="The officer's own key, as made by `warrant key`.",
)
_HEADING = (
    "Đến lúc (giờ Việt Nam) / came",
    "Họ tên / name",
    "Điện thoại / phone",
    "Năm sinh / born",
    "Số người / party",
    "Đã xác minh số / number verified",
)


@click.group()
@click.pass_context
def warrant(context: click.Context) -> None:
    """Registers of names: who asks to open one, who approves, and what it says."""
    # Officers make their keys and sign on machines of their own.
    if context.invoked_subcommand not in ("key", "sign") and find_spec("sqlalchemy") is None:
        raise BadConfig(
            "the server's packages are not installed: warrants are the authority's",
            hint="sudo apt install ./bluezone-authority_*.deb, or pip install '.[authority]'",
        )


@warrant.command("key")
@click.argument("file", type=_FILE)
@passphrase_option
def make_key(file: Path, passphrase_file: Path | None) -> None:
    """Make an officer's own key in FILE, under a passphrase; print its public half."""
    from bluezone_node.crypto.cose import public_bytes

    key = make_officer_key(file, passphrase_file)
    click.echo(b64encode(public_bytes(key)).decode())
    note("Khóa riêng không rời tay người giữ; khóa công khai ở trên đưa vào danh sách tin cậy:")
    note("The public key above goes on the trust list, for one of the two roles:")
    note("bluezone-node trust add --role warrant-request|warrant-approve …")


@warrant.command()
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
@_key_option
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

    def act(directory: "Directory", warrants: "Warrants") -> "StoredWarrant":
        place = directory.find(venue, OPERATOR).venue_id
        asked = warrants.drafted(place, start, end, case, basis, life, OPERATOR)
        return warrants.request(write_warrant(asked, key), OPERATOR)

    stored = _done(folder, clock_spec, act)
    if as_json:
        print_json({"id": stored.warrant_id.hex(), "expires": stored.expires})
        return
    click.echo(stored.warrant_id.hex())
    note("Chờ người thứ hai duyệt: / a second person approves it:")
    note(f"bluezone-node warrant approve {stored.warrant_id.hex()[:8]} --key FILE")


@warrant.command("sign")
@click.argument("file", type=_FILE)
@_key_option
@passphrase_option
@click.option("--out", type=_FILE, required=True, help="The file to write, for the console.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def sign_file(
    file: Path, key_file: Path, passphrase_file: Path | None, out: Path, yes: bool
) -> None:
    """Sign FILE, a draft or a request from the console, on a machine of one's own.

    Its words are shown first. Neither the key nor its passphrase comes near the server.
    """
    from bluezone_node.venues.warrant import MAX_WARRANT_BYTES, words_of, write_warrant

    words = words_of(_read(file, MAX_WARRANT_BYTES))
    _confirmed(words, "Ký lệnh này? / Sign it?", yes=yes)
    signed = write_warrant(words, read_officer_key(key_file, passphrase_file))
    write_private(signed, out, replace=False)
    note(f"Gửi tệp này lên trang quản lý / send it to the console: {out}")


@warrant.command()
@click.argument("id")
@_key_option
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

    stored = _done(folder, clock_spec, lambda _d, warrants: warrants.named(id, OPERATOR))
    words = words_of(stored.requested)
    _confirmed(words, "Duyệt lệnh này? / Approve it?", yes=yes)
    signed = write_warrant(words, read_officer_key(key_file, passphrase_file))
    _done(
        folder,
        clock_spec,
        lambda _d, warrants: warrants.approve(stored.warrant_id, signed, OPERATOR),
    )
    note("Đã duyệt. Máy quầy của nơi đó nhận lệnh khi có mạng.")
    note("Approved. The place's kiosk takes it when it has a network; else: warrant file")


@warrant.command("list")
@dir_option
@clock_option
@json_option
def list_warrants(folder: Any, clock_spec: str, as_json: bool) -> None:
    """Say which warrants there are, and how far each has come."""

    def act(directory: "Directory", warrants: "Warrants") -> list[dict[str, Any]]:
        return [_told(directory, warrants.view(each)) for each in warrants.all(OPERATOR)]

    found = _done(folder, clock_spec, act)
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


@warrant.command()
@click.argument("id")
@click.option("--purpose", required=True, help="What the names are needed for: it is recorded.")
@click.option("--csv", "csv_file", type=_FILE, help="Write the contacts to FILE, 0600, instead.")
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

    def act(_parts: Any, warrants: "Warrants") -> "tuple[StoredWarrant, Opened]":
        stored = warrants.named(id, OPERATOR)
        return stored, warrants.open(stored.warrant_id, purpose, OPERATOR)

    stored, opened = _done(folder, clock_spec, act)
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


@warrant.command("file")
@click.argument("id")
@click.argument("out", type=_FILE)
@dir_option
@clock_option
def write_file(folder: Any, id: str, out: Path, clock_spec: str) -> None:  # noqa: A002
    """Write the approved warrant ID to OUT, for a stick to a kiosk without a network."""

    def act(_parts: Any, warrants: "Warrants") -> bytes:
        return warrants.file(warrants.named(id, OPERATOR).warrant_id, OPERATOR)

    write_private(_done(folder, clock_spec, act), out, replace=False)
    note(f"Ở máy quầy / at the kiosk: bluezone-node kiosk warrant {out.name} --out ANSWER")


@warrant.command()
@click.argument("file", type=_FILE)
@dir_option
@clock_option
def answer(folder: Any, file: Path, clock_spec: str) -> None:
    """Take in FILE, which a stick brought back from a kiosk."""
    from bluezone_node.venues.answer import MAX_ANSWER_BYTES, read_answer

    brought = read_answer(_read(file, MAX_ANSWER_BYTES))
    new = _done(folder, clock_spec, lambda _d, warrants: warrants.take_file(brought, OPERATOR))
    note(f"{new} dòng mới / new rows; bluezone-node warrant show {brought.warrant_id.hex()[:8]}")


def _read(file: Path, most: int) -> bytes:
    """Return what is in *file*; of a longer one, a byte more than *most*."""
    try:
        with file.open("rb") as stream:
            return stream.read(most + 1)
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}", reason="unreadable") from error


def _told(directory: "Directory", view: "WarrantView") -> dict[str, Any]:
    stored = view.stored
    return {
        "id": stored.warrant_id.hex(),
        "place": directory.find(stored.venue_id.hex(), OPERATOR).name,
        "realm": stored.realm,
        "from": stored.start,
        "to": stored.end,
        "expires": stored.expires,
        "state": view.state,
        "rows": view.rows,
    }


def _confirmed(words: "Warrant", question: str, *, yes: bool) -> None:
    """Show what is to be signed, and ask; *yes*: show it only."""
    note(f"Địa điểm / place               {words.venue_id.hex()[:8]}")
    note(f"Khách đến / visitors who came  {window_in_vietnam(words.start, words.end)}")
    note(f"Ca bệnh / case                 {words.case}")
    note(f"Căn cứ / basis                 {words.basis}")
    note(f"Hết hạn / expires              {in_vietnam(words.expires)} (UTC+7)")
    if not yes:
        click.confirm(question, abort=True, err=True)


def _done(
    folder: Any,
    clock_spec: str,
    act: "Callable[[Directory, Warrants], Any]",
) -> Any:
    async def run() -> Any:
        from bluezone_node.wiring.authority import open_authority

        async with clock_of(clock_spec) as clock:
            with open_authority(folder, clock, ROLES["registrar"]) as parts:
                if parts.register is None or parts.places is None:
                    raise BadConfig(
                        "This authority has no keys for places.",
                        hint="`bluezone-node trust init` makes them, once",
                    )
                return act(parts.places.directory, parts.register.warrants)

    return asyncio.run(run())
