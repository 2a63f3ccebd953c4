"""The device's own database."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Protocol

from bluezone_node.alerts import Alert
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.ports.ledger import ExportRecord, SourceState
from bluezone_node.ports.places import PlaceStore
from bluezone_node.ports.world import Result
from bluezone_node.proximity.calibration import Calibration
from bluezone_node.proximity.model import (
    DiagnosisKey,
    Encounter,
    HeardIdentifier,
    IdentifierProtocol,
    Scan,
)


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
