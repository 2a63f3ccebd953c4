"""Places in the console, and the page on which owners register theirs."""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from bluezone_node.authority.places.orders import VenueOrder
from bluezone_node.authority.ports.accounts import OPERATOR, Actor
from bluezone_node.authority.ports.venues import VenueState
from bluezone_node.authority.settings import RealmSettings
from bluezone_node.web.console import menu
from tests.bureau import Browser, Bureau, bureau, with_realms

pytestmark = pytest.mark.slow

FORM = {
    "name": "Chợ Bến Thành",
    "kind": "5",
    "realm": "79",
    "commune": "26740",
    "address": "Lê Lợi",
    "opens": "06:00",
    "closes": "18:00",
    "rooms": "Khu A, Khu B",
    "phone": "0901234567",
    "register": "",
}
CHIEF = Actor("chief", "79", "supervisor")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bureau]:
    with bureau(tmp_path, with_publisher=False) as opened:
        yield opened


def registered(browser: Browser, **fields: str) -> str:
    """Register a place by the form; return the address of its page."""
    browser.see(f"{menu.PLACES}/new")
    answer = browser.send(f"{menu.PLACES}/new", FORM | fields)
    assert answer.status_code == 303, browser.words()
    return str(answer.headers["location"])


def claimed(made: Bureau, **fields: str) -> Browser:
    """Fill in the public form; return the browser on the page that asks for the code."""
    owner = made.browser()
    owner.see(menu.CLAIM)
    answer = owner.send(menu.CLAIM, FORM | fields)
    assert answer.status_code == 200, owner.words()
    return owner


def code_of(made: Bureau, number: int = -1) -> str:
    found = re.search(r"\d{6}", made.office.telephones.sent[number][1])
    assert found is not None
    return found[0]


def confirm(owner: Browser, code: str) -> int:
    status: int = owner.send(
        menu.CLAIM_CODE, {"token": owner.hidden("token"), "code": code}
    ).status_code
    return status


def test_an_issuers_place_waits_for_a_supervisor(made: Bureau) -> None:
    """Then it has a card for each room, and posters; all of it in the trail."""
    issuer, chief = made.signed_in(), made.signed_in("supervisor")
    place = registered(issuer)
    issuer.see(place)
    assert "A supervisor decides." in issuer.words()
    assert "+84901234567" not in issuer.page
    assert "1 place waits for a decision." in _words(chief, menu.PLACES)
    chief.see(place)
    assert "+84901234567" in chief.page
    assert chief.send(f"{place}/approve", {}).status_code == 303
    assert {"Khu A", "Khu B", "The whole place"} <= set(
        re.findall(r">([^<>]+)</th>", chief.see(place))
    )
    poster = chief.get(f"{place}/poster?room=Khu+A&size=sticker&format=svg&direction=in")
    assert poster.headers["content-type"].startswith("image/svg")
    assert "Khu A" in poster.text
    actions = [each.action for each in made.staff.trail.entries("79")]
    assert {"venue_registered", "venue_approved"} <= set(actions)


def test_a_form_sent_twice_registers_once(made: Bureau) -> None:
    """A double tap leads to the same place; the same place by another form is refused."""
    chief = made.signed_in("supervisor")
    chief.see(f"{menu.PLACES}/new")
    first = chief.send(f"{menu.PLACES}/new", FORM).headers["location"]
    assert chief.send(f"{menu.PLACES}/new", FORM).headers["location"] == first
    chief.see(f"{menu.PLACES}/new")
    again = chief.send(f"{menu.PLACES}/new", FORM)
    assert again.status_code == 422
    assert "registered already" in chief.words()


def test_a_place_is_found_without_diacritics(made: Bureau) -> None:
    """In its own province only; names are text, whatever they look like."""
    chief = made.signed_in("supervisor")
    registered(chief, name='<b>=HYPERLINK("x")</b>', address="1 Phố Huế")
    page = chief.see(f"{menu.PLACES}?q=pho+hue")
    assert "&lt;b&gt;=HYPERLINK" in page
    assert "<b>=HYPERLINK" not in page
    assert "HYPERLINK" not in made.signed_in("supervisor", "01").see(f"{menu.PLACES}?q=hue")


