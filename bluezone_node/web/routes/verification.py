"""The registrar's API: a health worker's program issues a code, its holder redeems it.

Field names and errors are those of Google's exposure-notifications-verification-server, except
that a used code is told from a wrong one.
"""

import hmac
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bluezone_node.authority.certificate import write_jwks
from bluezone_node.authority.limits import TooManyAttempts
from bluezone_node.authority.ports.accounts import ISSUER, Actor
from bluezone_node.authority.registrar.issuing import Issuing
from bluezone_node.authority.registrar.orders import CodeOrder, CodeState, CodeStatus, IssuedCode
from bluezone_node.authority.registrar.verification import Verification
from bluezone_node.errors import AuthorityRefused, Refused
from bluezone_node.intervals import to_unix
from bluezone_node.ports import Entropy
from bluezone_node.web.exchange import Exchange, PartlyRefused, RequestModel, from_base64
from bluezone_node.web.limit import AddressLimit

API_KEY_HEADER = "x-api-key"
BATCH = 10
"""Codes in one request, as on Google's server; a file of many goes through the console."""


class CodeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a health worker's program says of one person."""

    test_type: str
    symptom_date: str = ""
    test_date: str = ""
    tz_offset: int = 0
    """Minutes. Taken for compatibility; dates are allowed the width of all time zones anyway."""
    phone: str = ""
    """Where a long code is sent."""
    uuid: str = ""
    """Name of the code, by which it is asked about; where it is taken, nothing is issued, so a
    request whose answer was lost can be repeated."""
    only_generate_sms: bool = msgspec.field(name="onlyGenerateSMS", default=False)
    """The message is not sent, but answered as ``generatedSMS``."""
    sms_template_label: str = ""
    """Not looked at: there is one text."""
    external_issuer_id: str = msgspec.field(name="externalIssuerID", default="")
    """Not looked at, and not kept: it names a person."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class IssueRequest(CodeRequest, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One code."""

    padding: str = ""


class BatchIssueRequest(RequestModel, frozen=True):
    """Several, each issued or refused by itself."""

    codes: Annotated[list[CodeRequest], Meta(min_length=1, max_length=BATCH)]


class NamedCodeRequest(RequestModel, frozen=True):
    """Asks about a code, or ends it."""

    uuid: str


class VerifyRequest(RequestModel, frozen=True):
    """What the holder of a code sends."""

    code: str
    accept: list[str] = msgspec.field(default_factory=list)
    nonce: str = ""
    """base64; who sends one can repeat the claim with it. Google's server asks for one with user
    reports only, which this registrar does not issue."""


class CertificateRequest(RequestModel, frozen=True):
    """What a device sends with its token."""

    token: str
    ekeyhmac: str


