"""What a health worker asks for, what comes of it, and what may be known of it afterwards."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from bluezone_node.authority.registrar.codes import Kind


@dataclass(frozen=True, slots=True)
class CodeOrder:
    """What a health worker asks for."""

    report_type: str
    """'confirmed', 'likely' or 'negative'."""
    symptom_date: date | None = None
    test_date: date | None = None
    kind: Kind = "short"
    """A long code is for a link; with *phone* a code is always long."""
    phone: str = field(default="", repr=False)
    """Where the code is sent; empty: it is handed over."""
    realm: str = ""
    """Province; empty: the actor's own."""
    handle: bytes = b""
    """16 bytes chosen by the caller; empty: they are drawn."""


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A new code. Nobody can be told it again."""

    code: str = field(repr=False)
    expires: datetime
    handle: bytes
    """16 bytes by which it may be asked about, revoked and reissued."""
    kind: Kind
    sent: bool = False
    """By SMS."""


class CodeState(StrEnum):
    """What may become of a code."""

    OPEN = "open"
    CLAIMED = "claimed"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class CodeStatus:
    """What may be known of a code afterwards: never the code."""

    handle: bytes
    state: CodeState
    kind: Kind
    report_type: str
    realm: str
    issuer: str
    created: datetime
    expires: datetime