def test_cards_are_renewed_and_a_place_closed(made: Bureau) -> None:
    """Only where the box is ticked; a closed place has no posters any more."""
    chief = made.signed_in("supervisor")
    place = registered(chief)
    chief.see(place)
    before = re.findall(r'class="handle">(\w{3} \w{3})<', chief.page)
    assert chief.send(f"{place}/rotate", {"at_once": "yes"}).status_code == 303
    after = re.findall(r'<strong class="handle">(\w{3} \w{3})<', chief.see(place))
    assert len(after) == 3
    assert not set(before) & set(after)
    assert "withdrawn from" in chief.page
    assert chief.send(f"{place}/close", {}).status_code == 422
    assert "Tick the box" in chief.words()
    assert chief.send(f"{place}/close", {"sure": "yes"}).status_code == 303
    assert chief.get(f"{place}/poster?size=a4&format=pdf").status_code == 400
    chief.see(place)
    assert "Closed" in chief.words()


def test_a_kiosks_file_is_saved_once_asked_for(made: Bureau) -> None:
    """As a file that no cache keeps; where a register is kept the second is refused."""
    chief = made.signed_in("supervisor")
    place = registered(chief, register="yes")
    chief.see(place)
    file = chief.send(f"{place}/kiosk", {"room": ""})
    assert file.headers["content-disposition"] == 'attachment; filename="venue.json"'
    assert "no-store" in file.headers["cache-control"]
    assert "register_private_key" in file.json()
    chief.see(place)
    assert chief.send(f"{place}/kiosk", {"room": ""}).status_code == 409
    assert "revoke the kiosk first" in chief.words()
    assert chief.send(f"{place}/revoke-kiosk", {"room": ""}).status_code == 303
    chief.see(place)
    assert chief.send(f"{place}/kiosk", {"room": ""}).json()["secret"] != file.json()["secret"]


def test_who_may_decide(made: Bureau) -> None:
    """A supervisor of the place's province; nobody else learns that it is there."""
    place = registered(made.signed_in("supervisor"))
    issuer, stranger = made.signed_in(), made.signed_in("supervisor", "01")
    for action in ("approve", "reject", "edit", "rotate", "close", "kiosk", "revoke-kiosk"):
        issuer.see(menu.PLACES)
        assert issuer.send(f"{place}/{action}", {"sure": "yes"}).status_code == 403
        stranger.see(menu.PLACES)
        assert stranger.send(f"{place}/{action}", {"sure": "yes"}).status_code == 404
    assert stranger.get(place).status_code == 404
    assert stranger.get(f"{place}/poster?size=a4&format=pdf").status_code == 404
    assert made.browser().get(place).headers["location"] == menu.SIGN_IN


def shown(browser: Browser) -> dict[str, str]:
    """Return what the fields of the last page's form say."""
    inputs = re.findall(r'<input id="(\w+)"[^>]* value="([^"]*)"', browser.page)
    chosen = re.findall(r'<select id="(\w+)".*?value="([^"]*)" selected', browser.page, re.DOTALL)
    areas = re.findall(r'<textarea id="(\w+)"[^>]*>\n([^<]*)<', browser.page)
    return {name: unescape(value) for name, value in (*inputs, *chosen, *areas)}


