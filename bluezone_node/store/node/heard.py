"""What was heard in one minute, as a few bytes: the log's unit of writing.

Near 200 people a minute holds 200 histograms.  As rows of their own they cost three times the
bytes, each of which a WAL database writes twice when it comes and twice when it is wiped; column
by column and deflated they fit in a page.
"""

import struct
import zlib
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Heard:
    """One encounter during one minute."""

    encounter: int
    """encounter.id, at most 32 bits."""
    second: int
    """Of the minute, 0..59: when it was first heard."""
    seconds: int
    """How long the scan stands for, at most 300."""
    rssi: bytes
    """RssiHistogram.to_bytes(): pairs of level and count."""


def pack(heard: Iterable[Heard]) -> bytes:
    """Return *heard* packed: how many; then all encounters, all seconds, and so on."""
    rows = sorted(heard)
    pairs = [row.rssi for row in rows]
    fixed = struct.pack(
        _layout(len(rows)),
        len(rows),
        *(row.encounter for row in rows),
        *(row.second for row in rows),
        *(row.seconds for row in rows),
        *(len(row.rssi) // 2 for row in rows),
    )
    levels = b"".join(pair[::2] for pair in pairs)
    counts = b"".join(pair[1::2] for pair in pairs)
    return zlib.compress(fixed + levels + counts)


def unpack(packed: bytes, wanted: Container[int] | None = None) -> Iterator[Heard]:
    """Yield what *packed* holds, or what it holds of *wanted*, ascending by encounter."""
    data = zlib.decompress(packed)
    encounters, at, spans, sizes = _columns(data)
    levels = struct.calcsize(_layout(len(encounters)))
    counts = levels + sum(sizes)
    for encounter, second, seconds, size in zip(encounters, at, spans, sizes, strict=True):
        if wanted is None or encounter in wanted:
            rssi = bytearray(2 * size)
            rssi[::2] = data[levels : levels + size]
            rssi[1::2] = data[counts : counts + size]
            yield Heard(encounter, second, seconds, bytes(rssi))
        levels += size
        counts += size


def moments(packed: bytes) -> Iterator[tuple[int, int]]:
    """Yield (encounter, second) of all that *packed* holds, ascending."""
    encounters, seconds, _, _ = _columns(zlib.decompress(packed))
    return zip(encounters, seconds, strict=True)


def _columns(data: bytes) -> Iterator[tuple[int, ...]]:
    (number,) = struct.unpack_from("<I", data)
    values = struct.unpack_from(_layout(number), data)
    return (values[1 + column * number : 1 + (column + 1) * number] for column in range(4))


def _layout(number: int) -> str:
    return f"<I{number}I{number}B{number}H{number}H"
