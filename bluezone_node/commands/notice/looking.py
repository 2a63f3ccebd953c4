"""``notice list``, ``show`` and ``check``."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.console import columns, note, print_json
from bluezone_node.commands.notice.issuing import number_argument
from bluezone_node.commands.notice.options import TIME, Desk, at_the_desk, document_of
from bluezone_node.commands.vietnam_time import in_vietnam
from bluezone_node.venues.notices import NoticeLevel

if TYPE_CHECKING:
    from bluezone_node.authority.places.notice_views import NoticeView


@click.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@at_the_desk
def list_notices(desk: Desk, limit: int) -> None:
    """List the notices, newest first."""
    _tell_all(desk.done(lambda parts: parts.notices.newest(OPERATOR, limit)), desk.as_json)


@click.command()
@number_argument
@at_the_desk
def show(desk: Desk, number: int) -> None:
    """Show one notice."""
    desk.tell(lambda parts: parts.notices.show(number, OPERATOR))


@click.command()
@click.argument("place")
@click.option("--from", "start", type=TIME, required=True, help="Somebody came, Vietnam's time.")
@click.option("--to", "end", type=TIME, help="And left. Default: a minute later.")
@at_the_desk
def check(desk: Desk, place: str, start: datetime, end: datetime | None) -> None:
    """Say whether a notice that holds touches PLACE at a time: for a hotline.

    Exit status 1 where there is none.
    """
    until = end or start + timedelta(minutes=1)
    found = desk.done(
        lambda parts: parts.notices.check(
            parts.directory.find(place, OPERATOR).venue_id, start, until
        )
    )
    _tell_all(found, desk.as_json)
    if not found:
        note("no notice touches that place at that time")
        raise SystemExit(1)


def _tell_all(found: "list[NoticeView]", as_json: bool) -> None:
    if as_json:
        print_json([document_of(view) for view in found])
        return
    columns(
        ("number", "state", "from", "until", "level", "bundle", "place"),
        (
            (
                view.notice.number,
                view.state,
                in_vietnam(view.notice.start),
                in_vietnam(view.notice.until),
                NoticeLevel(view.notice.level).name.lower(),
                view.published_in or "-",
                view.venue.name if view.venue else view.notice.venue_id.hex(),
            )
            for view in found
        ),
    )
