"""A CSV file of people to be given codes: every row is issued or rejected, none is dropped.

Files come from spreadsheets: UTF-8 or UTF-16, commas, semicolons or tabs, dates as the machine's
language writes them.  The file holds no names: a column that is not known here is refused.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import zip_longest
from unicodedata import normalize
from uuid import UUID

from bluezone_node.authority.registrar.codes import REPORT_TYPES
from bluezone_node.errors import BadInput

MAX_ROWS = 10_000
"""In one file: a province's day five times over. A longer one is refused before anything is issued,
never cut off as old spreadsheets do at 65 536 rows."""
MAX_BYTES = 4_000_000
"""Of one file: ten thousand rows in UTF-16, twice over."""

COLUMNS = {
    "test_type": ("test_type", "testtype", "loại xét nghiệm", "loai_xet_nghiem"),
    "test_date": ("test_date", "testdate", "ngày xét nghiệm", "ngay_xet_nghiem"),
    "symptom_date": ("symptom_date", "symptomdate", "ngày khởi phát", "ngay_khoi_phat"),
    "phone": ("phone", "điện thoại", "dien_thoai", "số điện thoại", "so_dien_thoai"),
    # Of our own files of rejected rows, so that they can be mended and sent again.
    "ours": ("line", "reason"),
}
"""The columns, and how their headings may be written; spaces and underscores are the same."""
TYPES = {
    "xác định": "confirmed",
    "dương tính": "confirmed",
    "nghi ngờ": "likely",
    "âm tính": "negative",
}
"""Vietnamese for the test types."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TELEPHONE = re.compile(r"\+[0-9][0-9 .]*")
"""Begins as a formula does, and is none."""
_DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y")


@dataclass(frozen=True, slots=True)
class Row:
    """One person to be given a code."""

    line: int
    """Of the file, from 1; the heading is one."""
    cells: tuple[str, ...] = field(repr=False)
    """As they stand in the file."""
    report_type: str
    symptom_date: date | None
    test_date: date | None
    phone: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that got no code."""

    line: int
    cells: tuple[str, ...] = field(repr=False)
    reason: str
    """In snake_case."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A row that got a code."""

    line: int
    report_type: str
    code: str = field(repr=False)
    """Empty: it was sent."""
    expires: datetime
    handle: bytes


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands in a file."""

    heading: tuple[str, ...]
    read: int
    """Rows below the heading that are not empty."""
    rows: list[Row]
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of each row of a file."""

    sheet: Sheet
    issued: list[Issued]
    rejected: list[Rejected]

    @property
    def totals(self) -> dict[str, int]:
        """Rows read, which are issued or rejected; of those issued how many were sent, by type."""
        by_type = Counter(each.report_type for each in self.issued)
        return {
            "read": self.sheet.read,
            "issued": len(self.issued),
            "sent": sum(not each.code for each in self.issued),
            "rejected": len(self.rejected),
            **{f"issued_{name}": by_type[name] for name in REPORT_TYPES},
        }

    def issued_csv(self) -> bytes:
        """Return line, test type, code or ``sent``, expiry and handle of each row that got one."""
        return write_csv(
            ("line", "test_type", "code", "expires", "uuid"),
            (
                (
                    str(each.line),
                    each.report_type,
                    each.code or "sent",
                    f"{each.expires:%Y-%m-%dT%H:%M:%SZ}",
                    str(UUID(bytes=each.handle)),
                )
                for each in self.issued
            ),
        )

    def rejected_csv(self) -> bytes:
        """Return the rows that got none as they were, between their line and the reason."""
        width = len(self.sheet.heading)
        return write_csv(
            ("line", *self.sheet.heading, "reason"),
            (
                (str(each.line), *each.cells, *[""] * (width - len(each.cells)), each.sentence)
                for each in self.rejected
            ),
        )


