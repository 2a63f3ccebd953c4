"""An officer's own key, and what is signed with it: on a machine that knows no server."""

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bluezone_node.commands.console import note
from bluezone_node.commands.officer_key import (
    make_officer_key,
    passphrase_option,
    read_officer_key,
)
from bluezone_node.commands.private_file import write_private
from bluezone_node.commands.vietnam_time import in_vietnam, window_in_vietnam
from bluezone_node.errors import BadInput

if TYPE_CHECKING:
    from bluezone_node.venues.warrant import Warrant

FILE = click.Path(path_type=Path, dir_okay=False)
key_option = click.option(
    "--key",
    "key_file",
    type=FILE,
    required=True,
    help="The officer's own key, as made by `warrant key`.",
)


@click.command("key")
@click.argument("file", type=FILE)
@passphrase_option
def make_key(file: Path, passphrase_file: Path | None) -> None:
    """Make an officer's own key in FILE, under a passphrase; print its public half."""
    from bluezone_node.crypto.cose import public_bytes

    key = make_officer_key(file, passphrase_file)
    click.echo(b64encode(public_bytes(key)).decode())
    note("Khóa riêng không rời tay người giữ; khóa công khai ở trên đưa vào danh sách tin cậy:")
    note("The public key above goes on the trust list, for one of the two roles:")
    note("bluezone-node trust add --role warrant-request|warrant-approve …")


@click.command("sign")
@click.argument("file", type=FILE)
@key_option
@passphrase_option
@click.option("--out", type=FILE, required=True, help="The file to write, for the console.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def sign_file(
    file: Path, key_file: Path, passphrase_file: Path | None, out: Path, yes: bool
) -> None:
    """Sign FILE, a draft or a request from the console, on a machine of one's own.

    Its words are shown first. Neither the key nor its passphrase comes near the server.
    """
    from bluezone_node.venues.warrant import MAX_WARRANT_BYTES, words_of, write_warrant

    words = words_of(read_file(file, MAX_WARRANT_BYTES))
    confirmed(words, "Ký lệnh này? / Sign it?", yes=yes)
    signed = write_warrant(words, read_officer_key(key_file, passphrase_file))
    write_private(signed, out, replace=False)
    note(f"Gửi tệp này lên trang quản lý / send it to the console: {out}")


def confirmed(words: "Warrant", question: str, *, yes: bool) -> None:
    """Show what is to be signed, and ask; *yes*: show it only."""
    note(f"Địa điểm / place               {words.venue_id.hex()[:8]}")
    note(f"Khách đến / visitors who came  {window_in_vietnam(words.start, words.end)}")
    note(f"Ca bệnh / case                 {words.case}")
    note(f"Căn cứ / basis                 {words.basis}")
    note(f"Hết hạn / expires              {in_vietnam(words.expires)} (UTC+7)")
    if not yes:
        click.confirm(question, abort=True, err=True)


def read_file(file: Path, most: int) -> bytes:
    """Return what is in *file*; of a longer one, a byte more than *most*."""
    try:
        with file.open("rb") as stream:
            return stream.read(most + 1)
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}", reason="unreadable") from error
