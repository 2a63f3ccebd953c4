"""The publisher: takes certified keys, once each, and revises them when the diagnosis changes.

In the order of Google's key server: health authority, certificate, revision token, the checks of
`upload`, then one transaction.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bluezone_node.authority import certificate as certificates
from bluezone_node.authority.certificate import Certificate, CertificateRefused
from bluezone_node.authority.ports import (
    Changes,
    Exposure,
    ExposureStore,
    KeyDirectory,
    Revision,
)
from bluezone_node.authority.revision import TokenKey, read_token, write_token
from bluezone_node.authority.settings import HealthAuthoritySettings, PublisherSettings
from bluezone_node.authority.upload import (
    AcceptedKey,
    UploadedKey,
    accept,
    certified,
    check_count,
    floor,
    onset_of,
)
from bluezone_node.errors import AuthorityRefused
from bluezone_node.intervals import interval_at
from bluezone_node.ports import Clock, Entropy

NEGATIVE = "negative"

TRANSITIONS: Mapping[str, frozenset[str]] = {
    "likely": frozenset({"confirmed", NEGATIVE}),
    "user-report": frozenset({"confirmed", "likely", NEGATIVE}),
}
"""What a diagnosis may become, once. A confirmed one stands."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One ``POST /v1/publish``, parsed."""

    keys: Sequence[UploadedKey]
    health_authority: str
    certificate: str = field(repr=False)
    hmac_secret: bytes = field(repr=False)
    onset_interval: int | None = None
    traveler: bool = False
    revision_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Published:
    inserted: int
    """Keys of this upload that the publisher now has, or has revised, because of it."""
    revision_token: str = field(repr=False)
    unusable: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Publisher:
    """Takes uploads. `publish` blocks on the store."""

    def __init__(
        self,
        store: ExposureStore,
        clock: Clock,
        entropy: Entropy,
        *,
        secret: bytes,
        directories: Mapping[str, KeyDirectory],
        settings: PublisherSettings,
    ) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._token_secret = hmac.digest(secret, b"revision token", "sha256")
        self._owner_secret = hmac.digest(secret, b"owner", "sha256")
        self._directories = directories
        self._settings = settings
        self._authorities = {entry.id: entry for entry in settings.health_authorities}

    def publish(self, upload: Upload) -> Published:
        """Store the keys of *upload*; the same upload again changes nothing and answers the same.

        Raises:
            AuthorityRefused: the whole upload is refused and nothing is stored; the reason is the
                key server's: ``unknown_health_authority_id``, ``bad_request``,
                ``health_authority_verification_certificate_invalid``, ``missing_revision_token``,
                ``invalid_revision_token``, ``key_already_revised``,
                ``invalid_report_type_transition``.
            Unreachable: the registrar's public keys could not be fetched.
        """
        now = self._clock.now()
        authority = self._authorities.get(upload.health_authority)
        if authority is None:
            raise AuthorityRefused(
                "This health authority is not known here.", reason="unknown_health_authority_id"
            )
        check_count(upload.keys, self._settings)
        certificate = self._certificate(upload, authority, now)
        vouched = read_token(upload.revision_token, self._token_secret)
        accepted = accept(
            upload.keys,
            report_type=certificate.report_type,
            onset=onset_of(upload.onset_interval, certificate.onset_interval, now, self._settings),
            now=now,
            settings=self._settings,
        )
        decision = _Decision(
            report_type=certificate.report_type,
            traveler=upload.traveler,
            vouched=vouched,
            token_given=bool(upload.revision_token),
            owners={k.key: self._owner(certificate, k.key) for k in accepted.keys},
            revised_at=floor(now, timedelta(minutes=self._settings.truncate_minutes)),
        )
        inserted: list[bytes] = []

        def decide(stored: Mapping[bytes, Exposure], drawn: datetime | None) -> Changes:
            changes, ours = decision.of(accepted.keys, stored, drawn or now.min.replace(tzinfo=UTC))
            inserted[:] = ours
            return changes

        self._store.publish([key.key for key in accepted.keys], decide)
        token = self._token(vouched, accepted.keys, inserted, now)
        return Published(len(inserted), token, accepted.unusable, accepted.warnings)

    def _certificate(
        self, upload: Upload, authority: HealthAuthoritySettings, now: datetime
    ) -> Certificate:
        try:
            certificate = certificates.verify(
                upload.certificate,
                self._directories[authority.id].key,
                issuer=authority.issuer,
                audience=authority.audience,
                now=now,
            )
        except CertificateRefused as refusal:
            raise _not_certified(str(refusal)) from None
        if not certified(upload.keys, upload.hmac_secret, certificate.keys_hmac):
            raise _not_certified("The certificate is not for these keys.")
        return certificate

    def _owner(self, certificate: Certificate, key: bytes) -> bytes:
        # Only who knows the device's HMAC secret could be certified for this HMAC, so it proves
        # the same sender; mixed with each key it links no two keys of one sender.
        return hmac.digest(self._owner_secret, certificate.keys_hmac + key, "sha256")

    def _token(
        self,
        vouched: Mapping[bytes, TokenKey],
        keys: Sequence[AcceptedKey],
        inserted: Sequence[bytes],
        now: datetime,
    ) -> str:
        oldest = interval_at(now - timedelta(hours=self._settings.max_age_hours))
        kept = {
            key: entry
            for key, entry in vouched.items()
            if entry.rolling_start + entry.rolling_period >= oldest
        }
        ours = set(inserted)
        for key in keys:
            if key.key in ours:
                kept[key.key] = TokenKey(key.key, key.rolling_start, key.rolling_period)
        return write_token(kept.values(), self._token_secret, self._entropy) if kept else ""


