"""What of the folder of mirrors is served, and what is not."""

from pathlib import Path

import httpx2 as httpx
import pytest

from bluezone_node.web.app import build_app
from bluezone_node.web.routes.mirror import mirror_routes
from tests.authorities import served


@pytest.fixture
def mirrors(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror"
    exports = folder / "moh" / "exports"
    exports.mkdir(parents=True)
    (tmp_path / "secret.zip").write_text("secret")
    for name in ("index.txt", "1-2-00001.zip", "day=3.zip", ".mirror", ".partial-x"):
        (exports / name).write_text("content")
    return folder


async def get(mirrors: Path, path: str) -> httpx.Response:
    async with served(build_app(mirror_routes(mirrors))) as url, httpx.AsyncClient() as client:
        return await client.get(url + path)


@pytest.mark.parametrize(
    ("name", "kind", "age"),
    [
        ("index.txt", "text/plain; charset=us-ascii", "public, max-age=60"),
        ("1-2-00001.zip", "application/zip", "public, max-age=1209600, immutable"),
        ("day=3.zip", "application/zip", "public, max-age=1209600, immutable"),
    ],
)
async def test_finished_files_are_served_whatever_their_name(
    mirrors: Path, name: str, kind: str, age: str
) -> None:
    """With what a cache needs to know, as one's own."""
    answer = await get(mirrors, f"/mirror/moh/exports/{name}")
    assert (answer.status_code, answer.text) == (200, "content")
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == (kind, age)


@pytest.mark.parametrize(
    "path",
    [
        "/mirror/moh/exports/.mirror",
        "/mirror/moh/exports/.partial-x",
        "/mirror/moh/exports/",
        "/mirror/moh/exports/gone.zip",
        "/mirror/%2e%2e/secret.zip",
        "/mirror/moh/%2e%2e/%2e%2e/secret.zip",
        "/mirror/moh/exports/..%2f..%2f..%2fsecret.zip",
    ],
)
async def test_nothing_else_is(mirrors: Path, path: str) -> None:
    """No hidden file, no list of files, nothing from outside."""
    answer = await get(mirrors, path)
    assert answer.status_code == 404
    assert "secret" not in answer.text
