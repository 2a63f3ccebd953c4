"""An importer and a mirror against a server that means no good, over real HTTP."""

import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bluezone_node.authority.distribution.mirror import Mirror
from bluezone_node.client import HttpExports
from bluezone_node.clock import SimClock
from bluezone_node.errors import Unreachable
from bluezone_node.store.authority.shelf import FolderShelf
from tests.authorities import served
from tests.elsewhere import NOW, MemoryImports, importer_of, key_of
from tests.sources import SIGNING_KEY, at_once, signed_export

GOOD = signed_export([key_of(1)], end=NOW)
GONE = Response(status_code=410)


class Hostile:
    """What is answered to which path; everything else is not there."""

    def __init__(self, index: str, **files: bytes | Response) -> None:
        self.answers: dict[str, bytes | Response] = {"index.txt": index.encode()}
        self.answers |= {f"{name}.zip": content for name, content in files.items()}
        self.asked: list[str] = []

    async def answer(self, request: Request) -> Response:
        name = request.path_params["name"]
        self.asked.append(name)
        found = self.answers.get(name, Response(status_code=404))
        return found if isinstance(found, Response) else Response(found)


@asynccontextmanager
async def at(server: Hostile) -> AsyncIterator[HttpExports]:
    app = Starlette(routes=[Route("/{folder}/{name:path}", server.answer)])
    async with served(app) as url, HttpExports("laos", f"{url}/exports", conditional=True) as found:
        yield found


def bomb() -> bytes:
    """Return a small zip that unpacks to more than any honest export holds."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.bin", b"EK Export v1    ")
        archive.writestr("export.sig", bytes(65 << 20))
    return packed.getvalue()


LEADS_AWAY = [
    "https://elsewhere.example/exports/1.zip",
    "//elsewhere.example/1.zip",
    "exports/../../etc/passwd",
    "exports/%2e%2e/secret",
    "exports/1.zip?as=me",
    "exports/1.zip\0",
    "file:///etc/passwd",
    "exports/" + "a" * 600,
]


@pytest.mark.parametrize("line", LEADS_AWAY)
async def test_an_index_that_leads_away_is_not_followed(tmp_path: Path, line: str) -> None:
    """Nothing of it is fetched, neither by an importer nor by a mirror."""
    server, store = Hostile(f"exports/a.zip\n{line}\n", a=GOOD), MemoryImports()
    async with at(server) as exports:
        (done,) = await importer_of(exports, store, SimClock(NOW)).run()
        with pytest.raises(Unreachable):
            await mirror_of(exports, tmp_path / "exports").run()
    assert (done.problem, store.lines, store.rows) == ("unreachable", {}, {})
    assert set(server.asked) == {"index.txt"}


def mirror_of(exports: HttpExports, folder: Path) -> Mirror:
    return Mirror(
        exports,
        FolderShelf(folder),
        "exports",
        SimClock(NOW),
        public_keys=[SIGNING_KEY.public_key()],
        in_thread=at_once,
    )


@pytest.mark.parametrize(
    ("index", "problem"),
    [
        pytest.param(
            "".join(f"{n}.zip\n" for n in range(100_000)),
            "index_too_long",
            id="100 000 lines",
            marks=pytest.mark.slow,
        ),
        pytest.param("a" * (1 << 20) + "\n", "unreachable", id="1 MiB"),
        pytest.param("ếch.zip\n", "unreachable", id="not ASCII"),
    ],
)
async def test_an_index_that_no_honest_authority_has_is_refused(index: str, problem: str) -> None:
    """Before any file is fetched, and without filling the ledger."""
    server, store = Hostile(index), MemoryImports()
    async with at(server) as exports:
        (done,) = await importer_of(exports, store, SimClock(NOW)).run()
    assert (done.problem, store.lines) == (problem, {})
    assert set(server.asked) == {"index.txt"}


async def test_bombs_and_rubble_cost_only_themselves(tmp_path: Path) -> None:
    """Each has its reason in the ledger; a good file named twice among them is taken once."""
    server = Hostile(
        "exports/bomb.zip\nexports/huge.zip\nexports/a.zip\nexports/a.zip\nexports/gone.zip\n"
        "exports/cut.zip\nexports/away.zip\n",
        bomb=bomb(),
        huge=bytes((20 << 20) + 1),
        a=GOOD,
        gone=GONE,
        cut=GOOD[:100],
        away=RedirectResponse("https://elsewhere.example/a.zip"),
    )
    store = MemoryImports()
    async with at(server) as exports:
        (done,) = await importer_of(exports, store, SimClock(NOW)).run()
        run = await mirror_of(exports, tmp_path / "exports").run()
    assert {line.name.partition("/")[2]: line.problem for line in done.files} == {
        "bomb.zip": "zip_bomb",
        "huge.zip": "oversized",
        "a.zip": "",
        "gone.zip": "file_unreachable",
        "cut.zip": "zip_truncated",
        "away.zip": "file_unreachable",
    }
    assert len(store.rows) == 1
    assert set(run.missing) == {"zip_bomb", "oversized", "unreachable", "zip_truncated"}
    assert {path.name for path in (tmp_path / "exports").glob("*")} == {"a.zip", "index.txt"}


async def test_a_name_that_is_given_to_other_content_changes_nothing() -> None:
    """A file is what it was when it was taken; and the index is not sent again for nothing."""
    server, store = Hostile("exports/a.zip\n", a=GOOD), MemoryImports()
    async with at(server) as exports:
        importer = importer_of(exports, store, SimClock(NOW))
        await importer.run()
        server.answers["a.zip"] = signed_export([key_of(2)], end=NOW)
        await importer.run()
    assert server.asked == ["index.txt", "a.zip", "index.txt"]
    assert [key for _, key in store.rows] == [key_of(1).key]
