"""``venue`` and ``trust``, as typed."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from pypdfium2 import PdfDocument

from bluezone_node.store.authority.folder import make_folder
from bluezone_node.venuefile import read_venue_file
from tests.program import Done, run

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "a", ["registrar"]).path


def venue(home: Path, *arguments: object) -> Done:
    return run("venue", *arguments, "--dir", home)


def registered(home: Path, name: str = "Chợ Bến Thành", *more: object) -> dict[str, Any]:
    done = venue(home, "register", name, "--commune", 26740, "--kind", "market", "--json", *more)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_from_registering_to_closing(home: Path) -> None:
    """A place has a card, gets another, a kiosk, and ends; the id is enough to name it."""
    made = registered(home, "Chợ Bến Thành", "--room", "Khu A", "--hours", "6:00-18:30")
    assert [card["room"] for card in made["cards"]] == ["", "Khu A"]
    assert made["hours"] == "06:00-18:30"
    code = made["code"]
    for name in (code.lower(), f"{code[:3]} {code[3:]}", made["id"][:8], "cho ben thanh"):
        assert json.loads(venue(home, "show", name, "--json").stdout)["id"] == made["id"]
    rotated = venue(home, "rotate", code, "--now")
    assert rotated.stdout.strip() != code
    assert "withdrawn" in rotated.stderr
    shown = venue(home, "show", code).stdout
    assert f"card {rotated.stdout.strip()}" in shown
    assert ", ends " in shown
    assert venue(home, "close", made["id"][:8], "--yes").returncode == 0
    again = venue(home, "rotate", made["id"][:8])
    assert again.returncode == 1
    assert "closed" in again.stderr
    listed = venue(home, "list", "ben", "thanh").stdout.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [[made["id"][:8], "closed"]]


def test_what_names_no_place_or_several_is_said(home: Path) -> None:
    """In words, with what to type instead."""
    done = venue(home, "show", "Chợ Đồng Xuân")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no such place" in done.stderr
    registered(home, "Trạm y tế", "--address", "1 Lê Lợi")
    registered(home, "Trạm y tế", "--address", "2 Lê Lợi")
    assert "name one by its id" in venue(home, "show", "trạm y tế").stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["register", "Quán", "--commune", "1", "--hours", "7-25:00"], "two times of the day"),
        (["register", "Quán", "--commune", "100000"], "five digits"),
        (["register", "Quán\u202e", "--commune", "1"], "not one line"),
        (["register", "Q" * 97, "--commune", "1"], "not one line"),
        (["register", "Quán", "--commune", "1", "--stay", "3"], "usual stay"),
        (["register", "Quán", "--commune", "1", "--phone", "12"], "telephone number"),
        (["register", "Quán", "--commune", "1", "--room", "A", "--room", "a"], "rooms"),
        (["register", "Quán", "--commune", "1", "--realm", "XX"], "province"),
    ],
)
def test_what_cannot_be_registered_is_said(home: Path, arguments: list[str], words: str) -> None:
    """One sentence, exit 1, and nothing is kept."""
    done = venue(home, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert json.loads(venue(home, "list", "--json").stdout) == []


def test_a_place_is_corrected(home: Path) -> None:
    """What it takes is said first; without a yes, or where nothing changes, nothing is done."""
    made = registered(home, "Chợ Bến Thành", "--room", "Khu A", "--room", "Khu B")
    place = made["id"][:8]
    asked = venue(home, "edit", place, "--name", "Chợ Tân Định", "--no-room", "Khu B")
    assert asked.returncode == 1
    assert "posters to be printed anew: (whole place), Khu A" in asked.stderr
    assert "taken away, with cards and kiosks: Khu B" in asked.stderr
    assert json.loads(venue(home, "show", place, "--json").stdout) == made
    said = ("--name", "Chợ Tân Định", "--no-room", "Khu B", "--room", "Khu C", "--hours", "6-18")
    more = ("--mark", "radio", "--no-mark", "check-out", "--stay", 90, "--kind", "school")
    done = venue(home, "edit", place, *said, *more, "--now", "--yes", "--json")
    told = json.loads(done.stdout)
    assert "the old cards are withdrawn" in done.stderr
    assert (told["name"], told["rooms"]) == ("Chợ Tân Định", ["Khu A", "Khu C"])
    assert (told["hours"], told["stay_minutes"], told["flags"]) == ("06:00-18:00", 90, 4)
    assert [card["revoked"] is None for card in told["cards"]] == [True] * 3 + [False] * 3
    quiet = venue(home, "edit", place, "--phone", "0901234567")
    assert (quiet.returncode, quiet.stdout.strip()) == (0, told["code"])
    assert "no poster changes" in quiet.stderr
    assert "901234567" not in quiet.stderr
    assert "nothing changes" in venue(home, "edit", place, "--kind", "school").stderr
    assert "no room of that name" in venue(home, "edit", place, "--no-room", "Khu X").stderr


def test_communes_are_imported_and_typed_by_name(home: Path, tmp_path: Path) -> None:
    """Totals and rejects as of places; a name is said with its number, and printed."""
    file, out = tmp_path / "list.csv", tmp_path / "out"
    file.write_text("code\tname\tprovince\n00145\tPhường Long Biên\t01\nx\tXã\t1\n", "utf-16")
    done = venue(home, "communes", "import", file, "--out", out)
    assert done.returncode == 1
    assert "read: 2\nnew: 1\nchanged: 0\nknown: 0\nrejected: 1\n" in done.stdout
    assert "3,x,Xã,1," in (out / "rejected.csv").read_text("utf-8-sig")
    listed = venue(home, "communes", "list", "long", "bien")
    assert listed.stdout.splitlines()[1].split() == ["00145", "Phường", "Long", "Biên", "01"]
    assert "1 of 1 communes of edition 2" in listed.stderr
    found = json.loads(venue(home, "communes", "list", "--province", 79, "--json").stdout)
    assert found == []
    made = venue(home, "register", "Chợ Gia Lâm", "--commune", "long bien")
    assert "commune: Phường Long Biên (00145)" in made.stderr
    code = made.stdout.strip()
    assert json.loads(venue(home, "show", code, "--json").stdout)["commune"] == 145
    assert "Phường Long Biên" in venue(home, "list").stdout
    venue(home, "poster", code, "--out", tmp_path / "p.svg", "--format", "svg")
    assert "Phường Long Biên" in (tmp_path / "p.svg").read_text("utf-8")
    assert "no such commune" in venue(home, "register", "Y", "--commune", "146").stderr


def test_a_kiosks_file_is_its_owners_alone(home: Path, tmp_path: Path) -> None:
    """The device can read it, others cannot; nothing secret is said; it is not overwritten."""
    made, file = registered(home), tmp_path / "venue.json"
    done = venue(home, "kiosk", made["code"], "--out", file)
    assert done.returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    place = read_venue_file(file)
    assert place.card.spoken_code == made["code"]
    assert json.loads(file.read_text())["secret"] not in done.stdout + done.stderr
    assert "not overwritten" in venue(home, "kiosk", made["code"], "--out", file).stderr
    other = tmp_path / "again.json"
    venue(home, "kiosk", made["code"], "--out", other)
    assert other.read_bytes() == file.read_bytes()
    venue(home, "kiosk", made["code"], "--revoke")
    other.unlink()
    venue(home, "kiosk", made["code"], "--out", other)
    assert read_venue_file(other).bearer != place.bearer


def test_a_kiosk_with_a_register_has_the_only_key(home: Path, tmp_path: Path) -> None:
    """The card gets the public half; a second file would need a key that nobody has."""
    made, file = registered(home, "Bệnh viện", "--mark", "register"), tmp_path / "venue.json"
    done = venue(home, "kiosk", made["code"], "--out", file)
    assert "print its posters again" in done.stderr
    place = read_venue_file(file)
    assert place.register_key is not None
    assert place.card.card.register_key is not None
    assert place.card.spoken_code != made["code"]
    refused = venue(home, "kiosk", made["id"][:8], "--out", tmp_path / "other.json")
    assert (refused.returncode, (tmp_path / "other.json").exists()) == (1, False)
    assert "--revoke" in refused.stderr


def test_a_file_of_places(home: Path, tmp_path: Path) -> None:
    """Totals, two files with the reasons, exit 1 for a reject; what was cut off is refused."""
    file, out = tmp_path / "places.csv", tmp_path / "out"
    file.write_text("Tên địa điểm;Mã xã;Loại\nChợ;26740;Chợ\nQuán;x;\n=1+1;26740;\n", "utf-8")
    cut = venue(home, "import", file, "--out", out, "--rows", 4)
    assert (cut.returncode, out.exists()) == (1, False)
    assert "3 rows, and should have 4" in cut.stderr
    done = venue(home, "import", file, "--out", out, "--json")
    assert json.loads(done.stdout) == {"read": 3, "registered": 2, "known": 0, "rejected": 1}
    assert done.returncode == 1
    assert "3,Quán,x,,The commune is a number of up to five digits." in (
        out / "rejected.csv"
    ).read_text("utf-8-sig")
    assert "4,'=1+1,registered" in (out / "registered.csv").read_text("utf-8-sig")
    again = venue(home, "import", file, "--out", tmp_path / "again", "--json")
    assert json.loads(again.stdout) == {"read": 3, "registered": 0, "known": 2, "rejected": 1}


def test_a_poster_is_written(home: Path, tmp_path: Path) -> None:
    """For its owner, with the code said that stands on it."""
    made = registered(home)
    done = venue(home, "poster", made["code"], "--out", tmp_path / "p.svg", "--format", "svg")
    assert done.returncode == 0
    assert made["code"] in done.stderr
    assert "Chợ Bến Thành" in (tmp_path / "p.svg").read_text("utf-8")
    refused = venue(home, "poster", made["code"], "--room", "Khu B", "--out", tmp_path / "q.pdf")
    assert "no room of that name" in refused.stderr


def test_posters_of_a_search_are_written(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page for each room and way, in a new folder; what cannot be printed is told by its code."""
    made = registered(home, "Chợ Bến Thành", "--room", "Khu A")
    pagoda = registered(home, "វត្ត")
    out = tmp_path / "out"
    for asked in (("cho", "hom"), ("--commune", 1)):
        none = venue(home, "posters", *asked, "--out", out)
        assert (none.returncode, out.exists()) == (1, False)
        assert "No approved place" in none.stderr
    ways = ("--direction", "in", "--direction", "out")
    done = venue(
        home,
        "posters",
        "ben",
        "thanh",
        "--commune",
        26740,
        "--size",
        "sticker",
        *ways,
        "--out",
        out,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "posters of 2 cards" in done.stderr
    (file,) = out.iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("posters-0001.pdf", 0o600)
    read = [each.get_textpage().get_text_bounded() for each in PdfDocument(file)]
    assert len(read) == 4
    assert all(made["code"][:3] in each for each in read[:2])
    assert all("Khu A" in each for each in read[2:])
    monkeypatch.setattr("bluezone_node.posters.batch.MOST", 2)
    rest = venue(home, "posters", "--size", "sticker", "--out", tmp_path / "all")
    assert rest.returncode == 1
    assert f"cannot set, on the last pages: {pagoda['code']}" in rest.stderr
    files = [PdfDocument(tmp_path / f"all/posters-000{number}.pdf") for number in (1, 2)]
    assert [len(each) for each in files] == [2, 1]


def test_the_trust_list_is_shown_and_changed(home: Path, tmp_path: Path) -> None:
    """With the root from wherever it lies; an older folder gets its keys by init."""
    stick = tmp_path / "root.pem"
    (home / "keys/places-root.pem").rename(stick)
    assert "--root" in run("trust", "rotate", "cards", "--dir", home).stderr
    first = json.loads(run("trust", "show", "--dir", home, "--json").stdout)["sequence"]
    done = run("trust", "rotate", "cards", "--root", stick, "--dir", home, "--json")
    told = json.loads(done.stdout)
    assert told["sequence"] > first
    assert len(told["keys"]) == 4
    old, _ = (each["key"] for each in told["keys"] if each["role"] == "cards")
    done = run("trust", "revoke", old, "--root", stick, "--dir", home)
    assert "revoked" in done.stdout
    key = told["root"]
    added = run("trust", "add", key, "--role", "warrant-approve", "--root", stick, "--dir", home)
    assert "warrant-approve" in added.stdout
    assert registered(home)["code"]
    changed = run("trust", "rotate", "notices", "--root", stick, "--dir", home)
    assert "does not tell" not in changed.stderr
    trail = run("authority", "audit", "list", "--dir", home).stdout
    assert "key_rotated" in trail
    assert run("trust", "add", "x", "--role", "cards", "--root", stick, "--dir", home).returncode
    older = make_folder(tmp_path / "b", ["registrar"]).path
    for each in ("trust.cose", "places-root.txt", *(f"keys/{n}" for n in _OWN)):
        (older / each).unlink()
    assert "trust init" in venue(older, "list").stderr
    assert run("trust", "init", "--dir", older).returncode == 0
    assert registered(older)["code"]


_OWN = ("places-root.pem", "places-cards.pem", "places-notices.pem", "places-register.pem")
