"""``visit out``, ``visit edit`` and ``visit forget``."""

from datetime import datetime
from pathlib import Path

import click

from bluezone_node.commands.console import json_option, note, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.commands.visit.telling import MOMENT, moment, say_over, summary, with_checkin
from bluezone_node.node.checkin import CheckIn
from bluezone_node.ports import StoredVisit


@click.command("out")
@config_option
@json_option
def leave(config: Path | None, as_json: bool) -> None:
    """Check out of the place you are at."""
    _tell(with_checkin(config, lambda service: service.leave()), as_json)


@click.command()
@click.argument("visit_id", type=int)
@click.option("--came", type=MOMENT, help="When you came (Vietnam time).")
@click.option("--left", type=MOMENT, help="When you left (Vietnam time).")
@config_option
@json_option
def edit(
    visit_id: int, came: datetime | None, left: datetime | None, config: Path | None, as_json: bool
) -> None:
    """Correct the times of a visit; it is marked as edited."""
    if came is None and left is None:
        raise click.UsageError("say --came or --left")

    async def work(service: CheckIn) -> StoredVisit:
        now = service.now()
        return await service.edit(visit_id, moment(came, now), moment(left, now))

    _tell(with_checkin(config, work), as_json)


@click.command()
@click.argument("visit_ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All visits.")
@config_option
def forget(visit_ids: tuple[int, ...], everything: bool, config: Path | None) -> None:
    """Erase visits, and the alerts about them, beyond recovery."""
    if everything == bool(visit_ids):
        raise click.UsageError("name the visits, or say --all")
    numbers = None if everything else visit_ids
    count = with_checkin(config, lambda service: service.forget(numbers))
    note(f"Đã xóa {count} lượt ghé thăm. / Erased {count} visit(s).")


def _tell(entry: StoredVisit, as_json: bool) -> None:
    if as_json:
        print_json(summary(entry))
    else:
        say_over(entry)
