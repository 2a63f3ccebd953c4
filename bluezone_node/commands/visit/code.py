"""``visit code``: show a kiosk a code of one's own, for where there is no poster to scan."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from bluezone_node.commands.console import json_option, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.commands.visit.telling import clock, say, with_checkin
from bluezone_node.node.checkin import CheckIn
from bluezone_node.venues.passes import NONCE_BYTES, Holder, Pass, write_pass


@click.command()
@click.option("--party", type=int, default=1, show_default=True, help="How many people you are.")
@click.option("--name", default="", help="Where the place must keep a register: your name …")
@click.option("--phone", default="", help="… and your telephone number.")
@config_option
@json_option
def code(party: int, name: str, phone: str, config: Path | None, as_json: bool) -> None:
    """Show a code for a kiosk's scanner. It holds for 15 minutes, and the next one is another.

    It says how many you are and nothing about you, unless you give --name and --phone.
    """
    if bool(name) != bool(phone):
        raise click.UsageError("--name and --phone go together")

    async def work(service: CheckIn) -> tuple[Pass, str]:
        holder = Holder(name, phone) if name else None
        made = await service.show(os.urandom(NONCE_BYTES), party, holder)
        return made, write_pass(made)

    shown, text = with_checkin(config, work)
    if as_json:
        print_json({"code": text, "expires": shown.expires, "party": shown.party})
        return
    if sys.stdout.isatty() and find_spec("segno") is not None:
        import segno

        segno.make_qr(text, error="m").terminal(compact=True)
    else:
        click.echo(text)
    until = clock(shown.expires)
    say(
        f"Đưa mã này cho máy ở cửa. Có giá trị đến {until} (giờ Việt Nam).",
        f"Show it to the machine at the door. Valid until {until} (Vietnam time).",
    )
    if shown.holder is not None:
        say(
            "Trong mã có tên và số điện thoại của bạn: chỉ đưa cho máy, đừng để người khác chụp.",
            "It has your name and number: for the machine alone, let nobody photograph it.",
        )
