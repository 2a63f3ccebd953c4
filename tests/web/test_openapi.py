"""The API's description says what is served, and what is served does as it says."""

import uuid
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from starlette.applications import Starlette

from bluezone_node.clock import SystemClock
from bluezone_node.store.authority.folder import AuthorityFolder, make_folder
from bluezone_node.web import answers
from bluezone_node.web.exchange import PostRoute
from bluezone_node.web.openapi import DESCRIBED, description, path_of
from bluezone_node.web.problem import Problem
from bluezone_node.wiring.application import authority_app
from bluezone_node.wiring.authority import open_authority
from tests.authorities import served

PAGES = ("/console", "/venues/claim")
"""For people, not for programs: they describe themselves."""


@pytest.fixture
def folder(tmp_path: Path) -> AuthorityFolder:
    return make_folder(tmp_path / "authority", ("registrar", "publisher"))


@pytest.fixture
async def app(folder: AuthorityFolder) -> AsyncIterator[Starlette]:
    with open_authority(folder, SystemClock(), ("registrar", "publisher")) as parts:
        yield authority_app(folder, parts, SystemClock())


@pytest.fixture
async def http(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    async with served(app) as url, httpx2.AsyncClient(base_url=url) as client:
        yield client


async def test_what_is_served_is_described(app: Starlette) -> None:
    """Every route stands in the description, and whatever can be described is served."""
    served = {path_of(route) for route in app.routes}
    served = {path for path in served if not path.startswith(PAGES)}
    assert served == set(DESCRIBED)
    assert set(description(app.routes)["paths"]) == served


async def test_the_description_holds_together(http: httpx2.AsyncClient) -> None:
    """Every reference leads to a schema, and each schema is referred to."""
    answer = await http.get("/openapi.json")
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    found: set[str] = set()

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if "$ref" in part:
                found.add(part["$ref"].rpartition("/")[2])
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(document)
    assert found == set(document["components"]["schemas"])


async def test_each_example_is_a_request(app: Starlette) -> None:
    """What is shown is taken."""
    posts = [route for route in app.routes if isinstance(route, PostRoute)]
    for route in posts:
        msgspec.convert(DESCRIBED[route.path].example, route.asked, strict=True)
    assert len(posts) >= 7


async def test_answers_have_the_form_described(
    folder: AuthorityFolder, app: Starlette, http: httpx2.AsyncClient
) -> None:
    """Of good answers and bad ones, no field is missing and none is too many."""
    (key,) = folder.api_keys()

    async def post(path: str, document: object) -> dict[str, Any]:
        answer = await http.post(path, json=document, headers={"x-api-key": key})
        assert answer.status_code < 500
        form = DESCRIBED[path].answer
        if answer.status_code >= 400:
            form = answers.PublisherError if path.startswith("/v1/") else answers.RegistrarError
        return exactly(answer.json(), form)

    name = str(uuid.uuid4())
    issued = await post("/api/issue", {"testType": "likely", "uuid": name})
    await post("/api/checkcodestatus", {"uuid": name})
    claimed = await post("/api/verify", {"code": issued["code"], "accept": ["likely"]})
    hmac = b64encode(b"h" * 32).decode()
    await post("/api/certificate", {"token": claimed["token"], "ekeyhmac": hmac})
    other = await post("/api/issue", {"testType": "likely"})
    await post("/api/expirecode", {"uuid": other["uuid"]})
    await post("/api/batch-issue", {"codes": [{"testType": "likely"}]})
    for route in app.routes:
        if isinstance(route, PostRoute):
            await post(route.path, {"unknown": 1})
    unnamed = await http.get("/v1/places/card")
    assert exactly(unnamed.json(), Problem)["reason"] == "unauthorized"
    exactly((await http.get("/jwks")).json(), answers.Jwks)
    exactly((await http.get("/problems/none")).json(), Problem)
    exactly((await http.get("/readyz")).json(), DESCRIBED["/readyz"].answer)


def exactly(document: dict[str, Any], form: Any) -> dict[str, Any]:
    """Return *document*, all of whose fields *form* has."""
    known = msgspec.to_builtins(msgspec.convert(document, form))
    assert set(document) <= set(known)
    return document
