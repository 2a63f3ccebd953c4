"""``notice issue``, ``update``, ``release`` and ``retract``."""

from typing import TYPE_CHECKING

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.notice.options import Desk, Said, at_the_desk, notice_order

if TYPE_CHECKING:
    from bluezone_node.authority.places.notice_views import NoticeView
    from bluezone_node.wiring.notices import NoticeParts

number_argument = click.argument("number", type=click.IntRange(min=1))


@click.command()
@click.argument("place")
@notice_order
def issue(desk: Desk, place: str, said: Said) -> None:
    """Warn those who were at PLACE (six characters of its poster, its name or its id)."""
    from bluezone_node.authority.places.notice_orders import NoticeOrder

    window = said.window

    def work(parts: "NoticeParts") -> "NoticeView":
        order = NoticeOrder(parts.directory.find(place, OPERATOR).venue_id, *window)
        return parts.notices.issue(said.applied(order), OPERATOR)

    desk.tell(work)


@click.command()
@number_argument
@notice_order
def update(desk: Desk, number: int, said: Said) -> None:
    """Replace a notice by another; what is not said stays as it is."""
    from bluezone_node.authority.places.notice_orders import order_of

    def work(parts: "NoticeParts") -> "NoticeView":
        before = order_of(parts.notices.show(number, OPERATOR).notice)
        return parts.notices.update(number, said.applied(before), OPERATOR)

    desk.tell(work)


@click.command()
@number_argument
@at_the_desk
def release(desk: Desk, number: int) -> None:
    """Let a notice go out that waits for a supervisor."""
    desk.tell(lambda parts: parts.notices.release(number, OPERATOR))


@click.command()
@number_argument
@at_the_desk
def retract(desk: Desk, number: int) -> None:
    """Take a notice back: who was told is told that it does not hold."""
    desk.tell(lambda parts: parts.notices.retract(number, OPERATOR))
