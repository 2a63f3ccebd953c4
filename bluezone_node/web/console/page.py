"""The frame of every page: who asks, in which language, may they, and what the answer carries.

A page's module has functions from a `Visit` to an answer; this one turns requests into visits and
answers into responses, so that no page can forget a header, a token or a check.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bluezone_node.authority.addresses import subscriber
from bluezone_node.authority.people.accounts import Accounts
from bluezone_node.authority.ports.accounts import ISSUER, Session
from bluezone_node.errors import BadInput, Refused, Unreachable
from bluezone_node.ports import Entropy
from bluezone_node.web.console import guard, menu
from bluezone_node.web.console.forms import TooLarge, read_form
from bluezone_node.web.console.language import choose, languages
from bluezone_node.web.console.render import render
from bluezone_node.web.console.visit import Answer, Away, Download, Handler, NotHere, Page, Visit
from bluezone_node.web.console.wording import Realms, Wording
from bluezone_node.web.last_resort import DATABASE_FAILED
from bluezone_node.web.problem import place_of

LANGUAGE_SECONDS = 365 * 86400

_log = logging.getLogger(__name__)


class Frame:
    """Makes routes of pages. Pages may block: they run in threads."""

    def __init__(
        self,
        accounts: Accounts,
        entropy: Entropy,
        realms: Realms,
        *,
        public_url: str = "",
    ) -> None:
        self._accounts = accounts
        self._entropy = entropy
        self._public_url = public_url
        self._languages = languages()
        self._wordings = {
            name: Wording(language, realms) for name, language in self._languages.items()
        }

    def get(
        self, path: str, page: Handler, *, role: str | None = ISSUER, section: str = ""
    ) -> Route:
        """Return the route of a page for those who may do what *role* may; None: for anyone.

        *section*: the page that stands in the menu, if not this one.
        """
        return Route(path, self._endpoint(page, role, section or path, form=False, file=False))

    def post(
        self,
        path: str,
        page: Handler,
        *,
        role: str | None = ISSUER,
        section: str = "",
        with_file: bool = False,
    ) -> Route:
        """Return the route of a form; *section*: the page that it stands on, if not *path*."""
        endpoint = self._endpoint(page, role, section or path, form=True, file=with_file)
        return Route(path, endpoint, methods=["POST"])

    def nothing_else(self, root: str) -> list[BaseRoute]:
        """Return the routes that answer every other address and method from *root* on."""

        def nothing(visit: Visit) -> Answer:
            raise NotHere

        endpoint = self._endpoint(nothing, None, menu.HOME, form=False, file=False)
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        return [Route(path, endpoint, methods=methods) for path in (root, root + "/{rest:path}")]

    def _endpoint(
        self, page: Handler, role: str | None, section: str, *, form: bool, file: bool
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            names = _Cookies(
                guard.is_plain(
                    self._public_url, request.url.scheme, request.headers.get("host", "")
                )
            )
            visitor = request.cookies.get(names.visitor) or self._entropy(32).hex()
            visit = self._visit(request, section, "", None, guard.visitor_csrf(visitor))
            try:
                token = request.cookies.get(names.session, "")
                session = await run_in_threadpool(self._accounts.session, token) if token else None
                if session is not None:
                    visit = self._visit(request, section, token, session, session.csrf)
                if (stop := self._stop(visit, role, form)) is not None:
                    answer: Answer = stop
                else:
                    if form:
                        visit = await self._with_form(request, visit, file)
                    answer = await run_in_threadpool(page, visit)
                if isinstance(answer, Page):
                    request.state.outcome = answer.outcome
                elif isinstance(answer, Away) and answer.token:
                    request.state.outcome = "ok"
                response = self._response(visit, answer, names)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is there to read it
            except Exception as error:
                response = self._response(visit, self._problem(visit, error), names)
            if visit.session is None and names.visitor not in request.cookies:
                names.set(response, names.visitor, visitor)
            response.headers.update(guard.HEADERS)
            return response

        return endpoint

    def _visit(
        self, request: Request, section: str, token: str, session: Session | None, csrf: str
    ) -> Visit:
        chosen = choose(request.cookies.get(LANGUAGE), request.headers.get("accept-language"))
        return Visit(
            request.url.path,
            section,
            request.path_params,
            dict(request.query_params),
            subscriber(request.client.host) if request.client else "",
            self._languages[chosen],
            self._wordings[chosen],
            self._entropy(16).hex(),
            csrf,
            token,
            session,
        )

    def _stop(self, visit: Visit, role: str | None, form: bool) -> Answer | None:
        """Return what is shown instead of the page to who may not see it."""
        if role is None:
            return None
        if visit.session is None:
            return _problem_page("signed_out", 401) if form else Away(menu.SIGN_IN)
        if visit.session.password_due and visit.section != menu.PASSWORD:
            return Away(menu.PASSWORD)
        if not visit.actor.may(role):
            return _problem_page("forbidden", 403)
        return None

    async def _with_form(self, request: Request, visit: Visit, file: bool) -> Visit:
        if not guard.is_own(request.headers):
            raise BadInput("The form came from another site.", reason="foreign_form")
        form = await read_form(request, with_file=file)
        if not guard.same(form["csrf"], visit.csrf):
            raise BadInput("The form is not one of this session.", reason="stale_form")
        return replace(visit, form=form)

    def _problem(self, visit: Visit, error: Exception) -> Page:
        """Return the page that says in words what went wrong, without a word of what was sent."""
        if isinstance(error, NotHere):
            return _problem_page("not_found", 404)
        if isinstance(error, TooLarge):
            return Page("problem.html", {"kind": "body_too_large", "limit": error.limit}, 413)
        if isinstance(error, Refused):
            status = _STATUS.get(error.reason, 400)
            return Page("problem.html", {"kind": error.reason, "sentence": str(error)}, status)
        if isinstance(error, Unreachable):
            return _problem_page("unavailable", 503)
        _log.error("%s failed: %s", visit.section, place_of(error))
        if isinstance(error, DATABASE_FAILED):
            return _problem_page("unavailable", 503)
        return _problem_page("internal_error", 500)

    def _response(self, visit: Visit, answer: Answer, names: "_Cookies") -> Response:
        if isinstance(answer, Away):
            away = RedirectResponse(answer.path, 303)
            if answer.token is not None:
                names.set(away, names.session, answer.token)
            if answer.language:
                names.set(away, LANGUAGE, answer.language, LANGUAGE_SECONDS)
            return away
        if isinstance(answer, Download):
            response = Response(answer.content, media_type=answer.media_type)
            response.headers["Content-Disposition"] = f'attachment; filename="{answer.name}"'
            return response
        html = render(visit, answer)
        response = Response(html, answer.status, media_type="text/html")
        if answer.status == 401:
            response.headers["WWW-Authenticate"] = 'FormBased realm="console"'
        return response


LANGUAGE = "console-language"

_STATUS = {
    "forbidden": 403,
    "foreign_form": 403,
    "stale_form": 403,
    "request_timeout": 408,
    "too_many_requests": 429,
}
"""HTTP status by reason; every other reason is 400."""


class _Cookies:
    """The names of our cookies, and how they are set: all ``Secure`` but on loopback http."""

    def __init__(self, plain: bool) -> None:
        prefix = "" if plain else "__Host-"
        self._plain = plain
        self.session = prefix + "console-session"
        self.visitor = prefix + "console-visitor"

    def set(self, response: Response, name: str, value: str, seconds: int | None = None) -> None:
        """Set one for *seconds*, or as long as the browser runs; an empty one is removed."""
        response.set_cookie(
            name,
            value,
            max_age=seconds if value else 0,
            path="/",
            secure=not self._plain,
            httponly=True,
            samesite="strict",
        )


def _problem_page(kind: str, status: int) -> Page:
    return Page("problem.html", {"kind": kind}, status)
