"""Outbreak notices, the bundles that carry them, and what kiosks propose: as they are kept."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.authority.ports.venues import Kiosk
from bluezone_node.venues.trust import TrustList


@dataclass(frozen=True, slots=True)
class StoredNotice:
    """What an officer decided about a place and a time. The fields are the columns, in order."""

    number: int
    """0: not kept yet."""
    venue_id: bytes
    room: str = field(repr=False)
    """Empty: the whole place, with all its rooms."""
    realm: str
    start: datetime
    end: datetime
    """A case was there in [start, end)."""
    tail: int
    """Minutes for which the air counts as infectious afterwards."""
    level: int
    advice: int
    min_overlap: int
    phone: str = field(repr=False)
    texts: Mapping[str, str] = field(repr=False)
    issued: datetime
    issued_by: str
    expires: datetime
    released: datetime | None
    """When somebody who may had it go out; None: it waits for a second pair of eyes."""
    released_by: str
    retracted: datetime | None
    retracted_by: str
    replaces: int | None
    """Number of the notice that is over when this one is released."""
    proposal: bytes | None
    """Of a kiosk."""

    @property
    def until(self) -> datetime:
        """End of the time that visitors are told of."""
        return self.end + timedelta(minutes=self.tail)


@dataclass(frozen=True, slots=True)
class NoticePart:
    """What visitors of one card will get of a notice. The fields are the first columns."""

    notice_id: bytes
    number: int
    location_id: bytes = field(repr=False)
    fields: bytes = field(repr=False)
    """`venues.notices.Notice.fields` as CBOR."""


@dataclass(frozen=True, slots=True)
class ListedNotice:
    """A notice and what the bundles have of it."""

    notice: StoredNotice
    published_in: int | None
    """Number of the first bundle with a part of it."""
    retracted_in: int | None


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether alerts from notices are stopped everywhere."""

    on: bool
    since: datetime | None
    by: str


class NoticeStore(Protocol):
    """The registrar's notices. Every method is one transaction, and blocks."""

    def add(self, notice: StoredNotice, parts: Sequence[NoticePart]) -> int | None:
        """Keep a new notice under the number that is returned; its *parts* under that, too.

        None, and nothing is kept: its proposal was decided already; or it is released, and the
        notice that it replaces was retracted already. A proposal that it answers is decided by it.
        """

    def release(self, number: int, at: datetime, by: str, parts: Sequence[NoticePart]) -> bool:
        """Let a notice go out, and retract the one that it replaces.

        False: it, or that one, is not waiting or alive any more, and nothing was changed.
        """

    def retract(self, number: int, at: datetime, by: str) -> bool:
        """False: it was retracted before, or never was."""

    def notice(self, number: int) -> ListedNotice | None: ...

    def notices(self, realm: str | None = None, limit: int = 200) -> list[ListedNotice]:
        """Return the newest of *realm* (None: of all)."""

    def touching(self, venue_id: bytes, start: datetime, end: datetime) -> list[ListedNotice]:
        """Return those about the place whose time has something of [start, end)."""

    def breaker(self) -> Breaker: ...

    def set_breaker(self, on: bool, at: datetime, by: str) -> bool:
        """False: it stood so already, and nothing was changed."""

    def forget(self, before: datetime) -> int:
        """Remove what expired before that, and proposals as old; return how many notices."""


@dataclass(frozen=True, slots=True)
class BundleHead:
    """The last bundle that was written."""

    sequence: int
    created: datetime
    digest: bytes
    breaker: bool
    revoked: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Due:
    """What the next bundle has to tell."""

    last: BundleHead | None
    parts: tuple[NoticePart, ...]
    """Released, and in no bundle yet; ascending by number."""
    retracted: tuple[bytes, ...]
    """Ids of parts that stand in bundles, and of whose retraction none has told."""
    breaker: bool
    revoked: tuple[bytes, ...] = field(repr=False)
    """Beginnings of the location ids of cards withdrawn before their time; ascending."""
    untold: tuple[bytes, ...] = field(default=(), repr=False)
    """Ids of rows of registers that kiosks opened, and of which no bundle has told; all of them
    are told of by the bundle that is drawn."""
    made_up: tuple[bytes, ...] = field(default=(), repr=False)
    """Ids of made-up notices of bundles that are kept, and that none has retracted."""


