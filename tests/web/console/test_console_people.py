"""People, the audit trail and the exports, by the pages."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pyotp
import pytest
from sqlalchemy import text

from bluezone_node.authority.ports.accounts import Actor
from bluezone_node.web.console import menu
from tests.authorities import keys_of_days
from tests.bureau import Bureau, bureau

pytestmark = pytest.mark.slow


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Bureau]:
    with bureau(tmp_path) as made:
        yield made


def test_a_person_is_added_and_signs_in(office: Bureau) -> None:
    """Password, square and secret are shown to who added them, until that is done."""
    browser = office.signed_in("admin")
    browser.see(menu.USERS)
    fields = {"name": "hoa.le", "role": "supervisor", "realm": "79"}
    nonce = browser.hidden("nonce")
    sent = [browser.send(menu.USERS, fields | {"nonce": nonce}) for _ in range(2)]
    (address,) = {answer.headers["location"] for answer in sent}
    browser.see(address)
    password, secret = re.findall(r'class="secret">([^<]*)<', browser.page)
    square = re.search(r'aria-label="[^"]*">(<svg.*?</svg>)', browser.page)
    assert square is not None
    ET.fromstring(square[1])
    assert password not in address
    assert password.count("-") == 3
    assert office.signed_in("admin", name="other").get(address).status_code == 404

    office.pass_time(seconds=30)
    new = office.browser()
    code = pyotp.TOTP(secret.replace(" ", "")).at(office.clock.now())
    assert new.sign_in("hoa.le", password, code).headers["location"] == menu.HOME

    browser.see(address)
    browser.send(f"{address}/done", {})
    assert browser.get(address).status_code == 404


def test_people_are_disabled_enabled_reset_and_unlocked(office: Bureau) -> None:
    """Each by a button that says whom it is about; names stand in no address."""
    browser = office.signed_in("admin")
    office.person("hoa", "issuer")
    worker = office.signed_in(name="hoa")
    for action, words in (
        ("disable", "disabled"),
        ("enable", "active"),
        ("reset", "first sign-in"),
    ):
        browser.see(menu.USERS)
        answer = browser.send(f"{menu.USERS}/{action}", {"user": "hoa"})
        assert "hoa" not in answer.headers["location"]
        browser.see(menu.USERS)
        row = re.search(r">hoa</th>.*?</tr>", browser.page, re.DOTALL)
        assert row is not None
        assert words in row[0]
    assert worker.get(menu.CODES).headers["location"] == menu.SIGN_IN
    office.person("an", "issuer")
    for _ in range(5):
        office.browser().sign_in("an", "wrong horse battery")
    browser.see(menu.USERS)
    assert "locked until" in browser.words()
    browser.send(f"{menu.USERS}/unlock", {"user": "an"})
    browser.see(menu.USERS)
    assert "locked until" not in browser.words()


def test_what_an_administrator_may_not_do_is_told(office: Bureau) -> None:
    """Beside its field; people of another province do not exist for them."""
    browser = office.signed_in("admin")
    office.person("far", "issuer", "01")
    browser.see(menu.USERS)
    assert "far" not in browser.words()
    for path, fields, words in (
        (menu.USERS, {"name": "Lan Nguyễn", "role": "issuer", "realm": "79"}, "small letters"),
        (menu.USERS, {"name": "ok", "role": "king", "realm": "79"}, "Choose a role"),
        (menu.USERS, {"name": "ok", "role": "issuer", "realm": "99"}, "Choose a province"),
        (menu.USERS, {"name": "ok", "role": "issuer", "realm": "01"}, "does not allow"),
        (menu.USERS, {"name": "admin.79", "role": "issuer", "realm": "79"}, "already"),
        (f"{menu.USERS}/disable", {"user": "admin.79"}, "their own account"),
        (f"{menu.USERS}/disable", {"user": "far"}, "no such person"),
        (f"{menu.USERS}/reset", {"user": "<b>"}, "no such person"),
    ):
        browser.see(menu.USERS)
        answer = browser.send(path, fields)
        assert answer.status_code == 422, path
        assert words in browser.words()
        assert "<b>" not in browser.page
    assert 'value="Lan Nguyễn"' not in browser.page


def test_a_supervisor_may_not_add_people_by_hand_made_forms(office: Bureau) -> None:
    """The check is the server's, not the menu's."""
    browser = office.signed_in("supervisor")
    browser.see(menu.FIND)
    answer = browser.send(menu.USERS, {"name": "evil", "role": "admin", "realm": "79"})
    assert answer.status_code == 403
    assert office.staff.people.user("evil") is None


def test_the_trail_is_paged_and_each_sees_their_province(office: Bureau) -> None:
    """Newest first; codes are links to their pages; another province's are not there."""
    browser = office.signed_in("supervisor", name="hoa")
    browser.issue()
    for number in range(54):
        office.staff.trail.record(Actor("hoa", "79", "supervisor"), "code_issued", f"{number:032x}")
    far = office.signed_in("supervisor", "01", name="far")
    browser.see(menu.AUDIT)
    assert browser.page.count("Code issued") == 50
    assert "far" not in browser.words()
    older = re.search(r'href="([^"]*\?before=\d+)"', browser.page)
    assert older is not None
    browser.see(older[1])
    assert browser.page.count("Code issued") == 5
    links = re.findall(r'href="(/console/codes/[0-9a-f]{32})"', browser.page)
    browser.see(links[-1])
    far.see(menu.AUDIT)
    assert "Code issued" not in far.words()
    for before in ("0", "x", "-1", "9" * 30, "1;--"):
        assert browser.get(f"{menu.AUDIT}?before={before}").status_code == 200


