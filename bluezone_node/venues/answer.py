"""What a kiosk answers a warrant with: rows whose outer seal is open, and the inner one is not.

Over a network they go in parts, each small enough for any line; on a stick in one file.  Bytes:
docs/protocol-places.md, "Warrant".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bluezone_node.crypto.cose import KEY_ID_BYTES, decode, encode
from bluezone_node.errors import BadInput
from bluezone_node.venues.card import MAX_ROOM_BYTES, check_line
from bluezone_node.venues.register import INNER_BYTES, ROW_ID_BYTES, ReleasedContact
from bluezone_node.venues.warrant import WARRANT_ID_BYTES

PART_ROWS = 150
"""Of one part: 50 kB of a request, which may have 64."""
MAX_ROWS = 20_000
"""Of one answer: a busy market's day."""
MAX_ANSWER_BYTES = 6_000_000
LOCATION_ID_BYTES = 32

_MARK = "VNP1A"


@dataclass(frozen=True, slots=True)
class WarrantAnswer:
    """What one kiosk sends."""

    warrant_id: bytes
    room: str
    """Of the kiosk; empty: the whole place."""
    rows: tuple[ReleasedContact, ...] = field(repr=False)


def parts_of(rows: Sequence[ReleasedContact]) -> Iterator[tuple[ReleasedContact, ...]]:
    """Yield *rows* in parts; one that is empty where there are none."""
    for start in range(0, max(len(rows), 1), PART_ROWS):
        yield tuple(rows[start : start + PART_ROWS])


def pack_rows(rows: Sequence[ReleasedContact]) -> bytes:
    """Return *rows* as CBOR."""
    return encode(
        [[row.row_id, row.location_id, row.slot, row.day_key_id, row.inner] for row in rows]
    )


def unpack_rows(data: bytes, most: int = PART_ROWS) -> tuple[ReleasedContact, ...]:
    """Return the rows that `pack_rows` packed; at most so many.

    Raises:
        BadInput: reason ``rows_malformed``.
    """
    if len(data) > MAX_ANSWER_BYTES:
        raise _malformed()
    match decode(data):
        case list(rows) if len(rows) <= most:
            return tuple(map(_row_of, rows))
    raise _malformed()


def write_answer(answer: WarrantAnswer) -> bytes:
    """Return the file that a stick carries back."""
    return encode([_MARK, answer.warrant_id, answer.room, pack_rows(answer.rows)])


def read_answer(data: bytes) -> WarrantAnswer:
    """Return what is in the file *data*.

    Raises:
        BadInput: reason ``rows_malformed`` or ``text_malformed``.
    """
    match decode(data) if len(data) <= MAX_ANSWER_BYTES else None:
        case [str(mark), bytes(warrant_id), str(room), bytes(rows)] if (
            mark == _MARK and len(warrant_id) == WARRANT_ID_BYTES
        ):
            if room:
                check_line(room, MAX_ROOM_BYTES, "room")
            return WarrantAnswer(warrant_id, room, unpack_rows(rows, MAX_ROWS))
    raise _malformed()


def _row_of(entry: object) -> ReleasedContact:
    match entry:
        case [bytes(row_id), bytes(location_id), int(slot), bytes(day_key_id), bytes(inner)] if (
            len(row_id) == ROW_ID_BYTES
            and len(location_id) == LOCATION_ID_BYTES
            and type(slot) is int
            and 0 <= slot < 2**32
            and len(day_key_id) == KEY_ID_BYTES
            and len(inner) == INNER_BYTES
        ):
            return ReleasedContact(row_id, location_id, slot, day_key_id, inner)
    raise _malformed()


def _malformed() -> BadInput:
    return BadInput("These are no rows that a kiosk released.", reason="rows_malformed")
