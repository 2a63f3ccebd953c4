"""Warning of places by the pages, and what kiosks propose."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.ports.notices import Evidence
from bluezone_node.authority.ports.venues import Venue
from bluezone_node.venues.card import VIETNAM
from bluezone_node.web.console import menu
from tests.bureau import Browser, Bureau, bureau
from tests.outbreaks import CENTRE, told

pytestmark = pytest.mark.slow

CANARY = "Chợ <b>Chim</b> Hoàng Yến"
HOUR = timedelta(hours=1)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Bureau]:
    with bureau(tmp_path) as made:
        yield made


@pytest.fixture
def market(office: Bureau) -> Venue:
    return office.places.place(CANARY, "Khu A")


def form(office: Bureau, market: Venue, **changes: str) -> dict[str, str]:
    """Return the form of a stay from three hours ago to two hours ago, filled in."""
    start = (office.clock.now() - 3 * HOUR).astimezone(VIETNAM)
    end = start + HOUR
    return {
        "venue": market.venue_id.hex(),
        "replaces": "",
        "proposal": "",
        "room": "",
        "from_day": f"{start:%Y-%m-%d}",
        "from_time": f"{start:%H:%M}",
        "to_day": f"{end:%Y-%m-%d}",
        "to_time": f"{end:%H:%M}",
        "level": "3",
        "advice": "3",
        "phone": "1900 9095",
        "vi": "Gọi trạm y tế phường.",
        "en": "Call the health station.",
    } | changes


def typed(browser: Browser, fields: dict[str, str]) -> str:
    """Fill in the form; return the address of the page that comes of it, and look at that."""
    browser.see(f"{menu.NOTICES}/new/{fields['venue']}")
    answer = browser.send(f"{menu.NOTICES}/drafts", fields)
    assert answer.status_code == 303, browser.words()
    address = str(answer.headers["location"])
    browser.get(address)
    return address


def sent(browser: Browser, fields: dict[str, str]) -> str:
    """Fill in the form and issue; return the address of the notice's page."""
    draft = typed(browser, fields)
    seen = {"seen": browser.hidden("seen")}
    twice = [browser.send(f"{draft}/issue", seen) for _ in range(2)]
    (address,) = {str(answer.headers["location"]) for answer in twice}
    answer = browser.get(address)
    assert answer.status_code == 303
    return str(answer.headers["location"])


def found(browser: Browser, place: str) -> None:
    """Look for a place."""
    browser.see(menu.NOTICES)
    answer = browser.send(f"{menu.NOTICES}/places", {"place": place})
    if answer.status_code == 303:
        browser.see(answer.headers["location"])


def test_a_supervisor_warns_of_a_place(office: Bureau, market: Venue) -> None:
    """Found by name, seen in both languages, sent out once though the button was pressed twice."""
    browser = office.signed_in("supervisor")
    found(browser, "hoàng yến")
    link = re.search(rf'href="({menu.NOTICES}/new/[0-9a-f]{{32}})"', browser.page)
    assert link is not None
    assert "&lt;b&gt;" in browser.page
    assert "<b>Chim" not in browser.page
    browser.see(link[1])
    assert "Khu A" in browser.words()
    fields = form(office, market)
    typed(browser, fields)
    for sentence in (
        "Bạn là người tiếp xúc với ca bệnh (F1)",
        "Gọi: 19009095",
        "You are a contact of a confirmed case (F1)",
        "Stay at home, keep away from others, and call.",
        "Call the health station.",
    ):
        assert sentence in browser.words()
    address = sent(browser, fields)
    assert "It goes out with the next bundle" in browser.see(address)
    assert office.places.bundles.run().notices == 2
    card = next(card for card in office.places.cards(market) if card.card.room == "")
    came = office.clock.now() - 2.5 * HOUR
    (text,) = told(office.places.bundle(1), card, came, came + HOUR / 4)
    assert text.texts == {"vi": "Gọi trạm y tế phường.", "en": "Call the health station."}
    assert "bundle 1" in browser.see(menu.NOTICES)


