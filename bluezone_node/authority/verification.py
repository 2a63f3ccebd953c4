"""The registrar: a health worker's code becomes a token, a token becomes a certificate.

Codes and tokens are kept only as HMACs under a server secret, so a stolen database redeems
nothing.  The registrar learns who was tested when a health worker says so, and never sees a key:
it certifies their HMAC.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bluezone_node.authority import certificate as certificates
from bluezone_node.authority.certificate import HMAC_BYTES, Certificate
from bluezone_node.authority.ports.keys import CertificateKeys
from bluezone_node.authority.ports.registry import (
    RegistryCounts,
    RegistryStore,
    VerificationCode,
    VerificationToken,
)
from bluezone_node.authority.settings import RegistrarSettings
from bluezone_node.crypto.signing import PublicKey
from bluezone_node.errors import AuthorityRefused, BluezoneError
from bluezone_node.intervals import interval_at, midnight
from bluezone_node.ports import Clock, Entropy

CODE_DIGITS = 8
"""Short enough to be read out over the telephone."""
TOKEN_BYTES = 32
COLLISIONS = 6
"""New codes tried before giving up: with 10⁸ of them, meeting six taken ones means a fault."""
NONCE_BYTES = range(32, 257)
"""Lengths taken of the nonce of a claim: this node sends 32 bytes, apps on Google's server 256."""
KEEP_AFTER_EXPIRY = timedelta(hours=48)
"""So long *expired* and *used* can still be told from *wrong*."""
LATEST_ZONE = timedelta(hours=14)
"""A test of today is dated tomorrow in UTC's eyes, that far east (Kiribati)."""

ISSUED_TYPES = ("confirmed", "likely", "negative")
"""In the order of *accept*: who accepts one accepts those before it."""


