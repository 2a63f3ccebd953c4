"""The audit trail: who did what with the registrar, in a chain that shows where it was changed."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bluezone_node.authority.ports.accounts import Actor

Detail = Mapping[str, str | int]
"""Counts, roles, realms. Never codes, dates of illness, telephone numbers or patients."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done. The fields are the columns of their table, in order."""

    sequence: int
    """From 1, without gaps."""
    at: datetime
    """Whole seconds."""
    actor: str
    """Name of the user; empty: the command line."""
    realm: str
    """Province that it was done in."""
    action: str
    """In snake_case, at most 32 characters."""
    subject: str
    """What it was done to: a user's name, or the handle of a code in hex."""
    text: str
    """The detail as a JSON object, kept to the byte: the hash is over this."""
    hash: bytes
    """32 bytes: of the entry before this one and of all of the above."""

    @property
    def detail(self) -> Detail:
        """What *text* says; where somebody made that something else, the text as it stands."""
        try:
            said = json.loads(self.text)
        except ValueError:
            said = None
        return said if isinstance(said, dict) else {"unreadable": self.text}

    @property
    def head(self) -> "AuditHead":
        return AuditHead(self.sequence, self.hash)


@dataclass(frozen=True, slots=True)
class AuditHead:
    """An entry by its number and hash: written down elsewhere, it vouches for all before it."""

    sequence: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What a look at the whole chain found."""

    entries: int
    """How many were found right."""
    head: AuditHead | None
    """The last of those; None: there is none."""
    broken: int | None = None
    """Number of the first entry that is not what it was, or is missing."""
    reason: str = ""
    """A sentence on what is wrong there; empty where nothing is."""

    @property
    def intact(self) -> bool:
        return self.broken is None


class AuditTrail(Protocol):
    """Where services write down what they are about to do. Every method blocks."""

    def record(
        self,
        actor: Actor,
        action: str,
        subject: str = "",
        detail: Detail | None = None,
        *,
        realm: str | None = None,
    ) -> None:
        """Write down that *actor* does something, before it is done.

        *realm*: the province that it is done in, where that is not the actor's own.
        """

    def entries(
        self, realm: str | None = None, limit: int = 100, before: int | None = None
    ) -> list[AuditEntry]:
        """Return the newest entries of *realm* (None: of all) below the sequence *before*."""

    def verify(self, head: AuditHead | None = None) -> AuditVerdict:
        """Check every entry, and that *head*, noted down earlier, is still among them.

        Raises:
            AuthorityRefused: reason ``head_too_old``: the entry was erased when its time was over.
        """

    def head(self) -> AuditHead | None:
        """Return what to note down; None: there is no entry yet."""


Link = Callable[[AuditHead | None], AuditEntry]
"""Given the last entry kept, the next one."""

LinkErased = Callable[[AuditHead, AuditHead], AuditEntry]
"""Given the last entry kept and the last one that is erased, the next one, which says so."""


class AuditStore(Protocol):
    """The registrar's audit entries. Every method is one transaction, and blocks."""

    def append(self, link: Link) -> AuditEntry:
        """Keep what *link* answers; nobody appends in between."""

    def head(self) -> AuditHead | None: ...

    def oldest(self) -> datetime | None:
        """Return when the first entry kept was written."""

    def entries(
        self, realm: str | None = None, limit: int = 100, before: int | None = None
    ) -> list[AuditEntry]:
        """Return the newest entries of *realm* (None: of all) below *before*, newest first."""

    def walk(self) -> Iterator[AuditEntry]:
        """Yield all entries, oldest first, a few at a time in memory."""

    def newest(self, action: str) -> AuditEntry | None:
        """Return the last entry of that action."""

    def forget(self, before: datetime, link: LinkErased) -> int:
        """Remove the oldest entries, up to the first one since *before*; return how many.

        Never the last of all. Where there are any, what *link* answers is kept as the next entry.
        """
