"""The registrar's API: a health worker issues a code, its holder redeems it.

Field names and errors are those of Google's exposure-notifications-verification-server, except
that a used code is told from a wrong one.
"""

import hmac
from datetime import date
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bluezone_node.authority.certificate import write_jwks
from bluezone_node.authority.verification import Verification
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Entropy
from bluezone_node.web.exchange import Exchange, RequestModel, TooManyRequests, from_base64
from bluezone_node.web.limit import AddressLimit

API_KEY_HEADER = "x-api-key"


class IssueRequest(RequestModel, frozen=True, rename="camel"):
    """What a health worker sends."""

    test_type: str
    symptom_date: str = ""
    test_date: str = ""
    tz_offset: int = 0
    """Minutes. Taken for compatibility; dates are allowed the width of all time zones anyway."""


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
    verification: Verification, limit: AddressLimit, entropy: Entropy, api_key: str
) -> list[Route]:
    """Return the registrar's routes. *limit* bounds attempts to redeem codes."""
    exchange = Exchange(entropy, error_name="errorCode")

    def check_api_key(request: Request) -> None:
        given = request.headers.get(API_KEY_HEADER, "")
        if not hmac.compare_digest(given.encode(), api_key.encode()):
            raise AuthorityRefused("The API key is missing or wrong.", reason="unauthorized")

    def check_rate(request: Request) -> None:
        if seconds := limit.wait(request.client.host if request.client else ""):
            raise TooManyRequests(seconds)

    def issue(asked: IssueRequest) -> dict[str, Any]:
        issued = verification.issue(
            asked.test_type, _date(asked.symptom_date), _date(asked.test_date)
        )
        return {
            "code": issued.code,
            "expiresAt": issued.expires.strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "expiresAtTimestamp": int(issued.expires.timestamp()),
        }

    def verify(asked: VerifyRequest) -> dict[str, Any]:
        nonce = from_base64(asked.nonce, "nonce_invalid")
        claimed = verification.claim(asked.code, asked.accept, nonce)
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
        exchange.post("/api/issue", IssueRequest, issue, guard=check_api_key),
        exchange.post("/api/verify", VerifyRequest, verify, guard=check_rate),
        exchange.post("/api/certificate", CertificateRequest, certificate),
        Route("/jwks", jwks),
    ]


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise AuthorityRefused("A date is not YYYY-MM-DD.", reason="invalid_date") from None
