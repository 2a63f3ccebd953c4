"""``authority imports`` and ``authority mirror``, as typed."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from bluezone_node.crypto.signing import public_base64
from bluezone_node.intervals import interval_at, rolling_start
from bluezone_node.store.authority.folder import make_folder
from tests.commands.conftest import Run
from tests.elsewhere import key_of
from tests.patience import PATIENCE, killing
from tests.sources import OTHER_KEY, SIGNING_KEY, signed_export

PUBLIC_KEY = public_base64(SIGNING_KEY.public_key())
YESTERDAY = rolling_start(interval_at(datetime.now(UTC))) - 144


def export_of(*numbers: int, **how: object) -> bytes:
    keys = [replace(key_of(number), rolling_start=YESTERDAY) for number in numbers]
    return signed_export(keys, end=datetime.now(UTC), **how)  # type: ignore[arg-type]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path, handler: type[_Quiet] = _Quiet) -> Iterator[str]:
    """Serve *folder* as any static web server does; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """The web root of another authority with two files."""
    exports = tmp_path / "away" / "exports"
    exports.mkdir(parents=True)
    (exports / "1.zip").write_bytes(export_of(1, 2))
    (exports / "2.zip").write_bytes(export_of(3))
    (exports / "index.txt").write_text("exports/1.zip\nexports/2.zip\n")
    return exports.parent


def home(tmp_path: Path, address: str, **settings: str) -> Path:
    """Return the folder of an authority that imports from *address*."""
    folder = make_folder(tmp_path / "home", ("registrar", "publisher")).path
    chosen = {"name": "laos", "url": address, "region": "VN"} | settings
    lines = [f'{name} = "{value}"' for name, value in chosen.items()]
    with (folder / "authority.toml").open("a") as file:
        file.write("\n".join(["", "[[imports]]", *lines, f'public_keys = ["{PUBLIC_KEY}"]', ""]))
    return folder


def test_imports_run_takes_what_is_new_and_says_how_much(
    program: Run, away: Path, tmp_path: Path
) -> None:
    """The second time there is nothing new; both statuses tell of it."""
    with serving(away) as url:
        folder = home(tmp_path, f"{url}/exports/index.txt")
        status, out, err = program("authority", "imports", "run", "--dir", folder)
        assert (status, err) == (0, "")
        assert out == "laos: 2 files, 3 new keys, 0 revised\n"
        status, out, _ = program("authority", "imports", "run", "--dir", folder, "--json")
    (done,) = json.loads(out)["rounds"]
    assert (status, done["files"], done["problem"]) == (0, [], "")
    _, out, _ = program("authority", "imports", "status", "--dir", folder)
    assert out.splitlines()[1].split()[-5:] == ["2", "3", "0", "0", "-"]
    _, out, _ = program("authority", "status", "--dir", folder)
    assert "import of laos: 3 keys, 0 files failed, no problem" in out


def test_imports_run_fails_where_a_file_cannot_be_believed(
    program: Run, away: Path, tmp_path: Path
) -> None:
    """The file is named, and why; the other was taken."""
    (away / "exports" / "2.zip").write_bytes(export_of(3, key=OTHER_KEY))
    with serving(away) as url:
        folder = home(tmp_path, f"{url}/exports")
        status, out, err = program("authority", "imports", "run", "--dir", folder)
    assert status == 1
    assert out == "laos: 1 files, 2 new keys, 0 revised\n"
    assert "laos: signature_bad\n" in err
    _, out, err = program("authority", "imports", "status", "--dir", folder)
    assert "signature_bad" in out
    assert "laos  exports/2.zip: signature_bad, tried 1 times" in err
    _, out, _ = program("authority", "imports", "status", "--dir", folder, "--json")
    document = json.loads(out)
    assert [each["problem"] for each in document["sources"]] == ["signature_bad"]
    assert [each["name"] for each in document["failed"]] == ["exports/2.zip"]