def test_a_place_that_is_misspelt_is_still_found(office: Bureau) -> None:
    """What comes nearest stands first, and a name that nothing has is told, with similar ones."""
    for name in ("Chợ Long Biên", "Chợ đêm Long Biên", "Siêu thị Long Biên"):
        office.places.place(name)
    browser = office.signed_in("issuer")
    browser.see(menu.NOTICES)

    def offered(typed: str) -> list[str]:
        found(browser, typed)
        return re.findall(r'<th scope="row"[^>]*><span>([^<]*)</span></th>', browser.page)

    assert offered("long bien")[0] == "Chợ Long Biên"
    assert offered("siêu thị")[0] == "Siêu thị Long Biên"
    assert offered("chợ long biênn")[:2] == ["Chợ Long Biên", "Chợ đêm Long Biên"]
    assert "No place of your province is called that." in browser.words()
    assert offered("Sân vận động Mỹ Đình") == []
    assert "A place that is not registered has no code" in browser.words()
    assert browser.send(f"{menu.NOTICES}/places", {"place": " "}).status_code == 422


def test_each_step_can_be_gone_back_to(office: Bureau, market: Venue) -> None:
    """Search, form and preview are pages of their own; one that went out leads to the notice."""
    browser = office.signed_in("supervisor")
    browser.see(menu.NOTICES)
    search = browser.send(f"{menu.NOTICES}/places", {"place": "hoàng yến"}).headers["location"]
    wrong = typed(browser, form(office, market, from_time="25h"))
    draft = typed(browser, form(office, market))
    office.pass_time(minutes=25)
    assert "Hoàng Yến" in browser.see(search)
    assert "24-hour clock" in browser.get(wrong).text
    assert "What people will read" in browser.see(draft)
    assert 'value="1900 9095"' in browser.see(f"{draft}/edit")
    again = browser.send(f"{menu.NOTICES}/drafts", form(office, market, to_time="23:59"))
    assert again.headers["location"] != draft
    notice = browser.send(f"{draft}/issue", {}).headers["location"]
    assert "Notice 1" in browser.see(draft)
    assert "Notice 1" in browser.see(notice)
    assert len(office.places.notices.newest(CENTRE)) == 1
    another = office.signed_in("supervisor", name="ha.bui")
    assert another.get(draft).status_code == 404
    assert another.get(search).headers["location"] == menu.NOTICES


def test_who_warns_sees_that_people_are_told_already(office: Bureau, market: Venue) -> None:
    """Of two officers with the same case the second sees the first one's notice in the preview."""
    browser = office.signed_in("supervisor")
    first = sent(browser, form(office, market))
    typed(browser, form(office, market))
    assert "People are told of this time already" in browser.words()
    assert f'href="{first}"' in browser.page
    typed(browser, form(office, market, replaces=first.rpartition("/")[2]))
    assert "People are told of this time already" not in browser.words()
    browser.see(f"{menu.NOTICES}/new/{market.venue_id.hex()}")
    assert 'value="19009095"' in browser.page


def test_of_two_who_send_at_once_the_later_sees_the_others(office: Bureau, market: Venue) -> None:
    """Their preview is shown again before a second notice of the same time goes out."""
    first, second = office.signed_in("supervisor"), office.signed_in("supervisor", name="ha.bui")
    draft = typed(second, form(office, market))
    assert "People are told of this time already" not in second.words()
    sent(first, form(office, market))
    assert second.send(f"{draft}/issue", {"seen": ""}).headers["location"] == draft
    second.see(draft)
    assert "People are told of this time already" in second.words()
    assert second.hidden("seen") == "1"
    second.send(f"{draft}/issue", {"seen": "1"})
    assert "Notice 2" in second.see(draft)


