"""What each route answers, as types: for the API's description, and for whoever reads an answer."""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Padding = Annotated[str, Meta(description="base64 of random bytes; to be ignored.")]
Timestamp = Annotated[int, Meta(description="Unix seconds.")]


class _Expiry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    expires_at: str
    """As in an HTTP header."""
    expires_at_timestamp: Timestamp
    long_expires_at: str
    long_expires_at_timestamp: Timestamp


class IssueAnswer(_Expiry, frozen=True, kw_only=True, rename="camel"):
    """A code."""

    uuid: str
    """Its name, by which it is asked about."""
    code: str
    generated_sms: str = msgspec.field(name="generatedSMS", default="")
    padding: Padding


class BatchItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A code, or why there is none."""

    uuid: str = ""
    code: str = ""
    expires_at: str = ""
    expires_at_timestamp: Timestamp = 0
    long_expires_at: str = ""
    long_expires_at_timestamp: Timestamp = 0
    generated_sms: str = msgspec.field(name="generatedSMS", default="")
    error: str = ""
    error_code: str = ""


class BatchIssueAnswer(msgspec.Struct, frozen=True):
    """One item for each code that was asked for, in their order."""

    codes: list[BatchItem]
    padding: Padding


class CodeStatusAnswer(_Expiry, frozen=True, kw_only=True, rename="camel"):
    """What became of a code."""

    claimed: bool
    padding: Padding


class ProposalAnswer(msgspec.Struct, frozen=True):
    """What became of a kiosk's proposal by now."""

    id: str
    state: Literal["waiting", "accepted", "dismissed"]
    padding: Padding


class WarrantsAnswer(msgspec.Struct, frozen=True):
    """The warrants that wait for a kiosk, each a file in base64."""

    warrants: list[str]
    padding: Padding


class OpeningAnswer(msgspec.Struct, frozen=True):
    """Whether a part of an answer is new."""

    kept: bool
    padding: Padding


class ExpireCodeAnswer(_Expiry, frozen=True, kw_only=True, rename="camel"):
    """The code that is over."""

    uuid: str
    padding: Padding


class VerifyAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A token, and what the health worker said."""

    testtype: str
    symptom_date: str
    """YYYY-MM-DD, or empty."""
    test_date: str
    token: str
    padding: Padding


class CertificateAnswer(msgspec.Struct, frozen=True):
    """A certificate over the keys' HMAC, as a JSON Web Token."""

    certificate: str
    padding: Padding


class PublishAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was published. With ``code`` *partial_failure*, some keys were not usable."""

    inserted_exposures: int
    revision_token: str = ""
    warnings: list[str] = []
    code: str = ""
    error: str = ""
    padding: Padding


class StatisticsDay(msgspec.Struct, frozen=True):
    """What was counted in one province on one UTC day."""

    day: date
    realm: str
    counts: dict[str, int]


class StatisticsAnswer(msgspec.Struct, frozen=True):
    """Days that are long enough ago, of provinces with enough uploads."""

    days: list[StatisticsDay]
    padding: Padding


class ChaffAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a request of chaff is answered on every route."""

    padding: Padding


class RegistrarError(msgspec.Struct, frozen=True, rename="camel"):
    """Why the registrar refused."""

    error: str
    """For people."""
    error_code: str
    """For programs: stable."""
    padding: Padding


class PublisherError(msgspec.Struct, frozen=True):
    """Why the publisher refused."""

    error: str
    """For people."""
    code: str
    """For programs: stable."""
    padding: Padding


class Jwk(msgspec.Struct, frozen=True):
    """A public key on P-256."""

    kty: str
    crv: str
    x: str
    y: str
    kid: str
    alg: str
    use: str


class Jwks(msgspec.Struct, frozen=True):
    """The keys that certificates may be signed by."""

    keys: list[Jwk]