def test_the_trail_is_checked(office: Bureau) -> None:
    """Whole, it gives a head to note down; changed, it says where."""
    browser = office.signed_in("supervisor")
    browser.see(menu.AUDIT)
    browser.send(menu.AUDIT, {})
    assert "The trail is whole" in browser.words()
    head = re.search(r"<code>(\d+:[0-9a-f]{64})</code>", browser.page)
    assert head is not None
    browser.send(menu.AUDIT, {"head": head[1]})
    assert "The trail is whole" in browser.words()
    answer = browser.send(menu.AUDIT, {"head": "<b>"})
    assert answer.status_code == 422
    assert "<b>" not in browser.page
    with office.engine.begin() as db:
        db.execute(text("UPDATE audit SET actor = 'nobody' WHERE sequence = 2"))
    browser.send(menu.AUDIT, {})
    assert "The trail was changed Entry 2 is not what it was" in browser.words()


def test_the_exports_health(office: Bureau) -> None:
    """Well after a run, late when none comes; its keys and what waits are told."""
    browser = office.signed_in("supervisor")
    office.publish(keys_of_days(1, 2, 3))
    browser.see(menu.EXPORTS)
    assert "none yet" in browser.words()
    office.pass_time(hours=7)
    office.office.exporter.run()
    browser = office.signed_in("supervisor")
    browser.see(menu.EXPORTS)
    assert "All is well" in browser.words()
    assert "Newest window 15:00, 10/03/2026 to 19:00, 10/03/2026" in browser.words()
    assert "Index agrees with the files" in browser.words()
    assert "v1 signs" in browser.words()
    office.pass_time(hours=9)
    browser = office.signed_in("supervisor")
    browser.see(menu.EXPORTS)
    assert "Tell the operator An export is late." in browser.words()


def test_a_registrar_on_its_own_says_so(tmp_path: Path) -> None:
    """No publisher in the process: neither exports nor publications can be looked at."""
    with bureau(tmp_path, with_publisher=False) as office:
        browser = office.signed_in("supervisor")
        browser.see(menu.EXPORTS)
        assert "runs on another machine" in browser.words()
        browser.see(menu.FUNNEL)
        assert "cannot be read here" in browser.words()
        assert "People who published" not in browser.words()


def test_every_page_speaks_vietnamese(office: Bureau) -> None:
    """No page of an administrator has an English sentence left."""
    browser = office.signed_in("admin", "*", language="vi")
    address = browser.issue()
    names = ("codes", "find", "bulk", "funnel", "exports", "users", "audit", "account", "nothing")
    for path in (address, *(f"{menu.ROOT}/{name}" for name in names)):
        browser.get(path)
        words = browser.words()
        assert "Đăng xuất" in words
        assert not re.search(r"\b(the|and|of|is|are|you)\b", words), words
