"""Recordings of signal strength from a CSV file, folded as they are read.

A day of a busy place has millions of rows, and what is wanted of them is a histogram a minute:
rows are dropped as soon as they are counted.  Rows that cannot be used are counted by reason
and never quietly left out; recordings from the field always have some.
"""

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader, TextIOWrapper
from math import isfinite

from bluezone_node.errors import BadInput
from bluezone_node.proximity.attenuation import (
    RASPBERRY_PI_TX_POWER,
    STRONGEST_RSSI,
    TX_POWER_BOUNDS,
)
from bluezone_node.proximity.model import SCAN_SECONDS
from bluezone_node.proximity.rounding import half_up

COLUMNS = ("t_seconds", "device", "rssi_dbm")
TX_COLUMN = "tx_dbm"

ASSUMED = "the power they tell is one that nobody radiates"

RSSI_UNKNOWN = 127
"""Bluetooth's way to say that the strength is not known."""
WEAKEST_RSSI = -126

FARTHEST = 6e10
"""Seconds either way of the epoch that are still a date; a time in milliseconds is beyond."""

_GZIP_MAGIC = b"\x1f\x8b"
_ROWS_A_STEP = 8192


@dataclass(slots=True)
class Recording:
    """What a recording holds: for each device and each minute since the epoch, its packets."""

    devices: dict[str, dict[int, dict[int, int]]] = field(default_factory=dict)
    """Device → minute → attenuation in dB → packets."""
    refused: dict[str, int] = field(default_factory=dict)
    """Rows that could not be used, by reason."""
    first_refused: dict[str, int] = field(default_factory=dict)
    """Line of the first of them, by reason."""
    rows: int = 0
    other_power: dict[str, int] = field(default_factory=dict)
    """Device → rows with a power of its own, other than `RASPBERRY_PI_TX_POWER`, less all others:
    above 0, most are."""
    assumed: int = 0
    """Rows whose power was told and is not believed."""


def read_recording(
    file: BufferedReader, advance: Callable[[int], None], rx_offset: float = 0.0
) -> Recording:
    """Read the CSV (plain or gzip) *file*; *advance* is told the bytes that have gone by.

    *rx_offset* (dB) is added to every level.

    Columns, in any order, others ignored: ``t_seconds`` (any origin, any order), ``device``,
    ``rssi_dbm`` and optionally ``tx_dbm``. Where that is empty, or a power that nobody radiates,
    it is taken for `RASPBERRY_PI_TX_POWER`.

    Raises:
        BadInput: reason ``not_csv``, ``no_column`` or ``nothing_usable``.
    """
    zipped = file.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
    binary = gzip.GzipFile(fileobj=file) if zipped else file
    # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
    text = TextIOWrapper(binary, encoding="utf-8-sig", newline="")
    lines = csv.reader(text)
    try:
        recording = _fold(_telling(lines, file, advance), lambda: lines.line_num, rx_offset)
    except (csv.Error, UnicodeDecodeError, EOFError, OSError, zlib.error):
        # Text is decoded in blocks, so the place is only known to be no earlier.
        line = max(lines.line_num, 1)
        raise BadInput(
            f"{file.name}, line {line} or after: this is not CSV text.", reason="not_csv"
        ) from None
    finally:
        # The file is the caller's to close; the wrapper would do so when it is collected.
        text.detach()
    if recording.rows and not recording.devices:
        told = ", ".join(sorted(recording.refused))
        raise BadInput(
            f"{file.name}: none of the {recording.rows} rows can be used ({told}).",
            reason="nothing_usable",
        )
    return recording


class _Unusable(Exception):
    """This row cannot be used; its argument is the reason."""


def _telling(
    lines: Iterator[list[str]], file: BufferedReader, advance: Callable[[int], None]
) -> Iterator[list[str]]:
    """Pass *lines* on, and now and then tell how far into *file* they have come."""
    told = 0
    for number, line in enumerate(lines):
        yield line
        if number % _ROWS_A_STEP == 0 and file.seekable():
            here = file.tell()
            advance(here - told)
            told = here


def _fold(
    lines: Iterator[list[str]], line_number: Callable[[], int], rx_offset: float
) -> Recording:
    header = [column.strip().lower() for column in next(lines, [])]
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise BadInput(f"There is no column {' and no '.join(missing)}.", reason="no_column")
    time, device, rssi = map(header.index, COLUMNS)
    tx = header.index(TX_COLUMN) if TX_COLUMN in header else None
    recording = Recording()
    for row in lines:
        if not row:
            continue
        recording.rows += 1
        try:
            if len(row) < len(header):
                raise _Unusable("short_row")
            if not row[device]:
                raise _Unusable("no_device")
            minute = int(_time(row[time]) // SCAN_SECONDS)
            sent = None if tx is None or not row[tx] else _number(row[tx], "bad_tx_power")
            heard = _rssi(row[rssi]) + rx_offset
        except _Unusable as unusable:
            reason = str(unusable)
            recording.refused[reason] = recording.refused.get(reason, 0) + 1
            recording.first_refused.setdefault(reason, line_number())
            continue
        power = believed_power(sent)
        recording.assumed += sent is not None and power != sent
        tally_power(recording.other_power, row[device], power)
        attenuation = max(half_up(power - heard), 0)
        counts = recording.devices.setdefault(row[device], {}).setdefault(minute, {})
        counts[attenuation] = counts.get(attenuation, 0) + 1
    return recording


def _number(text: str, reason: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _Unusable(reason) from None
    if not isfinite(value):
        raise _Unusable(reason)
    return value


def _time(text: str) -> float:
    value = _number(text, "bad_time")
    if abs(value) > FARTHEST:
        raise _Unusable("bad_time")
    return value


def _rssi(text: str) -> float:
    value = _number(text, "bad_rssi")
    if reason := useless_rssi(value):
        raise _Unusable(reason)
    return value


def useless_rssi(rssi: float) -> str:
    """Return why a signal strength, dBm, says nothing; empty where it does."""
    if rssi == RSSI_UNKNOWN:
        return "rssi_unknown"
    return "" if WEAKEST_RSSI <= rssi <= STRONGEST_RSSI else "rssi_out_of_range"


def believed_power(told: float | None) -> float:
    """Return the power, dBm, that a row is taken to be sent with: what it *told*, if anybody
    radiates that."""
    lowest, highest = TX_POWER_BOUNDS
    return RASPBERRY_PI_TX_POWER if told is None or not lowest <= told <= highest else told


def tally_power(other_power: dict[str, int], sender: str, power: float) -> None:
    """Count one more row of *sender* in what becomes `Recording.other_power`."""
    vote = 1 if power != RASPBERRY_PI_TX_POWER else -1
    other_power[sender] = other_power.get(sender, 0) + vote
