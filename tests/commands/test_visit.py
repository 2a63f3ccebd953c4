"""``bluezone-node visit``: what a person types, and what is told of where they are."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import bluezone_node
from bluezone_node import config as settings_file
from bluezone_node.commands import cli
from bluezone_node.commands.visit.refusing import REFUSALS
from bluezone_node.commands.visit.telling import say_here
from bluezone_node.crypto.cose import public_bytes, sign
from bluezone_node.errors import BadConfig, BadInput
from bluezone_node.ports import ExportRecord, ExportState, StoredVisit
from bluezone_node.venues.bundle import FIRST_PREVIOUS, Bundle, write_bundle
from bluezone_node.venues.card import VIETNAM, Card, SignedCard, day_number, read_card
from bluezone_node.venues.head import head_of
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.passes import read_pass
from bluezone_node.venues.text import to_url
from bluezone_node.venues.trust import Role, TrustedKey, TrustList, write_trust_list
from bluezone_node.venues.visits import Visit
from bluezone_node.wiring.store import open_store
from tests.nearnesses import on_a_device_in
from tests.venues.places import CARDS, NOTICES, ROOT, STRANGER, seeded

HOST = "q.example.vn"
NZ = (
    "NZCOVIDTRACER:eyJnbG4iOiI3MDAwMDAwMDAwMDEzIiwidmVyIjoiYzE5OjEiLCJ0eXAiOiJlbnRyeSIsIm9wbiI6"
    "IkNhZsOpIiwiYWRyIjoiMSBRdWF5IFN0In0="
)


def place(name: str = "Chợ Hôm", seed: int = 1, key: object = CARDS) -> SignedCard:
    """A lodging that is valid today: no midnight ends a visit while the test runs."""
    entropy, today = seeded(seed), day_number(datetime.now(UTC))
    card = Card(entropy(16), name, 4, VenueKind.LODGING, entropy(16), today - 5, today + 5)
    return read_card(sign(card.encoded(), key))  # type: ignore[arg-type]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of a node that knows whose cards count."""
    path = tmp_path / "config.toml"
    root = b64encode(public_bytes(ROOT)).decode()
    path.write_text(f'[node]\nstate_dir = "{tmp_path / "state"}"\n[places]\nroot = "{root}"\n')
    now = datetime.now(UTC)
    month = timedelta(days=30)
    key = TrustedKey(public_bytes(CARDS), Role.CARDS, "VN", now - month, now + month)
    with open_store(settings_file.load(path)) as store:
        store.put_place_file("trust.cose", write_trust_list(TrustList(1, now, (key,)), ROOT))
    return path


def run(config: Path, *arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(cli, ["visit", *arguments, "--config", str(config)], input=given)


def refused(result: Result) -> str:
    assert isinstance(result.exception, BadInput), result.output
    return result.exception.reason


def listed(config: Path) -> list[dict[str, object]]:
    told: list[dict[str, object]] = json.loads(run(config, "list", "--json").output)["visits"]
    return told


def test_in_and_out_with_a_family(config: Path) -> None:
    """One scan for four; where one is is said; leaving ends it."""
    said = run(config, "in", "-", "--party", "4", given=to_url(place().cose, HOST) + "\n").output
    assert said.startswith("Đang ở: Chợ Hôm, từ ")
    assert "4 người" in said
    table = run(config, "list").output.splitlines()
    assert table[0].split() == ["id", "day", "from", "to", "out", "people", "place"]
    assert table[1].split()[3:] == ["…", "-", "4", "Chợ", "Hôm"]
    assert table[2].startswith("Đang ở: Chợ Hôm")
    assert run(config, "out").output.startswith("Đã rời: Chợ Hôm")
    assert refused(run(config, "out")) == "not_checked_in"
    (visit,) = listed(config)
    assert (visit["out"], visit["party"], visit["matchable"]) == ("scan", 4, True)


def test_another_place_ends_the_visit(config: Path) -> None:
    """And the code of the way out ends that one; the same code a second time does not."""
    hostel = to_url(place("Nhà trọ", 2).cose, HOST)
    run(config, "in", to_url(place().cose, HOST))
    said = json.loads(run(config, "in", hostel, "--json").output)
    assert [each["out"] for each in said["visits"]] == ["next", None]
    run(config, "in", hostel)
    assert [each["out"] for each in listed(config)] == ["next", None]
    run(config, "in", to_url(place("Nhà trọ", 2).cose, HOST, "out"))
    assert [each["out"] for each in listed(config)] == ["next", "scan"]


def test_a_private_visit_keeps_no_name(config: Path) -> None:
    """Not in the list, not in JSON, and not in the file once it is over."""
    run(config, "in", to_url(place().cose, HOST), "--private")
    run(config, "out")
    (visit,) = listed(config)
    assert (visit["place"], visit["matchable"]) == ("", True)
    with open_store(settings_file.load(config)) as store:
        (entry,) = store.visits()
    assert entry.visit.card is None
    assert "Chợ" not in run(config, "list").output


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (to_url(place(key=STRANGER).cose, HOST), "card_unknown_signer"),
        (to_url(place().cose, "q.examp1e.vn"), "link_lookalike"),
        (to_url(place().cose, HOST + ".evil.vn"), "link_lookalike"),
        (to_url(place().cose, HOST, "out"), "not_checked_in"),
        ("https://example.org/menu", "link_elsewhere"),
        ("hello", "text_unknown"),
    ],
)
def test_what_is_no_genuine_code_is_refused_and_nothing_is_kept(
    config: Path, text: str, reason: str
) -> None:
    """Each with its own reason, and never with the code in the message."""
    result = run(config, "in", text)
    assert refused(result) == reason
    assert text not in str(result.exception)
    assert listed(config) == []


