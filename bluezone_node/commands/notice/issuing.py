"""``notice issue``, ``update``, ``release`` and ``retract``."""

from dataclasses import replace
from typing import Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import json_option
from bluezone_node.commands.notice.options import order_options, tell, with_notices

number_argument = click.argument("number", type=click.IntRange(min=1))


@click.command()
@click.argument("place")
@order_options
@dir_option
@clock_option
@json_option
def issue(
    folder: Any,
    place: str,
    changes: dict[str, Any],
    texts: dict[str, str],
    clock_spec: str,
    as_json: bool,
) -> None:
    """Warn those who were at PLACE (six characters of its poster, its name or its id)."""
    from bluezone_node.authority.places.notice_orders import NoticeOrder

    if not {"start", "end"} <= changes.keys():
        raise click.UsageError("say when the case was there: --from TIME --to TIME")
    view = with_notices(
        folder,
        clock_spec,
        lambda parts: parts.notices.issue(
            NoticeOrder(parts.notices.find(place).venue_id, texts=texts, **changes), OPERATOR
        ),
    )
    tell(view, as_json)


@click.command()
@number_argument
@order_options
@dir_option
@clock_option
@json_option
def update(
    folder: Any,
    number: int,
    changes: dict[str, Any],
    texts: dict[str, str],
    clock_spec: str,
    as_json: bool,
) -> None:
    """Replace a notice by another; what is not said stays as it is."""
    from bluezone_node.authority.places.notice_orders import order_of
    from bluezone_node.authority.places.notices import NoticeView

    def work(parts: Any) -> NoticeView:
        before = parts.notices.show(number, OPERATOR).notice
        changed = replace(order_of(before), texts={**before.texts, **texts}, **changes)
        view: NoticeView = parts.notices.update(number, changed, OPERATOR)
        return view

    tell(with_notices(folder, clock_spec, work), as_json)


@click.command()
@number_argument
@dir_option
@clock_option
@json_option
def release(folder: Any, number: int, clock_spec: str, as_json: bool) -> None:
    """Let a notice go out that waits for a supervisor."""
    view = with_notices(folder, clock_spec, lambda parts: parts.notices.release(number, OPERATOR))
    tell(view, as_json)


@click.command()
@number_argument
@dir_option
@clock_option
@json_option
def retract(folder: Any, number: int, clock_spec: str, as_json: bool) -> None:
    """Take a notice back: who was told is told that it does not hold."""
    view = with_notices(folder, clock_spec, lambda parts: parts.notices.retract(number, OPERATOR))
    tell(view, as_json)
