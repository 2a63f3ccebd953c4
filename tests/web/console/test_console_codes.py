"""Issuing one code by the pages, seeing it, and what may be done with it afterwards."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from bluezone_node.errors import AuthorityRefused
from bluezone_node.store.authority.shown import SqlShown
from bluezone_node.web.console import menu
from bluezone_node.web.console.shown import Shown
from tests.authorities import seeded
from tests.bureau import Bureau, bureau

pytestmark = pytest.mark.slow

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% raw %}",
    "'; DROP TABLE codes; --",
    "a\r\nSet-Cookie: x=y",
    "\x00\ud7ff\U0001f600",
    "A" * 3000,
)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Bureau]:
    with bureau(tmp_path) as made:
        yield made


def test_a_code_is_issued_shown_and_redeemed(office: Bureau) -> None:
    """It stands on the page in two groups with its end in Vietnam's time, and it works."""
    browser = office.signed_in()
    address = browser.issue(symptoms="2026-03-08")
    browser.see(address)
    code = browser.code()
    assert f"{code[:4]} {code[4:]}" in browser.words()
    assert "Valid until 16:46, 10/03/2026" in browser.words()  # 09:30 UTC, 90 s to sign in
    assert "Say to the person" in browser.words()
    claimed = office.office.verification.claim(code)
    assert (claimed.report_type, str(claimed.symptom_date)) == ("confirmed", "2026-03-08")
    browser.see(address)
    assert "State Used" in browser.words()
    assert code not in browser.page


def test_reloading_issues_no_second_code(office: Bureau) -> None:
    """The page of a code shows it again for a quarter of an hour; the form leads there again."""
    browser = office.signed_in()
    browser.see(menu.CODES)
    fields = {"type": "confirmed", "test": "2026-03-10", "realm": "79"}
    addresses = {browser.send(menu.CODES, fields).headers["location"] for _ in range(3)}
    (address,) = addresses
    codes = set()
    for _ in range(3):
        browser.see(address)
        codes.add(browser.code())
    assert len(codes) == 1
    assert office.office.registry.counts(office.clock.now()).codes_open == 1
    office.pass_time(minutes=14)
    browser.see(address)
    assert browser.code() in codes
    office.pass_time(minutes=2)
    browser.see(address)
    assert codes.pop() not in browser.page
    assert "State Expired" in browser.words()


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_double_tap_issues_one_code(
    tmp_path: Path, request: pytest.FixtureRequest, engine: str
) -> None:
    """Eight equal forms at once lead to one page, on either engine."""
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    with bureau(tmp_path, url=url) as office:
        _tap_often(office)


def _tap_often(office: Bureau) -> None:
    browser = office.signed_in()
    browser.see(menu.CODES)
    fields = {"type": "confirmed", "test": "2026-03-10", "realm": "79"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: browser.send(menu.CODES, fields), range(8)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert office.office.registry.counts(office.clock.now()).codes_open == 1


def test_a_code_stands_nowhere_but_on_its_page(office: Bureau, tmp_path: Path) -> None:
    """Not in an address, a cookie, a header or the database, and for nobody else."""
    browser = office.signed_in(name="lan")
    address = browser.issue()
    answer = browser.get(address)
    code = browser.code()
    assert code not in address
    assert code not in str(answer.headers)
    assert code not in str(list(browser.client.cookies.jar))
    with office.engine.begin() as db:
        db.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    assert code.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))
    chief = office.signed_in("supervisor")
    chief.see(address)
    assert code not in chief.page
    assert "shown to who issued it" in chief.words()
    assert office.signed_in(name="hoa").get(address).status_code == 403
    assert office.signed_in("supervisor", "01").get(address).status_code == 404
    later = office.browser()
    later.sign_in("lan")
    later.see(address)
    assert code not in later.page


