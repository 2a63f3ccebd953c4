"""What an upload does to the keys that are stored: pure, and the same each time it is asked.

New keys are added; stored ones are revised, left as they are, or the whole upload is refused.
Source: exposure-notifications-server, internal/publish/model, docs/getting-started.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from bluezone_node.authority.ports.exposures import Changes, Exposure, Revision
from bluezone_node.authority.ports.tally import Counted
from bluezone_node.authority.publisher.revision import TokenKey
from bluezone_node.authority.publisher.statistics import events_of
from bluezone_node.authority.publisher.upload import AcceptedKey
from bluezone_node.errors import AuthorityRefused

NEGATIVE = "negative"

TRANSITIONS: Mapping[str, frozenset[str]] = {
    "likely": frozenset({"confirmed", NEGATIVE}),
    "user-report": frozenset({"confirmed", "likely", NEGATIVE}),
}
"""What a diagnosis may become, once. A confirmed one stands."""

_EPOCH = date(1970, 1, 1).toordinal()

NOTHING_DRAWN = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with accepted keys, once it is known which of them are stored."""

    report_type: str
    traveler: bool
    vouched: Mapping[bytes, TokenKey] = field(repr=False)
    """By their key: what the revision token allows to revise."""
    token_given: bool
    owners: Mapping[bytes, bytes] = field(repr=False)
    """By key: `Exposure.owner` if the sender is its owner."""
    revised_at: datetime
    """Truncated."""
    today: date
    onset: int | None
    """Day since the Unix epoch; None: nobody told."""
    realm: str = ""
    partial: bool = False
    """A token that vouches for some of the keys revises those, and leaves the others alone."""

    def of(
        self,
        keys: Sequence[AcceptedKey],
        stored: Mapping[bytes, Exposure],
        drawn: datetime | None,
    ) -> Changes:
        """Return what to do with *keys*, of which these are *stored*.

        *drawn*: before this, every export has been drawn.  Nothing arrives there, not even when
        the clock was set back: it would never be handed out.

        Raises:
            AuthorityRefused: one of them may not be touched; see `Publisher.publish`.
        """
        earliest = drawn or NOTHING_DRAWN
        added, revised, unchanged = [], [], []
        for key in keys:
            known = stored.get(key.key)
            if known is None:
                if self.report_type != NEGATIVE:
                    added.append(self._exposure(key, earliest))
                continue
            if not self._may_touch(key, known):
                continue
            if self._is_known_as(known):
                unchanged.append(known)
            else:
                revised.append(self._revise(key, known, earliest))
        if not added and not revised:
            return Changes(unchanged=unchanged)
        today = self.today.toordinal() - _EPOCH
        events = events_of(added, revised, today=today, onset=self.onset)
        return Changes(added, revised, unchanged, Counted(self.today, self.realm, events))

    def _exposure(self, key: AcceptedKey, earliest: datetime) -> Exposure:
        return Exposure(
            key.key,
            key.rolling_start,
            key.rolling_period,
            key.transmission_risk,
            self.report_type,
            key.days_since_onset,
            max(key.created, earliest),
            self.owners[key.key],
            self.traveler,
        )

    def _may_touch(self, key: AcceptedKey, known: Exposure) -> bool:
        """Refuse to touch a stored key for anyone but its sender: exports make keys public.

        Return whether it is to be looked at further.
        """
        again = (
            hmac.compare_digest(known.owner, self.owners[key.key])
            and self.report_type == known.report_type
        )
        entry = self.vouched.get(key.key)
        if entry is None and not again:
            if self.vouched and self.partial:
                return False
            if self.token_given:
                raise AuthorityRefused(
                    "The revision token is not for these keys.", reason="invalid_revision_token"
                )
            raise AuthorityRefused(
                "A key has been published before; revising it needs the revision token.",
                reason="missing_revision_token",
            )
        sent = (key.rolling_start, key.rolling_period)
        promised = sent if entry is None else (entry.rolling_start, entry.rolling_period)
        if not sent == promised == (known.rolling_start, known.rolling_period):
            raise AuthorityRefused(
                "A key was published before with other times.", reason="invalid_revision_token"
            )
        return True

    def _is_known_as(self, known: Exposure) -> bool:
        told = known.revision.report_type if known.revision else known.report_type
        return self.report_type in (known.report_type, told)

    def _revise(self, key: AcceptedKey, known: Exposure, earliest: datetime) -> Exposure:
        if known.revision is not None:
            raise AuthorityRefused(
                "A key has been revised before, and can be only once.",
                reason="key_already_revised",
            )
        if self.report_type not in TRANSITIONS.get(known.report_type, frozenset()):
            raise AuthorityRefused(
                f"A {known.report_type} diagnosis cannot become {self.report_type}.",
                reason="invalid_report_type_transition",
            )
        # Not before its own creation, or an embargoed key would be revised before it is known.
        at = max(self.revised_at, known.created, earliest)
        return replace(known, revision=Revision(self.report_type, key.days_since_onset, at))
