"""A CSV file of people to be given codes: every row is issued or rejected, none is dropped.

Files come from spreadsheets: UTF-8 or UTF-16, commas, semicolons or tabs, dates as the machine's
language writes them.  The file holds no names: a column that is not known here is refused.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from bluezone_node.authority.registrar.codes import REPORT_TYPES
from bluezone_node.authority.sheets import (
    Layout,
    Record,
    Rejected,
    plain,
    read_sheet,
    rejected_csv,
    write_csv,
)
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
}
"""The columns, and how their headings may be written; spaces and underscores are the same."""
TYPES = {
    "xác định": "confirmed",
    "dương tính": "confirmed",
    "nghi ngờ": "likely",
    "âm tính": "negative",
}
"""Vietnamese for the test types."""

_LAYOUT = Layout(
    COLUMNS,
    "test_type",
    "the columns are test_type, test_date, symptom_date and phone; leave out names and notes",
    MAX_ROWS,
    MAX_BYTES,
)
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
        return rejected_csv(self.sheet.heading, self.rejected)


def read_rows(data: bytes) -> Sheet:
    """Return the rows of the CSV file *data*; those that cannot be understood with the reason.

    Raises:
        BadInput: the whole file is refused; reason ``file_too_large``, ``file_encoding``,
            ``file_columns``, ``file_malformed`` or ``file_empty``. No cell is ever quoted.
    """
    heading, records = read_sheet(data, _LAYOUT)
    rows: list[Row] = []
    rejected: list[Rejected] = []
    for record in records:
        try:
            rows.append(_row(record))
        except BadInput as error:
            rejected.append(Rejected(record.line, record.cells, error.reason, str(error)))
    return Sheet(heading, len(rows) + len(rejected), rows, rejected)


def _row(record: Record) -> Row:
    if record.stray:
        raise BadInput("A cell of the row stands under no heading.", reason="row_too_long")
    found = record.found
    given = plain(found["test_type"])
    return Row(
        record.line,
        record.cells,
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
