"""The API's description (OpenAPI 3.1), made of the routes that are served and of their types.

What a route takes and how it refuses, it says itself; `DESCRIBED` adds what it answers.  A test
holds the two against each other, so that neither can change alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.routing import BaseRoute, Mount, Route

from bluezone_node import __version__
from bluezone_node.web import answers
from bluezone_node.web.chaff import HEADER
from bluezone_node.web.exchange import STATUS, PostRoute
from bluezone_node.web.problem import MEDIA_TYPE, Problem
from bluezone_node.web.routes.health import Ready
from bluezone_node.web.routes.places import CARD_TYPE
from bluezone_node.web.routes.verification import API_KEY_HEADER

JSON = "application/json"
_SCHEMAS = "#/components/schemas/"
_ABOUT = (
    f"A POST with the header {HEADER}, whatever its value, is chaff: its body is thrown away, and "
    "the answer is padding, as long and after as long as a real one."
)
_SECURITY = {
    "apiKey": {"type": "apiKey", "in": "header", "name": API_KEY_HEADER},
    "registrar": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "kiosk": {"type": "http", "scheme": "bearer"},
}


@dataclass(frozen=True, slots=True)
class Described:
    """What a route does not say of itself."""

    summary: str
    answer: Any = None
    """Type of what is answered; None: no JSON."""
    media_type: str = JSON
    example: dict[str, Any] = field(default_factory=dict)
    """Of a request."""
    security: str = ""
    refusals: Sequence[int] = ()
    """Status of the problems that may be answered, on routes that are none of Google's."""


_CODE = {"testType": "confirmed", "symptomDate": "2026-03-03", "testDate": "", "tzOffset": 420}
_UUID = "5a2ac8d1-1d0c-4d5f-9d6c-6f2f0b7b6e11"
_BASE64 = "aGgycTJ4YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo="
DESCRIBED = {
    "/api/issue": Described(
        "Issue a code", answers.IssueAnswer, example={**_CODE, "padding": ""}, security="apiKey"
    ),
    "/api/batch-issue": Described(
        "Issue up to ten codes",
        answers.BatchIssueAnswer,
        example={"codes": [_CODE]},
        security="apiKey",
    ),
    "/api/checkcodestatus": Described(
        "Ask what became of a code",
        answers.CodeStatusAnswer,
        example={"uuid": _UUID},
        security="apiKey",
    ),
    "/api/expirecode": Described(
        "End a code that was not claimed",
        answers.ExpireCodeAnswer,
        example={"uuid": _UUID},
        security="apiKey",
    ),
    "/api/verify": Described(
        "Claim a code for a token",
        answers.VerifyAnswer,
        example={"code": "38609260", "accept": ["confirmed", "likely"], "nonce": _BASE64},
    ),
    "/api/certificate": Described(
        "Exchange a token for a certificate",
        answers.CertificateAnswer,
        example={"token": "Zm9vYmFy", "ekeyhmac": _BASE64},
    ),
    "/v1/publish": Described(
        "Publish diagnosis keys",
        answers.PublishAnswer,
        example={
            "temporaryExposureKeys": [
                {
                    "key": "dcc0wVeOLJMe3kgpJW0RPg==",
                    "rollingStartNumber": 2954016,
                    "rollingPeriod": 144,
                    "transmissionRisk": 0,
                }
            ],
            "healthAuthorityID": "vn.moh",
            "verificationPayload": "eyJhbGciOi…",
            "hmacKey": _BASE64,
        },
    ),
    "/v1/stats": Described(
        "Ask how many published",
        answers.StatisticsAnswer,
        example={"first": "2026-03-01", "last": "2026-03-07"},
        security="registrar",
    ),
    "/v1/places/proposals": Described(
        "Propose a notice about the kiosk's place",
        answers.ProposalAnswer,
        example={
            "id": "MDEyMzQ1Njc4OWFiY2RlZg==",
            "start": 1772528400,
            "end": 1772532000,
            "minutes": 42,
            "packets": 97,
            "keys": 1,
            "expectedPackets": 140,
            "confidence": 0.8,
        },
        security="kiosk",
    ),
    "/v1/places/openings": Described(
        "A part of the rows that a kiosk releases for a warrant",
        answers.OpeningAnswer,
        example={
            "warrant": "MDEyMzQ1Njc4OWFiY2RlZg==",
            "part": 0,
            "last": True,
            "rows": "gA==",
        },
        security="kiosk",
    ),
    "/v1/places/warrants": Described(
        "The warrants that wait for the kiosk",
        answers.WarrantsAnswer,
        security="kiosk",
        refusals=[401, 429],
    ),
    "/v1/places/card": Described(
        "The newest card of the kiosk's room",
        media_type=CARD_TYPE,
        security="kiosk",
        refusals=[401, 404, 429],
    ),
    "/jwks": Described("The registrar's public keys", answers.Jwks),
    "/": Described("The page that the squares of posters lead to", media_type="text/html"),
    "/v": Described("The page that links in messages lead to", media_type="text/html"),
    "/exports/{name}": Described(
        "The index of export files (index.txt), or one of them",
        media_type="application/octet-stream",
        refusals=[404],
    ),
    "/exports/places/{name}": Described(
        "The index of bundles of notices (index.txt), one of them, or a list beside them",
        media_type="application/octet-stream",
        refusals=[404],
    ),
    "/healthz": Described("Whether the process is alive", media_type="text/plain"),
    "/readyz": Described("Whether all its parts are in order", Ready, refusals=[503]),
    "/metrics": Described("Counts for Prometheus", media_type="text/plain", refusals=[403]),
    "/problems/{reason}": Described(
        "What a problem means", media_type="text/plain", refusals=[404]
    ),
    "/openapi.json": Described("This description", dict[str, Any]),
}


