"""Signing in and out, over the pages: cookies, tokens, what is told and what is not."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from bluezone_node.web.console import guard, menu
from tests.bureau import ADDRESS, Bureau, bureau
from tests.staff import PASSWORD

pytestmark = pytest.mark.slow


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Bureau]:
    with bureau(tmp_path) as made:
        yield made


def test_the_cookies_of_a_session(office: Bureau) -> None:
    """Bound to this host, for https alone, unseen by scripts and by other sites' requests."""
    office.person("lan", "issuer")
    browser = office.browser()
    answer = browser.sign_in("lan")
    (cookie,) = answer.headers.get_list("set-cookie")
    name, _, rest = cookie.partition("=")
    assert name == "__Host-console-session"
    for flag in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert flag in rest
    assert "Domain" not in rest
    assert "Max-Age" not in rest


def test_who_signs_in_is_counted_by_what_came_of_it(office: Bureau) -> None:
    """Metrics tell wrong passwords from right ones, and other pages from neither."""
    office.person("lan", "issuer")
    browser = office.browser()
    browser.sign_in("lan", "a wrong password")
    browser.sign_in("lan")
    browser.get(menu.CODES)
    seen = [(seen.route, seen.outcome) for seen in office.seen if seen.outcome]
    assert seen == [(menu.SIGN_IN, "sign_in_refused"), (menu.SIGN_IN, "ok")]


def test_cookies_on_this_very_machine(office: Bureau) -> None:
    """Over http to a loopback name they have plain names, and still no script sees them."""
    office.person("lan", "issuer")
    browser = office.browser(address="http://127.0.0.1:8600")
    answer = browser.sign_in("lan")
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("console-session=")
    assert "Secure" not in cookie
    assert "HttpOnly" in cookie
    assert browser.get(menu.CODES).status_code == 200


def test_a_session_is_always_new(office: Bureau) -> None:
    """A token that somebody else put into the browser is worth nothing afterwards."""
    office.person("lan", "issuer")
    browser = office.browser()
    browser.see(menu.SIGN_IN)
    browser.client.cookies.set("__Host-console-session", "planted")
    assert browser.sign_in("lan").status_code == 303
    values = [c.value for c in browser.client.cookies.jar if c.name == "__Host-console-session"]
    stranger = office.browser()
    stranger.client.cookies.set("__Host-console-session", "planted")
    assert stranger.get(menu.CODES).headers["location"] == menu.SIGN_IN
    assert any(value != "planted" for value in values)


def test_what_is_wrong_is_not_said(office: Bureau) -> None:
    """Name, password and code are answered alike; the name stays typed, the password does not."""
    office.person("lan", "issuer")
    told = set()
    for name, password, code in (
        ("lan", "wrong horse battery", None),
        ("lan", PASSWORD, "000000"),
        ("nobody", PASSWORD, "000000"),
        ("' OR 1=1 --", PASSWORD, "000000"),
    ):
        browser = office.browser()
        answer = browser.sign_in(name, password, code)
        assert answer.status_code == 403
        assert password not in browser.page
        assert 'role="alert"' in browser.page
        told.add(browser.words().partition("Sign in Please correct")[2].replace(name, ""))
    assert len(told) == 1


def test_a_locked_name_is_told_only_to_who_knows_all(office: Bureau) -> None:
    """Five wrong attempts lock it; then the right password and code are told why."""
    office.person("lan", "issuer")
    for _ in range(5):
        office.browser().sign_in("lan", "wrong horse battery")
    browser = office.browser()
    assert browser.sign_in("lan").status_code == 403
    assert "locked for a while" in browser.words()


def test_the_first_sign_in_ends_at_the_password(office: Bureau) -> None:
    """No page but that one and signing out; afterwards the first page opens."""
    office.enrolments["lan"] = enrolment = office.staff.add("lan", "79", "admin")
    browser = office.browser()
    browser.sign_in("lan", enrolment.password)
    for path in (menu.CODES, menu.USERS, menu.AUDIT):
        assert browser.get(path).headers["location"] == menu.ACCOUNT
    browser.see(menu.ACCOUNT)
    assert "Choose your own password" in browser.words()
    assert "Issue a code" not in browser.words()
    form = {"old": enrolment.password, "new": PASSWORD, "again": PASSWORD + "x"}
    answer = browser.send(menu.ACCOUNT, form)
    assert answer.status_code == 422
    assert "not the same" in browser.words()
    assert PASSWORD not in browser.page
    answer = browser.send(menu.ACCOUNT, form | {"new": "short", "again": "short"})
    assert "12 to 128" in browser.words()
    answer = browser.send(menu.ACCOUNT, form | {"again": PASSWORD})
    assert answer.headers["location"] == menu.HOME
    assert browser.get(menu.CODES).status_code == 200