def verification_routes(
    verification: Verification,
    issuing: Issuing,
    limit: AddressLimit,
    entropy: Entropy,
    api_keys: Mapping[str, str],
) -> list[Route]:
    """Return the registrar's routes.

    *limit* bounds attempts to redeem codes; *api_keys*: the province of each key.
    """
    exchange = Exchange(entropy, error_name="errorCode")

    def by_key(request: Request) -> Actor:
        given, found = request.headers.get(API_KEY_HEADER, "").encode(), None
        for key, realm in api_keys.items():  # all of them: how long it takes tells nothing
            if hmac.compare_digest(given, key.encode()):
                found = Actor(f"key:{realm}", realm, ISSUER)
        if found is None:
            raise AuthorityRefused("The API key is missing or wrong.", reason="unauthorized")
        return found

    def by_address(request: Request) -> str:
        address = request.client.host if request.client else ""
        if seconds := limit.wait(address):
            raise TooManyAttempts("Too many attempts.", timedelta(seconds=seconds))
        # Behind a socket without addresses all are one, rather than without a limit.
        return address or "unknown"

    def issue_one(asked: CodeRequest, actor: Actor) -> dict[str, Any]:
        if asked.only_generate_sms:
            issuing.message("")  # refused before a code is used up
        order = CodeOrder(
            asked.test_type,
            _date(asked.symptom_date),
            _date(asked.test_date),
            "long" if asked.only_generate_sms else "short",
            phone="" if asked.only_generate_sms else asked.phone,
            handle=_handle(asked.uuid) if asked.uuid else b"",
        )
        issued = issuing.issue(order, actor)
        answer = _issued(issued)
        if asked.only_generate_sms:
            answer["generatedSMS"] = issuing.message(issued.code)
        return answer

    def issue_batch(asked: BatchIssueRequest, actor: Actor) -> dict[str, Any]:
        results: list[dict[str, Any]] = []
        first: Refused | None = None
        for each in asked.codes:
            try:
                results.append(issue_one(each, actor))
            except Refused as refused:
                first = first or refused
                results.append({"error": str(refused), "errorCode": refused.reason})
        if first is not None:
            raise PartlyRefused(first, {"codes": results})
        return {"codes": results}

    def check_status(asked: NamedCodeRequest, actor: Actor) -> dict[str, Any]:
        status = issuing.status(_handle(asked.uuid), actor)
        return {"claimed": status.state is CodeState.CLAIMED, **_expiry(status)}

    def expire(asked: NamedCodeRequest, actor: Actor) -> dict[str, Any]:
        handle = _handle(asked.uuid)
        issuing.revoke(handle, actor)
        return {"uuid": asked.uuid, **_expiry(issuing.status(handle, actor))}

    def verify(asked: VerifyRequest, address: str) -> dict[str, Any]:
        nonce = from_base64(asked.nonce, "nonce_invalid")
        claimed = verification.claim(asked.code, asked.accept, nonce, address=address)
        return {
            "testtype": claimed.report_type,
            "symptomDate": claimed.symptom_date.isoformat() if claimed.symptom_date else "",
            "testDate": claimed.test_date.isoformat() if claimed.test_date else "",
            "token": claimed.token,
        }

    def certificate(asked: CertificateRequest) -> dict[str, Any]:
        keys_hmac = from_base64(asked.ekeyhmac, "hmac_invalid")
        return {"certificate": verification.certify(asked.token, keys_hmac)}

    def jwks(_request: Request) -> Response:
        return Response(
            write_jwks(verification.public_keys()),
            headers={"Cache-Control": "public, max-age=300"},
            media_type="application/json",
        )

    return [
        exchange.post_from("/api/issue", IssueRequest, by_key, issue_one),
        exchange.post_from("/api/batch-issue", BatchIssueRequest, by_key, issue_batch),
        exchange.post_from("/api/checkcodestatus", NamedCodeRequest, by_key, check_status),
        exchange.post_from("/api/expirecode", NamedCodeRequest, by_key, expire),
        exchange.post_from("/api/verify", VerifyRequest, by_address, verify),
        exchange.post("/api/certificate", CertificateRequest, certificate),
        Route("/jwks", jwks),
    ]


def _issued(issued: IssuedCode) -> dict[str, Any]:
    return {"uuid": str(UUID(bytes=issued.handle)), "code": issued.code, **_expiry(issued)}


def _expiry(of: IssuedCode | CodeStatus) -> dict[str, Any]:
    """Return when a code expires in all the fields of the reference, whose codes come in pairs."""
    written, timestamp = _http_date(of.expires), to_unix(of.expires)
    return {
        "expiresAt": written,
        "expiresAtTimestamp": timestamp,
        "longExpiresAt": written,
        "longExpiresAtTimestamp": timestamp,
    }


def _http_date(at: datetime) -> str:
    return at.strftime("%a, %d %b %Y %H:%M:%S GMT")


def _handle(text: str) -> bytes:
    try:
        return UUID(text).bytes
    except ValueError:
        raise AuthorityRefused("The uuid is none.", reason="uuid_invalid") from None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise AuthorityRefused("A date is not YYYY-MM-DD.", reason="invalid_date") from None