def description(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Return the OpenAPI document of those of *routes* that are `DESCRIBED`."""
    known = {path_of(route): route for route in routes if path_of(route) in DESCRIBED}
    types = {Problem, answers.ChaffAnswer, answers.RegistrarError, answers.PublisherError}
    types |= {DESCRIBED[path].answer for path in known} - {None}
    types |= {route.asked for route in known.values() if isinstance(route, PostRoute)}
    _, schemas = msgspec.json.schema_components(
        sorted(types, key=str), ref_template=_SCHEMAS + "{name}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bluezone health authority",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {path: _operation(path, route) for path, route in known.items()},
        "components": {"schemas": schemas, "securitySchemes": _SECURITY},
    }


def path_of(route: BaseRoute) -> str:
    """Return the path of *route* as the description writes it."""
    if isinstance(route, Mount):
        return route.path + "/{name}"
    assert isinstance(route, Route)  # noqa: S101 - nothing else is served here
    return route.path


def _operation(path: str, route: BaseRoute) -> dict[str, Any]:
    told = DESCRIBED[path]
    operation: dict[str, Any] = {"summary": told.summary, "parameters": _parameters(path)}
    schema = {"type": "string"} if told.answer is None else _schema(told.answer)
    if isinstance(route, PostRoute):
        schema = {"anyOf": [schema, _schema(answers.ChaffAnswer)]}
    responses = {"200": _response("As it should be.", told.media_type, schema)}
    if isinstance(route, PostRoute):
        error = answers.PublisherError if route.error_name == "code" else answers.RegistrarError
        for status in sorted({400, 500, 503, *STATUS.values()}):
            responses[str(status)] = _response("Refused.", JSON, _schema(error))
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": _schema(route.asked), "example": told.example}},
        }
    for status in told.refusals:
        responses[str(status)] = _response("Refused.", MEDIA_TYPE, _schema(Problem))
    if told.security:
        operation["security"] = [{told.security: []}]
    return {
        "post" if isinstance(route, PostRoute) else "get": {**operation, "responses": responses}
    }


def _parameters(path: str) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]


def _schema(of: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([of], ref_template=_SCHEMAS + "{name}")
    return schema


def _response(meaning: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": meaning, "content": {media_type: {"schema": schema}}}