WRONG = (
    ({"test": ""}, "test", "on which day"),
    ({"test": "2026-02-30"}, "test", "no date"),
    ({"test": "2026-03-11"}, "test", "in the future"),
    ({"symptoms": "2025-12-24"}, "symptoms", "too long ago"),
    ({"symptoms": "gestern"}, "symptoms", "no date"),
    ({"type": "vaccinated"}, "type", "Choose one of the results"),
    ({"realm": "99"}, "realm", "Choose a province"),
    ({"kind": "long"}, "phone", "Without a number"),
    ({"kind": "long", "phone": "0241 23"}, "phone", "No message can be sent to this number"),
)


def test_what_is_wrong_stands_beside_its_field(office: Bureau) -> None:
    """And is tied to it for a screen reader; what was typed is still there; no code was issued."""
    browser = office.signed_in("issuer", "*")
    fields = {"type": "likely", "test": "2026-03-09", "symptoms": "2026-03-07", "realm": "79"}
    for changed, field, words in WRONG:
        browser.see(menu.CODES)
        answer = browser.send(menu.CODES, fields | changed)
        assert answer.status_code == 422
        assert words in browser.words()
        assert f'id="{field}-error"' in browser.page
        assert f'{field}-error" aria-invalid="true"' in browser.page
        assert f'href="#{field}"' in browser.page
        for name in {"test", "symptoms"} - changed.keys():
            assert f'value="{fields[name]}"' in browser.page
        assert "<title>Error:" in browser.page
    assert office.office.registry.counts(office.clock.now()).codes_open == 0


def test_a_province_that_the_form_does_not_ask_for_is_refused(office: Bureau) -> None:
    """Who has one province only is told above the form: there is no field to stand beside."""
    browser = office.signed_in()
    browser.see(menu.CODES)
    answer = browser.send(menu.CODES, {"type": "likely", "test": "2026-03-09", "realm": "01"})
    assert answer.status_code == 422
    assert "Choose a province" in browser.words()
    assert 'href="#realm"' not in browser.page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_a_form_is_text(office: Bureau, text: str) -> None:
    """It is shown as it was typed, or refused; it never becomes part of the page or its header."""
    browser = office.signed_in()
    fields = {"type": "likely", "test": "2026-03-09", "kind": "long", "phone": "1", "realm": "79"}
    for field in ("type", "test", "symptoms", "kind", "phone", "realm", "nonce"):
        browser.see(menu.CODES)
        answer = browser.send(menu.CODES, fields | {field: text})
        assert answer.status_code in (303, 404, 422)
        assert "<script" not in browser.page
        assert "<img" not in browser.page
        assert "49" not in browser.words()
        assert "x=y" not in answer.headers.get("set-cookie", "")


def test_a_page_waits_for_what_is_being_made(office: Bureau) -> None:
    """The second of two equal forms comes to a page that looks again by itself, not to nothing."""
    browser = office.signed_in("admin")
    token = str(browser.client.cookies.get("__Host-console-session"))
    place = Shown(SqlShown(office.engine), office.clock, seeded(9))
    name = "0" * 31 + "1"

    def meanwhile() -> dict[str, str]:
        for path in (
            f"{menu.CODES}/{name}",
            f"{menu.CODES}/{name}/reissued/{name}",
            f"{menu.BULK}/{name}",
            f"{menu.USERS}/{name}",
        ):
            browser.see(path)
            assert "One moment" in browser.words()
            assert '<meta http-equiv="refresh"' in browser.page
        return {"handle": "0" * 32}

    place.once(token, name, meanwhile)
    answer = browser.get(f"{menu.CODES}/{name}/reissued/{name}")
    assert answer.headers["location"] == f"{menu.CODES}/{'0' * 32}"


def test_a_link_is_sent(office: Bureau) -> None:
    """By message to the telephone; the page shows no code, and the database no number."""
    browser = office.signed_in()
    address = browser.issue(kind="long", phone="0912 345 678")
    browser.see(address)
    ((phone, message),) = office.office.telephones.sent
    assert phone == "+84912345678"
    assert message.partition("#")[2].split()[0] not in browser.page
    assert "The message is on its way" in browser.words()
    assert "912" not in browser.words()