def test_a_change_of_what_was_changed_becomes_a_new_notice(office: Bureau, market: Venue) -> None:
    """Who writes over a notice that another retracts meanwhile loses nothing of what they typed."""
    first, second = office.signed_in("supervisor"), office.signed_in("supervisor", name="ha.bui")
    address = sent(first, form(office, market))
    draft = typed(second, form(office, market, replaces="1", vi="Gọi 115."))
    first.see(address)
    first.send(f"{address}/retract", {})
    for answer in (second.send(f"{draft}/issue", {}), second.get(draft)):
        assert answer.status_code == 409
        assert "Notice 1 was changed or retracted meanwhile." in answer.text
        assert 'name="replaces" value=""' in answer.text
        assert 'value="Gọi 115."' in answer.text
    assert "changed to" not in second.see(menu.NOTICES)


def test_while_alerts_are_stopped_no_page_promises_one(office: Bureau, market: Venue) -> None:
    """Whoever writes a notice then is told that nobody will hear of it yet."""
    everywhere, browser = office.signed_in("supervisor", "*"), office.signed_in("supervisor")
    everywhere.see(menu.NOTICES)
    everywhere.send(f"{menu.NOTICES}/breaker", {"turn": "on", "reason": "danh sách sai"})
    draft = typed(browser, form(office, market))
    assert "All alerts are stopped" in browser.words()
    browser.send(f"{draft}/issue", {})
    assert "All alerts are stopped" in browser.see(draft)
    office.places.bundles.run()
    assert "It is out." not in browser.see(draft)


def test_a_place_that_was_closed_is_told_from_its_heir(office: Bureau) -> None:
    """Both can be warned of, and only one of them says when it was closed."""
    old = office.places.place("Quán Ba Ghiền")
    office.places.close(old)
    office.pass_time(days=7)
    office.places.place("Quán Ba Ghiền")
    browser = office.signed_in("supervisor", language="vi")
    found(browser, "ba ghien")
    assert browser.page.count("Đã đóng</span>") == 1
    typed(browser, form(office, old, from_day="2026-03-09", to_day="2026-03-09"))
    assert "Người dân sẽ đọc được" in browser.words()
    assert "Đã đóng</span>" in browser.see(f"{menu.NOTICES}/about/{old.venue_id.hex()}")


def test_an_issuers_notice_waits(office: Bureau, market: Venue) -> None:
    """The issuer hands it over; the supervisor releases it."""
    issuer, supervisor = office.signed_in("issuer"), office.signed_in("supervisor")
    address = sent(issuer, form(office, market))
    assert "waits for a supervisor" in issuer.see(address)
    assert "/release" not in issuer.page
    assert issuer.send(f"{address}/release", {}).status_code == 403
    supervisor.see(address)
    twice = [supervisor.send(f"{address}/release", {}) for _ in range(2)]
    assert {answer.headers["location"] for answer in twice} == {address}
    assert "It goes out" in supervisor.see(address)
    assert "issuer.79" in supervisor.words()


def test_a_notice_is_changed_and_taken_back(office: Bureau, market: Venue) -> None:
    """The form begins with what was said; one stands in the place of the other."""
    browser = office.signed_in("supervisor")
    address = sent(browser, form(office, market))
    office.places.bundles.run()
    browser.see(f"{address}/update")
    assert 'value="19009095"' in browser.page
    changed = sent(browser, form(office, market, replaces=address.rpartition("/")[2], advice="2"))
    assert "Retracted" in browser.see(address)
    assert "The retraction goes out" in browser.words()
    assert f'Changed to notice</dt><dd><a href="{changed}">2</a>' in browser.page
    assert "changed to no. 2" in browser.see(menu.NOTICES)
    browser.see(changed)
    twice = [browser.send(f"{changed}/retract", {}) for _ in range(2)]
    assert {answer.headers["location"] for answer in twice} == {changed}
    assert "Retracted by" in browser.see(changed)


def test_a_room_that_was_removed_can_still_be_warned_of(office: Bureau) -> None:
    """It is marked; and an update does not turn into one of the whole place unseen."""
    hall = office.places.place("Chợ Vải", "Khu A", "Khu B")
    office.places.remove(hall, "Khu B")
    browser = office.signed_in("supervisor", language="vi")
    browser.see(f"{menu.NOTICES}/new/{hall.venue_id.hex()}")
    assert '<option value="Khu B">Khu B (không còn)</option>' in browser.page
    address = sent(browser, form(office, hall, room="Khu B"))
    assert "Chợ Vải, Khu B" in browser.see(address).replace("</strong>", "")
    browser.see(f"{address}/update")
    assert '<option value="Khu B" selected>' in browser.page


