"""``visit in``: check in, or out by a code of the way out."""

import sys
from datetime import datetime
from pathlib import Path

import click

from bluezone_node.commands.console import json_option, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.commands.visit.telling import (
    MOMENT,
    moment,
    say,
    say_here,
    say_over,
    summary,
    with_checkin,
)
from bluezone_node.node.checkin import CheckedIn, CheckIn
from bluezone_node.venues.foreign import MAX_CODE_CHARACTERS
from bluezone_node.venues.foreign.place import ForeignKind

_COUNTRIES = {
    ForeignKind.NZ: ("New Zealand", "New Zealand"),
    ForeignKind.NHS: ("Anh và xứ Wales", "England and Wales"),
    ForeignKind.CWA: ("Đức", "Germany"),
    ForeignKind.CROWDNOTIFIER: ("Thụy Sĩ", "Switzerland"),
    ForeignKind.NSW: ("bang New South Wales, Úc", "New South Wales"),
}


@click.command("in")
@click.argument("text")
@click.option("--party", type=int, help="How many people the scan stands for. Default: 1.")
@click.option("--private", is_flag=True, help="Keep no name of the place once the visit is over.")
@click.option("--at", type=MOMENT, help="Enter a visit afterwards: when it began (Vietnam time).")
@click.option("--until", type=MOMENT, help="With --at: when it ended. Default: the usual stay.")
@config_option
@json_option
def check_in(
    text: str,
    party: int | None,
    private: bool,
    at: datetime | None,
    until: datetime | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Check in with the TEXT of a place's code; -: read it from standard input.

    A code of the way out checks out. Standard input is the better way for a scanner: what stands
    on a command line can be seen by others on the same machine.
    """
    if until is not None and at is None:
        raise click.UsageError("--until goes with --at")
    if text == "-":
        text = sys.stdin.buffer.read(4 * MAX_CODE_CHARACTERS + 1).decode(errors="replace")

    async def work(service: CheckIn) -> CheckedIn:
        now = service.now()
        began, ended = moment(at, now), moment(until, now)
        return await service.scan(text, party=party, private=private, at=began, until=ended)

    done = with_checkin(config, work)
    if as_json:
        print_json(
            {
                "visits": [summary(entry) for entry in done.visits],
                "foreign": done.foreign.kind if done.foreign else None,
            }
        )
        return
    for entry in done.visits:
        (say_here if entry.visit.left is None else say_over)(entry)
    if done.foreign is not None:
        country, in_english = _COUNTRIES[done.foreign.kind]
        say(
            f"Mã này là của nước ngoài ({country}): chỉ lưu để bạn nhớ, sẽ không có cảnh báo nào.",
            f"This code is of {in_english}: kept as a diary, no notice will ever find it.",
        )
