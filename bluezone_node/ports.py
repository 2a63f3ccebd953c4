"""What the services need of the world, as protocols: adapters satisfy them, nothing inherits.

Each port has one contract suite in ``tests/contract``; every adapter passes it.
"""

from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import Enum
from typing import Protocol, TypeVar

from bluezone_node.alerts import Alert
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.proximity.calibration import Calibration
from bluezone_node.proximity.model import (
    Beacon,
    DiagnosisKey,
    Encounter,
    IdentifierProtocol,
    Scan,
    Sighting,
)

# Part of the store's port; it lives with what is made of it.
from bluezone_node.proximity.model import HeardIdentifier as HeardIdentifier
from bluezone_node.venues.sighting import VenueSighting
from bluezone_node.venues.tags import AirTag
from bluezone_node.venues.visits import Visit

Result = TypeVar("Result")

HeardFrame = Sighting | VenueSighting
"""What a radio hears of ours: people's identifiers, and places' tags."""

Entropy = Callable[[int], bytes]
"""Returns that many random bytes: the operating system's in earnest, seeded in tests."""


class Clock(Protocol):
    """Where time comes from. Simulated clocks run faster than the wall, or jump."""

    def now(self) -> datetime:
        """Return the wall-clock time, UTC-aware. It may jump when the system is set right."""

    def monotonic(self) -> float:
        """Return seconds that only ever go forward, at the pace of this clock."""

    async def sleep(self, seconds: float) -> None:
        """Wait until ``monotonic`` has advanced by *seconds*."""


class Voucher(Enum):
    """What vouches for a reading of the wall clock; the value is said to a person."""

    NOBODY = "nothing"
    OWNER = "its owner"
    HARDWARE = "a real-time clock"
    NETWORK = "the network"
    SIMULATION = "the simulated air"


Witness = Callable[[datetime], Voucher]
"""Says what vouches for a reading of the wall clock that was just taken."""


@dataclass(frozen=True, slots=True)
class RadioCondition:
    """What a radio knows about itself; counters are since it was opened."""

    listening: bool
    advertising: bool
    listened_seconds: float
    """Time, at the clock's pace, in which the receiver was on."""
    heard: int
    """Identifiers of people."""
    foreign: int
    """Well-formed advertisements of others: they prove that the receiver works."""
    refused: Mapping[str, int]
    """Malformed or unusable frames, by reason."""
    rotations: int
    """Times that address and identifier changed together."""
    detail: str = ""
    """One line for a person: which way of scanning, which adapter."""
    samples_per_minute: float | None = None
    """Measured: how often one neighbour was heard in the last whole minute (median over all); None
    where nobody was near."""
    fault: str = ""
    """What is wrong now and is being mended, in words; empty: nothing."""
    repairs: Mapping[str, int] = field(default_factory=dict)
    """Steps that were taken to mend it, by name."""
    tags: int = 0
    """Tags of places heard."""
    announcing: bool = False
    """Whether the tag of this place is on the air, beside the identifier."""


class Radio(Protocol):
    """A short-range radio that says who we are and hears who is near."""

    @property
    def name(self) -> str:
        """The specification it was opened with, such as ``bluez:hci0``."""

    async def advertise(self, beacon: Beacon | None, tag: AirTag | None = None) -> None:
        """Put *beacon*, and *tag* beside it, on the air in the place of all that was; None: stop.

        Each goes out under a fresh random address of its own.  Address, identifier and tag change
        together or not at all: an observer must never see one survive the other.

        A radio that is being mended puts them on the air when it can, and one that can send a
        single thing sends the beacon: see ``condition``.

        Raises:
            RadioUnavailable: the radio is gone. What was on the air may have stopped.
        """

    def hear(self) -> AsyncIterator[HeardFrame]:
        """Yield every frame of ours heard, in order, until the radio is closed.

        Raises:
            RadioUnavailable: the radio is gone.
        """

    def condition(self) -> RadioCondition: ...

    async def check(self) -> None:
        """Look whether the radio does its work, and take one step of mending where it does not.

        To be called every ten seconds or so; returns within half a minute.

        Raises:
            RadioUnavailable: the radio is gone, and nothing is left that a program could try.
        """

    async def close(self) -> None:
        """Stop advertising and listening. Safe to call twice."""