def read_rows(data: bytes) -> Sheet:
    """Return the rows of the CSV file *data*; those that cannot be understood with the reason.

    Raises:
        BadInput: the whole file is refused; reason ``file_too_large``, ``file_encoding``,
            ``file_columns``, ``file_malformed`` or ``file_empty``. No cell is ever quoted.
    """
    text = _decoded(data)
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    records = _records(text, delimiter)
    _, heading = next(records, (0, ()))
    columns = _columns(heading)
    rows: list[Row] = []
    rejected: list[Rejected] = []
    for line, cells in records:
        if len(rows) + len(rejected) == MAX_ROWS:
            raise BadInput(
                f"The file has more than {MAX_ROWS} rows. Nothing was issued.",
                reason="file_too_large",
                hint="split it into several files",
            )
        try:
            rows.append(_row(line, cells, columns))
        except BadInput as error:
            rejected.append(Rejected(line, cells, error.reason, str(error)))
    if not rows and not rejected:
        raise BadInput("There are no rows below the heading.", reason="file_empty")
    return Sheet(heading, len(rows) + len(rejected), rows, rejected)


def write_csv(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV file that spreadsheets open: UTF-8 with its mark, and no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for row in (heading, *rows):
        writer.writerow([_harmless(cell) for cell in row])
    return codecs.BOM_UTF8 + text.getvalue().encode()


def _harmless(cell: str) -> str:
    if cell.lstrip(" ").startswith(_FORMULA) and not _TELEPHONE.fullmatch(cell):
        return f"'{cell}"
    return cell


def _decoded(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise BadInput(
            f"The file has more than {MAX_BYTES} bytes. Nothing was issued.",
            reason="file_too_large",
            hint="split it into several files",
        )
    encoding, mark = next(
        ((name, mark) for mark, name in _BOMS if data.startswith(mark)), ("utf-8", b"")
    )
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # UTF-16 without its mark looks like that, too
        raise BadInput(
            "The file is neither UTF-8 nor UTF-16 with a byte order mark. Nothing was issued.",
            reason="file_encoding",
            hint="save it as 'CSV UTF-8'",
        )
    return text


def _records(text: str, delimiter: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the line on which each record that is not empty begins, and its cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, tuple(cells)
            line = reader.line_num + 1
    except csv.Error:
        raise BadInput(
            f"The file is no CSV: see the quotation marks from line {line} on. Nothing was issued.",
            reason="file_malformed",
        ) from None


def _columns(heading: Sequence[str]) -> list[str]:
    """Return the column under each of *heading*; empty: it has none."""
    known = {_plain(name): column for column, names in COLUMNS.items() for name in names}
    columns = []
    for number, name in enumerate(heading, 1):
        column = known.get(_plain(name))
        if column is None and name.strip():
            raise BadInput(
                f"Column {number} of the heading is not known. Nothing was issued.",
                reason="file_columns",
                hint="the columns are test_type, test_date, symptom_date and phone; "
                "leave out names and notes",
            )
        columns.append(column or "")
    wanted = [column for column in columns if column not in ("", "ours")]
    if "test_type" not in wanted or len(wanted) != len(set(wanted)):
        raise BadInput(
            "The heading must have the column test_type, and no column twice. Nothing was issued.",
            reason="file_columns",
        )
    return columns


def _plain(name: str) -> str:
    # NFC: some keyboards and systems write ế as three characters.
    return " ".join(normalize("NFC", name).replace("_", " ").split()).casefold()


def _row(line: int, cells: tuple[str, ...], columns: Sequence[str]) -> Row:
    found = dict.fromkeys(COLUMNS, "")
    for column, cell in zip_longest(columns, cells, fillvalue=""):
        found[column] = cell.strip()
        if found[column] and not column:
            raise BadInput("A cell of the row stands under no heading.", reason="row_too_long")
    given = _plain(found["test_type"])
    return Row(
        line,
        cells,
        TYPES.get(given, given),
        _date(found["symptom_date"]),
        _date(found["test_date"]),
        found["phone"],
    )


def _date(text: str) -> date | None:
    if not text:
        return None
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise BadInput("A date is neither YYYY-MM-DD nor DD/MM/YYYY.", reason="invalid_date")
