"""Many places from a file, by the pages."""

import csv
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bluezone_node.authority.ports.accounts import Actor
from bluezone_node.web.console import forms, menu
from bluezone_node.web.console.place_list import HEADINGS, MOST_LINES, example
from tests.bureau import Browser, Bureau, bureau

pytestmark = pytest.mark.slow

SHEET = """\
name,kind,commune,address
Chợ Bến Thành,chợ,26740,Lê Lợi
"=HYPERLINK(""http://evil.example"")",chợ,26740,
<script>alert(1)</script>,cung trăng,26740,
Chợ Bến Thành,market,26740,Lê Lợi
""".encode()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Bureau]:
    with bureau(tmp_path, with_publisher=False) as made:
        yield made


def _sent(browser: Browser, data: bytes = SHEET, **fields: str) -> str:
    browser.see(menu.PLACE_LIST)
    answer = browser.send(menu.PLACE_LIST, fields, file=data)
    assert answer.status_code == 303, browser.words()
    return str(answer.headers["location"])


def _rows(browser: Browser, address: str) -> list[list[str]]:
    data = browser.client.get(address).content
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def test_a_file_of_places_is_answered_line_by_line(office: Bureau) -> None:
    """Totals, what is wrong with which line, two files in which nothing is a formula."""
    browser = office.signed_in("supervisor")
    assert f'href="{menu.PLACE_LIST}"' in browser.see(menu.PLACES)
    address = _sent(browser)
    browser.see(address)
    assert "Lines read 4 Places registered 2 Known already 0 Lines rejected 2" in browser.words()
    assert "Choose what kind of place it is." in browser.words()
    assert "stands in an earlier line" in browser.words()
    assert "<script" not in browser.page
    (heading, *places) = _rows(browser, f"{address}/places.csv")
    assert heading == ["line", "name", "state", "id", "code"]
    assert [row[1] for row in places] == ["Chợ Bến Thành", '\'=HYPERLINK("http://evil.example")']
    assert len(places[0][4]) == 6
    assert [row[0] for row in _rows(browser, f"{address}/rejected.csv")] == ["line", "4", "5"]
    found = office.desk.directory.search("ben thanh", Actor("", "79", "supervisor"))
    assert [each.state for each in found] == ["approved"]


def test_the_same_file_of_places_twice_registers_once(office: Bureau) -> None:
    """By the same form there is one result; by another all is known."""
    browser = office.signed_in("supervisor")
    browser.see(menu.PLACE_LIST)
    twice = [browser.send(menu.PLACE_LIST, {}, file=SHEET) for _ in range(2)]
    assert len({answer.headers["location"] for answer in twice}) == 1
    browser.see(_sent(browser))
    assert "Places registered 0 Known already 2" in browser.words()


@pytest.mark.parametrize("language", list(HEADINGS))
def test_the_template_would_be_taken(office: Bureau, language: str) -> None:
    """As it is, in either language: whoever writes over it starts from what is right."""
    browser = office.signed_in("supervisor", "*", name="quoc.gia", language=language)
    saved = browser.client.get(f"{menu.PLACE_LIST}/template.csv").content
    assert saved == example(language)
    address = _sent(browser, saved, realm="79")
    browser.see(address)
    assert len(_rows(browser, f"{address}/places.csv")) == 3
    assert browser.client.get(f"{address}/rejected.csv").content.count(b"\r\n") == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "Choose a file."),
        (b"tuoi,name\n1,2\n", "columns of the template"),
        ("name,commune\nChợ".encode("utf-16-le"), "neither UTF-8 nor UTF-16"),
        (b'name,commune\n"a,1\n', "no CSV"),
        (b"name,commune\n", "no lines below"),
        (b"name,commune\n" + b"a,1\n" * (MOST_LINES + 1), "more than 10,000 lines"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(
    office: Bureau, data: bytes, words: str
) -> None:
    """In words, beside the field; nothing is registered."""
    browser = office.signed_in("supervisor")
    browser.see(menu.PLACE_LIST)
    assert browser.send(menu.PLACE_LIST, {}, file=data).status_code == 422
    assert words in browser.words()


def test_two_hundred_thousand_places_are_turned_away_at_the_door(
    office: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more of such a file is read than is taken, and none of it is put on the disk."""

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("a file of places would lie on the disk")

    browser = office.signed_in("supervisor")
    browser.see(menu.PLACE_LIST)
    monkeypatch.setattr(tempfile, "TemporaryFile", never)
    long = b"name,commune\n" + b"Cho so 000000,26740\n" * 200_000 + b"x" * 2_000_000
    assert len(long) > forms.MAX_FILE_BYTES
    assert browser.send(menu.PLACE_LIST, {}, file=long).status_code == 413
    assert "5,000,000 bytes" in browser.words()


def test_a_file_of_places_is_a_supervisors(office: Bureau) -> None:
    """An issuer registers one by one, and each waits; the result is its sender's alone."""
    issuer, chief = office.signed_in(), office.signed_in("supervisor")
    assert menu.PLACE_LIST not in issuer.see(menu.PLACES)
    assert issuer.get(menu.PLACE_LIST).status_code == 403
    address = _sent(chief)
    assert issuer.get(address).status_code == 403
    assert office.signed_in("supervisor", name="other").get(address).status_code == 404
    assert chief.send(menu.PLACE_LIST, {"csrf": "0" * 64}, file=SHEET).status_code == 403
