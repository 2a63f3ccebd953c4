"""Labelled recordings: signal strength for which somebody also knows how far apart they were.

A folder of CSV files, plain or gzip.  A label is either a column, the true distance of each
packet, or a second file beside the first, ``NAME_truth_links``, with the minutes that each pair
really spent within so many metres: also the pairs that never heard each other.

A figure is only as good as its labels, so what cannot be read stops the reading, with file and
line; what a receiver reports of a packet and nobody can use is left out and counted, as in
`recording`.
"""

import csv
import gzip
import re
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite, nan
from pathlib import Path
from typing import NamedTuple

from bluezone_node.commands.lab.recording import (
    FARTHEST,
    believed_power,
    tally_power,
    useless_rssi,
)
from bluezone_node.errors import BadInput
from bluezone_node.proximity.rounding import half_up

COLUMNS = ("t_seconds", "rssi_dbm", "tx_device")
SENDER_ALIAS = "device"
"""What `lab replay` calls the sender."""
PLACE_COLUMNS = ("scenario", "rx_device")
"""Without them a recording is of one scene, or of one receiver."""
TX_COLUMN = "tx_dbm"
DISTANCE_COLUMN = "true_distance_m"
TRUTH_COLUMNS = ("scenario", "rx_device", "tx_device", "dose_min_1m")
MEDIAN_COLUMN = "median_distance_m"
_WITHIN_COLUMN = re.compile(r"min_within_(\d+(?:_\d+)?)m")

TRUTH_SUFFIX = "_truth_links"
_ENDINGS = (".csv", ".csv.gz")
_GZIP_MAGIC = b"\x1f\x8b"


class Link(NamedTuple):
    """One direction between two devices in one scene."""

    scenario: str
    receiver: str
    sender: str


@dataclass(slots=True)
class Packets:
    """What was heard on one link, in the order of the file; three columns of one length."""

    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    losses: "array[int]" = field(default_factory=lambda: array("h"))
    """Attenuation, whole dB, at least 0."""
    metres: "array[float]" = field(default_factory=lambda: array("d"))
    """True distance; not a number where it is not told."""


@dataclass(frozen=True, slots=True)
class LinkTruth:
    """What is known of a whole link."""

    minutes_within: dict[float, float]
    """Metres → minutes spent within them."""
    dose: float
    """∫ min(1, 1/d²) dt, minutes."""
    median_metres: float | None


@dataclass(slots=True)
class LabelledRecording:
    name: str
    links: dict[Link, Packets] = field(default_factory=dict)
    truth: dict[Link, LinkTruth] | None = None
    """None: the truth is in the packets' distances."""
    other_power: dict[str, int] = field(default_factory=dict)
    """Sender → as `Recording.other_power`."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Packets that could not be used, by reason."""


class Unlabelled(Exception):
    """This file has no labels; its argument says what is missing."""


