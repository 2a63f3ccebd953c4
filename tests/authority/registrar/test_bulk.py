"""CSV files as they come out of spreadsheets, and worse."""

import codecs
import csv
import io
from datetime import UTC, date, datetime
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.registrar.bulk import (
    MAX_BYTES,
    MAX_ROWS,
    BulkResult,
    Issued,
    read_rows,
)
from bluezone_node.authority.sheets import write_csv
from bluezone_node.errors import BadInput

TEXT = "test_type,test_date,symptom_date,phone\r\nconfirmed,2026-03-09,08/03/2026,0901234567\r\n"
EXCEL = (
    "Loại xét nghiệm;Ngày xét nghiệm;Ngày khởi phát;Số điện thoại\r\n"
    'Dương tính;09/03/2026;08/03/2026;"0901234567"\r\n'
)


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.replace(",", "\t").encode("utf-16-be"),
        TEXT.replace("\r\n", "\n").encode().rstrip(),
        TEXT.replace("\r\n", "\r").encode(),
        TEXT.replace("confirmed", '" Confirmed "').encode(),
        codecs.BOM_UTF8 + EXCEL.encode(),
        normalize("NFD", EXCEL).encode(),
        TEXT.replace("\r\n", ",\r\n").encode(),
        codecs.BOM_UTF16_LE + EXCEL.replace(";", "\t").encode("utf-16-le"),
        b"\r\n" + TEXT.encode() + b",,,\r\n\r\n",
    ],
)
def test_what_spreadsheets_write_is_read(data: bytes) -> None:
    """Encodings, delimiters, line ends, languages; empty rows are no rows."""
    (row,) = read_rows(data).rows
    assert (row.report_type, row.test_date, row.symptom_date, row.phone) == (
        "confirmed",
        date(2026, 3, 9),
        date(2026, 3, 8),
        "0901234567",
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "file_columns"),
        (b"test_type\r\n", "file_empty"),
        (TEXT.encode("utf-16-le"), "file_encoding"),
        (b"test_type\r\n\xff\xfe\r\n", "file_encoding"),
        (b"test_type\r\nconfirmed\0\r\n", "file_encoding"),
        (b"PK\x03\x04\x14\x00\x06\x00", "file_encoding"),
        (b"test_type,note\r\nconfirmed,An\r\n", "file_columns"),
        ("test_type,Họ tên\r\nconfirmed,An\r\n".encode(), "file_columns"),
        (b"test_type,test_type\r\nconfirmed,likely\r\n", "file_columns"),
        (b"phone\r\n0901234567\r\n", "file_columns"),
        (b"confirmed,2026-03-09\r\n", "file_columns"),
        (b'test_type\r\n"confirmed\r\nlikely\r\n', "file_malformed"),
        (b'test_type\r\n"confirmed"x\r\n', "file_malformed"),
        (b"test_type\r\n" + b"x" * 200_000 + b"\r\n", "file_malformed"),
        (b"test_type\r\n" + b" " * MAX_BYTES, "file_too_large"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused_whole(data: bytes, reason: str) -> None:
    """Before anything was issued, and without quoting a cell."""
    with pytest.raises(BadInput) as refused:
        read_rows(data)
    assert refused.value.reason == reason
    assert "0901234567" not in str(refused.value)


@pytest.mark.parametrize("rows", [MAX_ROWS + 1, 65_537])
def test_no_row_too_many_is_dropped(rows: int) -> None:
    """A file that is too long is refused, at any length; one row less is read to the end."""
    data = b"test_type\r\n" + b"confirmed\r\n" * rows
    with pytest.raises(BadInput, match=f"more than {MAX_ROWS} rows"):
        read_rows(data)
    assert len(read_rows(b"test_type\r\n" + b"confirmed\r\n" * MAX_ROWS).rows) == MAX_ROWS


def test_a_row_that_cannot_be_understood_is_told_with_its_line() -> None:
    """The line where it begins, also after a cell with a line break, and the cells as they were."""
    data = (
        b'test_type,test_date,phone\r\nconfirmed,,"090\r\n1234567"\r\nlikely,31/02/2026,x\r\n'
        b"negative\r\nlikely,,,,too many\r\nlikely,9.3.2026,\r\n"
    )
    sheet = read_rows(data)
    assert [(each.line, each.reason) for each in sheet.rejected] == [
        (4, "invalid_date"),
        (6, "row_too_long"),
        (7, "invalid_date"),
    ]
    assert sheet.rejected[0].cells == ("likely", "31/02/2026", "x")
    assert [row.line for row in sheet.rows] == [2, 5]
    assert sheet.read == 5


def test_nothing_under_an_empty_heading_is_dropped() -> None:
    """A cell there may be the date whose heading somebody removed."""
    sheet = read_rows(b"test_type,,phone\r\nconfirmed,2026-03-09,\r\nlikely, ,\r\n")
    assert [(each.line, each.reason) for each in sheet.rejected] == [(2, "row_too_long")]
    assert [row.line for row in sheet.rows] == [3]


def test_rejected_rows_can_be_mended_and_sent_again() -> None:
    """The file of rejected rows is a file of rows, with two columns that are passed over."""
    sheet = read_rows(b"test_type;phone\r\nlikely;+84901234567;x\r\n")
    written = BulkResult(sheet, [], sheet.rejected).rejected_csv()
    again = read_rows(written.replace(b",x,", b",,"))
    assert not again.rows
    header, row = csv.reader(io.StringIO(written.decode("utf-8-sig")))
    assert header == ["line", "test_type", "phone", "reason"]
    assert row[:3] == ["2", "likely", "+84901234567"]


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "+84=1"])
def test_no_cell_that_is_written_is_a_formula(cell: str) -> None:
    """What a stranger wrote into a cell does not run in the supervisor's spreadsheet."""
    written = write_csv(("a",), [(cell,)]).decode("utf-8-sig")
    (_, (found,)) = csv.reader(io.StringIO(written, newline=""))
    assert found == "'" + cell


@pytest.mark.parametrize(
    "cell", ["+84901234567", "+84 901 234 567", "0901234567", "2026-03-09", ""]
)
def test_a_telephone_number_stays_one(cell: str) -> None:
    """Though it begins with a plus."""
    assert write_csv(("a",), [(cell, "x")]).decode("utf-8-sig").split("\r\n")[1] == f"{cell},x"


def test_totals_add_up() -> None:
    """Read = issued + rejected, and those issued by type."""
    sheet = read_rows(b"test_type,test_date\r\nlikely,\r\nlikely,\r\nnegative,\r\nlikely,x\r\n")
    now = datetime(2026, 3, 10, tzinfo=UTC)
    issued = [
        Issued(row.line, row.report_type, "c" * row.line, now, bytes(16)) for row in sheet.rows
    ]
    result = BulkResult(sheet, issued, sheet.rejected)
    assert result.totals == {
        "read": 4,
        "issued": 3,
        "sent": 0,
        "rejected": 1,
        "issued_confirmed": 0,
        "issued_likely": 2,
        "issued_negative": 1,
    }
    assert result.issued_csv().decode("utf-8-sig").split("\r\n")[1] == (
        "2,likely,cc,2026-03-10T00:00:00Z,00000000-0000-0000-0000-000000000000"
    )
    assert "ccc" not in repr(result)


@given(data=st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-16")))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    """Any file is read or refused; below a right heading as well."""
    for each in (data, b"test_type,phone\r\n" + data):
        try:
            sheet = read_rows(each)
        except BadInput:
            continue
        assert sheet.read == len(sheet.rows) + len(sheet.rejected)
