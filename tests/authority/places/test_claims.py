"""Owners who register their places, and those who try to in their names."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.limits import TooManyAttempts
from bluezone_node.authority.ports.venues import VenueState
from bluezone_node.authority.settings import PlacesSettings
from bluezone_node.errors import AuthorityRefused
from tests.venue_desk import CHIEF, MARKET, VenueDesk

OWNER = "0901234567"
CLAIM = replace(MARKET, realm="79", contact=OWNER)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[VenueDesk]:
    made = VenueDesk(tmp_path, PlacesSettings(claims_per_address=4, claims_per_day=6))
    yield made
    made.engine.dispose()


def code_of(desk: VenueDesk) -> str:
    found = re.search(r"\d{6}", desk.telephones.sent[-1][1])
    assert found is not None
    return found[0]


def refusal(desk: VenueDesk, token: str, code: str) -> str:
    with pytest.raises(AuthorityRefused) as refused:
        desk.claims.confirm(token, code)
    return refused.value.reason


def test_a_claim_waits_for_its_code_and_then_for_an_officer(desk: VenueDesk) -> None:
    """The code as people type it; the trail names no person."""
    ticket = desk.claims.claim(CLAIM, address="192.0.2.1")
    code = code_of(desk)
    place = desk.claims.confirm(ticket.token, f" {code[:3]} {code[3:]} ")
    assert desk.claims.confirm(ticket.token, code) == place
    (found,) = desk.directory.search("", CHIEF)
    assert (found.venue_id, found.state) == (place, VenueState.CLAIMED)
    assert (found.rooms, found.contact) == (("Khu A",), "+84901234567")
    (entry,) = desk.trail.entries()
    assert (entry.actor, entry.action, entry.subject) == ("owner:", "venue_claimed", place.hex())
    assert desk.venues.approve(place, CHIEF).spoken_code


def test_until_the_code_is_back_the_database_knows_no_number(
    desk: VenueDesk, tmp_path: Path
) -> None:
    """Nor name: what is kept opens with what the browser has, and only then."""
    ticket = desk.claims.claim(CLAIM, address="")
    kept = b"".join(each.read_bytes() for each in tmp_path.glob("registry.db*"))
    for canary in (
        b"901234567",
        "Bến Thành".encode(),
        ticket.token.encode(),
        code_of(desk).encode(),
    ):
        assert canary not in kept
    desk.claims.confirm(ticket.token, code_of(desk))
    kept = b"".join(each.read_bytes() for each in tmp_path.glob("registry.db*"))
    assert b"+84901234567" in kept


def test_five_wrong_codes_end_a_claim(desk: VenueDesk) -> None:
    """Counted in the database; another claim's code is wrong, too."""
    ticket = desk.claims.claim(CLAIM, address="")
    right = code_of(desk)
    other = desk.claims.claim(replace(CLAIM, contact="0907654321"), address="")
    wrong = f"{(int(right) + 1) % 10**6:06}"
    said = [refusal(desk, ticket.token, wrong) for _ in range(5)]
    assert said == ["claim_code_wrong"] * 4 + ["claim_over"]
    assert refusal(desk, ticket.token, right) == "claim_over"
    assert refusal(desk, other.token, right) == "claim_code_wrong"


def test_a_claim_that_never_was_is_over_like_any(desk: VenueDesk) -> None:
    """What is unknown, expired or no token at all is told apart by nobody."""
    ticket = desk.claims.claim(CLAIM, address="")
    code = code_of(desk)
    for token in ("", "x", "00" * 32, "\ud800"):
        assert refusal(desk, token, code) == "claim_over"
    desk.clock.advance(timedelta(minutes=15).total_seconds())
    assert refusal(desk, ticket.token, code) == "claim_over"
    assert desk.claims.forget() == 1


def test_messages_are_limited_by_number_address_and_day(desk: VenueDesk) -> None:
    """Nobody is pestered, and no flood is paid for; all are told the same."""
    said = set()

    def claim(phone: str, address: str) -> None:
        desk.claims.claim(replace(CLAIM, contact=phone), address=address)

    for number in range(3):
        claim(OWNER, f"192.0.2.{number}")
    for phone, address in ((OWNER, "192.0.2.9"), ("+84 901 234 567", "192.0.2.8")):
        with pytest.raises(TooManyAttempts) as refused:
            claim(phone, address)
        said.add(str(refused.value).partition(".")[0])
    desk.clock.advance(timedelta(days=1).total_seconds())
    for number in range(4):
        claim(f"090200000{number}", "2001:db8::1")
    with pytest.raises(TooManyAttempts) as refused:
        claim("0902000009", "2001:db8::2")
    said.add(str(refused.value).partition(".")[0])
    for number in range(2):
        claim(f"090300000{number}", f"198.51.100.{number}")
    with pytest.raises(TooManyAttempts) as refused:
        claim("0903000009", "198.51.100.9")
    said.add(str(refused.value).partition(".")[0])
    assert said == {"Too many places are being registered"}
    assert len(desk.telephones.sent) == 9


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"contact": ""}, "invalid_phone"),
        ({"contact": "=1+1"}, "invalid_phone"),
        ({"realm": ""}, "unknown_realm"),
        ({"realm": "02"}, "unknown_realm"),
        ({"kind": 99}, "venue_kind"),
    ],
)
def test_what_cannot_be_is_refused_before_a_message(
    desk: VenueDesk, changes: dict[str, object], reason: str
) -> None:
    """And costs nobody an attempt."""
    with pytest.raises(AuthorityRefused) as refused:
        desk.claims.claim(replace(CLAIM, **changes), address="192.0.2.1")  # type: ignore[arg-type]
    assert refused.value.reason == reason
    assert desk.telephones.sent == []


def test_a_message_that_cannot_be_sent_is_said(desk: VenueDesk) -> None:
    """Without the gateway's own words."""
    desk.telephones.fails = True
    with pytest.raises(AuthorityRefused) as refused:
        desk.claims.claim(CLAIM, address="")
    assert refused.value.reason == "sms_failure"
    assert "mast" not in str(refused.value)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_message_is_one_and_plain(desk: VenueDesk, language: str) -> None:
    """160 characters that every telephone has."""
    desk.claims.claim(CLAIM, address="", language=language)
    text = desk.telephones.sent[-1][1]
    assert text.isascii()
    assert len(text) <= 160
