"""What the commands about notices share: times, choices, and how a notice is told."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bluezone_node.commands.authority.options import ROLES, clock_of, clock_option, dir_option
from bluezone_node.commands.console import json_option, print_json
from bluezone_node.commands.vietnam_time import VietnamTime, in_vietnam, window_in_vietnam
from bluezone_node.errors import BadConfig
from bluezone_node.venues.notices import Advice, NoticeLevel

if TYPE_CHECKING:
    from bluezone_node.authority.places.notice_orders import NoticeOrder
    from bluezone_node.authority.places.notice_views import NoticeView
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
_AS_TYPED = ("start", "end", "room", "min_overlap", "phone", "tail")
"""Options that are fields of a `NoticeOrder` as they are."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was typed of a notice; what was not is left as it is."""

    changes: Mapping[str, Any] = field(repr=False)
    """Fields of a `NoticeOrder`."""
    texts: Mapping[str, str]

    @property
    def window(self) -> tuple[datetime, datetime]:
        """When the case was there.

        Raises:
            UsageError: it was not said.
        """
        try:
            return self.changes["start"], self.changes["end"]
        except KeyError:
            raise click.UsageError("say when the case was there: --from TIME --to TIME") from None

    def applied(self, order: "NoticeOrder") -> "NoticeOrder":
        """Return *order* with all that was said."""
        return replace(order, texts={**order.texts, **self.texts}, **self.changes)


@dataclass(frozen=True, slots=True)
class Desk:
    """The services of notices, for one command."""

    folder: Any
    clock_spec: str
    as_json: bool

    def done(self, work: Callable[["NoticeParts"], Result]) -> Result:
        """Return what *work* makes of the services.

        Raises:
            BadConfig: the places' keys were never made.
        """
        from bluezone_node.wiring.authority import open_authority

        async def run() -> Result:
            async with clock_of(self.clock_spec) as clock:
                with open_authority(self.folder, clock, ROLES["registrar"]) as parts:
                    if parts.notices is None:
                        raise BadConfig(
                            "This authority has no keys for places.",
                            hint="`bluezone-node trust init` makes them, once",
                        )
                    return work(parts.notices)

        return asyncio.run(run())

    def tell(self, work: "Callable[[NoticeParts], NoticeView]") -> None:
        """Do *work*, and print the notice that it returns."""
        tell(self.done(work), self.as_json)


def at_the_desk(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add where the authority is, its clock and ``--json``, handed over as a `Desk`."""

    @dir_option
    @clock_option
    @json_option
    @wraps(command)
    def run(folder: Any, clock_spec: str, as_json: bool, **rest: Any) -> Any:
        return command(desk=Desk(folder, clock_spec, as_json), **rest)

    return run


def notice_order(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the `Desk`, and what an officer says of a notice, handed over as `Said`."""

    @wraps(command)
    def ordered(
        level: str | None,
        advice: str | None,
        text_vi: str | None,
        text_en: str | None,
        **rest: Any,
    ) -> Any:
        changes: dict[str, Any] = {name: rest.pop(name) for name in _AS_TYPED}
        changes["level"] = None if level is None else LEVELS[level]
        changes["advice"] = None if advice is None else ADVICE[advice]
        texts = {"vi": text_vi, "en": text_en}
        return command(said=Said(_given(changes), _given(texts)), **rest)

    for option in reversed((*_WINDOW, *_SAID)):
        ordered = option(ordered)
    return at_the_desk(ordered)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


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
