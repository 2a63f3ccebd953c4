"""``visit list``: where the owner is and was."""

from collections.abc import Iterable
from pathlib import Path

import click

from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.commands.visit.telling import clock, named, say_here, summary, with_checkin
from bluezone_node.ports import StoredVisit
from bluezone_node.venues.card import VIETNAM


@click.command("list")
@config_option
@json_option
def list_visits(config: Path | None, as_json: bool) -> None:
    """List all visits that are kept, for 21 days, and say where you are."""
    stored = with_checkin(config, lambda service: service.visits())
    if as_json:
        print_json({"visits": [summary(entry) for entry in stored]})
        return
    if not stored:
        note("Chưa có lượt ghé thăm nào. / There are no visits.")
        return
    columns(("id", "day", "from", "to", "out", "people", "place"), map(_row, stored))
    for entry in stored:
        if entry.visit.left is None:
            say_here(entry)
    note("Giờ Việt Nam. / Times are Vietnam's (UTC+7).")


def _row(entry: StoredVisit) -> Iterable[object]:
    visit = entry.visit
    return (
        entry.id,
        f"{visit.came.astimezone(VIETNAM):%Y-%m-%d}",
        clock(visit.came),
        clock(visit.left) if visit.left is not None else "…",
        visit.out.value if visit.out is not None else "-",
        visit.party,
        named(visit),
    )