WRONG = {
    "no day": ({"from_day": ""}, "Choose the day."),
    "no time": ({"to_time": "25:00"}, "Type a time of the 24-hour clock"),
    "backwards": ({"to_day": "2026-01-01"}, "This is before the time when it began."),
    "over midnight": ({"from_time": "22h", "to_time": "1h", "to_day": ""}, "choose the day"),
    "two days": ({"from_day": "2026-03-05"}, "last 24 hours at most"),
    "to come": ({"to_day": "2026-03-20", "from_day": "2026-03-20"}, "still to come"),
    "long ago": ({"to_day": "2026-01-02", "from_day": "2026-01-02"}, "21 days ago"),
    "no number": ({"overlap": "-5"}, "This is a number of minutes."),
    "a long while": ({"overlap": "500"}, "Say 0 to 240 minutes."),
    "a day of air": ({"tail": "999"}, "The air counts for 0 to 180"),
    "no level": ({"level": "9"}, "Choose one."),
    "no advice": ({"advice": "x"}, "Choose one."),
    "no telephone": ({"phone": "hotline"}, "A telephone number has digits"),
    "a novel": ({"vi": "ô" * 300}, "one line of at most 400 bytes"),
    "no such room": ({"room": "Khu Z"}, "nobody has checked in"),
}


def test_what_cannot_be_is_said_beside_its_field(office: Bureau, market: Venue) -> None:
    """And what was typed is still there."""
    browser = office.signed_in("supervisor")
    for name, (changes, words) in WRONG.items():
        draft = typed(browser, form(office, market, **changes))
        assert browser.get(draft).status_code == 422, name
        assert words in browser.words(), name
        assert "Call the health station." in browser.page
    assert office.places.notices.newest(CENTRE) == []


def test_the_breaker_is_for_the_whole_country(office: Bureau) -> None:
    """Who works for one of two provinces does not see it; for the others it is big and clear."""
    assert 'name="turn"' not in office.signed_in("supervisor").see(menu.NOTICES)
    browser = office.signed_in("supervisor", "*")
    browser.see(menu.NOTICES)
    assert browser.send(f"{menu.NOTICES}/breaker", {"turn": "on"}).status_code == 422
    assert "Say why" in browser.words()
    for _ in range(2):
        browser.send(f"{menu.NOTICES}/breaker", {"turn": "on", "reason": "danh sách sai"})
    assert "All alerts are stopped" in browser.see(menu.NOTICES)
    assert "because: danh sách sai" in browser.see(menu.AUDIT)
    browser.see(menu.NOTICES)
    browser.send(f"{menu.NOTICES}/breaker", {"turn": "off", "reason": "đã sửa"})
    assert "Alerts go out" in browser.see(menu.NOTICES)


def proposed(office: Bureau, market: Venue) -> str:
    """Let a kiosk propose a notice; return the address of its page."""
    places, now = office.places, office.clock.now()
    desk = places.proposals.desk(places.kiosk(market))
    made = places.proposals.take(
        desk, b"p" * 16, now - 3 * HOUR, now - 2 * HOUR, Evidence(42, 97, 1, 140, 0.8)
    )
    return f"{menu.PROPOSALS}/{made.proposal_id.hex()}"


def test_a_proposal_becomes_a_notice(office: Bureau, market: Venue) -> None:
    """The evidence is told in words, and the form has the time that the kiosk names."""
    address = proposed(office, market)
    browser = office.signed_in("supervisor")
    assert "to be decided" in browser.see(menu.PROPOSALS)
    browser.see(address)
    assert "1 proposal of a kiosk waits" in browser.see(menu.NOTICES)
    browser.see(address)
    for words in (
        "So long counts for a contact",
        "1 key",
        "42 minutes",
        "97 packets",
        "some 140",
        "80% sure",
    ):
        assert words in browser.words()
    browser.see(f"{address}/notice")
    assert f'name="proposal" value="{b"p".hex() * 16}"' in browser.page
    notice = sent(browser, form(office, market, proposal=b"p".hex() * 16))
    assert "Proposed by a kiosk" in browser.see(notice)
    assert "became a notice" in browser.see(menu.PROPOSALS)
    assert browser.get(f"{address}/notice").headers["location"] == address


