"""Redeeming: a health worker's code becomes a token, a token becomes a certificate.

Codes and tokens are kept only as HMACs under a server secret, so a stolen database redeems
nothing.  The registrar learns who was tested when a health worker says so, and never sees a key:
it certifies their HMAC.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from bluezone_node.authority import certificate as certificates
from bluezone_node.authority.certificate import HMAC_BYTES, Certificate
from bluezone_node.authority.ports.keys import CertificateKeys
from bluezone_node.authority.ports.registry import (
    RegistryCounts,
    RegistryStore,
    VerificationToken,
)
from bluezone_node.authority.registrar.attempts import Attempts
from bluezone_node.authority.registrar.codes import REPORT_TYPES, code_digest, recognise
from bluezone_node.authority.settings import RegistrarSettings
from bluezone_node.crypto.signing import PublicKey
from bluezone_node.errors import AuthorityRefused
from bluezone_node.intervals import interval_at, midnight
from bluezone_node.ports import Clock, Entropy

TOKEN_BYTES = 32
NONCE_BYTES = range(32, 257)
"""Lengths taken of the nonce of a claim: this node sends 32 bytes, apps on Google's server 256."""
KEEP_AFTER_EXPIRY = timedelta(hours=48)
"""So long *expired* and *used* can still be told from *wrong*."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the holder of a code is told."""

    token: str = field(repr=False)
    report_type: str
    symptom_date: date | None
    test_date: date | None


class Verification:
    """Redeems codes, and certifies. Every method blocks on the store."""

    def __init__(
        self,
        store: RegistryStore,
        attempts: Attempts,
        clock: Clock,
        entropy: Entropy,
        *,
        secret: bytes,
        keys: CertificateKeys,
        settings: RegistrarSettings,
    ) -> None:
        self._store = store
        self._attempts = attempts
        self._clock = clock
        self._entropy = entropy
        self._secret = secret
        self._keys = keys
        self._settings = settings

    def claim(
        self, code: str, accept: Collection[str] = (), nonce: bytes = b"", *, address: str = ""
    ) -> Claimed:
        """Exchange *code*, as it was typed, for a token.

        *accept*: the report types the caller can handle, or all. *address*: of the caller on the
        network, whose attempts are limited; empty where there is none.

        A claim with *nonce* can be repeated with it, as its answer may have been lost: until the
        code expires or the token is spent, a new token takes the place of the last.

        Raises:
            AuthorityRefused: reason ``nonce_invalid``, ``code_invalid``, ``code_expired``,
                ``code_used`` or ``unsupported_test_type``.  Only who knows a right code learns
                the latter three. Or ``too_many_requests``, as `TooManyAttempts`.
        """
        now = self._clock.now()
        if nonce and len(nonce) not in NONCE_BYTES:
            raise AuthorityRefused(
                f"A nonce must have {NONCE_BYTES[0]} to {NONCE_BYTES[-1]} bytes.",
                reason="nonce_invalid",
            )
        kind, code = recognise(code) or ("", "")
        self._attempts.before_claim(address, guessable=kind == "short")
        digest = code_digest(self._secret, code)
        claimed_with = self._digest("claim", f"{code}:{nonce.hex()}") if nonce else None
        found = self._store.code(digest) if code else None
        if found is None:
            if kind == "short":
                self._attempts.wrong(address)
            self._store.count(now, "", "claims_wrong")
            raise AuthorityRefused(
                "The verification code is not right. Compare it with what you were given.",
                reason="code_invalid",
            )
        if found.claimed is not None and not (
            claimed_with and self._store.repeatable(claimed_with)
        ):
            self._store.count(now, found.realm, "claims_used")
            raise _used()
        if found.expires <= now or found.revoked is not None:
            self._store.count(now, found.realm, "claims_expired")
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
            self._store.count(now, found.realm, "claims_used")
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
        self._attempts.forget()
        return self._store.forget(self._clock.now() - KEEP_AFTER_EXPIRY)

    def counts(self) -> RegistryCounts:
        return self._store.counts(self._clock.now())

    def _digest(self, kind: str, text: str) -> bytes:
        return hmac.digest(self._secret, f"{kind}:{text}".encode(), "sha256")


def _accepted(report_type: str, accept: Collection[str]) -> bool:
    # A hierarchy: who accepts one accepts those that are surer.
    rank = REPORT_TYPES.index(report_type)
    return not accept or any(REPORT_TYPES.index(a) >= rank for a in accept if a in REPORT_TYPES)


def _used() -> AuthorityRefused:
    return AuthorityRefused(
        "The verification code has been used already. Ask for a new one.", reason="code_used"
    )


def _spent() -> AuthorityRefused:
    return AuthorityRefused("The token has been used already, for other keys.", reason="token_used")