def test_another_countrys_poster_is_named_and_kept_as_a_diary(config: Path) -> None:
    """No notice of ours will ever speak of it, and that is said."""
    said = run(config, "in", NZ).output
    assert "Đang ở: Café" in said
    assert "New Zealand" in said
    (visit,) = listed(config)
    assert visit["matchable"] is False


def test_a_visit_is_entered_afterwards_corrected_and_forgotten(config: Path) -> None:
    """Times set by hand are marked; what is forgotten is gone."""
    now = datetime.now(VIETNAM)
    began, ended = (f"{now - timedelta(minutes=m):%Y-%m-%dT%H:%M}" for m in (180, 120))
    link = to_url(place().cose, HOST)
    assert run(config, "in", link, "--at", began, "--until", ended).exit_code == 0
    (visit,) = listed(config)
    assert visit["out"] == "edited"
    later = f"{now - timedelta(minutes=90):%Y-%m-%dT%H:%M}"
    assert "bạn đã sửa giờ" in run(config, "edit", "1", "--left", later).output
    assert refused(run(config, "edit", "1", "--came", later)) == "visit_times"
    assert refused(run(config, "edit", "9", "--came", later)) == "unknown_visit"
    assert refused(run(config, "forget", "9")) == "unknown_visit"
    assert run(config, "forget").exit_code == 2
    run(config, "forget", "1")
    assert listed(config) == []
    assert run(config, "forget", "--all").exit_code == 0


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_times_are_those_of_the_places_clock(config: Path, zone: str) -> None:
    """Typed and told in Vietnam's time, with or without a day, whatever the device is set to."""
    began = (datetime.now(VIETNAM) - timedelta(hours=3)).replace(second=0, microsecond=0)
    link = to_url(place().cose, HOST)
    with on_a_device_in(zone):
        for form in ("%H:%M", "%Y-%m-%dT%H:%M", "%d/%m/%Y %H:%M"):
            at, until = (f"{each:{form}}" for each in (began, began + timedelta(hours=1)))
            said = run(config, "in", link, "--at", at, "--until", until).output
            (visit,) = listed(config)
            assert datetime.fromisoformat(str(visit["came"])) == began
            assert f"từ {began:%H:%M} đến {began + timedelta(hours=1):%H:%M} (giờ Việt Nam" in said
            table = run(config, "list").output
            assert table.splitlines()[1].split()[1:3] == [f"{began:%Y-%m-%d}", f"{began:%H:%M}"]
            assert "(UTC+7)" in table
            run(config, "forget", "--all")


def test_a_code_of_ones_own_is_another_each_time(config: Path) -> None:
    """It says how many, until when, and a name only where it was given."""
    first, second = (json.loads(run(config, "code", "--json").output)["code"] for _ in range(2))
    assert first != second
    assert read_pass(first).holder is None
    said = run(config, "code", "--party", "3", "--name", "An", "--phone", "0912345678").output
    shown = read_pass(said.splitlines()[0])
    assert shown.party == 3
    assert shown.holder is not None
    assert shown.holder.name == "An"
    assert run(config, "code", "--name", "An").exit_code == 2


def test_without_settings_or_trust_list_it_says_what_to_do(tmp_path: Path, config: Path) -> None:
    """The two things that must be there first."""
    bare = tmp_path / "bare.toml"
    bare.write_text(f'[node]\nstate_dir = "{tmp_path / "bare"}"\n')
    assert isinstance(run(bare, "list").exception, BadConfig)
    other = tmp_path / "other.toml"
    other.write_text(config.read_text().replace(str(tmp_path / "state"), str(tmp_path / "new")))
    assert refused(run(other, "in", to_url(place().cose, HOST))) == "trust_missing"