def test_the_old_password_must_be_known(office: Bureau) -> None:
    """Whoever finds a session open cannot take the account over."""
    browser = office.signed_in()
    browser.see(menu.ACCOUNT)
    new = "bốn con ngựa trắng"
    browser.send(menu.ACCOUNT, {"old": "a guess at it", "new": new, "again": new})
    assert "not the password that you have now" in browser.words()
    answer = browser.send(menu.ACCOUNT, {"old": PASSWORD, "new": new, "again": new})
    browser.see(answer.headers["location"])
    assert "was changed" in browser.words()


def test_signing_out_ends_the_session_everywhere(office: Bureau) -> None:
    """The token is worth nothing afterwards, in whichever browser it is."""
    browser = office.signed_in()
    token = browser.client.cookies.get("__Host-console-session")
    browser.see(menu.CODES)
    answer = browser.send(menu.SIGN_OUT, {})
    assert answer.headers["location"] == menu.SIGN_IN
    assert "Max-Age=0" in answer.headers["set-cookie"]
    other = office.browser()
    other.client.cookies.set("__Host-console-session", str(token))
    assert other.get(menu.CODES).headers["location"] == menu.SIGN_IN


def test_a_session_that_is_over_does_nothing(office: Bureau) -> None:
    """A form sent half an hour later is answered in words, and nobody was given a code."""
    browser = office.signed_in()
    browser.see(menu.CODES)
    office.pass_time(minutes=31)
    answer = browser.send(menu.CODES, {"type": "confirmed", "test": "2026-03-10"})
    assert answer.status_code == 401
    assert "signed out" in browser.words()
    assert ("issuer.79", "code_issued") not in {done[:2] for done in office.staff.done()}


