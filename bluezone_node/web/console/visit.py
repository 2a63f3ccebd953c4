"""What a page is given and what it answers: values, so that pages know nothing of HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bluezone_node.authority.ports.accounts import Actor, Session
from bluezone_node.errors import BadInput
from bluezone_node.web.console.forms import Form
from bluezone_node.web.console.language import Language
from bluezone_node.web.console.wording import Wording

ID_BYTES = 16
"""Of a place, a code, a warrant and a kiosk's proposal."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, as a page sees it."""

    path: str
    section: str
    """Path of the page that this one belongs to."""
    params: Mapping[str, Any]
    """Of the path."""
    query: Mapping[str, str]
    address: str
    """What the browser's network address is counted under; empty: it has none."""
    language: Language
    wording: Wording
    nonce: str
    """For a form that must not do its work twice."""
    csrf: str = field(repr=False)
    token: str = field(default="", repr=False)
    """Of the session."""
    session: Session | None = None
    form: Form = field(default_factory=Form)

    @property
    def actor(self) -> Actor:
        """Who signed in; only pages that anyone may see are shown to nobody."""
        assert self.session is not None  # noqa: S101 - checked before the page is asked
        return self.session.actor


@dataclass(frozen=True, slots=True)
class Page:
    """Show a template."""

    template: str
    values: dict[str, Any] = field(default_factory=dict, repr=False)
    """For the template; *errors* are sentences by the name of their field."""
    status: int = 200
    outcome: str = ""
    """Reason of a refusal, where refusals are counted."""


WAITING = Page("waiting.html")
"""The result of a form is being made, by this process or another: look again."""


@dataclass(frozen=True, slots=True)
class Away:
    """Go and get another page, after a form was taken."""

    path: str
    token: str | None = field(default=None, repr=False)
    """Of a new session; empty: end it. None: as it was."""
    language: str = ""
    """Chosen from now on."""


@dataclass(frozen=True, slots=True)
class Download:
    """Save a file."""

    name: str
    content: bytes = field(repr=False)
    media_type: str = "text/csv; charset=utf-8"


Answer = Page | Away | Download
Handler = Callable[[Visit], Answer]


class NotHere(Exception):
    """There is no such page, or nothing on it for this person."""


def id_of(text: str) -> bytes:
    """Return the id that *text* is, of an address or a form: 16 bytes.

    Raises:
        NotHere: it is none.
    """
    try:
        found = bytes.fromhex(text) if text.isalnum() else b""
    except ValueError:
        found = b""
    if len(found) != ID_BYTES:
        raise NotHere
    return found


def file_of(visit: Visit) -> bytes:
    """Return the file of the form.

    Raises:
        BadInput: reason ``no_file``.
    """
    if not visit.form.file:
        raise BadInput("Choose a file.", reason="no_file")
    return visit.form.file
