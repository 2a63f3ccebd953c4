"""The pages of whoever runs the place: the PIN, the counts, the table."""

from datetime import datetime, timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bluezone_node.errors import BadInput
from bluezone_node.venues.card import VIETNAM
from bluezone_node.venues.opening import first_broken
from bluezone_node.web.console.forms import read_form
from bluezone_node.web.kiosk import report
from bluezone_node.web.kiosk.gate import COOKIE
from bluezone_node.web.kiosk.parts import KioskParts
from bluezone_node.web.kiosk.render import page_answer
from bluezone_node.web.kiosk.wording import Words

HISTORY_DAYS = 21
"""As long as entries are kept."""

_PIN_WORDS = {
    "pin_wrong": Words("Sai mã PIN.", "This is not the PIN."),
    "pin_attempts": Words(
        "Sai quá nhiều lần. Hãy đợi một phút.", "Too many wrong PINs. Wait a minute."
    ),
}


class Office:
    """Behind the PIN, wherever the page is served."""

    def __init__(self, parts: KioskParts) -> None:
        self._parts = parts

    async def pin(self, request: Request) -> Response:
        gate, onward = self._parts.gate, "manager" in request.query_params
        words = None
        if request.method == "POST":
            form = await read_form(request, with_file=False)
            try:
                token = await run_in_threadpool(gate.enter, form.secret("pin"))
            except BadInput as error:
                words = _PIN_WORDS[error.reason]
            else:
                away = RedirectResponse("/manager" if onward else "/", 303)
                away.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")
                return away
        status = 403 if words else 200
        return page_answer("pin.html", status, words=words, has_pin=gate.has_pin, onward=onward)

    async def page(self, request: Request) -> Response:
        now = self._parts.clock.now()
        day = _day(request.query_params.get("day", ""), now)
        entries = await self._parts.on_desk(lambda d: d.history(day, day + timedelta(days=1)))
        inside = await self._parts.on_desk(lambda desk: desk.inside)
        keeps_names = await self._parts.on_desk(lambda desk: desk.keeps_names)
        openings = await self._parts.on_desk(lambda desk: desk.openings())
        hours = report.hours_of(entries, day)
        return page_answer(
            "manager.html",
            name=self._parts.place.card.card.name,
            inside=inside,
            day=day.astimezone(VIETNAM),
            before=day.astimezone(VIETNAM) - timedelta(days=1),
            after=day.astimezone(VIETNAM) + timedelta(days=1),
            hours=hours,
            highest=max([each.came for each in hours] + [each.left for each in hours], default=1),
            came=sum(entry.party for entry in entries),
            rows=[report.row_of(entry) for entry in reversed(entries)],
            keeps_names=keeps_names,
            openings=[report.opening_of(each) for each in reversed(openings)],
            broken=first_broken(openings),
        )

    async def table(self, request: Request) -> Response:
        now = self._parts.clock.now()
        start = now - timedelta(days=HISTORY_DAYS)
        entries = await self._parts.on_desk(lambda d: d.history(start, now + timedelta(days=1)))
        content = await run_in_threadpool(report.csv_of, entries)
        response = Response(content, media_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="luot-vao-ra.csv"'
        return response


def _day(text: str, now: datetime) -> datetime:
    """Return the first instant of the day in Vietnam that *text* names; today where it is none."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=VIETNAM)
    except ValueError:
        return now.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)
    today = now.astimezone(VIETNAM)
    return min(max(day, today - timedelta(days=HISTORY_DAYS)), today).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
