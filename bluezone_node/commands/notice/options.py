"""What the commands about notices share: times, choices, and how a notice is told."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bluezone_node.commands.authority.options import ROLES, clock_of
from bluezone_node.commands.console import print_json
from bluezone_node.commands.vietnam_time import VietnamTime, in_vietnam, window_in_vietnam
from bluezone_node.errors import BadConfig
from bluezone_node.venues.notices import Advice, NoticeLevel

if TYPE_CHECKING:
    from bluezone_node.authority.places.notices import NoticeView
    from bluezone_node.wiring.notices import NoticeParts

Result = TypeVar("Result")

LEVELS = {each.name.lower(): each for each in NoticeLevel}
ADVICE = {each.name.lower().replace("_", "-"): each for each in Advice}


TIME = VietnamTime()

_WINDOW = (
    click.option("--from", "start", type=TIME, help="The case came: '2026-11-22 14:30'."),
    click.option("--to", "end", type=TIME, help="The case left."),
)
_SAID = (
    click.option("--room", help="Only this room of the place, as its poster names it."),
    click.option("--level", type=click.Choice([*LEVELS]), help="How serious. Default: contact."),
    click.option("--advice", type=click.Choice([*ADVICE]), help="What to do. Default: test."),
    click.option(
        "--min-overlap",
        type=click.IntRange(0, 240),
        metavar="MINUTES",
        help="Tell only those who were there so long. Default: everybody.",
    ),
    click.option("--phone", help="Whom to call."),
    click.option("--text-vi", help="What to add, in Vietnamese."),
    click.option("--text-en", help="What to add, in English."),
    click.option(
        "--tail",
        type=click.IntRange(0, 180),
        metavar="MINUTES",
        help="For how long the air counts afterwards. Default: by the kind of place.",
    ),
)


def order_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what an officer says of a notice, handed over as *changes* to a `NoticeOrder`."""

    @wraps(command)
    def ordered(
        start: datetime | None,
        end: datetime | None,
        room: str | None,
        level: str | None,
        advice: str | None,
        min_overlap: int | None,
        phone: str | None,
        text_vi: str | None,
        text_en: str | None,
        tail: int | None,
        **rest: Any,
    ) -> Any:
        changes: dict[str, Any] = {
            "start": start,
            "end": end,
            "room": room,
            "level": None if level is None else LEVELS[level],
            "advice": None if advice is None else ADVICE[advice],
            "min_overlap": min_overlap,
            "phone": phone,
            "tail": tail,
        }
        changes = {name: value for name, value in changes.items() if value is not None}
        texts = {"vi": text_vi, "en": text_en}
        return command(
            changes=changes, texts={k: v for k, v in texts.items() if v is not None}, **rest
        )

    for option in reversed((*_WINDOW, *_SAID)):
        ordered = option(ordered)
    return ordered


def with_notices(folder: Any, clock_spec: str, work: Callable[["NoticeParts"], Result]) -> Result:
    """Do *work* with the services of notices.

    Raises:
        BadConfig: the places' keys were never made.
    """
    from bluezone_node.wiring.authority import open_authority

    async def run() -> Result:
        async with clock_of(clock_spec) as clock:
            with open_authority(folder, clock, ROLES["registrar"]) as parts:
                if parts.notices is None:
                    raise BadConfig(
                        "This authority has no keys for places.",
                        hint="`bluezone-node trust init` makes them, once",
                    )
                return work(parts.notices)

    return asyncio.run(run())


def document_of(view: "NoticeView") -> dict[str, Any]:
    """Return a notice for a script."""
    notice = view.notice
    return {
        "number": notice.number,
        "state": view.state,
        "venue": notice.venue_id.hex(),
        "name": view.venue.name if view.venue else "",
        "room": notice.room,
        "realm": notice.realm,
        "from": notice.start,
        "to": notice.end,
        "tail_minutes": notice.tail,
        "until": notice.until,
        "level": NoticeLevel(notice.level).name.lower(),
        "advice": Advice(notice.advice).name.lower(),
        "min_overlap": notice.min_overlap,
        "phone": notice.phone,
        "texts": notice.texts,
        "issued": notice.issued,
        "issued_by": notice.issued_by,
        "expires": notice.expires,
        "released": notice.released,
        "released_by": notice.released_by,
        "retracted": notice.retracted,
        "retracted_by": notice.retracted_by,
        "replaces": notice.replaces,
        "proposal": notice.proposal and notice.proposal.hex(),
        "published_in": view.published_in,
        "retracted_in": view.retracted_in,
    }


def tell(view: "NoticeView", as_json: bool) -> None:
    """Print one notice."""
    if as_json:
        print_json(document_of(view))
        return
    notice, venue = view.notice, view.venue
    place = venue.name if venue else notice.venue_id.hex()
    told = {
        "notice": f"{notice.number}, {view.state}",
        "place": f"{place}, {notice.room}" if notice.room else place,
        "case was there": window_in_vietnam(notice.start, notice.end),
        "people are told of": window_in_vietnam(notice.start, notice.until),
        "level": NoticeLevel(notice.level).name.lower(),
        "advice": Advice(notice.advice).name.lower().replace("_", " "),
        "those there for": f"{notice.min_overlap} minutes or longer" if notice.min_overlap else "",
        "call": notice.phone,
        "vi": notice.texts.get("vi", ""),
        "en": notice.texts.get("en", ""),
        "issued": f"{in_vietnam(notice.issued)} by {notice.issued_by or 'the operator'}",
        "until": in_vietnam(notice.expires),
        "replaces": f"{notice.replaces or ''}",
        "in bundle": f"{view.published_in or ''}",
        "retracted": f"{in_vietnam(notice.retracted)} by {notice.retracted_by or 'the operator'}"
        if notice.retracted
        else "",
    }
    for name, value in told.items():
        if value:
            click.echo(f"{name}: {value}")