@dataclass(frozen=True, slots=True)
class DrawnBundle:
    """A bundle, and what stands in it."""

    sequence: int
    created: datetime
    breaker: bool
    revoked: tuple[bytes, ...] = field(repr=False)
    content: bytes = field(repr=False)
    """The file."""
    published: tuple[bytes, ...] = ()
    retracted: tuple[bytes, ...] = ()
    """Ids, those that stand for no notice included."""
    made_up: tuple[bytes, ...] = field(default=(), repr=False)
    """Ids of its made-up notices, which a later one may retract; none where it was adopted, since
    nobody can tell them from those of notices that were lost."""


Draw = Callable[[Due], DrawnBundle | None]
"""Given what there is to tell, the next bundle; None: not now."""


class BundleStore(Protocol):
    """The registrar's bundles. Every method blocks."""

    def alone(self) -> AbstractContextManager[bool]:
        """Hold the right to write bundles; False where another process has it.

        It ends with the process that holds it, however that ends.
        """

    def draw(self, now: datetime, most: int, draw: Draw) -> DrawnBundle | None:
        """Keep the bundle that *draw* makes of what is due; no more than *most* parts are.

        One transaction, in which nobody issues or retracts. An update that does not fit whole
        waits with its retraction.
        """

    def begin_anew(self, now: datetime, most: int, draw: Draw) -> DrawnBundle | None:
        """As `draw`, with all notices that still hold due again; the bundles before are removed."""

    def adopt(self, bundle: DrawnBundle) -> None:
        """Keep a bundle that was handed out and is not kept here: a backup was restored since.

        What stands in it counts as told; a notice that it retracts is retracted, and the breaker
        stands as it says.
        """

    def bundles(self) -> dict[int, int]:
        """Return the length of each bundle kept, by number, ascending."""

    def content(self, sequence: int) -> bytes: ...

    def last(self) -> BundleHead | None: ...

    def forget(self, before: datetime) -> int:
        """Remove bundles written before that, but never the last; return how many."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a kiosk proposes a notice: figures only, no identifier and no key."""

    minutes: int
    """For how long somebody who has since reported a diagnosis was near the kiosk's radio."""
    packets: int
    """That it heard of them."""
    keys: int
    """Diagnosis keys that met what was heard: at most one a person and day."""
    expected_packets: int = 0
    """That it would have heard in that time of who stood there; 0: it does not say."""
    confidence: float | None = None
    """0 to 1, as the kiosk judges; None: it does not say."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a kiosk says. The fields are the columns, in order."""

    proposal_id: bytes
    venue_id: bytes
    room: str
    realm: str
    start: datetime
    end: datetime
    evidence: Evidence
    received: datetime
    decided: datetime | None = None
    decided_by: str = ""
    accepted: bool | None = None
    """None: it waits."""
    reason: str = ""
    """Why it was put aside."""


class ProposalStore(Protocol):
    """What kiosks proposed. Every method is one transaction, and blocks."""

    def add(self, proposal: Proposal, since: datetime, most: int) -> Proposal | None:
        """Keep it, and return it; where one of that id is kept already, that one.

        None: the place has proposed *most* since *since*.
        """

    def proposal(self, proposal_id: bytes) -> Proposal | None: ...

    def proposals(
        self, realm: str | None = None, *, waiting: bool = True, limit: int = 200
    ) -> list[Proposal]:
        """Return the newest of *realm* (None: of all); only those that wait, or all."""

    def dismiss(self, proposal_id: bytes, at: datetime, by: str, reason: str) -> bool:
        """False: it was decided before, or never was."""


class KioskSecrets(Protocol):
    """What follows from the secrets of kiosks. Every method blocks."""

    def by_bearer(self, bearer: str) -> Kiosk | None:
        """Return the kiosk that names itself so, and note that it was seen.

        None: there is none, or it was revoked.
        """

    def proof_keys(self, venue_id: bytes, room: str, since: datetime) -> list[bytes]:
        """Return what the proofs of a room's kiosks follow from (`venues.tags.proof_day_key`).

        Those in use at *since* or later, newest first; 32 bytes each.
        """


class NoticeKeys(Protocol):
    """The key that signs bundles, and who vouches for it.

    Raises:
        BadConfig: it is missing or damaged; from every method.
    """

    def notices(self) -> Ed25519PrivateKey: ...

    def trust(self) -> bytes:
        """Return the trust list as it is handed out."""

    def trust_list(self) -> TrustList:
        """Return what it says."""