@pytest.mark.parametrize("path", [menu.SIGN_IN, menu.CODES, menu.LANGUAGE, menu.SIGN_OUT])
def test_a_form_without_its_token_does_nothing(office: Bureau, path: str) -> None:
    """Missing, empty or another's: refused in words."""
    browser = office.browser() if path == menu.SIGN_IN else office.signed_in()
    browser.see(menu.SIGN_IN)
    fields = {"language": "vi", "name": "lan"}
    for csrf in ({}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": "é\x00"}):
        answer = browser.client.post(path, data=fields | csrf)
        assert answer.status_code == 403
        assert "earlier session" in answer.text


def test_the_token_of_another_session_is_none(office: Bureau) -> None:
    """Also of one that is as good as this one."""
    one, other = office.signed_in(name="lan"), office.signed_in(name="hoa")
    other.see(menu.CODES)
    stolen = other.hidden("csrf")
    one.see(menu.CODES)
    answer = one.send(menu.CODES, {"csrf": stolen, "type": "confirmed", "test": "2026-03-10"})
    assert answer.status_code == 403


def test_a_form_from_elsewhere_does_nothing(office: Bureau) -> None:
    """Even with the right token and cookie, the browser's word counts."""
    browser = office.signed_in()
    for site in ("cross-site", "same-site", "none"):
        browser.client.headers["sec-fetch-site"] = "same-origin"
        browser.see(menu.CODES)
        browser.client.headers["sec-fetch-site"] = site
        answer = browser.send(menu.CODES, {"type": "confirmed", "test": "2026-03-10"})
        assert answer.status_code == 403
        assert "another site" in browser.words()


def test_every_answer_is_strict(office: Bureau) -> None:
    """Pages, problems, redirections, the style sheet: each carries all headers."""
    browser = office.signed_in("admin", "*")
    answers = [browser.get(path) for path in (menu.ROOT, menu.CODES, menu.STYLE, "/console/x/y")]
    answers += [
        browser.client.post(menu.CODES, content=b"x"),
        browser.client.post(menu.CODES, data={"csrf": "x"}),
        browser.client.put(menu.CODES),
        browser.client.delete("/console"),
        office.browser().get(menu.CODES),
    ]
    for answer in answers:
        for name, value in guard.HEADERS.items():
            if name == "Cache-Control" and answer.request.url.path == menu.STYLE:
                continue
            assert answer.headers[name] == value, (answer.request.url, name)
    assert answers[0].status_code == 303
    assert answers[3].status_code == 404
    assert "There is nothing here" in answers[3].text


def test_no_script_and_no_style_stands_in_a_page(office: Bureau) -> None:
    """The policy would block them, and a page that needs them would be broken."""
    browser = office.signed_in("admin", "*")
    names = ("codes", "find", "bulk", "funnel", "exports", "users", "audit", "account")
    pages = [browser.see(f"{menu.ROOT}/{name}") for name in names]
    for page in pages:
        assert "<script" not in page
        assert " style=" not in page
        assert "<style" not in page
        assert "javascript:" not in page
        assert " on" not in {part[:3] for part in page.split("<")}


def test_the_language_is_chosen_and_kept(office: Bureau) -> None:
    """A button changes it; the cookie remembers; where one was before, one is again."""
    browser = office.signed_in(language="vi")
    browser.see(menu.FIND)
    assert '<html lang="vi">' in browser.page
    assert "Tra cứu mã" in browser.words()
    answer = browser.send(menu.LANGUAGE, {"language": "en", "back": menu.FIND})
    assert answer.headers["location"] == menu.FIND
    browser.see(menu.FIND)
    assert '<html lang="en">' in browser.page
    answer = browser.send(menu.LANGUAGE, {"language": "vi", "back": "//evil.example/console"})
    assert answer.headers["location"] == menu.ROOT
    answer = browser.send(
        menu.LANGUAGE, {"language": "fr\r\nX: y", "back": "/console/find\r\nX: y"}
    )
    assert answer.headers["location"] == menu.ROOT
    assert "x" not in answer.headers


def test_nothing_typed_comes_into_a_log(office: Bureau, caplog: pytest.LogCaptureFixture) -> None:
    """Also where the server makes a mistake."""
    caplog.set_level(logging.DEBUG)
    browser = office.signed_in()
    browser.see(menu.CODES)
    with office.engine.begin() as db:
        db.execute(text("DROP TABLE codes"))  # an error of SQL quotes what was to be written
    fields = {"type": "confirmed", "test": "2026-03-10", "symptoms": "2026-03-07", "realm": "79"}
    answer = browser.send(menu.CODES, fields)
    assert answer.status_code == 503
    assert "A part of the server cannot be reached" in browser.words()
    assert "failed: OperationalError at" in caplog.text
    for secret in (PASSWORD, "2026-03-07", str(browser.client.cookies)):
        assert secret not in caplog.text


def test_an_ipv6_subscriber_is_one_address(office: Bureau) -> None:
    """Who has 2⁶⁴ of them is wrong no more often than others; the neighbours sign in."""

    def come(address: str, name: str, code: str) -> int:
        browser = office.browser()
        browser.client = TestClient(
            office.app, base_url=ADDRESS, client=(address, 50000), follow_redirects=False
        )
        browser.see(menu.SIGN_IN)
        fields = {"name": name, "password": PASSWORD, "code": code}
        return browser.send(menu.SIGN_IN, fields).status_code

    office.person("lan", "issuer")
    office.pass_time(seconds=30)
    for n in range(20):
        come(f"2001:db8::{n:x}", "nobody", "000000")
    code = office.staff.code(office.enrolments["lan"])
    assert come("2001:db8::ffff", "lan", code) == 403
    assert come("2001:db8:0:1::1", "lan", code) == 303


def test_a_database_that_fails_is_said_to_be_away(office: Bureau) -> None:
    """503 as on every other route; it will be back, and nothing is wrong with the page."""
    browser = office.signed_in()
    with office.engine.begin() as db:
        db.execute(text("ALTER TABLE sessions RENAME TO elsewhere"))
    assert browser.get(menu.CODES).status_code == 503
