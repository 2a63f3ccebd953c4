"""A register of names as its people use it: officers, a kiosk without a network, and a stick."""

import csv
import io
import json
import shutil
import stat
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluezone_node.clock import SimClock, SystemClock
from bluezone_node.errors import BadInput
from bluezone_node.store.authority.day_keys import FolderDayKeys
from bluezone_node.store.authority.folder import make_folder, open_folder
from bluezone_node.store.node import open_node_store
from bluezone_node.venuefile import read_venue_file
from bluezone_node.venues.card import CardFlag
from bluezone_node.venues.register import open_contact, release
from bluezone_node.venues.warrant import Warrant, draft_of, words_of
from bluezone_node.wiring.authority import open_authority
from bluezone_node.wiring.kiosk_register import KEY_FILE
from tests.offices import ANH, CANARIES, FORMULA, Offices
from tests.program import run


@pytest.fixture
def offices(tmp_path: Path) -> Offices:
    return Offices(tmp_path)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Offices:
    """Return one in which nothing happens."""
    return Offices(tmp_path_factory.mktemp("quiet"))


def test_two_officers_read_who_was_at_a_clinic_without_a_network(
    offices: Offices, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Asked for, approved, carried there and back, read; the place knows, the trail knows."""
    offices.visitor(ANH)
    offices.visitor(FORMULA)
    number = offices.approved()
    assert offices.state() == ("approved", 0)
    stick, answer = tmp_path / "stick", tmp_path / "answer"
    offices.desk("warrant", "file", number[:8], stick)
    assert "Luật Phòng" in offices.kiosk("kiosk", "warrant", stick).stdout
    assert offices.kiosk("kiosk", "openings").stdout == ""
    told = offices.kiosk("kiosk", "warrant", stick, "--out", answer, "--json")
    assert json.loads(told.stdout)["rows"] == 2
    assert stat.S_IMODE(answer.stat().st_mode) == 0o600
    offices.desk("warrant", "answer", answer)
    assert offices.state() == ("answered", 2)

    unsaid = run("warrant", "show", number[:8], "--dir", offices.home)
    assert unsaid.returncode == 2
    assert "--purpose" in unsaid.stderr
    seen = offices.desk("warrant", "show", number[:8], "--purpose", "gọi F1")
    assert "Nguyễn Thị Ánh" in seen.stdout
    assert "0912345678" in seen.stdout
    sheet = tmp_path / "f1.csv"
    offices.desk("warrant", "show", number[:8], "--purpose", "gọi F1", "--csv", sheet)
    rows = list(csv.reader(io.StringIO(sheet.read_bytes().decode("utf-8-sig"))))
    assert [row[1:3] for row in rows[1:]] == [
        ["Nguyễn Thị Ánh", "0912345678"],
        ["'=HYPERLINK(1)", "+84912345679"],
    ]
    log = offices.kiosk("kiosk", "openings").stdout
    assert "Luật Phòng" in log
    assert "2 dòng / rows" in log

    trail = offices.desk("authority", "audit", "list", "--json").stdout
    assert "gọi F1" in trail
    everywhere = [trail, log, told.stderr, caplog.text]
    everywhere += [
        path.read_bytes().decode(errors="replace")
        for path in tmp_path.rglob("*")
        if path.is_file() and path != sheet
    ]
    for canary in CANARIES:
        assert not [text for text in everywhere if canary in text], "a name got out"


def test_whoever_holds_one_side_reads_nothing(offices: Offices) -> None:
    """The authority's folder, day keys and all, has no row; the kiosk's key opens half of one."""
    offices.visitor(ANH)
    offices.approved()
    with open_node_store(offices.settings.state_dir() / "node.db") as store:
        (row,) = store.contacts(range(2**32))
    files = [path for path in offices.home.rglob("*") if path.is_file()]
    dump = b"".join(path.read_bytes() for path in files)
    assert not any(part in dump for part in (row.row_id, row.outer))
    venue_id = offices.venue.card.card.venue_id
    days = [
        X25519PrivateKey.from_private_bytes(path.read_bytes())
        for path in (offices.home / "day-keys").iterdir()
    ]
    for day in days:
        with pytest.raises(BadInput):
            release(row, venue_id, day)
    place = X25519PrivateKey.from_private_bytes(
        (offices.settings.state_dir() / KEY_FILE).read_bytes()
    )
    half = release(row, venue_id, place)
    with pytest.raises(BadInput):
        open_contact(half, place)


def test_an_answer_is_closed_when_its_day_is_over(offices: Offices, tmp_path: Path) -> None:
    """With the day keys gone, as 21 days later, what the kiosk sent is closed to everybody."""
    offices.visitor(ANH)
    number = offices.approved()
    stick, answer = tmp_path / "stick", tmp_path / "answer"
    offices.desk("warrant", "file", number[:8], stick)
    offices.kiosk("kiosk", "warrant", stick, "--out", answer)
    offices.desk("warrant", "answer", answer)
    for path in (offices.home / "day-keys").iterdir():
        path.unlink()
    shown = offices.desk("warrant", "show", number[:8], "--purpose", "thử", "--json")
    assert json.loads(shown.stdout) == {"id": number, "contacts": [], "unreadable": 1}


def test_copies_of_everything_are_closed_after_three_weeks(
    offices: Offices, tmp_path: Path
) -> None:
    """Kiosk's database and key copied, authority backed up the same day, restored on day 22."""
    offices.visitor(ANH)
    copy, backup = tmp_path / "copy", tmp_path / "backup"
    shutil.copytree(offices.settings.state_dir(), copy)
    keyed = ("--key-file", offices.words)
    offices.desk("authority", "backup", backup, *keyed)
    venue_id = offices.venue.card.card.venue_id
    with open_node_store(copy / "node.db") as store:
        (row,) = store.contacts(range(2**32))
    place = X25519PrivateKey.from_private_bytes((copy / KEY_FILE).read_bytes())
    half = release(row, venue_id, place)
    today = FolderDayKeys(offices.home).private(row.day_key_id)
    assert today is not None
    assert open_contact(half, X25519PrivateKey.from_private_bytes(today)) == ANH

    later = SimClock(SystemClock().now() + timedelta(days=22))
    with open_authority(open_folder(offices.home), later, ["registrar"]) as parts:
        assert parts.register is not None
        parts.register.day_keys.tidy()
    offices.done("authority", "restore", backup, tmp_path / "restored", *keyed)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in left if today in path.read_bytes()]
    for folder in (offices.home, tmp_path / "restored"):
        assert FolderDayKeys(folder).private(row.day_key_id) is None