def test_a_place_is_corrected_after_a_look_at_what_it_takes(made: Bureau) -> None:
    """Posters and rooms are named first; the form shows what is said, and nothing else changes."""
    chief = made.signed_in("supervisor")
    place = registered(chief, register="yes", closes="00:00")
    page = chief.see(place)
    assert f'href="{place}/edit"' in page
    codes = re.findall(r'<strong class="handle">(\w{3} \w{3})<', page)
    chief.see(f"{place}/edit")
    fields = shown(chief)
    assert fields["rooms"] == "Khu A\nKhu B"
    same = fields | {"stamp": chief.hidden("stamp")}
    assert chief.send(f"{place}/edit", same).headers["location"] == place
    assert re.findall(r'<strong class="handle">(\w{3} \w{3})<', chief.see(place)) == codes
    chief.see(f"{place}/edit")
    typed = same | {"name": "Chợ Tân Định", "rooms": "Khu B\r\nKhu C, tầng 2\r\n"}
    asked = chief.send(f"{place}/edit", typed | {"stamp": chief.hidden("stamp")})
    assert asked.status_code == 200
    words = chief.words()
    assert "These posters must be printed anew The whole place Khu B" in words
    assert "These rooms get a poster Khu C, tầng 2" in words
    assert "their kiosks are revoked Khu A" in words
    assert "Chợ Bến Thành Chợ Tân Định" in words
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', chief.page))
    sure = {name: unescape(value) for name, value in hidden.items()}
    assert chief.send(f"{place}/edit", sure).status_code == 303
    page = chief.see(place)
    assert "<h1>Chợ Tân Định</h1>" in page
    assert "Khu C, tầng 2" in page
    assert "withdrawn from" in page
    made.signed_in("supervisor").see(menu.AUDIT)
    (edit,) = (each for each in made.staff.trail.entries("79") if each.action == "venue_edited")
    assert edit.detail == {"facts": "name, rooms", "cards": 3, "at_once": 0}
    assert "Name of the place, Rooms" in _words(chief, menu.AUDIT)


def test_a_number_changes_at_once_and_nothing_with_it(made: Bureau) -> None:
    """It stands on no poster, so nobody is asked."""
    chief = made.signed_in("supervisor")
    place = registered(chief)
    before = made.desk.directory.view(bytes.fromhex(place.rpartition("/")[2]), CHIEF)
    chief.see(f"{place}/edit")
    fields = shown(chief) | {"stamp": chief.hidden("stamp"), "phone": "0912345678"}
    assert chief.send(f"{place}/edit", fields).headers["location"] == place
    after = made.desk.directory.view(before.venue.venue_id, CHIEF)
    assert after.venue == replace(before.venue, contact="+84912345678")
    assert after.cards == before.cards


def test_who_corrects_what_another_has_just_corrected_is_told(made: Bureau) -> None:
    """And is shown what the other one said; a form without its stamp does nothing."""
    first, second = made.signed_in("supervisor"), made.signed_in("supervisor", name="b.79")
    place = registered(first)
    for browser in (first, second):
        browser.see(f"{place}/edit")
    late = shown(second) | {"stamp": second.hidden("stamp"), "phone": "0911111111"}
    early = shown(first) | {"stamp": first.hidden("stamp"), "phone": "0912345678"}
    assert first.send(f"{place}/edit", early).status_code == 303
    assert second.send(f"{place}/edit", late).status_code == 409
    assert "Somebody else has just changed the place" in second.words()
    assert shown(second)["phone"] == "+84912345678"
    assert second.send(f"{place}/edit", late | {"stamp": ""}).status_code == 409
    again = late | {"stamp": second.hidden("stamp")}
    assert second.send(f"{place}/edit", again).status_code == 303


