"""What a kiosk answers a warrant with is read back as it was, and nothing else is."""

import pytest

from bluezone_node.crypto.cose import encode
from bluezone_node.errors import BadInput
from bluezone_node.venues.answer import (
    MAX_ANSWER_BYTES,
    PART_ROWS,
    WarrantAnswer,
    pack_rows,
    parts_of,
    read_answer,
    unpack_rows,
    write_answer,
)
from bluezone_node.venues.register import ReleasedContact


def row_of(number: int) -> ReleasedContact:
    return ReleasedContact(number.to_bytes(16), bytes(32), number, bytes(8), bytes(176))


def reason_of(data: bytes) -> str:
    """Return why the file *data* is refused."""
    with pytest.raises(BadInput) as refused:
        read_answer(data)
    return refused.value.reason


@pytest.mark.parametrize(
    ("rows", "lengths"),
    [(0, [0]), (1, [1]), (PART_ROWS, [PART_ROWS]), (PART_ROWS + 1, [PART_ROWS, 1])],
)
def test_rows_go_in_parts(rows: int, lengths: list[int]) -> None:
    """All of them, in their order; one part that is empty says that there are none."""
    whole = [row_of(number) for number in range(rows)]
    parts = list(parts_of(whole))
    assert [len(part) for part in parts] == lengths
    assert [row for part in parts for row in unpack_rows(pack_rows(part))] == whole


def test_a_part_has_no_more_rows_than_it_may() -> None:
    """On a stick all go in one file, which may have more."""
    rows = tuple(row_of(number) for number in range(PART_ROWS + 1))
    with pytest.raises(BadInput, match="no rows"):
        unpack_rows(pack_rows(rows))
    for room in ("", "r" * 32):
        answer = WarrantAnswer(b"w" * 16, room, rows)
        assert read_answer(write_answer(answer)) == answer


ROW: list[object] = [bytes(16), bytes(32), 2**32 - 1, bytes(8), bytes(176)]


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, bytes(15)),
        (1, bytes(31)),
        (2, -1),
        (2, 2**32),
        (2, True),
        (3, bytes(9)),
        (4, bytes(175)),
    ],
)
def test_a_row_is_taken_up_to_its_bounds(at: int, value: object) -> None:
    """Whoever runs the kiosk's program, the authority opens nothing else."""
    assert unpack_rows(encode([ROW]))[0].slot == 2**32 - 1
    for rows in ([[*ROW[:at], value, *ROW[at + 1 :]]], [ROW[:4]], [[*ROW, 0]], {}, 0):
        with pytest.raises(BadInput, match="no rows"):
            unpack_rows(encode(rows))


def test_another_file_is_no_answer() -> None:
    """By its mark, its warrant, its room or its length, which is looked at first."""
    rows = encode([])
    assert reason_of(encode(["VNP1X", b"w" * 16, "", rows])) == "rows_malformed"
    assert reason_of(encode(["VNP1A", b"w" * 15, "", rows])) == "rows_malformed"
    assert reason_of(encode(["VNP1A", b"w" * 16, "", rows, 0])) == "rows_malformed"
    for room in ("a\nb", "r" * 33):
        assert reason_of(encode(["VNP1A", b"w" * 16, room, rows])) == "text_malformed"
    for length, reason in ((0, "cbor_malformed"), (1, "rows_malformed")):
        data = bytes(MAX_ANSWER_BYTES + length)
        assert reason_of(data) == reason
        with pytest.raises(BadInput) as refused:
            unpack_rows(data)
        assert refused.value.reason == reason
