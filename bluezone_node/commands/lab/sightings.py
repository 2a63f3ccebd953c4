"""Recorded sightings from a CSV file: what any other receiver can be made to write.

A bad line stops the reading, with its number: a match that silently left rows out would be a
wrong answer to an epidemiologist.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from bluezone_node.errors import BadInput
from bluezone_node.intervals import INTERVAL_SECONDS, from_unix, to_unix
from bluezone_node.proximity.model import (
    Encounter,
    HeardIdentifier,
    IdentifierProtocol,
    Sighting,
)

COLUMNS = ("time", "rpi", "aem", "rssi")
RSSI = range(-127, 21)
"""dBm; Bluetooth's 127 says that the strength is not known."""

Value = TypeVar("Value")


IDENTIFIER_BYTES = {IdentifierProtocol.GAEN: 16, IdentifierProtocol.BLUEZONE: 12}


def read_sightings(
    path: Path, protocol: IdentifierProtocol = IdentifierProtocol.GAEN
) -> Iterator[Sighting]:
    """Yield the sightings of the CSV file at *path*, in its order.

    Columns, in any order, others ignored: ``time`` (ISO 8601, UTC where no offset is given, or
    Unix seconds), ``rpi`` (32 hexadecimal digits, 24 for Bluezone), ``aem`` (8, or empty where
    there was none), ``rssi`` (dBm).

    Raises:
        BadInput: reason ``sightings_malformed``; the message has the number of the line.
    """
    length = IDENTIFIER_BYTES[protocol]
    # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file)
        try:
            header = [name.strip().lower() for name in next(lines, [])]
            missing = [name for name in COLUMNS if name not in header]
            if missing:
                raise ValueError(f"there is no column {' and no '.join(missing)}")
            time, rpi, aem, rssi = (header.index(name) for name in COLUMNS)
            for line in lines:
                if not line:
                    continue
                if len(line) < len(header):
                    raise ValueError(f"{len(header)} columns are announced, {len(line)} are here")
                yield Sighting(
                    at=_read("time", line[time], _instant),
                    identifier=_read("rpi", line[rpi], lambda text: _bytes(text, length)),
                    metadata=_read(
                        "aem", line[aem], lambda text: _bytes(text, 4) if text else None
                    ),
                    rssi=_read("rssi", line[rssi], _strength),
                    protocol=protocol,
                )
        except (ValueError, csv.Error) as error:
            # UnicodeDecodeError is a ValueError that would quote the file.
            told = "this is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error
            raise BadInput(
                f"{path}, line {max(lines.line_num, 1)}: {told}",
                reason="sightings_malformed",
                hint=f"the columns are {', '.join(COLUMNS)}, separated by commas",
            ) from None


def heard_times(encounters: Iterable[Encounter]) -> Iterator[HeardIdentifier]:
    """Yield when each identifier was heard; a pause of over an interval begins a new time."""
    for encounter in encounters:
        first = last = to_unix(encounter.scans[0].start)
        for scan in encounter.scans[1:]:
            start = to_unix(scan.start)
            if start - last > INTERVAL_SECONDS:
                yield HeardIdentifier(encounter.identifier, first, last)
                first = start
            last = start
        yield HeardIdentifier(encounter.identifier, first, last)


def _read(column: str, text: str, parse: Callable[[str], Value]) -> Value:
    try:
        return parse(text.strip())
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"{column}: {error}") from None


def _instant(text: str) -> datetime:
    try:
        seconds = float(text)
    except ValueError:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("neither ISO 8601 nor Unix seconds") from None
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        seconds = instant.timestamp()
    if not 0 <= seconds < 2**32:
        raise ValueError("outside 1970 to 2106 (Unix time counts in seconds here)")
    return from_unix(seconds)


def _bytes(text: str, length: int) -> bytes:
    # Never the text itself in a message: it may be an identifier.
    try:
        read = bytes.fromhex(text)
    except ValueError:
        raise ValueError("not hexadecimal") from None
    if len(read) != length:
        raise ValueError(f"{len(read)} bytes instead of {length}")
    return read


def _strength(text: str) -> int:
    try:
        rssi = int(text)
    except ValueError:
        raise ValueError("not a whole number of dBm") from None
    if rssi not in RSSI:
        raise ValueError(f"not within {RSSI.start} to {RSSI.stop - 1} dBm")
    return rssi