def test_what_cannot_be_said_of_a_place_is_told_at_its_field(made: Bureau) -> None:
    """With what was typed; a place that waits changes without being asked."""
    chief = made.signed_in("supervisor")
    place = registered(made.signed_in())
    chief.see(f"{place}/edit")
    assert "It waits for a decision" in chief.words()
    typed = shown(chief) | {"stamp": chief.hidden("stamp"), "rooms": "A\na", "name": "Chợ"}
    assert chief.send(f"{place}/edit", typed).status_code == 422
    assert "each with a name of its own" in chief.words()
    assert (shown(chief)["name"], shown(chief)["rooms"]) == ("Chợ", "A\na")
    right = shown(chief) | {"stamp": chief.hidden("stamp"), "rooms": "A"}
    assert chief.send(f"{place}/edit", right).status_code == 303
    assert "<h1>Chợ</h1>" in chief.see(place)
    chief.see(menu.PLACES)
    assert chief.send(f"{place}/reject", {}).status_code == 303
    assert chief.get(f"{place}/edit").headers["location"] == place
    chief.see(menu.PLACES)
    assert chief.send(f"{place}/edit", right).status_code == 422


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[Bureau]:
    realms = (RealmSettings("01", province="01"), RealmSettings("79", province="79"))
    with bureau(tmp_path, with_realms(*realms), with_publisher=False) as opened:
        rows = "145,Phường Long Biên,1\n26740,Phường Bến Thành,79\n"
        rows += "26741,Phường Tân An,79\n26742,Xã Tân An,79\n9,Phường Bến Thành,1\n"
        file = f"code,name,province\n{rows}".encode()
        opened.desk.commune_lists.take(file, 2, OPERATOR)
        yield opened


def test_communes_are_typed_and_shown_by_name(listed: Bureau) -> None:
    """Those of the officer's province are offered; the poster has the name, too."""
    chief = listed.signed_in("supervisor")
    page = chief.see(f"{menu.PLACES}/new")
    assert 'list="communes"' in page
    assert '<option value="Phường Bến Thành (26740)">' in page
    assert "Long Biên" not in page
    # Who works for one province is not asked for it; another has a commune of that name.
    assert 'name="realm"' not in page
    place = registered(chief, commune="ben thanh", realm="")
    assert "Phường Bến Thành" in chief.see(place)
    assert "26740" not in chief.page
    assert "Phường Bến Thành" in _words(chief, menu.PLACES)
    poster = chief.get(f"{place}/poster?size=a4&format=svg")
    assert "Phường Bến Thành" in poster.text
    chief.see(f"{place}/edit")
    assert shown(chief)["commune"] == "Phường Bến Thành (26740)"
    typed = shown(chief) | {"stamp": chief.hidden("stamp"), "commune": "xa tan an"}
    chief.send(f"{place}/edit", typed)
    assert "Phường Bến Thành Xã Tân An" in chief.words()


def test_a_list_of_the_whole_country_is_too_long_for_a_page(made: Bureau) -> None:
    """A name that is typed is understood without; those that may be meant are offered."""
    rows = "".join(f"{number},Phường Số {number},79\n" for number in range(1, 1002))
    made.desk.commune_lists.take(f"code,name,province\n{rows}".encode(), 2, OPERATOR)
    owner = made.browser()
    page = owner.see(menu.CLAIM)
    assert "Its name since 1 July 2025" in page
    assert "<datalist" not in page
    assert owner.send(menu.CLAIM, FORM | {"commune": "xã số 77"}).status_code == 422
    assert '<datalist id="communes"><option value="Phường Số 77 (00077)"></datalist>' in owner.page
    assert owner.send(menu.CLAIM, FORM | {"commune": "so 77"}).status_code == 200


def test_owners_are_asked_which_commune_they_mean(listed: Bureau) -> None:
    """Where a name is of several; one of another province is none."""
    owner = listed.browser()
    page = owner.see(menu.CLAIM)
    assert '<option value="Phường Long Biên (00145)">' in page
    assert owner.send(menu.CLAIM, FORM | {"commune": "tân an"}).status_code == 422
    assert "Is it Phường Tân An (26741), Xã Tân An (26742)?" in owner.words()
    assert owner.send(menu.CLAIM, FORM | {"commune": "00145"}).status_code == 422
    assert "no such commune or ward" in owner.words()
    assert owner.send(menu.CLAIM, FORM | {"commune": "Xã Tân An (26742)"}).status_code == 200
    confirm(owner, code_of(listed))
    (place,) = listed.desk.directory.search("", CHIEF)
    assert place.commune == 26742


