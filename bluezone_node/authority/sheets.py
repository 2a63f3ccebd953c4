"""CSV files as spreadsheets write them: each record with its line, and nothing dropped.

UTF-8 or UTF-16, commas, semicolons or tabs, columns in any order under headings in two languages.
A column that is not known is refused, so that nobody sends more than is asked for.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from unicodedata import normalize

from bluezone_node.errors import BadInput

_OURS = ("line", "reason")
"""Columns of our own files of rejected rows, so that they can be mended and sent again."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TELEPHONE = re.compile(r"\+[0-9][0-9 .]*")
"""Begins as a formula does, and is none."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file may look like."""

    columns: Mapping[str, Sequence[str]]
    """How the heading of each may be written; spaces and underscores are the same."""
    required: str
    """The column that must be there."""
    hint: str
    """What is said where a column is not known."""
    rows: int
    """A longer file is refused before anything is done, never cut off as old spreadsheets do at
    65 536 rows."""
    size: int
    """Bytes of a file."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a file."""

    line: int
    """Of the file, from 1; the heading is one."""
    cells: tuple[str, ...] = field(repr=False)
    """As they stand in the file."""
    found: Mapping[str, str] = field(repr=False)
    """By column, without blanks around; empty where there is none."""
    stray: bool
    """A cell stands under no heading."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row with which nothing was done."""

    line: int
    cells: tuple[str, ...] = field(repr=False)
    reason: str
    """In snake_case."""
    sentence: str


def read_sheet(data: bytes, layout: Layout) -> tuple[tuple[str, ...], Iterator[Record]]:
    """Return the heading of the CSV file *data*, and its rows that are not empty.

    Raises:
        BadInput: the whole file is refused; reason ``file_too_large``, ``file_encoding``,
            ``file_columns``, ``file_malformed`` or ``file_empty``, also from the iterator. No
            cell is ever quoted.
    """
    text = _decoded(data, layout.size)
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    records = _records(text, delimiter)
    _, heading = next(records, (0, ()))
    return heading, _read(records, _columns(heading, layout), layout)


def rejected_csv(heading: Sequence[str], rejected: Iterable[Rejected]) -> bytes:
    """Return the rows that were rejected as they were, between their line and the reason."""
    width = len(heading)
    return write_csv(
        ("line", *heading, "reason"),
        (
            (str(each.line), *each.cells, *[""] * (width - len(each.cells)), each.sentence)
            for each in rejected
        ),
    )


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


def _read(
    records: Iterator[tuple[int, tuple[str, ...]]], columns: Sequence[str], layout: Layout
) -> Iterator[Record]:
    number = 0
    for number, (line, cells) in enumerate(records, 1):
        if number > layout.rows:
            raise BadInput(
                f"The file has more than {layout.rows} rows. Nothing was done.",
                reason="file_too_large",
                hint="split it into several files",
            )
        found = dict.fromkeys(layout.columns, "")
        stray = False
        for column, cell in zip_longest(columns, cells, fillvalue=""):
            stray = stray or bool(cell.strip() and not column)
            if column in found:
                found[column] = cell.strip()
        yield Record(line, cells, found, stray)
    if not number:
        raise BadInput("There are no rows below the heading.", reason="file_empty")


def _decoded(data: bytes, most: int) -> str:
    if len(data) > most:
        raise BadInput(
            f"The file has more than {most} bytes. Nothing was done.",
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
            "The file is neither UTF-8 nor UTF-16 with a byte order mark. Nothing was done.",
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
            f"The file is no CSV: see the quotation marks from line {line} on. Nothing was done.",
            reason="file_malformed",
        ) from None


def _columns(heading: Sequence[str], layout: Layout) -> list[str]:
    """Return the column under each of *heading*; empty: it has none."""
    known = {plain(name): column for column, names in layout.columns.items() for name in names}
    known |= dict.fromkeys(_OURS, "ours")
    columns = []
    for number, name in enumerate(heading, 1):
        column = known.get(plain(name))
        if column is None and name.strip():
            raise BadInput(
                f"Column {number} of the heading is not known. Nothing was done.",
                reason="file_columns",
                hint=layout.hint,
            )
        columns.append(column or "")
    wanted = [column for column in columns if column not in ("", "ours")]
    if layout.required not in wanted or len(wanted) != len(set(wanted)):
        raise BadInput(
            f"The heading must have the column {layout.required}, and no column twice. "
            "Nothing was done.",
            reason="file_columns",
        )
    return columns


def plain(name: str) -> str:
    """Return a heading, or a word of a list, as it is compared."""
    # NFC: some keyboards and systems write ế as three characters.
    return " ".join(normalize("NFC", name).replace("_", " ").split()).casefold()
