"""What is real and what is made up stand in one order: the first ones are nobody's."""

from bluezone_node.venues.bundle import padded, padded_marks, padded_retractions
from bluezone_node.venues.notices import NOTICE_ID_BYTES, seal_notice
from bluezone_node.venues.register import opened_mark
from tests.venues.places import card_of, seeded, text_of


def test_marks_of_opened_rows_stand_in_the_order_of_their_bytes() -> None:
    """Else the first of sixteen would be the one visitor that was looked up."""
    rows = [bytes([number]) * 16 for number in (9, 3, 7)]
    marks = padded_marks(rows, 5, seeded())
    assert {opened_mark(row, 5) for row in rows} < {*marks}
    assert list(marks) == sorted(marks)
    assert len(marks) == 16


def test_retractions_stand_in_the_order_of_their_bytes() -> None:
    """Whichever of them were made up."""
    entropy = seeded()
    real = [b"\xff" * NOTICE_ID_BYTES, b"\x80" * NOTICE_ID_BYTES]
    made_up = [entropy(NOTICE_ID_BYTES) for _ in range(9)]
    retracted = padded_retractions(real, made_up, entropy)
    assert {*real} < {*retracted}
    assert list(retracted) == sorted(retracted)


def test_notices_and_their_tags_stand_in_the_order_of_their_bytes() -> None:
    """Tags in the order of their slots would tell which are real, and who came first."""
    for seed in range(8):
        entropy = seeded(seed)
        notice = seal_notice(card_of(seed=seed).payload, text_of(), b"\xff" * 16, entropy)
        assert list(notice.tags) == sorted(notice.tags)
        bundle = padded([notice], entropy)
        assert list(bundle) == sorted(bundle, key=lambda each: each.notice_id)
        assert bundle[-1] == notice
