"""The identifiers of a log, laid out so that millions can be looked up in it each second.

A table of 16-bit words, indexed by the first bits of an identifier, says on which days (modulo
16) an identifier with these bits could belong; it is small enough for the processor's cache and
lets about one identifier in thirty through.  A second one, indexed by other bits, sends nearly
all of those away.  What passes both is compared in full with the sorted log, and with the times
at which it was heard.
"""

from array import array
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from bluezone_node.crypto.identifiers import IDENTIFIER_BYTES
from bluezone_node.intervals import INTERVAL_SECONDS, ROLLING_PERIOD
from bluezone_node.proximity.model import HeardIdentifier
from bluezone_node.proximity.windows import TOLERANCE_INTERVALS

_DAYS = 16
"""Bits of a table word. A log holds 14 days; older days only let more through to be compared."""
_ROOM = 32
"""Table entries for each identifier of the busiest day: about four false candidates a key. Twice
the room would halve them, and with 200,000 identifiers no longer stay in the cache."""
_TABLE_BITS = range(10, 23)
"""From 2 kB to 8 MB each."""


class HeardIndex:
    """What was heard under one protocol. Never changes; threads may share it."""

    def __init__(self, heard: Iterable[HeardIdentifier]) -> None:
        """Take in *heard*; the same identifier may come many times.

        Raises:
            ValueError: an identifier is longer than 16 bytes.
        """
        packed, first, last = bytearray(), array("q"), array("q")
        for one in heard:
            # Bluezone's 12 bytes are filled up; an index never holds two protocols.
            packed += one.identifier.ljust(IDENTIFIER_BYTES, b"\0")
            first.append(one.first)
            last.append(one.last)
        if len(packed) != IDENTIFIER_BYTES * len(first):
            raise ValueError("an identifier has at most 16 bytes")
        halves = np.array(memoryview(packed).cast("B"), np.uint8).view("<u8").reshape(-1, 2)
        order = np.lexsort((halves[:, 1], halves[:, 0]))
        self._low: NDArray[np.uint64] = halves[order, 0]
        self._high: NDArray[np.uint64] = halves[order, 1]
        self._first: NDArray[np.int64] = np.array(first, np.int64)[order]
        self._last: NDArray[np.int64] = np.array(last, np.int64)[order]
        # The intervals whose identifiers may have been these.
        earliest = self._first // INTERVAL_SECONDS - TOLERANCE_INTERVALS
        latest = self._last // INTERVAL_SECONDS + TOLERANCE_INTERVALS
        self._span_starts, self._span_ends = _merged(earliest, latest + 1)
        days = earliest // ROLLING_PERIOD, latest // ROLLING_PERIOD
        self._low_table, self._high_table = _table(self._low, *days), _table(self._high, *days)
        self._table_mask = np.uint32(len(self._low_table) - 1)

    def __len__(self) -> int:
        return len(self._low)

    @property
    def last(self) -> int:
        """Unix seconds of the last time anything was heard; 0 where nothing was."""
        return int(self._last.max(initial=0))

    def times(self, identifier: bytes) -> list[tuple[int, int]]:
        """Return the (first, last) times, Unix seconds, at which *identifier* was heard."""
        low, high = np.frombuffer(identifier.ljust(IDENTIFIER_BYTES, b"\0"), "<u8")
        at, end = np.searchsorted(self._low, low, "left"), np.searchsorted(self._low, low, "right")
        same = np.flatnonzero(self._high[at:end] == high) + at
        return list(zip(self._first[same].tolist(), self._last[same].tolist(), strict=True))

    def worth_making(
        self, starts: NDArray[np.int64], periods: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return which keys may have been heard, and which of their intervals.

        Returns:
            Three arrays of one length: the positions of the keys, the first interval of each
            whose identifier may be in the log, and how many from there on.  A node that listens
            by day and sleeps by night is spared half of the encryption.
        """
        ends = starts + periods
        next_span = np.searchsorted(self._span_ends, starts, "right")
        last_span = np.searchsorted(self._span_starts, ends, "left") - 1
        rows = np.flatnonzero(next_span <= last_span)
        first = np.maximum(starts[rows], self._span_starts[next_span[rows]])
        end = np.minimum(ends[rows], self._span_ends[last_span[rows]])
        return rows, first, end - first

    def find(
        self, made: NDArray[np.uint8], first: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> Iterator[tuple[int, tuple[tuple[int, bytes], ...]]]:
        """Yield the keys heard, as (row, ((interval, identifier), …)), ascending.

        *made* has shape (n, 144, 16): row i holds ``counts[i]`` identifiers, of the intervals
        from ``first[i]`` on; what follows them is ignored.
        """
        row, column = self._candidates(made, first, counts)
        halves = made.view("<u8")[row, column]
        place = np.searchsorted(self._low, halves[:, 0])
        likely = self._low[np.minimum(place, len(self) - 1)] == halves[:, 0]
        hits = [
            (int(r), (int(first[r] + c), made[r, c].tobytes()))
            for r, c in zip(row[likely], column[likely], strict=True)
        ]
        timely = (hit for hit in hits if self._was_timely(*hit[1]))
        for key, of_key in groupby(timely, itemgetter(0)):
            yield key, tuple(hit for _, hit in of_key)

    def _candidates(
        self, made: NDArray[np.uint8], first: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the positions that pass both tables: those heard, and a few by chance."""
        width = int(counts.max())
        words = made.view("<u4")
        days = _day_bit(first // ROLLING_PERIOD) | _day_bit((first + counts - 1) // ROLLING_PERIOD)
        belong = self._low_table.take(words[:, :width, 0] & self._table_mask) & days[:, np.newaxis]
        row, column = np.divmod(np.flatnonzero(belong), width)
        belong = self._high_table.take(words[row, column, 2] & self._table_mask) & days[row]
        passed = (belong != 0) & (column < counts[row])
        return row[passed], column[passed]

    def _was_timely(self, interval: int, identifier: bytes) -> bool:
        return any(
            first // INTERVAL_SECONDS <= interval + TOLERANCE_INTERVALS
            and last // INTERVAL_SECONDS >= interval - TOLERANCE_INTERVALS
            for first, last in self.times(identifier)
        )


def _day_bit(days: NDArray[np.int64]) -> NDArray[np.uint16]:
    return np.left_shift(1, days % _DAYS).astype(np.uint16)


def _table(
    half: NDArray[np.uint64], first_day: NDArray[np.int64], last_day: NDArray[np.int64]
) -> NDArray[np.uint16]:
    busiest = int(np.bincount(first_day % _DAYS).max(initial=0))
    bits = min(max((busiest * _ROOM).bit_length(), _TABLE_BITS.start), _TABLE_BITS.stop - 1)
    table = np.zeros(1 << bits, np.uint16)
    places = (half & np.uint64(len(table) - 1)).astype(np.intp)
    for later in range(min(int((last_day - first_day).max(initial=0)) + 1, _DAYS)):
        lasting = first_day + later <= last_day
        np.bitwise_or.at(table, places[lasting], _day_bit(first_day[lasting] + later))
    return table


def _merged(
    starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the union of half-open ranges, as sorted ranges that do not touch."""
    order = np.argsort(starts)
    starts, reach = starts[order], np.maximum.accumulate(ends[order])
    apart = starts[1:] > reach[:-1]
    return starts[np.append(True, apart)[: len(starts)]], reach[
        np.append(apart, True)[: len(reach)]
    ]