def test_an_authority_that_imports_nothing_says_so(program: Run, tmp_path: Path) -> None:
    """It is no fault."""
    folder = make_folder(tmp_path / "home", ("registrar", "publisher")).path
    status, out, err = program("authority", "imports", "run", "--dir", folder)
    assert (status, out) == (0, "")
    assert "no [[imports]]" in err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "ftp://laos.example"}, "not an address"),
        ({"name": ".."}, "name"),
        ({"onset": "3"}, "onset"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(
    program: Run, tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    """Before anything is done."""
    folder = home(tmp_path, "http://laos.example", **settings)
    status, _, err = program("authority", "imports", "run", "--dir", folder)
    assert status == 1
    assert said in err


def test_a_mirror_is_made_from_an_address_and_from_a_folder(
    program: Run, away: Path, tmp_path: Path
) -> None:
    """Byte for byte, and the second one from the first."""
    stick, island = tmp_path / "stick" / "exports", tmp_path / "island" / "exports"
    with serving(away) as url:
        status, out, err = program(
            "authority", "mirror", f"{url}/exports", stick, "--public-key", PUBLIC_KEY
        )
    assert (status, out, err) == (0, "2 files on offer, 2 fetched, 0 removed\n", "")
    status, out, _ = program(
        "authority", "mirror", stick, island, "--public-key", PUBLIC_KEY, "--json"
    )
    document = {"listed": 2, "fetched": 2, "removed": 0, "missing": []}
    assert (status, json.loads(out)) == (0, document)
    for name in ("index.txt", "1.zip", "2.zip"):
        assert (island / name).read_bytes() == (away / "exports" / name).read_bytes()


def test_a_mirror_with_a_hole_exits_with_one(program: Run, away: Path, tmp_path: Path) -> None:
    """What is there is on offer."""
    (away / "exports" / "1.zip").unlink()
    target = tmp_path / "exports"
    status, out, err = program(
        "authority", "mirror", away / "exports", target, "--public-key", PUBLIC_KEY
    )
    assert (status, out) == (1, "1 files on offer, 1 fetched, 0 removed\n")
    assert "missing" in err
    assert (target / "index.txt").read_text() == "exports/2.zip\n"


def test_a_folder_that_is_no_mirror_is_left_alone(program: Run, away: Path, tmp_path: Path) -> None:
    """A mirror removes files; it must not be let loose on somebody's own."""
    target = tmp_path / "exports"
    target.mkdir()
    (target / "thesis.zip").write_bytes(b"years of work")
    status, _, err = program(
        "authority", "mirror", away / "exports", target, "--public-key", PUBLIC_KEY
    )
    assert status == 1
    assert "not empty" in err
    assert [path.name for path in target.iterdir()] == ["thesis.zip"]


def test_a_mirror_under_another_name_is_refused_with_the_right_one(
    program: Run, away: Path, tmp_path: Path
) -> None:
    """Nobody would find its files."""
    status, _, err = program(
        "authority", "mirror", away / "exports", tmp_path / "x", "--unverified"
    )
    assert status == 1
    assert "hint: name a folder that is called exports" in err


@pytest.mark.parametrize("given", [[], ["--public-key", PUBLIC_KEY, "--unverified"]])
def test_a_mirror_wants_a_key_or_to_be_told_that_none_matters(
    program: Run, away: Path, tmp_path: Path, given: list[str]
) -> None:
    """Not by oversight."""
    status, _, err = program("authority", "mirror", away / "exports", tmp_path / "exports", *given)
    assert status == 2
    assert "--unverified" in err


@pytest.mark.slow
def test_a_mirror_that_goes_on_is_stopped_by_ctrl_c(away: Path, tmp_path: Path) -> None:
    """At once, and without a traceback."""
    command = [sys.executable, "-W", "error", "-m", "bluezone_node", "authority", "mirror"]
    where = [str(away / "exports"), str(tmp_path / "exports"), "--unverified", "--period", "60"]
    with (
        subprocess.Popen(
            [*command, *where], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
        killing(process),
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == "2 files on offer, 2 fetched, 0 removed\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert err == "stopped; the next round goes on from here\n"


@pytest.mark.slow
def test_a_mirror_that_is_interrupted_does_not_say_that_nothing_was_done(
    away: Path, tmp_path: Path
) -> None:
    """The files that had come stay, and the next run goes on with the others."""
    asked, over = Event(), Event()

    class Stalling(_Quiet):
        def do_GET(self) -> None:
            if not self.path.endswith("2.zip"):
                super().do_GET()
                return
            asked.set()
            over.wait(PATIENCE)

    command = [sys.executable, "-W", "error", "-m", "bluezone_node", "authority", "mirror"]
    target = tmp_path / "exports"
    with (
        serving(away, Stalling) as url,
        subprocess.Popen(
            [*command, f"{url}/exports", str(target), "--unverified"],
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        killing(process),
    ):
        assert asked.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
        over.set()
    assert (process.returncode, err.strip()) == (1, "interrupted; what was done by then stays")
    assert (target / "1.zip").exists()
