"""Which published keys were heard: every identifier of every key against the log.

Keys stream through in batches and leave nothing behind, so memory does not grow with their
number.  For each batch: drop the keys of days in which nothing was heard, make the identifiers
of the rest, look their first bits up in a table small enough for the cache, and compare in full
the one or two a key that pass.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from bluezone_node.crypto import bluezone
from bluezone_node.crypto.bulk import LANES, BulkIdentifiers
from bluezone_node.crypto.keys import KEY_BYTES
from bluezone_node.intervals import ROLLING_PERIOD
from bluezone_node.proximity.heard import HeardIndex as HeardIndex
from bluezone_node.proximity.model import DiagnosisKey

BATCH_KEYS = 8 * LANES
"""Keys taken from a stream at once: enough to make the work a batch costs small."""

_LATEST_END = 2**32
"""ENIntervalNumber is an unsigned 32-bit number."""


@dataclass(frozen=True, slots=True)
class MatchedIdentifiers:
    """A key and those of its identifiers that were heard while they could be."""

    key: DiagnosisKey
    identifiers: tuple[tuple[int, bytes], ...] = field(repr=False)
    """(ENIntervalNumber, identifier), ascending."""


def match(index: HeardIndex, keys: Iterable[DiagnosisKey]) -> Iterator[MatchedIdentifiers]:
    """Yield those of the stream *keys* that were heard; see `match_batches`."""
    stream = iter(keys)
    return match_batches(index, iter(lambda: list(islice(stream, BATCH_KEYS)), []))


def match_batches(
    index: HeardIndex, batches: Iterable[Sequence[DiagnosisKey]]
) -> Iterator[MatchedIdentifiers]:
    """Yield the keys of *batches* of which an identifier was heard, in their order.

    An identifier counts if it was heard within 12 intervals of its own, and belongs to the
    key's rolling period. Batches of some thousand keys are best.

    Raises:
        ValueError: a key is not 16 bytes, a period not 1..144, or a start no interval number.
    """
    generator = BulkIdentifiers()
    for batch in batches:
        yield from _match_batch(index, batch, generator)


def _match_batch(
    index: HeardIndex, batch: Sequence[DiagnosisKey], generator: BulkIdentifiers
) -> Iterator[MatchedIdentifiers]:
    starts = np.array([key.rolling_start for key in batch], np.int64)
    periods = np.array([key.rolling_period for key in batch], np.int64)
    if ((periods < 1) | (periods > ROLLING_PERIOD)).any():
        raise ValueError("a rolling period is 1 to 144 intervals")
    if ((starts < 0) | (starts + periods > _LATEST_END)).any():
        raise ValueError("a rolling start is an unsigned 32-bit interval number")
    if {len(key.key) for key in batch} - {KEY_BYTES}:
        raise ValueError("a diagnosis key has 16 bytes")
    keys = np.frombuffer(b"".join([key.key for key in batch]), np.uint8).reshape(-1, KEY_BYTES)

    wanted, firsts, counts = index.worth_making(starts, periods)
    for at in range(0, len(wanted), LANES):
        lanes = slice(at, at + LANES)
        rows, first, count = wanted[lanes], firsts[lanes], counts[lanes]
        made = generator.generate(keys[rows], first.tolist(), count.tolist())
        for lane, identifiers in index.find(made, first, count):
            yield MatchedIdentifiers(batch[rows[lane]], identifiers)


def match_bluezone(
    index: HeardIndex,
    day_key: bytes,
    time_start: int,
    time_end: int,
    slots_per_day: int = bluezone.SLOTS_PER_DAY,
) -> Iterator[bluezone.SlotIdentifier]:
    """Yield the identifiers of a Bluezone *day_key* that were heard, in order of their slots.

    *time_start* and *time_end* (Unix seconds) are those pushed with the key; its slot 0 begins
    at *time_start*.  *index* holds the Bluezone identifiers of the log.  An identifier counts
    from one slot before its own to one after: the applications changed what they advertised only
    when advertising began anew, and phone clocks disagree.

    Raises:
        ValueError: the key is not 32 bytes, or the number of slots not 1..86400.
    """
    slot_seconds = bluezone.DAY_SECONDS / slots_per_day
    heard_until = index.last + slot_seconds
    for slot in bluezone.identifiers_between(
        day_key, time_start, min(time_end, int(heard_until)), slots_per_day
    ):
        earliest, end = slot.start - slot_seconds, slot.start + 2 * slot_seconds
        if any(first < end and last >= earliest for first, last in index.times(slot.identifier)):
            yield slot