class KeySource(Protocol):
    """Somewhere that signed exports of diagnosis keys come from."""

    @property
    def name(self) -> str:
        """A stable name: the ledger is kept by it."""

    async def index(self) -> list[str]:
        """Return the names of all exports on offer, oldest first.

        Raises:
            Unreachable: no answer, or not a usable one (the message says which).
        """

    async def fetch(self, name: str) -> bytes:
        """Return one export file whole.

        Raises:
            Unreachable: no answer, or not a usable one.
            BadExport: reason ``oversized``: larger than any honest file.
        """


@dataclass(frozen=True, slots=True)
class ClaimedCode:
    """What the registrar gives for a verification code."""

    token: str = field(repr=False)
    report_type: str
    """'confirmed', 'likely' or 'negative' (verification server's words)."""
    symptom_date: date | None


@dataclass(frozen=True, slots=True)
class Publication:
    """What a device sends to the publisher. See facts of ``POST /v1/publish``."""

    keys: Sequence[TemporaryExposureKey]
    health_authority: str
    certificate: str = field(repr=False)
    hmac_secret: bytes = field(repr=False)
    onset_interval: int | None
    """ENIntervalNumber of the day of first symptoms."""
    revision_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PublishReceipt:
    inserted: int
    revision_token: str = field(repr=False)
    warnings: Sequence[str] = ()


class Authority(Protocol):
    """The health authority as a device meets it: registrar first, publisher after."""

    async def claim(self, code: str, nonce: bytes) -> ClaimedCode:
        """Exchange a verification code for a token.

        *nonce*: 32 bytes that nobody else can guess.  The same code with the same nonce gives a
        new token in the place of the last, until the code expires or a certificate was given.

        Raises:
            AuthorityRefused: reason ``code_invalid``, ``code_expired``, ``code_used``, …
            Unreachable: no usable answer; the same code may be tried again, with the same nonce.
        """

    async def certify(self, token: str, keys_hmac: bytes) -> str:
        """Exchange a token for a certificate over the HMAC of the keys."""

    async def publish(self, publication: Publication) -> PublishReceipt:
        """Send the keys. The same publication twice is inserted once."""


class Notifier(Protocol):
    """Tells a person."""

    async def tell(self, alert: Alert) -> None: ...


class ExportState(Enum):
    """How far an export got. What is not matched is tried again while it is on offer."""

    SEEN = "seen"
    """Listed by its source; not fetched yet."""
    VERIFIED = "verified"
    """Fetched, and signed by a key of its source; not matched yet."""
    MATCHED = "matched"
    """Every key of it was looked up in the log: done."""
    FAILED = "failed"
    """It could not be used, for the reason given."""


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """One line of the coverage ledger: no export is skipped silently."""

    source: str
    name: str
    state: ExportState
    at: datetime
    """When this state was reached."""
    keys: int = 0
    revised_keys: int = 0
    matched_keys: int = 0
    end_timestamp: int = 0
    """Unix seconds from the verified export; 0 where it never was verified."""
    reason: str = ""
    """Machine name of the failure."""
    attempts: int = 1
    """Times it was fetched."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is remembered of a source between syncs."""

    source: str
    last_success: datetime | None = None
    last_attempt: datetime | None = None
    problem: str = ""
    """Machine name of what is wrong now; empty when all is well."""


@dataclass(frozen=True, slots=True)
class MatchedKey:
    """A published key whose identifiers this node has heard."""

    key: DiagnosisKey
    source: str
    export: str


