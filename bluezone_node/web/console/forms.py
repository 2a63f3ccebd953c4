"""What a browser sends back: read within limits, and kept in memory.

The file of a bulk issue holds dates of illness and telephone numbers.  The framework's own reader
of forms writes larger files to the disk's temporary folder; this one never does.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import date

from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from bluezone_node.errors import BadInput

MAX_FORM_BYTES = 16_384
"""The longest form of the console has some ten short fields."""
MAX_FILE_BYTES = 5_000_000
"""65 536 rows of a bulk issue have 3 MB."""
SECONDS = 60.0
"""A form must have arrived by then, on the worst of lines: who is slower holds a place that
another needs."""

_FRAME_BYTES = 16_384
"""Around the file, in a form that has one."""
_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one form. A field that is missing is empty."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    file: bytes | None = field(default=None, repr=False)
    """None: no file was chosen."""

    def __getitem__(self, name: str) -> str:
        """Return what was typed into the field, without blanks around it."""
        return self.values.get(name, "").strip()

    def secret(self, name: str) -> str:
        """Return a password exactly as it was typed."""
        return self.values.get(name, "")

    def day(self, name: str) -> date | None:
        """Return the date of the field; None where it is empty.

        Raises:
            ValueError: it is no date.
        """
        text = self[name]
        return date.fromisoformat(text) if text else None


class TooLarge(BadInput):
    """The form has more bytes than are taken."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The form has more than {limit} bytes.", reason="body_too_large")
        self.limit = limit


async def read_form(request: Request, *, with_file: bool) -> Form:
    """Return the form in the body of *request*, reading no more of it than is allowed.

    Raises:
        TooLarge: it has more bytes.
        BadInput: reason ``unparsable`` or ``request_timeout``.
    """
    limit = MAX_FILE_BYTES if with_file else MAX_FORM_BYTES
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        async with asyncio.timeout(SECONDS):
            body = await _body(request, limit + (_FRAME_BYTES if with_file else 0), limit)
    except TimeoutError:
        raise BadInput("The form did not arrive in time.", reason="request_timeout") from None
    parser: FormParser | MultiPartParser
    if kind == "application/x-www-form-urlencoded":
        parser = FormParser(request.headers, _once(body), max_fields=_FIELDS)
    elif kind == "multipart/form-data" and with_file:
        parser = _InMemory(request.headers, _once(body), max_files=1, max_fields=_FIELDS)
    else:
        raise _unparsable()
    try:
        return await _form(await parser.parse())
    except (MultiPartException, FormParserError, UnicodeError, KeyError, ValueError):
        raise _unparsable() from None


class _InMemory(MultiPartParser):
    """Keeps a file in memory whatever its size, which `_body` bounds."""

    spool_max_size = 2 * MAX_FILE_BYTES


async def _body(request: Request, most: int, told: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise TooLarge(told)
    return bytes(body)


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    # The parser wants a stream.  It is given one that cannot break off: it would leave its file
    # open then.
    yield body


async def _form(data: FormData) -> Form:
    values: dict[str, str] = {}
    content: bytes | None = None
    try:
        for name, value in data.multi_items():
            if not isinstance(value, UploadFile):
                values.setdefault(name, value)
            elif value.filename:
                content = await value.read()
                if len(content) > MAX_FILE_BYTES:
                    raise TooLarge(MAX_FILE_BYTES)
    finally:
        await data.close()
    return Form(values, content)


def _unparsable() -> BadInput:
    return BadInput("The form could not be read.", reason="unparsable")