def test_an_owner_registers_with_the_code_that_was_sent(made: Bureau) -> None:
    """The place waits for an officer; the code sent twice does it once."""
    owner = claimed(made)
    assert made.office.telephones.sent[0][0] == "+84901234567"
    assert made.desk.directory.search("", CHIEF) == []
    token = owner.hidden("token")
    assert confirm(owner, code_of(made)) == 200
    (place,) = made.desk.directory.search("ben thanh", CHIEF)
    assert (place.state, place.contact) == (VenueState.CLAIMED, "+84901234567")
    assert place.venue_id.hex()[:8] in owner.words()
    owner.see(menu.CLAIM)
    again = owner.send(menu.CLAIM_CODE, {"token": token, "code": code_of(made)})
    assert again.status_code == 200
    assert len(made.desk.directory.search("", CHIEF)) == 1


def test_a_guesser_has_five_attempts(made: Bureau) -> None:
    """Then even the right code is over."""
    owner, right = claimed(made), code_of(made)
    wrong = f"{(int(right) + 1) % 10**6:06}"
    said = [confirm(owner, wrong) for _ in range(4)]
    assert said == [422] * 4
    assert "not the one that was sent" in owner.words()
    token = owner.hidden("token")
    assert confirm(owner, wrong) == 422
    assert "not good any more" in owner.words()
    owner.send(menu.CLAIM_CODE, {"token": token, "code": right})
    assert made.desk.directory.search("", CHIEF) == []


def test_claims_are_limited_and_tell_nothing(made: Bureau) -> None:
    """By number; what is said is the same whether the place is known."""
    pages = []
    made.desk.venues.register(VenueOrder("Chợ Bến Thành", 5, 26740, address="Lê Lợi"), CHIEF)
    for name in ("Chợ Bến Thành", "Quán lạ"):
        pages.append(re.sub(r'value="[^"]*"', "", claimed(made, name=name).page))
    assert pages[0] == pages[1]
    claimed(made, name="Quán ba")
    owner = made.browser()
    owner.see(menu.CLAIM)
    assert owner.send(menu.CLAIM, FORM).status_code == 429
    assert "Too many places" in owner.words()
    assert len(made.office.telephones.sent) == 3


def test_claims_need_a_form_of_this_page(made: Bureau) -> None:
    """Another site's form does nothing, nor does one without its token."""
    owner = made.browser()
    owner.see(menu.CLAIM)
    assert owner.send(menu.CLAIM, FORM | {"csrf": "x"}).status_code == 403
    owner.client.headers["sec-fetch-site"] = "cross-site"
    owner.see(menu.CLAIM)
    assert owner.send(menu.CLAIM, FORM).status_code == 403
    assert made.office.telephones.sent == []


def test_nothing_that_was_typed_is_logged(made: Bureau, caplog: pytest.LogCaptureFixture) -> None:
    """Neither name nor number nor code stands in a log, an address or what metrics are told."""
    caplog.set_level(logging.DEBUG)
    owner = claimed(made, name="Canary quán", phone="0912999888")
    confirm(owner, "000000")
    confirm(owner, code_of(made))
    told = f"{caplog.text} {made.seen}"
    for canary in ("Canary", "912999888", code_of(made)):
        assert canary not in told


def test_without_keys_of_places_the_page_says_so(tmp_path: Path) -> None:
    """And what is to be done; owners find nothing."""
    with bureau(tmp_path, with_publisher=False, places=False) as made:
        assert "trust init" in _words(made.signed_in(), menu.PLACES)
        assert made.browser().get(menu.CLAIM).status_code == 404


def test_a_claim_speaks_vietnamese_first(made: Bureau) -> None:
    """To who asks for no language."""
    owner = made.browser("")
    assert "Đăng ký địa điểm của bạn" in owner.see(menu.CLAIM)
    answer = owner.send(menu.CLAIM, FORM | {"commune": "x"})
    assert answer.status_code == 422
    assert "Mã xã, phường có nhiều nhất năm chữ số." in owner.words()


def _words(browser: Browser, path: str) -> str:
    browser.see(path)
    return browser.words()
