"""What is left when nobody foresaw an error: an answer, and a line in the log without its text.

Apart from the problems themselves, which a kiosk needs too: it has no server's database.
"""

import asyncio
import logging

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as DatabaseTimeout
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.web.problem import place_of, problem

DATABASE_FAILED = (DatabaseUnusable, OperationalError, InterfaceError, DatabaseTimeout)
"""It is gone, locked, full or overrun: not the caller's fault, and over sooner or later."""

_log = logging.getLogger(__name__)


class LastResort:
    """The outermost layer: an error that nobody foresaw is answered, and logged without its text.

    The text of an error may quote what was sent, so only its kind and place are logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noticing(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noticing)
        except asyncio.CancelledError:
            # The server stops, and has waited as long as it does. What is cancelled here ends here:
            # nobody waits for it, and it would be logged as a mistake.
            if not started:
                await problem("unavailable", "The server is stopping.")(scope, receive, send)
        except Exception as error:
            _log.error("a request failed: %s", place_of(error))
            if not started:  # else the server closes the connection: a half answer is none
                reason = "unavailable" if isinstance(error, DATABASE_FAILED) else "internal_error"
                await problem(reason)(scope, receive, send)