@dataclass(frozen=True, slots=True)
class Report:
    """A diagnosis report under way or done: kept so that a failed step can be repeated."""

    id: int
    started: datetime
    token: str = field(repr=False)
    report_type: str
    onset: date | None
    hmac_secret: bytes = field(repr=False)
    keys: tuple[TemporaryExposureKey, ...]
    certificate: str = field(default="", repr=False)
    published: datetime | None = None
    revision_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class StoredAlert:
    alert: Alert
    id: int
    raised: datetime
    """When this evidence first was judged."""
    told: datetime | None
    """When its owner was told of it at this level; None: not yet."""
    acknowledged: datetime | None

    def renewed(self, alert: Alert, at: datetime) -> "StoredAlert":
        """Return this entry with the evidence of *alert*, judged at *at*.

        The same evidence changes nothing; a higher level is news even to one who read it.
        """
        if alert == self.alert:
            return self
        grew = alert.level > self.alert.level
        return replace(
            self,
            alert=alert,
            raised=at,
            told=None if grew else self.told,
            acknowledged=None if grew else self.acknowledged,
        )


@dataclass(frozen=True, slots=True)
class StoredVisit:
    id: int
    """0: not stored yet."""
    visit: Visit


@dataclass(frozen=True, slots=True)
class KeptBundle:
    """A bundle of notices, as it was published."""

    sequence: int
    created: datetime
    content: bytes = field(repr=False)


class PlaceStore(Protocol):
    """Where the owner was, and what authorities publish about places."""

    def visits(self) -> list[StoredVisit]:
        """Return all visits still kept, in order of their beginning."""

    def change_visits(
        self, change: Callable[[Sequence[StoredVisit]], Sequence[StoredVisit]]
    ) -> list[StoredVisit]:
        """Insert (id 0) or update what *change* makes of all visits; return it with its ids.

        One transaction: nobody else changes a visit in between.
        """

    def forget_visits(self, ids: Collection[int] | None = None) -> int:
        """Erase these visits (None: all) and the alerts about them beyond recovery.

        Returns how many there were.

        Raises:
            DatabaseUnusable: as with ``forget``.
        """

    def bundles(self) -> Iterator[bytes]:
        """Yield the bundles of notices still kept, as they were published, in order."""

    def newest_bundle(self) -> KeptBundle | None:
        """Return the head of the chain; it is never forgotten."""

    def add_bundle(self, bundle: KeptBundle, record: ExportRecord) -> None:
        """Keep *bundle* and write its ledger line, at once."""

    def drop_bundles(self, sequences: Collection[int], records: Sequence[ExportRecord]) -> None:
        """Remove bundles that are not believed any more and write ledger lines, at once."""

    def place_file(self, name: str) -> bytes | None:
        """Return the newest ``trust.cose`` or ``days.cose`` that was believed."""

    def put_place_file(self, name: str, content: bytes) -> None: ...

    def add_shown_pass(self, nonce: bytes, at: datetime) -> None:
        """Remember a code with a name that was shown to a kiosk: its row may be opened."""

    def shown_passes(self) -> dict[bytes, datetime]:
        """Return the nonces of such codes, and when each was shown."""