def test_a_message_that_cannot_be_sent_is_told(office: Bureau) -> None:
    """The form is shown again and may be sent again; then it goes out once."""
    browser = office.signed_in()
    browser.see(menu.CODES)
    office.office.telephones.fails = True
    fields = {"type": "confirmed", "test": "2026-03-10", "kind": "long", "phone": "0912345678"}
    answer = browser.send(menu.CODES, fields | {"realm": "79"})
    assert answer.status_code == 422
    assert "could not be sent" in browser.words()
    assert 'value="0912345678"' in browser.page
    office.office.telephones.fails = False
    assert browser.send(menu.CODES, fields | {"realm": "79"}).status_code == 303
    assert len(office.office.telephones.sent) == 1


def test_a_code_is_revoked(office: Bureau) -> None:
    """It works no more, its page says so, and it cannot be revoked again."""
    browser = office.signed_in()
    address = browser.issue()
    browser.see(address)
    code = browser.code()
    assert browser.send(f"{address}/revoke", {}).headers["location"] == address
    browser.see(address)
    assert "State Revoked" in browser.words()
    assert code not in browser.page
    with pytest.raises(AuthorityRefused) as refused:
        office.office.verification.claim(code)
    assert refused.value.reason == "code_expired"
    answer = browser.send(f"{address}/revoke", {})
    assert answer.status_code == 409
    assert "taken back already" in browser.words()


def test_a_code_is_issued_again(office: Bureau) -> None:
    """A new one in its place, once however often the form comes; the old one is over."""
    browser = office.signed_in()
    address = browser.issue()
    browser.see(address)
    old = browser.code()
    nonce = browser.hidden("nonce")
    new = {
        browser.send(f"{address}/reissue", {"nonce": nonce}).headers["location"] for _ in range(3)
    }
    (leads,) = new
    other = browser.get(leads).headers["location"]
    assert other != address
    browser.see(other)
    assert browser.code() != old
    assert office.office.verification.claim(browser.code()).token
    browser.see(address)
    assert "State Revoked" in browser.words()
    assert old not in browser.page


def test_a_code_is_found_by_its_number(office: Bureau) -> None:
    """In groups and capitals, too; what is no number is never part of an address."""
    browser = office.signed_in()
    handle = browser.issue().rpartition("/")[2]
    browser.see(browser.issue())
    code = browser.code()
    browser.see(menu.FIND)
    typed = " ".join(handle.upper()[at : at + 4] for at in range(0, 32, 4))
    answer = browser.send(menu.FIND, {"handle": typed})
    assert answer.headers["location"] == f"{menu.CODES}/{handle}"
    for wrong, status in ((code, 422), ("x" * 32, 422), ("0" * 32, 404), (HOSTILE[0], 422)):
        answer = browser.send(menu.FIND, {"handle": wrong})
        assert answer.status_code == status
        assert 'id="handle-error"' in browser.page
        assert "<script" not in browser.page
    assert f'value="{code}"' not in browser.page


def test_there_is_no_page_of_a_code_that_is_none(office: Bureau) -> None:
    """In words, not with an error of the server."""
    browser = office.signed_in()
    for path in ("x", "0" * 32, "%00", "..%2f", "0" * 31 + "g", "é" * 16):
        answer = browser.get(f"{menu.CODES}/{path}")
        assert answer.status_code == 404
        assert "There is nothing here" in browser.words()


def test_what_was_kept_for_a_page_is_of_no_use_without_the_session(office: Bureau) -> None:
    """The row is there, encrypted; another session's token opens another row, or none."""
    browser = office.signed_in()
    browser.see(browser.issue())
    code = browser.code()
    with office.engine.begin() as db:
        rows = db.execute(text("SELECT digest, sealed FROM shown")).all()
    assert len(rows) == 1
    assert code.encode() not in rows[0].sealed
    token = str(browser.client.cookies.get("__Host-console-session"))
    assert token.encode() not in rows[0].digest + rows[0].sealed