@dataclass(frozen=True, slots=True)
class _Decision:
    """What to do with accepted keys, once it is known which of them are stored."""

    report_type: str
    traveler: bool
    vouched: Mapping[bytes, TokenKey]
    token_given: bool
    owners: Mapping[bytes, bytes]
    revised_at: datetime

    def of(
        self, keys: Sequence[AcceptedKey], stored: Mapping[bytes, Exposure], drawn: datetime
    ) -> tuple[Changes, list[bytes]]:
        """Return the changes, and the keys that are the sender's own afterwards.

        *drawn*: before this, every export has been drawn.  Nothing arrives there, not even when
        the clock was set back: it would never be handed out.
        """
        added, revised, ours = [], [], []
        for key in keys:
            known = stored.get(key.key)
            if known is None:
                if self.report_type != NEGATIVE:
                    added.append(self._exposure(key, drawn))
                    ours.append(key.key)
                continue
            self._check_right(key, known)
            ours.append(key.key)
            if not self._is_known_as(known):
                revised.append(self._revise(key, known, drawn))
        return Changes(added, revised), ours

    def _exposure(self, key: AcceptedKey, drawn: datetime) -> Exposure:
        return Exposure(
            key.key,
            key.rolling_start,
            key.rolling_period,
            key.transmission_risk,
            self.report_type,
            key.days_since_onset,
            max(key.created, drawn),
            self.owners[key.key],
            self.traveler,
        )

    def _check_right(self, key: AcceptedKey, known: Exposure) -> None:
        """Refuse to touch a stored key for anyone but its sender: exports make keys public."""
        again = (
            hmac.compare_digest(known.owner, self.owners[key.key])
            and self.report_type == known.report_type
        )
        entry = self.vouched.get(key.key)
        if entry is None and not again:
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

    def _is_known_as(self, known: Exposure) -> bool:
        told = known.revision.report_type if known.revision else known.report_type
        return self.report_type in (known.report_type, told)

    def _revise(self, key: AcceptedKey, known: Exposure, drawn: datetime) -> Exposure:
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
        at = max(self.revised_at, known.created, drawn)
        return replace(known, revision=Revision(self.report_type, key.days_since_onset, at))


def _not_certified(message: str) -> AuthorityRefused:
    return AuthorityRefused(message, reason="health_authority_verification_certificate_invalid")
