"""The verification certificate: all that travels from the registrar to the publisher.

A JSON Web Token signed with ES256.  It says what kind of diagnosis it was and since when, and
carries the HMAC of the keys it is for (``tekmac``) — not the keys, and not the person.
Claims as in Google's exposure-notifications-server, pkg/api/v1/verification_types.go.

Its times are compared here and not by the JWT library, which would ask the system's clock.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import jwt
import msgspec
from jwt.algorithms import ECAlgorithm
from msgspec import Meta

from bluezone_node.authority import signed
from bluezone_node.crypto.signing import PrivateKey, PublicKey
from bluezone_node.errors import BadInput, Refused
from bluezone_node.intervals import to_unix

ALGORITHM = "ES256"
CLOCK_SKEW = timedelta(seconds=5)
"""Registrar and publisher may be two machines: a certificate is valid from this long before."""
HMAC_BYTES = 32

ReportType = Literal["confirmed", "likely", "negative", "user-report"]


class CertificateRefused(Refused):
    """The certificate does not hold."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the registrar certifies."""

    report_type: str
    onset_interval: int | None
    """ENIntervalNumber of the UTC midnight of the day of first symptoms."""
    keys_hmac: bytes = field(repr=False)
    """HMAC-SHA256 of the keys under a secret that only the device knows: 32 bytes."""
    realm: str = ""
    """Province of who issued the code, so that published keys can be counted by it; our own claim,
    which other issuers leave out."""


class _Claims(msgspec.Struct):
    """The payload. Unknown claims are left alone: other issuers add their own."""

    iss: str
    aud: str
    iat: float
    nbf: float
    exp: float
    report_type: ReportType = msgspec.field(name="reportType")
    tekmac: str
    symptom_onset_interval: Annotated[int, Meta(ge=0, lt=2**32)] | None = msgspec.field(
        name="symptomOnsetInterval", default=None
    )
    # Not $, which takes a line's end for the end.
    realm: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{0,64}\Z")] = ""


_claims = msgspec.json.Decoder(_Claims)


def sign(
    certificate: Certificate,
    key: PrivateKey,
    *,
    key_id: str,
    issuer: str,
    audience: str,
    now: datetime,
    lifetime: timedelta,
) -> str:
    """Return *certificate* as a signed JWT, valid for *lifetime* from *now*."""
    begin = to_unix(now - CLOCK_SKEW)
    claims: dict[str, object] = {
        "iss": issuer,
        "aud": audience,
        "iat": begin,
        "nbf": begin,
        "exp": to_unix(now + lifetime),
        "reportType": certificate.report_type,
        "tekmac": b64encode(certificate.keys_hmac).decode(),
    }
    if certificate.onset_interval is not None:
        claims["symptomOnsetInterval"] = certificate.onset_interval
    if certificate.realm:
        claims["realm"] = certificate.realm
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": key_id})


def verify(
    text: str,
    key_of: Callable[[str], PublicKey | None],
    *,
    issuer: str,
    audience: str,
    now: datetime,
) -> Certificate:
    """Return what the certificate *text* says, if it was signed by a key that *key_of* knows.

    Raises:
        CertificateRefused: the reason says which check failed.
    """
    try:
        payload = signed.payload(text, key_of)
        if payload is None:
            raise CertificateRefused(
                "The certificate was signed with a key that is not known here.",
                reason="unknown_key",
            )
        claims = _claims.decode(payload)
        keys_hmac = b64decode(claims.tekmac, validate=True)
    except (signed.NotSigned, msgspec.MsgspecError, ValueError, RecursionError):
        # The cause is dropped: it may quote the certificate.
        raise CertificateRefused(
            "The certificate is malformed, or its signature is not the registrar's.",
            reason="bad_signature",
        ) from None
    if claims.iss != issuer or claims.aud != audience:
        raise CertificateRefused("The certificate is for somebody else.", reason="wrong_audience")
    if not max(claims.nbf, claims.iat) <= now.timestamp() < claims.exp:
        raise CertificateRefused("The certificate is not valid now.", reason="not_valid_now")
    if len(keys_hmac) != HMAC_BYTES:
        raise CertificateRefused("The certificate covers no keys.", reason="bad_tekmac")
    return Certificate(claims.report_type, claims.symptom_onset_interval, keys_hmac, claims.realm)


def write_jwks(keys: Mapping[str, PublicKey]) -> bytes:
    """Return *keys*, by their ids, as a JSON Web Key Set."""
    return msgspec.json.encode(
        {
            "keys": [
                {
                    **ECAlgorithm.to_jwk(key, as_dict=True),
                    "kid": name,
                    "alg": ALGORITHM,
                    "use": "sig",
                }
                for name, key in keys.items()
            ]
        }
    )


def read_jwks(data: bytes) -> dict[str, PublicKey]:
    """Return the P-256 keys of a JSON Web Key Set, by their ids; other kinds are left out.

    Raises:
        BadInput: reason ``jwks_malformed``.
    """
    try:
        document: Any = msgspec.json.decode(data)
        found = {}
        for entry in document["keys"]:
            if entry.get("kty") == "EC" and entry.get("crv") == "P-256":
                key = ECAlgorithm(ECAlgorithm.SHA256).from_jwk(entry)
                if isinstance(key, PublicKey):
                    found[str(entry.get("kid", ""))] = key
    except (ValueError, LookupError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise BadInput("This is no JSON Web Key Set.", reason="jwks_malformed") from error
    return found
