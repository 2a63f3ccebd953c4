"""The kiosk's HTTP: a page for the door, its pieces for the script on it, a page for the manager.

Everything is a plain form that works without a script; the script only makes it quicker, louder
and able to see.  Nothing that was scanned stands in an address, a log or an answer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Protocol, TypeVar

import jinja2
import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bluezone_node.errors import BadInput, BluezoneError, DatabaseUnusable
from bluezone_node.node.kiosk.desk import Desk, Entered
from bluezone_node.node.kiosk.screen import Screen
from bluezone_node.ports import Clock
from bluezone_node.posters.square import QUIET_MODULES, square_of
from bluezone_node.venues.card import VIETNAM, SignedCard
from bluezone_node.venues.checkins import MAX_PARTY, NO_DOUBT, Doubt
from bluezone_node.venues.kinds import RULES
from bluezone_node.venues.opening import first_broken
from bluezone_node.venues.tags import step_of
from bluezone_node.web.console.forms import Form, read_form
from bluezone_node.web.console.guard import is_own
from bluezone_node.web.kiosk import report
from bluezone_node.web.kiosk.condition import Condition, status_of
from bluezone_node.web.kiosk.gate import Gate
from bluezone_node.web.kiosk.picture import MAX_PICTURE_BYTES, read_picture
from bluezone_node.web.kiosk.wording import READY, Shown, Words, refused, shown

PICTURE_SECONDS = 10.0
"""For a picture to arrive: the camera is at the same machine, or the same network."""
STILL_THERE = 5.0
"""Seconds for which a square may be out of the picture and still be the same look at it."""
COOKIE = "kiosk-session"
HISTORY_DAYS = 21

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; media-src 'self' blob: mediastream:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Result = TypeVar("Result")
Handler = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger(__name__)


class OnDesk(Protocol):
    """Runs a piece of work on the desk, off the event loop, one after the other."""

    async def __call__(self, work: Callable[[Desk], Result]) -> Result: ...


@dataclass(frozen=True, slots=True)
class KioskParts:
    """What the pages are made of."""

    card: SignedCard
    screen: Screen
    on_desk: OnDesk
    gate: Gate
    clock: Clock
    condition: Callable[[], Condition]
    written: Callable[[bool], None]
    """Told after each entry whether it is on the disk."""
    tap: Callable[[], Awaitable[bytes]]
    """Returns what the device that is held to the kiosk is known by, or refuses in words."""


def kiosk_app(parts: KioskParts) -> Starlette:
    """Return the application."""
    door = _Door(parts)
    return Starlette(
        routes=[
            Route("/", door.guarded(door.page)),
            Route("/state", door.guarded(door.state)),
            Route("/code.svg", door.guarded(door.code)),
            Route("/scan", door.guarded(door.scan), methods=["POST"]),
            Route("/phone", door.guarded(door.phone), methods=["POST"]),
            Route("/tap", door.guarded(door.tap), methods=["POST"]),
            Route("/slip", door.guarded(door.slip), methods=["POST"]),
            Route("/party", door.guarded(door.party), methods=["POST"]),
            Route("/frame", door.guarded(door.frame), methods=["POST"]),
            Route("/slip/{code}", door.guarded(door.print_slip)),
            Route("/slip/{code}/{square}.svg", door.guarded(door.slip_square)),
            Route("/pin", door.guarded(door.pin, free=True), methods=["GET", "POST"]),
            Route("/manager", door.guarded(door.manager, manager=True)),
            Route("/manager.csv", door.guarded(door.table, manager=True)),
            Route("/static/{name}", door.guarded(door.static, free=True)),
        ],
        exception_handlers={404: _nothing, 405: _nothing},
    )


class _Door:
    def __init__(self, parts: KioskParts) -> None:
        self._parts = parts
        self._looking = asyncio.Lock()
        self._in_view = ("", 0.0)
        """The text of the square before the camera, and when it was seen last."""

    # The frame of every answer

    def guarded(self, handler: Handler, *, free: bool = False, manager: bool = False) -> Handler:
        """Return *handler* behind all checks; *free*: without a PIN, *manager*: always with it."""

        async def endpoint(request: Request) -> Response:
            try:
                response = await self._checked(request, handler, free, manager)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is there to read it
            except BluezoneError as error:
                response = await self._refusal(request, error)
            except Exception as error:  # its text may quote what was sent
                _log.error("%s failed: %s", request.url.path, type(error).__name__)
                response = Response("500", 500, media_type="text/plain")
            response.headers.update(HEADERS)
            return response

        return endpoint

    async def _checked(
        self, request: Request, handler: Handler, free: bool, manager: bool
    ) -> Response:
        gate = self._parts.gate
        if not gate.is_here(request.headers.get("host", "")):
            return Response("421", 421, media_type="text/plain")
        if request.method == "POST" and not is_own(request.headers):
            return Response("403", 403, media_type="text/plain")
        needs_pin = manager or not (free or gate.open_on_loopback)
        if needs_pin and not gate.knows(request.cookies.get(COOKIE, "")):
            if _wants_json(request) or request.method == "POST":
                return Response("401", 401, media_type="text/plain")
            return RedirectResponse("/pin" + ("?manager" if manager else ""), 303)
        return await handler(request)

    async def _refusal(self, request: Request, error: BluezoneError) -> Response:
        return await self._answer(request, refused(error))

    async def _answer(self, request: Request, result: Shown) -> Response:
        if _wants_json(request):
            return _json({**asdict(result), **await self._state()})
        return await self._page(result)

    # The door

    async def page(self, request: Request) -> Response:
        return await self._page(READY)

    async def _page(self, result: Shown) -> Response:
        card = self._parts.card.card
        return _html(
            "page.html",
            name=card.name,
            room=card.room,
            kind=RULES[card.kind],
            result=result,
            most=MAX_PARTY,
            keeps_names=await self._parts.on_desk(lambda desk: desk.keeps_names),
            **await self._state(),
        )

    async def state(self, request: Request) -> Response:
        return _json(await self._state())

    async def _state(self) -> dict[str, Any]:
        now = self._parts.clock.now()
        try:
            inside = await self._parts.on_desk(lambda desk: desk.inside)
        except DatabaseUnusable:
            inside = None
        status = status_of(self._parts.condition(), now)
        return {
            "inside": inside,
            "clock": now.astimezone(VIETNAM).strftime("%H:%M"),
            "step": step_of(now),
            "status": [{"well": well, "vi": said.vi, "en": said.en} for well, said in status],
        }

    async def code(self, request: Request) -> Response:
        text = self._parts.screen.text(self._parts.clock.now())
        return Response(_svg(text), media_type="image/svg+xml")

    async def scan(self, request: Request) -> Response:
        form, doubts = await self._form(request), self._doubts()
        text, party = form["text"], _party(form)
        return await self._entered(request, lambda desk: desk.scan(text, party, doubts))

    async def phone(self, request: Request) -> Response:
        form, doubts = await self._form(request), self._doubts()
        number, name, party = form["number"], form["name"], _party(form)
        return await self._entered(request, lambda desk: desk.phone(number, party, doubts, name))

    async def tap(self, request: Request) -> Response:
        form, doubts = await self._form(request), self._doubts()
        token, party = await self._parts.tap(), _party(form)
        return await self._entered(request, lambda desk: desk.tap(token, party, doubts))

    async def slip(self, request: Request) -> Response:
        form, doubts = await self._form(request), self._doubts()
        party = _party(form)
        return await self._entered(request, lambda desk: desk.slip(party, doubts))

    async def party(self, request: Request) -> Response:
        form = await self._form(request)
        entry, party = form["entry"], _party(form)
        number = int(entry) if entry.isascii() and entry.isdecimal() and len(entry) < 16 else 0
        return await self._entered(request, lambda desk: desk.change_party(number, party))

    async def frame(self, request: Request) -> Response:
        """Look for a square in one picture of the camera; there mostly is none."""
        jpeg = await _picture(request)
        if self._looking.locked():
            return _json({"nothing": True})
        async with self._looking:
            text = await run_in_threadpool(read_picture, jpeg)
        now = self._parts.clock.monotonic()
        before, at = self._in_view
        if text is None:
            return _json({"nothing": True})
        self._in_view = (text, now)
        if text == before and now - at < STILL_THERE:
            return _json({"nothing": True})
        party, doubts = _number(request.query_params.get("party", "1")), self._doubts()
        return await self._entered(request, lambda desk: desk.scan(text, party, doubts))

    async def print_slip(self, request: Request) -> Response:
        code = request.path_params["code"]
        entry = await self._parts.on_desk(lambda desk: desk.slip_entry(code))
        if entry is None:
            return await _nothing(request, None)
        return _html(
            "slip.html", name=self._parts.card.card.name, entry=entry, code=code, came=entry.came
        )

    async def slip_square(self, request: Request) -> Response:
        code, square = request.path_params["code"], request.path_params["square"]
        entry = await self._parts.on_desk(lambda desk: desk.slip_entry(code))
        if entry is None or square not in {"out", "place"}:
            return await _nothing(request, None)
        text = f"VNP1S:{code}" if square == "out" else self._parts.screen.text(entry.came)
        return Response(_svg(text), media_type="image/svg+xml")

    async def _entered(self, request: Request, work: Callable[[Desk], Entered]) -> Response:
        try:
            entered = await self._parts.on_desk(work)
        except DatabaseUnusable:
            self._parts.written(False)
            raise
        self._parts.written(True)
        return await self._answer(request, shown(entered))

    async def _form(self, request: Request) -> Form:
        return await read_form(request, with_file=False)

    def _doubts(self) -> Doubt:
        return NO_DOUBT if self._parts.condition().clock_known else Doubt.CLOCK

    # The manager

    async def pin(self, request: Request) -> Response:
        gate, onward = self._parts.gate, "manager" in request.query_params
        words = None
        if request.method == "POST":
            form = await self._form(request)
            try:
                token = await run_in_threadpool(gate.enter, form.secret("pin"))
            except BadInput as error:
                words = _PIN_WORDS[error.reason]
            else:
                away = RedirectResponse("/manager" if onward else "/", 303)
                away.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")
                return away
        status = 403 if words else 200
        return _html("pin.html", status, words=words, has_pin=gate.has_pin, onward=onward)

    async def manager(self, request: Request) -> Response:
        now = self._parts.clock.now()
        day = _day(request.query_params.get("day", ""), now)
        entries = await self._parts.on_desk(lambda d: d.history(day, day + timedelta(days=1)))
        inside = await self._parts.on_desk(lambda desk: desk.inside)
        keeps_names = await self._parts.on_desk(lambda desk: desk.keeps_names)
        openings = await self._parts.on_desk(lambda desk: desk.openings())
        hours = report.hours_of(entries, day)
        return _html(
            "manager.html",
            name=self._parts.card.card.name,
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

    async def static(self, request: Request) -> Response:
        kind = _STATIC.get(request.path_params["name"])
        if kind is None:
            return await _nothing(request, None)
        return Response(_static(request.path_params["name"]), media_type=kind)


_STATIC = {"kiosk.css": "text/css", "kiosk.js": "text/javascript"}

_PIN_WORDS = {
    "pin_wrong": Words("Sai mã PIN.", "This is not the PIN."),
    "pin_attempts": Words(
        "Sai quá nhiều lần. Hãy đợi một phút.", "Too many wrong PINs. Wait a minute."
    ),
}


async def _nothing(_request: Request, _error: Exception | None) -> Response:
    return Response("404", 404, headers=HEADERS, media_type="text/plain")


async def _picture(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(PICTURE_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_PICTURE_BYTES:
                    raise BadInput("The picture is too large.", reason="picture_unreadable")
    except TimeoutError:
        raise BadInput("The picture came too slowly.", reason="picture_unreadable") from None
    return bytes(body)


def _party(form: Form) -> int:
    return _number(form["party"] or "1")


def _number(text: str) -> int:
    """Return the number of a party; 0, which is refused in words, where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0


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


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _json(document: object) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")


def _html(template: str, status: int = 200, /, **values: Any) -> Response:
    html = _templates().get_template(template).render(**values)
    return Response(html, status, media_type="text/html")


def _svg(text: str) -> bytes:
    """Return *text* as a QR code with its quiet zone."""
    square = square_of(text)
    side = square.modules + 2 * QUIET_MODULES
    dark = "".join(
        f"M{x + QUIET_MODULES} {y + QUIET_MODULES}h1v1h-1z"
        for y, row in enumerate(square.rows)
        for x, module in enumerate(row)
        if module
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"'
        f' shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path d="{dark}"/></svg>'
    ).encode()


@cache
def _static(name: str) -> bytes:
    return files(__package__).joinpath("static", name).read_bytes()


@cache
def _templates() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("bluezone_node.web.kiosk"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["here"] = lambda at, form: at.astimezone(VIETNAM).strftime(form)
    return made
