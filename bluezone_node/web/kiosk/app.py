"""The kiosk's HTTP: a page for the door, its pieces for the script on it, a page for the manager.

Everything is a plain form that works without a script; the script only makes it quicker, louder
and able to see.  Nothing that was scanned stands in an address, a log or an answer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bluezone_node.errors import BadInput, BluezoneError, DatabaseUnusable, FontUnavailable
from bluezone_node.node.kiosk.desk import Desk
from bluezone_node.node.kiosk.ledger import Entered
from bluezone_node.venues.card import VIETNAM
from bluezone_node.venues.checkins import NO_DOUBT, Doubt
from bluezone_node.venues.kinds import RULES
from bluezone_node.venues.tags import step_of
from bluezone_node.venues.visits import MAX_PARTY
from bluezone_node.web.console.forms import Form, read_form
from bluezone_node.web.console.guard import is_own
from bluezone_node.web.kiosk.condition import status_of
from bluezone_node.web.kiosk.gate import COOKIE
from bluezone_node.web.kiosk.manager import Office
from bluezone_node.web.kiosk.parts import KioskParts
from bluezone_node.web.kiosk.picture import MAX_PICTURE_BYTES, read_picture
from bluezone_node.web.kiosk.render import (
    HEADERS,
    STATIC,
    json_answer,
    nothing,
    page_answer,
    page_name,
    slip_answer,
    square_answer,
    static_file,
)
from bluezone_node.web.kiosk.wording import Shown, ready, refused, shown
from bluezone_node.web.problem import place_of

PICTURE_SECONDS = 10.0
"""For a picture to arrive: the camera is at the same machine, or the same network."""
STILL_THERE = 5.0
"""Seconds for which a square may be out of the picture and still be the same look at it."""

Handler = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger(__name__)


def kiosk_app(parts: KioskParts) -> Starlette:
    """Return the application."""
    door, office = _Door(parts), Office(parts)
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
            Route("/slip/{entry:int}", door.guarded(door.print_slip)),
            Route("/slip/{entry:int}.png", door.guarded(door.slip_picture)),
            Route("/pin", door.guarded(office.pin, free=True), methods=["GET", "POST"]),
            Route("/manager", door.guarded(office.page, manager=True)),
            Route("/manager.csv", door.guarded(office.table, manager=True)),
            Route("/static/{name}", door.guarded(door.static, free=True)),
        ],
        exception_handlers={404: _unknown, 405: _unknown},
    )


class _Door:
    def __init__(self, parts: KioskParts) -> None:
        self._parts = parts
        self._page_name = page_name(parts.place.card.location_id)
        """A page that was made for another card, or by another version, loads anew."""
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
                _log.error("the page failed: %s", place_of(error))
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
        if needs_pin and not gate.knows(request.cookies.get(COOKIE, ""), manager=manager):
            if _wants_json(request) or request.method == "POST":
                return Response("401", 401, media_type="text/plain")
            return RedirectResponse("/pin" + ("?manager" if manager else ""), 303)
        return await handler(request)

    async def _refusal(self, request: Request, error: BluezoneError) -> Response:
        return await self._answer(request, refused(error))

    async def _answer(self, request: Request, result: Shown) -> Response:
        if _wants_json(request):
            return json_answer({**asdict(result), **await self._state()})
        return await self._page(result)

    # The door

    async def page(self, request: Request) -> Response:
        condition = self._parts.condition()
        return await self._page(ready(condition.objection, clock_known=condition.clock_known))

    async def _page(self, result: Shown) -> Response:
        card = self._parts.place.card.card
        return page_answer(
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
        return json_answer(await self._state())

    async def _state(self) -> dict[str, Any]:
        now = self._parts.clock.now()
        try:
            inside = await self._parts.on_desk(lambda desk: desk.inside)
        except DatabaseUnusable:
            inside = None
        condition = self._parts.condition()
        status = status_of(condition, now)
        return {
            "page": self._page_name,
            "ready": asdict(ready(condition.objection, clock_known=condition.clock_known)),
            "proving": not condition.objection,
            "inside": inside,
            "clock": now.astimezone(VIETNAM).strftime("%H:%M"),
            "step": step_of(now),
            "status": [{"well": well, "vi": said.vi, "en": said.en} for well, said in status],
        }

    async def code(self, request: Request) -> Response:
        now = self._parts.clock.now()
        if self._parts.place.objection(now):
            return nothing()  # who scanned it would not be warned
        return square_answer(self._parts.screen.text(now))

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
            return json_answer({"nothing": True})
        async with self._looking:
            text = await run_in_threadpool(read_picture, jpeg)
        now = self._parts.clock.monotonic()
        before, at = self._in_view
        if text is None:
            return json_answer({"nothing": True})
        self._in_view = (text, now)
        if text == before and now - at < STILL_THERE:
            return json_answer({"nothing": True})
        party, doubts = _number(request.query_params.get("party", "1")), self._doubts()
        return await self._entered(request, lambda desk: desk.scan(text, party, doubts))

    async def print_slip(self, request: Request) -> Response:
        # By its number: what is in an address stays in a browser's history.
        number = request.path_params["entry"]
        made = await self._parts.on_desk(lambda desk: desk.slip_of(number))
        if made is None:
            return nothing()
        entry, code = made
        return page_answer(
            "slip.html",
            name=self._parts.place.card.card.name,
            place=self._parts.place.card.spoken_code,
            paper=self._parts.paper,
            entry=entry,
            code=code,
        )

    async def slip_picture(self, request: Request) -> Response:
        number, parts = request.path_params["entry"], self._parts
        made = await parts.on_desk(lambda desk: desk.slip_of(number))
        if made is None:
            return nothing()
        entry, code = made
        try:
            url, card = parts.screen.text(entry.came), parts.place.card
            return await run_in_threadpool(slip_answer, card, url, entry, code, parts.paper)
        except (FontUnavailable, BadInput) as error:
            # The page around it says the same in the browser's own letters.
            _log.warning("a slip could not be drawn: %s", error)
            return nothing()

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

    async def static(self, request: Request) -> Response:
        kind = STATIC.get(request.path_params["name"])
        if kind is None:
            return nothing()
        return Response(static_file(request.path_params["name"]), media_type=kind)


async def _unknown(_request: Request, _error: Exception) -> Response:
    answer = nothing()
    answer.headers.update(HEADERS)
    return answer


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


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")
