"""``notice``, as typed, on a place that ``venue`` registered."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bluezone_node.authority.ports.notices import Evidence, Proposal
from bluezone_node.clock import SystemClock
from bluezone_node.store.authority.folder import open_folder
from bluezone_node.store.authority.proposals import SqlProposals
from bluezone_node.venues.bundle import read_bundle
from bluezone_node.venues.card import VIETNAM
from bluezone_node.venues.trust import read_trust_list
from bluezone_node.wiring.authority import databases_of, open_authority
from tests.commands.conftest import Run

pytestmark = pytest.mark.slow

CANARY = "Chợ Chim Hoàng Yến"
HOUR = timedelta(hours=1)


@pytest.fixture
def home(tmp_path: Path, program: Run) -> Path:
    status, _, told = program("authority", "init", tmp_path / "a")
    assert status == 0, told
    return tmp_path / "a"


@pytest.fixture
def code(home: Path, program: Run) -> str:
    """The six characters of a market that has been there for a week."""
    status, out, told = program(
        *("venue", "register", CANARY, "--kind", "market", "--commune", 26740, "--dir", home)
    )
    assert status == 0, told
    engine = databases_of(open_folder(home))["registrar"].open()
    with engine.begin() as db:
        db.exec_driver_sql("UPDATE venue_cards SET from_day = from_day - 7")
    engine.dispose()
    return out.strip()


def at(hours: float) -> str:
    """Return what a person types for so many hours ago."""
    return f"{datetime.now(VIETNAM) - hours * HOUR:%Y-%m-%d %H:%M}"


def window(begin: float = 3, end: float = 2) -> list[str]:
    return ["--from", at(begin), "--to", at(end)]


def shown(program: Run, *arguments: object) -> Any:
    status, out, told = program("notice", *arguments, "--json")
    assert status == 0, told
    return json.loads(out)


def test_from_issuing_to_taking_back(home: Path, code: str, program: Run) -> None:
    """Issued by the code on the poster, updated by number, retracted; each in a bundle."""
    where = ("--dir", home)
    first = shown(program, "issue", code, *window(), "--phone", "1900 9095", *where)
    assert (first["state"], first["name"], first["phone"]) == ("pending", CANARY, "19009095")
    assert shown(program, "publish", *where) == {
        "drawn": 1,
        "notices": 1,
        "written": 4,
        "removed": 0,
        "busy": False,
    }
    second = shown(program, "update", first["number"], "--advice", "stay-home", *where)
    assert (second["advice"], second["phone"]) == ("stay_home", "19009095")
    shown(program, "publish", *where)
    shown(program, "retract", second["number"], *where)
    assert shown(program, "publish", *where)["drawn"] == 3
    states = {each["number"]: each["state"] for each in shown(program, "list", *where)}
    assert states == {first["number"]: "retracted", second["number"]: "retracted"}
    keys = open_folder(home).place_keys()
    trust = read_trust_list(
        (home / "exports" / "places" / "trust.cose").read_bytes(), keys.root_public()
    )
    files = sorted((home / "exports" / "places").glob("0*.cose"))
    assert [len(read_bundle(file.read_bytes(), trust).retracted) for file in files] == [4, 4, 4]
    digest = sha256(files[-1].read_bytes()).hexdigest()[:16]
    _, out, _ = program("authority", "status", *where)
    assert f"registrar  newest bundle of notices: 3, digest {digest}\n" in out
    _, out, _ = program("authority", "status", *where, "--json")
    assert json.loads(out)["notices"] == {"newest_bundle": 3, "newest_digest": digest}
    status, out, _ = program("notice", "show", second["number"], *where)
    assert status == 0
    assert "case was there" in out
    assert CANARY in out


def test_a_hotline_asks(home: Path, code: str, program: Run) -> None:
    """Exit 1 and a sentence where nothing touches the place then."""
    shown(program, "issue", code, *window(), "--dir", home)
    assert len(shown(program, "check", code, "--from", at(2.5), "--dir", home)) == 1
    status, _, told = program("notice", "check", code, "--from", at(30), "--dir", home)
    assert (status, told) == (1, "no notice touches that place at that time\n")


def test_the_breaker(home: Path, program: Run) -> None:
    """On with a reason, and off again."""
    where = ("--dir", home)
    assert program("notice", "breaker", *where)[1] == "off\n"
    status, _, told = program("notice", "breaker", "on", *where)
    assert status == 1
    assert "Say why" in told
    assert shown(program, "breaker", "on", "--reason", "danh sách sai", *where)["on"] is True
    assert program("notice", "breaker", *where)[1].startswith("on since ")
    assert shown(program, "breaker", "off", "--reason", "đã sửa", *where)["on"] is False


def test_a_proposal_becomes_a_notice_or_does_not(home: Path, code: str, program: Run) -> None:
    """Approved for the time that it names, or put aside with a reason."""
    where, now = ("--dir", home), datetime.now(UTC).replace(microsecond=0)
    venue = json.loads(program("venue", "show", code, "--json", *where)[1])["id"]
    engine = databases_of(open_folder(home))["registrar"].open()
    store = SqlProposals(engine)
    for name in (b"a", b"b"):
        made = Proposal(
            name * 16,
            bytes.fromhex(venue),
            "",
            "VN",
            now - 3 * HOUR,
            now - 2 * HOUR,
            Evidence(42, 97, 1),
            now,
        )
        store.add(made, now - 24 * HOUR, 9)
    engine.dispose()
    assert len(shown(program, "proposals", *where)) == 2
    issued = shown(program, "approve", b"a".hex() * 16, "--level", "monitor", *where)
    assert (issued["proposal"], issued["level"]) == (b"a".hex() * 16, "monitor")
    shown(program, "dismiss", b"b".hex() * 16, "--reason", "kiểm tra máy", *where)
    assert shown(program, "proposals", *where) == []
    decided = shown(program, "proposals", "--all", *where)
    assert {each["state"] for each in decided} == {"accepted", "dismissed"}
    status, _, told = program("notice", "approve", b"a".hex() * 16, *where)
    assert status == 1
    assert "decided" in told


def test_what_cannot_be_is_said(home: Path, code: str, program: Run) -> None:
    """One sentence; nothing is kept."""
    cases: list[tuple[list[str], int, str]] = [
        (["issue", "NOSUCH", *window()], 1, "no such place"),
        (["issue", CANARY], 2, "--from TIME --to TIME"),
        (["issue", CANARY, "--from", "hôm qua", "--to", at(1)], 2, "22/11/2026 14:30"),
        (["issue", CANARY, *window(2, 3)], 1, "ends before it begins"),
        (["issue", CANARY, *window(1, -2)], 1, "in the future"),
        (["issue", CANARY, *window(21 * 24 + 2, 21 * 24 + 1)], 1, "21 days"),
        (["issue", CANARY, *window(30, 5)], 1, "24 hours"),
        (["issue", CANARY, *window(), "--room", "Tầng 9"], 1, "No card"),
        (["show", "7"], 1, "no such notice"),
        (["retract", "7"], 1, "no such notice"),
        (["approve", "zz"], 1, "no such proposal"),
    ]
    for arguments, status, words in cases:
        done, out, told = program("notice", *arguments, "--dir", home)
        assert (done, out) == (status, ""), told
        assert words in told
    assert code
    assert shown(program, "list", "--dir", home) == []


def test_a_folder_from_before_places_says_what_to_do(home: Path, program: Run) -> None:
    """Without keys nothing can be signed."""
    (home / "trust.cose").unlink()
    status, _, told = program("notice", "list", "--dir", home)
    assert status == 1
    assert "trust init" in told
    with open_authority(open_folder(home), SystemClock(), ("registrar",)) as parts:
        assert parts.notices is None
