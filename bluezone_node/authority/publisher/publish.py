"""The publisher: takes certified keys, once each, and revises them when the diagnosis changes.

In the order of Google's key server: health authority, certificate, revision token, the checks of
`upload`, then one transaction.
"""

import asyncio
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from bluezone_node.authority import certificate as certificates
from bluezone_node.authority.certificate import Certificate, CertificateRefused
from bluezone_node.authority.ports.exposures import Changes, Decide, Exposure, ExposureStore
from bluezone_node.authority.ports.keys import KeyDirectory
from bluezone_node.authority.publisher.decision import Decision
from bluezone_node.authority.publisher.revision import Named, TokenKey, read_token, write_token
from bluezone_node.authority.publisher.upload import (
    Accepted,
    UploadedKey,
    accept,
    certified,
    check_count,
    floor,
    onset_of,
)
from bluezone_node.authority.settings import HealthAuthoritySettings, PublisherSettings
from bluezone_node.authority.signed import NotSigned, key_id
from bluezone_node.crypto.mac import Mac
from bluezone_node.errors import AuthorityRefused
from bluezone_node.intervals import ROLLING_PERIOD, day_of, interval_at
from bluezone_node.ports import Clock, Entropy


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


@dataclass(frozen=True, slots=True)
class Judged:
    """An upload of which all is known but what is stored."""

    decision: Decision
    accepted: Accepted
    now: datetime


class Publisher:
    """Takes uploads."""

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
        self._owner_mac = Mac(hmac.digest(secret, b"owner", "sha256"))
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
        judged = self._judge(upload)
        changes = self._store.publish(*_asked_of(judged))
        return self._published(judged, changes)

    async def publish_soon(self, upload: Upload) -> Published:
        """As `publish`, for whoever has a loop to run: nothing waits in it, nor in a thread."""
        if self._at_hand(upload):
            judged = self._judge(upload)
        else:
            judged = await asyncio.to_thread(self._judge, upload)
        changes = await self._store.publish_soon(*_asked_of(judged))
        return self._published(judged, changes)

    def _at_hand(self, upload: Upload) -> bool:
        """Tell whether *upload* can be judged without asking anybody for a key."""
        directory = self._directories.get(upload.health_authority)
        try:
            return directory is None or directory.at_hand(key_id(upload.certificate))
        except NotSigned:
            return True

    def _judge(self, upload: Upload) -> Judged:
        now = self._clock.now()
        authority = self._authorities.get(upload.health_authority)
        if authority is None:
            raise AuthorityRefused(
                "This health authority is not known here.", reason="unknown_health_authority_id"
            )
        certificate = self._certificate(upload, authority, now)
        check_count(upload.keys, self._settings)
        vouched = read_token(upload.revision_token, self._token_secret)
        onset = onset_of(upload.onset_interval, certificate.onset_interval, now, self._settings)
        accepted = accept(
            upload.keys,
            report_type=certificate.report_type,
            onset=onset or now - timedelta(days=self._settings.default_onset_days),
            now=now,
            settings=self._settings,
        )
        decision = Decision(
            report_type=certificate.report_type,
            traveler=upload.traveler,
            vouched=vouched,
            token_given=bool(upload.revision_token),
            owners={k.key: self._owner(certificate, k.key) for k in accepted.keys},
            revised_at=floor(now, timedelta(minutes=self._settings.truncate_minutes)),
            today=day_of(now),
            onset=None if onset is None else interval_at(onset) // ROLLING_PERIOD,
            realm=certificate.realm,
            partial=self._settings.allow_partial_revisions,
        )
        return Judged(decision, accepted, now)

    def _published(self, judged: Judged, changes: Changes) -> Published:
        theirs = [*changes.added, *changes.revised, *changes.unchanged]
        token = self._token(judged.decision.vouched, theirs, judged.now)
        return Published(len(theirs), token, judged.accepted.unusable, judged.accepted.warnings)

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
        return self._owner_mac(certificate.keys_hmac + key)

    def _token(
        self, vouched: Mapping[bytes, TokenKey], theirs: Iterable[Exposure], now: datetime
    ) -> str:
        """Return the right to revise what could be revised before, and what is *theirs* now."""
        oldest = interval_at(now - timedelta(hours=self._settings.max_age_hours))
        kept: dict[bytes, Named] = {
            key: entry
            for key, entry in vouched.items()
            if entry.rolling_start + entry.rolling_period >= oldest
        }
        kept.update((exposure.key, exposure) for exposure in theirs)
        return write_token(kept.values(), self._token_secret, self._entropy) if kept else ""


def _asked_of(judged: Judged) -> tuple[Sequence[bytes], Decide]:
    keys = judged.accepted.keys
    return [key.key for key in keys], partial(judged.decision.of, keys)


def _not_certified(message: str) -> AuthorityRefused:
    return AuthorityRefused(message, reason="health_authority_verification_certificate_invalid")
