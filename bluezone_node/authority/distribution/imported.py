"""What is taken of another authority's file, and how its keys are kept: pure.

The file is believed because it is signed; its keys are still checked one by one, as a node does,
because whatever is wrong with them would be handed on under our own signature.
Source of the defaults: exposure-notifications-server, internal/exportimport.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from bluezone_node.authority.ports.exposures import Exposure, Revision
from bluezone_node.authority.publisher.decision import NEGATIVE, NOTHING_DRAWN
from bluezone_node.authority.publisher.upload import created_at, floor
from bluezone_node.authority.settings import ImportSettings, PublisherSettings
from bluezone_node.errors import BadExport
from bluezone_node.export.container import Export
from bluezone_node.export.signature import SignatureState
from bluezone_node.intervals import from_unix, interval_at
from bluezone_node.ports import Entropy
from bluezone_node.proximity.model import DiagnosisKey, ReportType

AHEAD = timedelta(days=1)
"""How far another authority's clock may be ahead, as a node takes keys."""

MAX_ONSET_DAYS = 14
"""The format has no days further from the onset of symptoms, and nodes no meaning for them."""

REPORT_TYPES: Mapping[ReportType, str] = {
    ReportType.CONFIRMED_TEST: "confirmed",
    ReportType.CONFIRMED_CLINICAL: "likely",
    ReportType.SELF_REPORT: "user-report",
}
"""What a key may be published as. The format reserves *recursive*; and one that is revoked by its
first publication says nothing."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which one authority's keys are taken."""

    imports: ImportSettings
    publisher: PublisherSettings
    entropy: Entropy

    def check(self, export: Export, now: datetime) -> None:
        """See that a file may be believed, and is of the region that was agreed upon.

        Raises:
            BadExport: reason ``signature_unsigned``, ``signature_bad``, …, ``region`` or
                ``window_in_future``.
        """
        if export.signature is not SignatureState.VERIFIED:
            raise BadExport(
                f"A file of {self.imports.name} is not signed by a key of this import.",
                reason=f"signature_{export.signature.value}",
                hint="compare imports.public_keys with what the authority publishes",
            )
        if export.header.region != self.imports.region:
            raise BadExport(
                f"A file of {self.imports.name} is of another region than {self.imports.region}.",
                reason="region",
                hint="compare imports.region with what `lab inspect` says of the file",
            )
        # Judged by a clock that is behind, all of its keys would be left out, and for good.
        if from_unix(export.end_timestamp) > now + AHEAD:
            raise BadExport(
                f"A file of {self.imports.name} is of the future: a clock is wrong, there or here.",
                reason="window_in_future",
            )

    def keys(
        self, export: Export, now: datetime, drawn: datetime | None
    ) -> Iterator[list[Exposure]]:
        """Yield the keys to be stored, as they arrive *now*.

        *drawn*: before this, all exports of these keys have been drawn.
        """
        earliest, oldest = drawn or NOTHING_DRAWN, self._oldest(now)

        @cache
        def created(rolling_end: int) -> datetime:
            # Of hundreds of thousands of keys there are some dozen ends.
            return max(created_at(rolling_end, now, self.publisher), earliest)

        for batch in export.key_batches():
            yield [
                Exposure(
                    key.key,
                    key.rolling_start,
                    key.rolling_period,
                    key.transmission_risk,
                    report_type,
                    self._onset(key),
                    created(key.rolling_end),
                    # Nobody's: none of those who publish here is known again by it.
                    self.entropy(32),
                )
                for key in batch
                if key.rolling_end >= oldest
                and (report_type := self._report_type(key.report_type))
                and abs(self._onset(key)) <= MAX_ONSET_DAYS
            ]

    def revised(
        self, export: Export, now: datetime, drawn: datetime | None
    ) -> Iterator[dict[bytes, Revision]]:
        """Yield what stored keys become, as it arrives *now*."""
        window = timedelta(minutes=self.publisher.truncate_minutes)
        at, oldest = max(floor(now, window), drawn or NOTHING_DRAWN), self._oldest(now)
        for batch in export.revised_key_batches():
            yield {
                key.key: Revision(report_type, self._onset(key), at)
                for key in batch
                if key.rolling_end >= oldest
                and (report_type := self._revised_type(key.report_type))
                and abs(self._onset(key)) <= MAX_ONSET_DAYS
            }

    def _oldest(self, now: datetime) -> int:
        return interval_at(now - timedelta(hours=self.publisher.max_age_hours))

    def _onset(self, key: DiagnosisKey) -> int:
        told = key.days_since_onset
        return self.imports.onset_days if told is None else told

    def _report_type(self, told: ReportType) -> str | None:
        if told is ReportType.UNKNOWN:
            return self.imports.report_type
        return REPORT_TYPES.get(told)

    def _revised_type(self, told: ReportType) -> str | None:
        return NEGATIVE if told is ReportType.REVOKED else REPORT_TYPES.get(told)