def test_a_proposal_is_put_aside(office: Bureau, market: Venue) -> None:
    """With a reason, which is shown with it."""
    address = proposed(office, market)
    browser = office.signed_in("issuer")
    browser.see(address)
    assert browser.send(f"{address}/dismiss", {"reason": ""}).status_code == 422
    browser.send(f"{address}/dismiss", {"reason": "Kiểm tra máy"})
    assert "Kiểm tra máy" in browser.see(address)
    assert "put aside" in browser.see(menu.PROPOSALS)


def test_who_answers_a_telephone_sees_what_holds(office: Bureau, market: Venue) -> None:
    """Each time that somebody may ask about, and nothing of what was taken back."""
    browser = office.signed_in("issuer")
    page = f"{menu.NOTICES}/about/{market.venue_id.hex()}"
    found(browser, "Hoàng Yến")
    assert page in browser.page
    assert "No notice about this place holds." in browser.see(page)
    address = sent(office.signed_in("supervisor"), form(office, market))
    assert address in browser.see(page)
    supervisor = office.signed_in("supervisor")
    supervisor.see(address)
    supervisor.send(f"{address}/retract", {})
    assert address not in browser.see(page)


def test_another_province_sees_nothing_of_it(office: Bureau, market: Venue) -> None:
    """No list, no page, no form, no search finds the place, the notice or the proposal."""
    proposal = proposed(office, market)
    notice = sent(office.signed_in("supervisor"), form(office, market))
    stranger = office.signed_in("supervisor", "01")
    for page in (menu.NOTICES, menu.PROPOSALS):
        assert "Hoàng Yến" not in stranger.see(page)
    for page in (
        notice,
        f"{notice}/update",
        f"{menu.NOTICES}/new/{market.venue_id.hex()}",
        f"{menu.NOTICES}/{10**30}",
        f"{menu.NOTICES}/new/xyz",
        f"{menu.NOTICES}/about/{market.venue_id.hex()}",
        f"{menu.NOTICES}/about/xyz",
        proposal,
        f"{proposal}/notice",
        f"{menu.PROPOSALS}/xyz",
        f"{menu.NOTICES}/drafts/abc",
        f"{menu.NOTICES}/drafts/abc/edit",
        f"{menu.NOTICES}/drafts/abc/sent",
    ):
        assert stranger.get(page).status_code == 404, page
    found(stranger, "Hoàng Yến")
    assert "No place of your province" in stranger.words()
    stranger.see(menu.NOTICES)
    assert stranger.send(f"{menu.NOTICES}/drafts", form(office, market)).status_code == 404


def test_names_stand_in_no_address_and_in_no_log(
    office: Bureau, market: Venue, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the place's name nor its spoken code, whatever is done with it."""
    caplog.set_level("DEBUG")
    browser = office.signed_in("supervisor", language="vi")
    found(browser, "Hoàng Yến")
    address = sent(browser, form(office, market))
    browser.see(address)
    browser.send(f"{address}/retract", {})
    office.places.bundles.run()
    addresses = " ".join(repr(seen) for seen in office.seen)
    codes = [card.spoken_code for card in office.places.cards(market)]
    for secret in ("Yến", "Y%E1%BA%BFn", *codes):
        assert secret not in addresses
        assert secret not in caplog.text


def test_without_keys_of_places_the_pages_say_so(tmp_path: Path) -> None:
    """A server from before places."""
    made = Bureau(tmp_path, places=False)
    browser = made.signed_in("supervisor")
    for page in (menu.NOTICES, menu.PROPOSALS):
        assert "no keys for places" in browser.see(page)
    made.engine.dispose()
