"""Many codes from a file, by the pages."""

import csv
import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bluezone_node.web.console import forms, menu
from tests.bureau import Browser, Bureau, bureau

pytestmark = pytest.mark.slow

SHEET = b"""\
test_type,test_date,symptom_date,phone
confirmed,2026-03-09,2026-03-08,
likely,2026-03-09,,0912345678
<script>alert(1)</script>,2026-03-09,,
confirmed,"=HYPERLINK(""http://evil.example"")",,
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Bureau]:
    with bureau(tmp_path) as made:
        yield made


def _issue(browser: Browser, data: bytes = SHEET, **fields: str) -> str:
    browser.see(menu.BULK)
    answer = browser.send(menu.BULK, fields, file=data)
    assert answer.status_code == 303, browser.words()
    return str(answer.headers["location"])


def _rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def test_a_file_is_answered_line_by_line(office: Bureau) -> None:
    """Totals, what is wrong with which line, and two files to save; each code works."""
    browser = office.signed_in("supervisor")
    address = _issue(browser)
    browser.see(address)
    assert "Lines read 4 Codes issued 2 of these, sent by message 1 Lines rejected 2" in (
        browser.words()
    )
    assert "<script" not in browser.page
    assert "4 Choose one of the results. <script>alert(1)</script>" in browser.words()
    codes = browser.client.get(f"{address}/codes.csv")
    assert codes.headers["content-disposition"] == 'attachment; filename="codes.csv"'
    assert codes.headers["content-type"] == "text/csv; charset=utf-8"
    assert codes.headers["cache-control"] == "no-store"
    heading, one, two = _rows(codes.content)
    assert heading == ["line", "test_type", "code", "expires", "uuid"]
    assert two[2] == "sent"
    assert office.office.verification.claim(one[2]).report_type == "confirmed"
    rejected = _rows(browser.client.get(f"{address}/rejected.csv").content)
    assert [row[0] for row in rejected] == ["line", "4", "5"]
    assert rejected[2][2].startswith("'=HYPERLINK")
    assert one[2] not in address


def test_the_sample_beside_the_form_would_be_taken(office: Bureau) -> None:
    """Whoever copies it must not be refused for its dates, in whatever year."""
    browser = office.signed_in("supervisor")
    browser.see(menu.BULK)
    shown = re.search(r'<pre class="sample"[^>]*>(.*?)</pre>', browser.page, re.DOTALL)
    assert shown is not None
    browser.see(_issue(browser, shown[1].encode()))
    assert "Lines read 2 Codes issued 2" in browser.words()


def test_the_same_form_twice_is_one_issue(office: Bureau) -> None:
    """A double tap leads to one result; the same file by a new form is asked about."""
    browser = office.signed_in("supervisor")
    browser.see(menu.BULK)
    nonce = browser.hidden("nonce")
    answers = [browser.send(menu.BULK, {"nonce": nonce}, file=SHEET) for _ in range(3)]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert office.office.registry.counts(office.clock.now()).codes_open == 2
    browser.see(menu.BULK)
    answer = browser.send(menu.BULK, {}, file=SHEET)
    assert answer.status_code == 422
    assert "The same file was taken within the last day" in browser.words()
    answer = browser.send(menu.BULK, {"force": "yes"}, file=SHEET)
    assert answer.status_code == 303


def test_a_result_is_for_its_session_and_a_quarter_of_an_hour(office: Bureau) -> None:
    """Nobody else can call it up by its address, and later nobody at all."""
    browser = office.signed_in("supervisor", name="lan")
    address = _issue(browser)
    other = office.signed_in("supervisor", name="hoa")
    for path in (address, f"{address}/codes.csv", f"{address}/rejected.csv"):
        assert other.get(path).status_code == 404
        assert browser.get(path).status_code == 200
    office.pass_time(minutes=15)
    for path in (address, f"{address}/codes.csv"):
        assert browser.get(path).status_code == 404


UNREADABLE = (
    (b"", "Choose a file"),
    (b"test_type\n", "no lines below the first"),
    (b"name,test_type\nNam,likely\n", "must name the columns"),
    (b"\xff\xfe\x00", "neither UTF-8 nor UTF-16"),
    (b'test_type\n"likely\n', "quotation mark is not closed"),
    (b"test_type\n" + b"likely\n" * 10_001, "more than 10,000 lines"),
)


def test_a_file_that_cannot_be_read_is_refused_whole(office: Bureau) -> None:
    """In words beside the field; no code was issued."""
    browser = office.signed_in("supervisor")
    for data, words in UNREADABLE:
        browser.see(menu.BULK)
        answer = browser.send(menu.BULK, {}, file=data)
        assert answer.status_code == 422
        assert words in browser.words()
    assert office.office.registry.counts(office.clock.now()).codes_open == 0


def test_a_form_that_is_too_large_is_not_read_on(office: Bureau) -> None:
    """With a file or without; told in words, with the limit."""
    browser = office.signed_in("supervisor")
    browser.see(menu.BULK)
    answer = browser.send(menu.BULK, {}, file=b"x" * (forms.MAX_FILE_BYTES + 1))
    assert answer.status_code == 413
    assert "At most 5,000,000 bytes" in browser.words()
    browser.see(menu.CODES)
    answer = browser.send(menu.CODES, {"phone": "1" * 20_000})
    assert answer.status_code == 413
    assert "At most 16,384 bytes" in browser.words()
    for content, kind in (
        (b"{}", "application/json"),
        (b"--x--", "multipart/form-data"),
        (b"&" * 100, "application/x-www-form-urlencoded"),
        (b"csrf=%ff%fe" + b"&a=1" * 30, "application/x-www-form-urlencoded"),
    ):
        answer = browser.client.post(menu.BULK, content=content, headers={"content-type": kind})
        assert answer.status_code in (400, 403)
        assert answer.headers["content-type"].startswith("text/html")


def test_a_file_is_never_written_to_the_disk(
    office: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four megabytes stay in memory: rolling over to a temporary file would raise."""
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    browser = office.signed_in("supervisor")
    browser.see(menu.BULK)
    data = b"test_type,phone\n" + b"likely,x\n" * 440_000
    answer = browser.send(menu.BULK, {}, file=data[: forms.MAX_FILE_BYTES - 1000])
    assert answer.status_code == 422
    assert "more than 10,000 lines" in browser.words()
