"""Outbreak notices: who can read one, and what everybody else sees."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.errors import BadInput
from bluezone_node.venues.card import day_number
from bluezone_node.venues.notices import (
    Advice,
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
from tests.venues.places import NOW, card_of, open_with_card, resealed, seeded, text_of

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
    for minutes, count in (
        (90, 16),
        (240, 16),
        (241, 32),
        (480, 32),
        (481, 64),
        (960, 64),
        (961, 128),
        (1440, 128),
    ):
        text = text_of(minutes=minutes)
        notice = seal_notice(CARD.payload, text, b"n" * 16, seeded())
        slots = slots_between(text.start, text.end)
        assert {tag_of(KEYS, slot) for slot in slots} <= set(notice.tags)
        assert len({*notice.tags}) == len(notice.tags) == count
        assert list(notice.tags) == sorted(notice.tags)


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
    lengths = [length(400, kiosks) for kiosks in (8, 32, 64)]
    assert lengths == [1024 + 16, 2048 + 16, 4080 + 16]
    with pytest.raises(ValueError, match="at most 64 proof keys"):
        length(0, 65)


@given(position=st.integers(0, len(NOTICE.sealed) * 8 - 1))
def test_no_bit_of_what_is_sealed_can_be_changed(position: int) -> None:
    """A notice with one bit flipped opens for nobody."""
    changed = bytearray(NOTICE.sealed)
    changed[position // 8] ^= 1 << position % 8
    assert open_with_card(replace(NOTICE, sealed=bytes(changed)), KEYS.note) is None


def test_tags_cannot_be_swapped() -> None:
    """The seal vouches for the tags, in whatever order they come: a notice cannot be hung on
    another place or time."""
    other = seal_notice(card_of(seed=3).payload, TEXT, NOTICE.notice_id, seeded(9))
    assert open_with_card(replace(NOTICE, tags=other.tags), KEYS.note) is None
    turned = replace(NOTICE, tags=NOTICE.tags[::-1], wraps=NOTICE.wraps[::-1])
    assert open_with_card(turned, KEYS.note) == TEXT


def test_windows_that_nobody_meant_are_refused() -> None:
    """Empty, turned around, or longer than a day."""
    for minutes in (0, -10, 24 * 60 + 1):
        with pytest.raises(BadInput) as refused:
            seal_notice(CARD.payload, text_of(minutes=minutes), b"n" * 16, seeded())
        assert refused.value.reason == "notice_window"


def test_texts_are_of_two_languages_and_short() -> None:
    """What an officer adds is Vietnamese and English, and fits a screen."""
    longest = replace(TEXT, texts={"vi": "a" * 400, "en": "b" * 400})
    said = seal_notice(CARD.payload, longest, b"n" * 16, seeded())
    assert open_with_card(said, KEYS.note) == longest
    for texts in ({"fr": "Bonjour"}, {"vi": "ả" * 200}, {"en": "a" * 401}):
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


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({6: 0}, False),
        ({2: [], 5: []}, False),
        ({2: [b"t" * 16], 5: [b"w" * 32]}, True),
        ({2: [b"t" * 16] * 128, 5: [b"w" * 32] * 128}, True),
        ({2: [b"t" * 16] * 129, 5: [b"w" * 32] * 129}, False),
        ({2: [b"t" * 16], 5: [b"w" * 32] * 2}, False),
        ({2: [b"t" * 15], 5: [b"w" * 32]}, False),
        ({2: [b"t" * 16], 5: [b"w" * 31]}, False),
        ({4: b"s" * 16}, False),
        ({4: b"s" * 17}, True),
        ({4: b"s" * 4096}, True),
        ({4: b"s" * 4097}, False),
    ],
)
def test_a_notice_is_taken_up_to_its_bounds(fields: dict[int, object], taken: bool) -> None:
    """Every length below them is one that a later program may write."""
    with nullcontext() if taken else pytest.raises(BadInput, match="malformed"):
        read_notice(NOTICE.fields() | fields)


START, END, LAST = 1_800_000_000, 1_800_003_600, 2**32 - 1


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({}, True),
        ({1: 0}, True),
        ({1: -1}, False),
        ({1: END - 1}, True),
        ({1: END}, False),
        ({2: LAST}, True),
        ({2: LAST + 1}, False),
        ({3: 1}, True),
        ({3: 0}, False),
        ({3: 4}, False),
        ({4: 99}, True),
        ({5: 0}, True),
        ({5: 1440}, True),
        ({5: 1441}, False),
        ({6: ""}, True),
        ({6: 115}, False),
        ({7: True}, False),
        ({8: 2**40}, True),
        ({9: {"fr": "Bonjour"}}, True),
        ({9: {"vi": 1}}, False),
        ({9: {1: "a"}}, False),
        ({9: []}, False),
        ({10: {20_780: [b"k" * 32]}}, True),
        ({10: {20_780: ["k"]}}, False),
        ({10: {20_780: b"k" * 32}}, False),
        ({10: {"20780": [b"k" * 32]}}, False),
        ({10: []}, False),
        ({11: 0}, False),
    ],
)
def test_what_is_sealed_is_taken_up_to_its_bounds(fields: dict[int, object], taken: bool) -> None:
    """Where it is no notice nobody is told, and nothing stops; other languages and advice of a
    later list are passed over."""
    least = {1: START, 2: END, 3: 3, 4: 1, 5: 15, 6: "19009095", 7: END, 8: END}
    said = open_with_card(resealed(NOTICE, KEYS.note, least | fields), KEYS.note)
    assert (said is not None) is taken
    if 4 in fields:
        assert said is not None
        assert said.advice is Advice.NONE


def test_a_notice_shows_nothing_of_itself() -> None:
    """Tags and keys are not in its repr."""
    assert NOTICE.tags[0].hex() not in repr(NOTICE)
    assert str(NOTICE.tags[0]) not in repr(NOTICE)