def find_recordings(folder: Path) -> dict[str, Path]:
    """Return the CSV files of *folder* that may be recordings, by name without ending.

    Raises:
        BadInput: reason ``no_recordings``, or ``two_of_one_name``.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = _stem(path)
        if name is None or name.endswith(TRUTH_SUFFIX):
            continue
        if name in found:
            raise BadInput(
                f"{found[name].name} and {path.name} stand for one recording.",
                reason="two_of_one_name",
                hint="Keep one of the two.",
            )
        found[name] = path
    if not found:
        raise BadInput(
            f"There is no CSV file in {folder}.",
            reason="no_recordings",
            hint="Recordings are CSV files, plain or gzip: docs/distance.md describes them.",
        )
    return found


def chosen(found: dict[str, Path], names: Sequence[str]) -> dict[str, Path]:
    """Return those of *found* that *names* tells, all without any.

    Raises:
        BadInput: reason ``no_such_set``.
    """
    unknown = [name for name in names if name not in found]
    if unknown:
        raise BadInput(
            f"There is no recording {unknown[0]!r}.",
            reason="no_such_set",
            hint=f"There are: {', '.join(found)}.",
        )
    return {name: path for name, path in found.items() if not names or name in names}


def read_labelled(name: str, path: Path) -> LabelledRecording:
    """Read the recording *path* and the truth beside it, if there is one.

    Raises:
        Unlabelled: nothing tells how far apart they were.
        BadInput: reason ``not_csv``, ``bad_row``, ``no_column`` or ``nothing_usable``.
    """
    recording = LabelledRecording(name)
    truth = next((p for p in map(path.parent.joinpath, _truth_names(name)) if p.is_file()), None)
    with _rows(path) as (header, rows):
        if SENDER_ALIAS in header and "tx_device" not in header:
            header[header.index(SENDER_ALIAS)] = "tx_device"
        missing = [column for column in COLUMNS if column not in header]
        if missing:
            raise Unlabelled(f"it has no column {' and no '.join(missing)}")
        if truth is None and DISTANCE_COLUMN not in header:
            raise Unlabelled(f"it has no column {DISTANCE_COLUMN} and no file {name}{TRUTH_SUFFIX}")
        _fold(_Table(path.name, header, rows), recording, distances_needed=truth is None)
    if truth is not None:
        with _rows(truth) as (header, rows):
            recording.truth = _truth(_Table(truth.name, header, rows))
    elif not recording.links:
        if recording.left_out.keys() <= {"no_distance"}:
            raise Unlabelled(f"its column {DISTANCE_COLUMN} is empty")
        told = ", ".join(sorted(recording.left_out))
        raise BadInput(
            f"{path.name}: none of its packets can be used ({told}).", reason="nothing_usable"
        )
    return recording


def _stem(path: Path) -> str | None:
    for ending in _ENDINGS:
        if path.name.endswith(ending) and path.is_file():
            return path.name.removesuffix(ending)
    return None


def _truth_names(name: str) -> Iterator[str]:
    for ending in _ENDINGS:
        yield f"{name}{TRUTH_SUFFIX}{ending}"


_Numbered = Iterator[tuple[int, list[str]]]


@contextmanager
def _rows(path: Path) -> Iterator[tuple[list[str], _Numbered]]:
    """Open *path*; yield its header in small letters, and its rows with their lines."""
    with path.open("rb") as file:
        zipped = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    opening = gzip.open if zipped else open
    # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
    with opening(path, "rt", encoding="utf-8-sig", newline="") as text:
        lines = csv.reader(text)
        try:
            header = [column.strip().lower() for column in next(lines, [])]
            yield header, ((lines.line_num, row) for row in lines if row)
        except (csv.Error, UnicodeDecodeError, EOFError, OSError, zlib.error):
            line = max(lines.line_num, 1)
            # Text is decoded in blocks, so the place is only known to be no earlier.
            raise BadInput(
                f"{path.name}, line {line} or after: this is not CSV text.", reason="not_csv"
            ) from None


class _Table:
    """Rows of one file, whose cells are found by their column and complained about by line."""

    def __init__(self, file: str, header: Sequence[str], rows: _Numbered) -> None:
        self._file = file
        self.header = header
        self._rows = rows
        self._line = 1

    def __iter__(self) -> Iterator[list[str]]:
        for line, row in self._rows:
            self._line = line
            if len(row) < len(self.header):
                raise self.bad(f"the row has {len(row)} of {len(self.header)} columns")
            yield row

    def index(self, column: str) -> int:
        """Return where *column* is.

        Raises:
            BadInput: there is none, reason ``no_column``.
        """
        if column not in self.header:
            raise BadInput(f"{self._file} has no column {column}.", reason="no_column")
        return self.header.index(column)

    def number(self, row: list[str], index: int) -> float:
        try:
            value = float(row[index])
        except ValueError:
            raise self.bad(f"{self.header[index]} is not a number") from None
        if not isfinite(value):
            raise self.bad(f"{self.header[index]} is not a number")
        return value

    def measure(self, row: list[str], index: int) -> float:
        """Return a number that cannot be less than 0."""
        value = self.number(row, index)
        if value < 0:
            raise self.bad(f"{self.header[index]} is less than 0")
        return value

    def bad(self, what: str) -> BadInput:
        return BadInput(f"{self._file}, line {self._line}: {what}.", reason="bad_row")


def _fold(table: _Table, recording: LabelledRecording, *, distances_needed: bool) -> None:
    time, rssi, sender = map(table.index, COLUMNS)
    places = [table.index(one) if one in table.header else None for one in PLACE_COLUMNS]
    tx = table.index(TX_COLUMN) if TX_COLUMN in table.header else None
    distance = table.index(DISTANCE_COLUMN) if DISTANCE_COLUMN in table.header else None
    for row in table:
        at, level = table.number(row, time), table.number(row, rssi)
        if abs(at) > FARTHEST:
            raise table.bad("t_seconds is no time in seconds")
        metres = nan
        if distance is not None and row[distance]:
            metres = table.measure(row, distance)
        power = believed_power(table.number(row, tx) if tx is not None and row[tx] else None)
        reason = useless_rssi(level) or (
            "no_distance" if distances_needed and metres != metres else ""
        )
        if reason:
            recording.left_out[reason] = recording.left_out.get(reason, 0) + 1
            continue
        tally_power(recording.other_power, row[sender], power)
        scenario, receiver = ("" if place is None else row[place] for place in places)
        link = Link(scenario, receiver, row[sender])
        packets = recording.links.get(link)
        if packets is None:
            packets = recording.links[link] = Packets()
        packets.seconds.append(at)
        packets.losses.append(max(half_up(power - level), 0))
        packets.metres.append(metres)


def _truth(table: _Table) -> dict[Link, LinkTruth]:
    scenario, receiver, sender, dose = map(table.index, TRUTH_COLUMNS)
    median = table.index(MEDIAN_COLUMN) if MEDIAN_COLUMN in table.header else None
    within = {
        float(told[1].replace("_", ".")): index
        for index, column in enumerate(table.header)
        if (told := _WITHIN_COLUMN.fullmatch(column))
    }
    if not within:
        table.index("min_within_2m")
    truth: dict[Link, LinkTruth] = {}
    for row in table:
        link = Link(row[scenario], row[receiver], row[sender])
        if link in truth:
            raise table.bad("this link was told before")
        truth[link] = LinkTruth(
            {metres: table.measure(row, index) for metres, index in within.items()},
            table.measure(row, dose),
            table.measure(row, median) if median is not None and row[median] else None,
        )
    return truth
