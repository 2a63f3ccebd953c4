"""What people read about a visit: Vietnamese first, English beside it."""

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.console import note
from bluezone_node.commands.visit.refusing import in_vietnamese
from bluezone_node.errors import BluezoneError
from bluezone_node.node.checkin import CheckIn
from bluezone_node.ports import StoredVisit
from bluezone_node.venues.card import VIETNAM
from bluezone_node.venues.visits import OutKind, Visit, expected_end

Result = TypeVar("Result")

UNKNOWN = "(không rõ / unknown)"
"""Stands for a place that was only heard, or whose name was not to be kept."""

ENDINGS: dict[OutKind, tuple[str, str]] = {
    OutKind.SCAN: ("bạn đã báo rời đi", "you checked out"),
    OutKind.NEXT: ("bạn đã đến nơi khác", "you came to another place"),
    OutKind.SILENCE: ("không còn thu được tín hiệu của địa điểm", "its radio fell silent"),
    OutKind.STAY: ("theo thời gian ở lại thông thường", "by the usual length of a stay"),
    OutKind.CLOSING: ("đến giờ đóng cửa", "it closed"),
    OutKind.MIDNIGHT: ("đến nửa đêm", "midnight came"),
    OutKind.EDITED: ("bạn đã sửa giờ", "you set the times"),
}
"""How the end of a visit is known."""


def with_checkin(
    config: Path | None, work: Callable[[CheckIn], Coroutine[Any, Any, Result]]
) -> Result:
    """Run *work* on the service of the node's own visits."""
    import asyncio

    from bluezone_node.wiring.errands import open_checkin

    async def run() -> Result:
        async with open_checkin(settings_file.load(config)) as service:
            return await work(service)

    try:
        return asyncio.run(run())
    except BluezoneError as error:
        note(in_vietnamese(error))
        raise


def say(vietnamese: str, english: str) -> None:
    """Print one line in both languages."""
    click.echo(vietnamese)
    click.echo(click.style(f"    {english}", dim=True))


def named(visit: Visit) -> str:
    return visit.label or UNKNOWN


def say_here(entry: StoredVisit) -> None:
    """Say where the owner is, and when the visit will be taken to be over."""
    visit = entry.visit
    end, kind = expected_end(visit)
    vietnamese, english = ENDINGS[kind]
    last = end.astimezone(VIETNAM)
    another_day = last.date() != visit.came.astimezone(VIETNAM).date()
    say(
        f"Đang ở: {named(visit)}, từ {clock(visit.came)} (giờ Việt Nam)"
        f"{_people(visit, ' người')}. "
        f"Sẽ tự kết thúc lúc {clock(end)}"
        + (f" ngày {last:%d/%m/%Y}" if another_day else "")
        + f": {vietnamese}.",
        f"You are at {named(visit)} since {clock(visit.came)} (Vietnam time)"
        f"{_people(visit, ' people')}; "
        f"ends by itself at {clock(end)}"
        + (f" on {last:%Y-%m-%d}" if another_day else "")
        + f": {english}. Leave: bluezone-node visit out",
    )


def say_over(entry: StoredVisit) -> None:
    """Say that a visit is over, and how that is known."""
    visit = entry.visit
    if visit.left is None or visit.out is None:
        return
    vietnamese, english = ENDINGS[visit.out]
    came = visit.came.astimezone(VIETNAM)
    say(
        f"Đã rời: {named(visit)}, ngày {came:%d/%m/%Y} từ {clock(came)} đến {clock(visit.left)} "
        f"(giờ Việt Nam; {vietnamese}).",
        f"You left {named(visit)}: {came:%Y-%m-%d}, {clock(came)} to {clock(visit.left)} "
        f"(Vietnam time; {english}).",
    )


def clock(at: datetime) -> str:
    """Return the time as the clock at the place shows it, whatever zone this device is set to."""
    return f"{at.astimezone(VIETNAM):%H:%M}"


def moment(text: datetime | None, now: datetime) -> datetime | None:
    """Return Vietnam's time as it was typed; without a day (1900) it is of the last 24 hours."""
    if text is None:
        return None
    if text.year > 1900:
        return text.replace(tzinfo=VIETNAM)
    at = datetime.combine(now.astimezone(VIETNAM).date(), text.time(), VIETNAM)
    return at if at <= now else at - timedelta(days=1)


MOMENT = click.DateTime(["%H:%M", "%Y-%m-%dT%H:%M", "%d/%m/%Y %H:%M"])
"""How times are typed."""


def summary(entry: StoredVisit) -> dict[str, object]:
    """Return what is told of a visit in JSON: neither card nor tag nor key."""
    visit = entry.visit
    card = visit.card.card if visit.card is not None else None
    return {
        "id": entry.id,
        "place": visit.label,
        "address": card.address if card is not None else "",
        "came": visit.came,
        "left": visit.left,
        "out": visit.out.value if visit.out is not None else None,
        "party": visit.party,
        "private": visit.private,
        "matchable": bool(visit.card or visit.marks),
        "heard": visit.heard,
        "screen": bool(visit.proofs),
    }


def _people(visit: Visit, word: str) -> str:
    return f", {visit.party}{word}" if visit.party > 1 else ""