def status(config: Path, *options: str) -> str:
    return CliRunner().invoke(cli, ["status", "--config", str(config), *options]).output


def test_status_says_what_is_known_of_places(config: Path) -> None:
    """How fresh, whether the circuit is broken and whether one is somewhere; and no name."""
    run(config, "in", to_url(place().cose, HOST))
    told = json.loads(status(config, "--json"))
    assert told["places"] == {
        "source": "places",
        "trust_list": 1,
        "newest_bundle": None,
        "newest_created": None,
        "newest_digest": None,
        "breaker": False,
        "visits": 1,
        "here": True,
    }
    assert "places      1 visits kept, at a place now" in status(config)
    assert "Chợ" not in status(config, "--json") + status(config)


def test_status_says_when_the_circuit_is_broken(config: Path) -> None:
    """And that a bundle of a key that was revoked says nothing."""
    now = datetime.now(UTC).replace(microsecond=0)
    bundle = Bundle("VN", 1, FIRST_PREVIOUS, now, breaker=True)
    month = timedelta(days=30)
    key = TrustedKey(public_bytes(NOTICES), Role.NOTICES, "VN", now - month, now + month)
    with open_store(settings_file.load(config)) as store:
        store.put_place_file("trust.cose", write_trust_list(TrustList(2, now, (key,)), ROOT))
        line = ExportRecord("places", "00000001.cose", ExportState.MATCHED, now)
        content = write_bundle(bundle, NOTICES)
        store.add_bundle(head_of(bundle, content), content, line)
    assert "PROBLEM     places: the authority holds all new alerts back" in status(config)
    with open_store(settings_file.load(config)) as store:
        revoked = replace(key, revoked=now)
        store.put_place_file("trust.cose", write_trust_list(TrustList(3, now, (revoked,)), ROOT))
    assert "holds all new alerts back" not in status(config)


def reasons_in(*sources: str) -> set[str]:
    package = Path(bluezone_node.__file__).parent
    texts = (package.joinpath(source).read_text(encoding="utf-8") for source in sources)
    return {reason for text in texts for reason in re.findall(r'reason="([a-z0-9_]+)"', text)}


def test_each_refusal_is_said_in_vietnamese_first() -> None:
    """What a scan, a time or a number may be refused for; in one sentence or two, whole ones."""
    scans = reasons_in("venues/text.py", "venues/visits.py", "node/checkin.py")
    cards = {f"card_{each}" for each in ("unknown_signer", "forged", "revoked", "not_yet")}
    assert scans | cards | {"card_expired", "card_malformed", "contact_malformed"} <= {*REFUSALS}
    assert all(said.endswith((".", "tất cả.")) and said[0].isupper() for said in REFUSALS.values())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["in", "hello"], "Đây không phải mã của địa điểm"),
        (["in", to_url(place().cose, "q.examp1e.vn")], "Mã giả"),
        (["in", "NZCOVIDTRACER:e30="], "nước ngoài"),
        (["out"], "Hiện bạn chưa báo đến nơi nào."),
        (["edit", "7", "--left", "01:00"], "Không có lượt ghé thăm số này"),
        (["code", "--party", "21"], "1 đến 20 người"),
        (["code", "--name", "An", "--phone", "12"], "8 đến 15 chữ số"),
        (["in", to_url(place().cose, HOST), "--at", "01/01/2020 10:00"], "không quá 21 ngày trước"),
    ],
)
def test_a_refusal_is_read_before_the_english_one(
    config: Path, arguments: list[str], said: str
) -> None:
    """On standard error; nothing on standard output."""
    result = run(config, *arguments)
    assert isinstance(result.exception, BadInput)
    assert said in result.stderr
    assert result.stdout == ""


def test_a_code_with_a_name_says_so(config: Path) -> None:
    """Whoever shows it should know that a photograph of it has the name."""
    said = run(config, "code", "--name", "An", "--phone", "0912345678").output
    assert "Trong mã có tên và số điện thoại của bạn" in said
    assert "Trong mã có tên" not in run(config, "code").output


@pytest.mark.parametrize(
    ("came", "told"),
    [
        ("2026-11-22T20:00+07:00", ["08:00 ngày 23/11/2026: ", "08:00 on 2026-11-23: "]),
        ("2026-11-22T08:00+07:00", ["20:00: ", "20:00: "]),
    ],
)
def test_an_end_on_another_day_is_told_with_its_day(
    came: str, told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Who sleeps at a lodging is there until the morning."""
    at = datetime.fromisoformat(came)
    say_here(StoredVisit(1, Visit(at, at, "Nhà trọ", place())))
    lines = capsys.readouterr().out.splitlines()
    assert all(part in line for part, line in zip(told, lines, strict=True))