class NodeStore(PlaceStore, Protocol):
    """The device's own database. Every method is one transaction, and blocks."""

    # Own keys -----------------------------------------------------------------------------
    def own_keys(self) -> list[TemporaryExposureKey]:
        """Return all own keys still kept, ascending by (rolling_start, rolling_period end)."""

    def add_own_key(self, key: TemporaryExposureKey) -> None: ...

    def retire_own_key(
        self, old: TemporaryExposureKey, shortened: TemporaryExposureKey, new: TemporaryExposureKey
    ) -> None:
        """Replace *old* by *shortened* (same bytes, fewer intervals) and add *new*, at once."""

    # Encounters and coverage --------------------------------------------------------------
    def log(self, encounters: Iterable[Encounter], scans: Iterable[Scan]) -> None:
        """Append what was heard. Scans of one identifier may arrive over many calls."""

    def heard_identifiers(self, protocol: IdentifierProtocol) -> Iterator[HeardIdentifier]:
        """Yield every identifier logged, one row at a time; an identifier may come twice."""

    def encounters_with(
        self, protocol: IdentifierProtocol, identifiers: Iterable[bytes]
    ) -> list[Encounter]:
        """Return the encounters of these identifiers, scans ascending, rows of one merged."""

    def encounters(self, start: datetime, end: datetime) -> Iterator[Encounter]:
        """Yield encounters first heard in [start, end), in order of first hearing."""

    def scans(self, start: datetime, end: datetime) -> list[Scan]:
        """Return the coverage within [start, end)."""

    # Exports ------------------------------------------------------------------------------
    def source_state(self, source: str) -> SourceState: ...

    def put_source_state(self, state: SourceState) -> None: ...

    def export_records(self, source: str | None = None) -> list[ExportRecord]: ...

    def note_seen(self, source: str, names: Sequence[str], at: datetime) -> None:
        """Open a ledger line for each export of *names* that has none yet."""

    def record_export(
        self, record: ExportRecord, matched: Sequence[MatchedKey], revised: Sequence[MatchedKey]
    ) -> None:
        """Write the ledger line and the matched keys at once.

        A key already matched keeps its row; *revised* replaces report type and days since onset
        of a key matched before or in the same export (primary keys first, then revised).  A
        revision that comes before its key is kept too: a withdrawn diagnosis stays withdrawn when
        the export with the key, which had failed, is matched at last.
        """

    def matched_keys(self) -> list[MatchedKey]: ...

    # Alerts -------------------------------------------------------------------------------
    def alerts(self) -> list[StoredAlert]:
        """Return alerts, newest exposure first."""

    def put_alerts(self, alerts: Sequence[Alert], at: datetime, rules: str) -> list[Alert]:
        """Make *alerts* the alerts of *rules*; return those whose owner is still to be told.

        An alert that grew in level is to be told again.  An alert of these rules that is no longer
        among them is withdrawn (a revoked diagnosis).
        """

    def mark_told(self, alerts: Sequence[Alert], at: datetime) -> None:
        """Note that the owner was told of *alerts*: commit, tell, and only then this."""

    def acknowledge(self, alert_id: int, at: datetime) -> bool:
        """Mark as read; False where there is no such alert."""

    # Diagnosis reports --------------------------------------------------------------------
    def save_report(self, report: Report) -> int:
        """Insert (id 0) or update; return the id."""

    def reports(self) -> list[Report]: ...

    # Calibrations -------------------------------------------------------------------------
    def calibrations(self) -> list[Calibration]:
        """Return the last calibration of each adapter, newest first."""

    def put_calibration(self, calibration: Calibration) -> None:
        """Keep it in the place of an earlier one of the same adapter."""

    def forget_calibrations(self) -> int:
        """Erase all of them; return how many there were."""

    # The rest -----------------------------------------------------------------------------
    def forget(self, before: datetime) -> int:
        """Erase everything older than *before* beyond recovery; return the rows removed.

        Raises:
            DatabaseUnusable: it is deleted, yet not wiped while another program reads the
                database; calling again wipes it.
        """

    def erase(self) -> None:
        """Erase everything beyond recovery."""


class OnStore(Protocol):
    """Runs a piece of work on the node's store, off the event loop, one at a time.

    ``await on_store(lambda store: store.log(encounters, scans))``
    """

    async def __call__(self, work: Callable[[NodeStore], Result]) -> Result: ...


class InThread(Protocol):
    """Runs heavy work off the event loop.

    The work is given a function that says whether to stop: a thread cannot be cancelled, and a
    node that is told to stop has two seconds.
    """

    async def __call__(self, work: Callable[[Callable[[], bool]], Result]) -> Result: ...
