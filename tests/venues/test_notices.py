"""Outbreak notices: who can read one, and what everybody else sees."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.errors import BadInput
from bluezone_node.venues.card import day_number
from bluezone_node.venues.notices import (
    TAG_COUNTS,
    dummy_notice,
    open_with_slot,
    read_notice,
    seal_notice,
)
from bluezone_node.venues.tags import (
    SLOT_SECONDS,
    air_tag_of,
    slot_of,
    slots_between,
    tag_of,
    venue_keys,
)
from tests.venues.places import NOW, card_of, open_with_card, seeded, text_of

CARD = card_of()
KEYS = venue_keys(CARD.payload)
TEXT = text_of()
NOTICE = seal_notice(CARD.payload, TEXT, b"notice number 01", seeded())


def test_who_has_the_card_reads_the_notice() -> None:
    """Whoever scanned the poster has the key."""
    assert open_with_card(NOTICE, KEYS.note) == TEXT


def test_who_has_another_card_reads_nothing() -> None:
    """The key of another place, or of this place before a rotation, opens nothing."""
    assert open_with_card(NOTICE, venue_keys(card_of(seed=2).payload).note) is None


@given(offset=st.integers(-4, 10))
def test_who_heard_the_place_in_the_window_reads_the_notice(offset: int) -> None:
    """A slot heard over Bluetooth opens it within the window, and no other slot does."""
    slot = slot_of(TEXT.start) + offset
    heard = air_tag_of(KEYS, slot)
    within = slot in slots_between(TEXT.start, TEXT.end)
    assert open_with_slot(NOTICE, heard.tag, heard.slot_key) == (TEXT if within else None)


def test_the_tag_alone_opens_nothing() -> None:
    """What stands in the notice for everybody to read does not help to read the rest."""
    heard = air_tag_of(KEYS, slot_of(TEXT.start))
    assert open_with_slot(NOTICE, heard.tag, bytes(10)) is None


def test_a_notice_lists_every_quarter_of_an_hour_it_touches() -> None:
    """And made-up tags up to one of four numbers, in an order that tells nothing."""
    listed = set(NOTICE.tags)
    slots = slots_between(TEXT.start, TEXT.end)
    assert {tag_of(KEYS, slot) for slot in slots} <= listed
    assert len(listed) == len(NOTICE.tags) == min(size for size in TAG_COUNTS if size >= len(slots))
    assert list(NOTICE.tags) == sorted(NOTICE.tags)


@given(seconds=st.integers(1, 86_400), into=st.integers(0, SLOT_SECONDS - 1))
def test_slots_cover_their_window_and_nothing_else(seconds: int, into: int) -> None:
    """The first slot holds the start, the last one the last second before the end."""
    start = NOW + timedelta(seconds=into)
    end = start + timedelta(seconds=seconds)
    slots = slots_between(start, end)
    assert slots[0] == slot_of(start)
    assert slots[-1] == slot_of(end - timedelta(seconds=1))


def test_made_up_notices_look_like_real_ones() -> None:
    """The same fields, of the same lengths, each in ascending order."""
    made_up = dummy_notice(NOTICE.shape, seeded(5))
    shape = [(type(value), len(str(value))) for value in made_up.fields().values()]
    assert len(shape) == len(NOTICE.fields())
    assert len(made_up.sealed) == len(NOTICE.sealed)
    assert len(made_up.tags) == len(made_up.wraps) == len(NOTICE.tags)
    assert list(made_up.tags) == sorted(made_up.tags)
    assert open_with_card(made_up, KEYS.note) is None


def test_length_tells_little_of_what_is_said() -> None:
    """A longer sentence, or another kiosk's key, changes the length in large steps only."""

    def length(sentence: int, kiosks: int) -> int:
        keys = {day_number(NOW): tuple(bytes([number]) * 32 for number in range(kiosks))}
        text = replace(TEXT, texts={"vi": "a" * sentence}, proof_keys=keys)
        return len(seal_notice(CARD.payload, text, b"n" * 16, seeded()).sealed)

    assert {length(sentence, 1) for sentence in range(120)} == {256 + 16}
    assert {length(120, kiosks) for kiosks in range(4, 9)} == {512 + 16}


@given(position=st.integers(0, len(NOTICE.sealed) * 8 - 1))
def test_no_bit_of_what_is_sealed_can_be_changed(position: int) -> None:
    """A notice with one bit flipped opens for nobody."""
    changed = bytearray(NOTICE.sealed)
    changed[position // 8] ^= 1 << position % 8
    assert open_with_card(replace(NOTICE, sealed=bytes(changed)), KEYS.note) is None


def test_tags_cannot_be_swapped() -> None:
    """The seal vouches for the tags: a notice cannot be hung on another place or time."""
    other = seal_notice(card_of(seed=3).payload, TEXT, NOTICE.notice_id, seeded(9))
    assert open_with_card(replace(NOTICE, tags=other.tags), KEYS.note) is None


def test_windows_that_nobody_meant_are_refused() -> None:
    """Empty, turned around, or longer than a day."""
    for minutes in (0, -10, 24 * 60 + 1):
        with pytest.raises(BadInput) as refused:
            seal_notice(CARD.payload, text_of(minutes=minutes), b"n" * 16, seeded())
        assert refused.value.reason == "notice_window"


def test_texts_are_of_two_languages_and_short() -> None:
    """What an officer adds is Vietnamese and English, and fits a screen."""
    for texts in ({"fr": "Bonjour"}, {"vi": "ả" * 200}):
        with pytest.raises(BadInput) as refused:
            seal_notice(CARD.payload, replace(TEXT, texts=texts), b"n" * 16, seeded())
        assert refused.value.reason == "notice_text"


def test_a_notice_survives_its_map() -> None:
    """Written into a bundle and read from it, it is the same."""
    assert read_notice(NOTICE.fields()) == NOTICE


@pytest.mark.parametrize(
    ("number", "value"),
    [(n, value) for n in (1, 2, 3, 4, 5) for value in (b"", [], 3, None, [b"x"], {})],
)
def test_what_is_no_notice_is_refused(number: int, value: object) -> None:
    """A field of another kind or length spoils the notice."""
    with pytest.raises(BadInput) as refused:
        read_notice(NOTICE.fields() | {number: value})
    assert refused.value.reason == "notice_malformed"


def test_a_notice_shows_nothing_of_itself() -> None:
    """Tags and keys are not in its repr."""
    assert NOTICE.tags[0].hex() not in repr(NOTICE)
    assert str(NOTICE.tags[0]) not in repr(NOTICE)