def test_one_officer_alone_opens_nothing(offices: Offices) -> None:
    """Neither by signing twice, nor with the other's file and another passphrase."""
    number = offices.request().stdout.strip()
    twice = run(
        "warrant", "approve", number, "--key", offices.pem("an"), "--yes", *offices.passphrase,
        "--dir", offices.home,
    )  # fmt: skip
    assert twice.returncode == 1
    assert "two people" in twice.stderr
    guess = offices.folder / "guess"
    guess.write_text("một mật khẩu đoán mò")
    other = run(
        "warrant", "approve", number, "--key", offices.pem("binh"), "--yes",
        "--passphrase-file", guess, "--dir", offices.home,
    )  # fmt: skip
    assert other.returncode == 1
    assert "another passphrase" in other.stderr
    assert "đoán" not in other.stderr
    waiting = run("warrant", "file", number, offices.folder / "x", "--dir", offices.home)
    assert "second person" in waiting.stderr
    assert offices.state() == ("requested", 0)


def test_what_is_no_warrant_opens_nothing_at_the_kiosk(quiet: Offices) -> None:
    """Noise, nothing, another file: one sentence, exit 1, and nothing in the log."""
    quiet.visitor(ANH)
    for content in (b"", b"\x82\x40\x40", b"x" * 5000, (quiet.home / "trust.cose").read_bytes()):
        stick = quiet.folder / "stick"
        stick.write_bytes(content)
        out = quiet.folder / "out"
        done = run("kiosk", "warrant", stick, "--out", out, "--config", quiet.config)
        assert done.returncode == 1
        assert done.stderr.startswith("error: ")
        assert not out.exists()
    assert quiet.kiosk("kiosk", "openings").stdout == ""