@dataclass(frozen=True, slots=True)
class IssuedCode:
    code: str = field(repr=False)
    expires: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the holder of a code is told."""

    token: str = field(repr=False)
    report_type: str
    symptom_date: date | None
    test_date: date | None


class Verification:
    """Issues codes, redeems them, and certifies. Every method blocks on the store."""

    def __init__(
        self,
        store: RegistryStore,
        clock: Clock,
        entropy: Entropy,
        *,
        secret: bytes,
        keys: CertificateKeys,
        settings: RegistrarSettings,
    ) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._secret = secret
        self._keys = keys
        self._settings = settings

    def issue(
        self, report_type: str, symptom_date: date | None = None, test_date: date | None = None
    ) -> IssuedCode:
        """Return a new code for one person.

        Raises:
            AuthorityRefused: reason ``invalid_test_type`` or ``invalid_date``.
        """
        now = self._clock.now()
        if report_type not in ISSUED_TYPES:
            raise AuthorityRefused(
                f"The test type must be one of: {', '.join(ISSUED_TYPES)}.",
                reason="invalid_test_type",
            )
        for day in (symptom_date, test_date):
            self._check_date(day, now)
        expires = now + timedelta(minutes=self._settings.code_minutes)
        for _ in range(COLLISIONS):
            # 16 random bytes: the remainder's bias is beyond measuring.
            number = int.from_bytes(self._entropy(16)) % 10**CODE_DIGITS
            code = f"{number:0{CODE_DIGITS}}"
            record = VerificationCode(
                self._digest("code", code), report_type, symptom_date, test_date, now, expires
            )
            if self._store.add_code(record):
                return IssuedCode(code, expires)
        raise BluezoneError("No free verification code was found; try again.")

    def claim(self, code: str, accept: Collection[str] = (), nonce: bytes = b"") -> Claimed:
        """Exchange *code* for a token. *accept*: the report types the caller can handle, or all.

        A claim with *nonce* can be repeated with it, as its answer may have been lost: until the
        code expires or the token is spent, a new token takes the place of the last.

        Raises:
            AuthorityRefused: reason ``nonce_invalid``, ``code_invalid``, ``code_expired``,
                ``code_used`` or ``unsupported_test_type``.  Only who knows a right code learns
                the latter three.
        """
        now = self._clock.now()
        if nonce and len(nonce) not in NONCE_BYTES:
            raise AuthorityRefused(
                f"A nonce must have {NONCE_BYTES[0]} to {NONCE_BYTES[-1]} bytes.",
                reason="nonce_invalid",
            )
        claimed_with = self._digest("claim", f"{code}:{nonce.hex()}") if nonce else None
        digest = self._digest("code", code)
        found = self._store.code(digest)
        if found is None:
            raise AuthorityRefused(
                "The verification code is not right. Compare it with what you were given.",
                reason="code_invalid",
            )
        if found.claimed is not None and not (
            claimed_with and self._store.repeatable(claimed_with)
        ):
            raise _used()
        if found.expires <= now:
            raise AuthorityRefused(
                "The verification code has expired. Ask for a new one.", reason="code_expired"
            )
        if not _accepted(found.report_type, accept):
            raise AuthorityRefused(
                "The code is for a kind of test that this app cannot report.",
                reason="unsupported_test_type",
            )
        token = urlsafe_b64encode(self._entropy(TOKEN_BYTES)).rstrip(b"=").decode()
        record = VerificationToken(
            self._digest("token", token),
            found.report_type,
            found.symptom_date,
            now,
            now + timedelta(hours=self._settings.token_hours),
            claimed_with=claimed_with,
            realm=found.realm,
        )
        if not self._store.claim_code(digest, record, now):
            raise _used()
        return Claimed(token, found.report_type, found.symptom_date, found.test_date)

    def certify(self, token: str, keys_hmac: bytes) -> str:
        """Exchange *token* for a certificate over *keys_hmac*.

        The token is spent last, so a failed signing can be tried again; and the same token with
        the same HMAC is answered again, so a lost answer can be asked for again.

        Raises:
            AuthorityRefused: reason ``hmac_invalid``, ``token_invalid``, ``token_expired`` or
                ``token_used``.
        """
        now = self._clock.now()
        if len(keys_hmac) != HMAC_BYTES:
            raise AuthorityRefused(
                f"The HMAC of the keys must have {HMAC_BYTES} bytes.", reason="hmac_invalid"
            )
        digest = self._digest("token", token)
        spent_on = hmac.digest(self._secret, b"spent:" + keys_hmac, "sha256")
        found = self._store.token(digest)
        if found is None:
            raise AuthorityRefused("The token is not known.", reason="token_invalid")
        if found.expires <= now:
            raise AuthorityRefused(
                "The token has expired. Ask for a new verification code.", reason="token_expired"
            )
        if found.spent_on is not None and not hmac.compare_digest(found.spent_on, spent_on):
            raise _spent()
        onset = found.symptom_date
        key_id, key = self._keys.signing(now)
        signed = certificates.sign(
            Certificate(
                found.report_type,
                interval_at(midnight(onset)) if onset is not None else None,
                keys_hmac,
                found.realm,
            ),
            key,
            key_id=key_id,
            issuer=self._settings.issuer,
            audience=self._settings.audience,
            now=now,
            lifetime=timedelta(minutes=self._settings.certificate_minutes),
        )
        if not self._store.spend_token(digest, spent_on, now):
            raise _spent()
        return signed

    def public_keys(self) -> Mapping[str, PublicKey]:
        """Return the keys that certificates are verified with, by their ids."""
        return self._keys.published(self._clock.now())

    def forget(self) -> int:
        """Remove codes and tokens that have been expired for long; return how many."""
        return self._store.forget(self._clock.now() - KEEP_AFTER_EXPIRY)

    def counts(self) -> RegistryCounts:
        return self._store.counts(self._clock.now())

    def _check_date(self, day: date | None, now: datetime) -> None:
        oldest = (now - timedelta(days=self._settings.oldest_date_days)).date()
        if day is not None and not oldest <= day <= (now + LATEST_ZONE).date():
            raise AuthorityRefused(
                f"A date must lie within the last {self._settings.oldest_date_days} days.",
                reason="invalid_date",
            )

    def _digest(self, kind: str, text: str) -> bytes:
        return hmac.digest(self._secret, f"{kind}:{text}".encode(), "sha256")


def _accepted(report_type: str, accept: Collection[str]) -> bool:
    rank = ISSUED_TYPES.index(report_type)
    return not accept or any(ISSUED_TYPES.index(a) >= rank for a in accept if a in ISSUED_TYPES)


def _used() -> AuthorityRefused:
    return AuthorityRefused(
        "The verification code has been used already. Ask for a new one.", reason="code_used"
    )


def _spent() -> AuthorityRefused:
    return AuthorityRefused("The token has been used already, for other keys.", reason="token_used")