def test_the_key_of_a_register_is_made_once_and_stays(quiet: Offices) -> None:
    """Its owner's alone; made again it would close all that was sealed for it."""
    key = quiet.folder / "state" / KEY_FILE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    again = run("kiosk", "key", "--config", quiet.config)
    assert again.returncode == 1
    assert "is there already" in again.stderr
    document = (quiet.folder / "venue.json").read_text()
    assert key.read_bytes().hex() not in document
    assert "register_private_key" not in document
    key.chmod(0o644)
    assert "other users" in run("kiosk", "openings", "--config", quiet.config).stderr
    key.chmod(0o600)


def test_an_officers_key_lies_under_a_passphrase(quiet: Offices) -> None:
    """In an encrypted PEM of its owner's; a short passphrase makes none."""
    pem = quiet.pem("an")
    assert b"ENCRYPTED PRIVATE KEY" in pem.read_bytes()
    assert stat.S_IMODE(pem.stat().st_mode) == 0o600
    short = quiet.folder / "short"
    short.write_text("ngắn")
    done = run("warrant", "key", quiet.pem("chi"), "--passphrase-file", short)
    assert done.returncode == 1
    assert not quiet.pem("chi").exists()
    over = run("warrant", "key", pem, *quiet.passphrase)
    assert "not overwritten" in over.stderr


def test_the_day_keys_on_offer_are_the_authoritys(quiet: Offices) -> None:
    """The list on the shelf is signed, and opens with the keys in the folder."""
    shelf = quiet.home / "exports" / "places" / "days.cose"
    # Midnight may have passed since.
    written = datetime.fromtimestamp(shelf.stat().st_mtime, UTC)
    with open_authority(open_folder(quiet.home), SimClock(written), ["registrar"]) as parts:
        assert parts.register is not None
        assert parts.register.day_keys.published() == shelf.read_bytes()
    assert len(list((quiet.home / "day-keys").iterdir())) in {15, 16}
    assert b64decode(json.loads(quiet.desk("trust", "show", "--json").stdout)["root"])


@pytest.mark.parametrize(("since", "required"), [("2020-01-01", True), ("2999-01-01", False)])
def test_a_law_names_kinds_of_places_from_a_day_on(
    tmp_path: Path, since: str, required: bool
) -> None:
    """In the settings, with the day and the law; by default none is named, and none keeps one."""
    home = make_folder(tmp_path / "a", ["registrar"]).path
    with (home / "authority.toml").open("a", encoding="utf-8") as settings:
        settings.write(
            f'\n[[places.registers]]\nkind = "lodging"\nsince = {since}\n'
            'basis = "Luật Cư trú 2020, điều 30"\n'
        )
    for kind, keeps in (("lodging", required), ("market", False)):
        file = tmp_path / f"{kind}.json"
        made = run("venue", "register", kind, "--commune", 4, "--kind", kind, "--dir", home)
        done = run("venue", "kiosk", made.stdout.strip(), "--out", file, "--dir", home)
        assert done.returncode == 0, done.stderr
        venue = read_venue_file(file)
        assert bool(venue.card.card.flags & CardFlag.REGISTER_REQUIRED) is keeps
        assert (venue.register_key is not None) is keeps


def test_officers_sign_on_machines_of_their_own(quiet: Offices, tmp_path: Path) -> None:
    """A draft, and what the first has signed: no folder of an authority is needed for it."""
    now = SystemClock().now().replace(microsecond=0)
    day = timedelta(days=1)
    asked = Warrant(b"n" * 16, b"v" * 16, now - day, now, "F0-118", "Luật 2007", now, now + day)
    draft, request, approval = (tmp_path / name for name in ("draft", "request", "approval"))
    draft.write_bytes(draft_of(asked))
    for source, name, out in ((draft, "an", request), (request, "binh", approval)):
        key = ("--key", quiet.pem(name), *quiet.passphrase)
        done = quiet.done("warrant", "sign", source, "--out", out, "--yes", *key)
        assert "Luật 2007" in done.stderr
        assert asked.venue_id.hex()[:8] in done.stderr
        assert words_of(out.read_bytes()) == asked
    assert request.read_bytes() != approval.read_bytes()
    again = run("warrant", "sign", draft, "--out", request, "--yes", *key)
    assert "request" in again.stderr
    assert again.returncode == 1
    draft.write_bytes(b"\xa9")
    assert run("warrant", "sign", draft, "--out", tmp_path / "x", *key).returncode == 1
