"""What a card says is what was signed, field by field, and nothing else is a card."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.cose import encode, key_id_of, public_bytes, read_signed, sign
from bluezone_node.errors import BadInput
from bluezone_node.venues.card import (
    MAX_CARD_BYTES,
    Card,
    CardFlag,
    check_line,
    day_number,
    read_card,
)
from bluezone_node.venues.kinds import RULES, VenueKind
from tests.venues.places import CARDS, card_of

OURS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text())
FIELDS: dict[int, object] = {
    1: 1,
    2: bytes(16),
    3: "Chợ Hôm",
    4: 4,
    5: 5,
    6: bytes(16),
    7: 0,
    8: [20770, 20800],
    11: 0,
}


def read(fields: dict[int, object]) -> Card:
    """Return the card that the registrar signed with those fields."""
    return read_card(sign(encode(fields), CARDS)).card


def reason_of(fields: dict[int, object]) -> str:
    """Return why those fields are no card."""
    with pytest.raises(BadInput) as refused:
        read(fields)
    return refused.value.reason


@pytest.mark.parametrize("which", ["least", "most"])
def test_our_vectors_are_made_again(which: str) -> None:
    """From the fields and the private key to the last byte of the signature, and back."""
    vector = OURS[which]
    fields = {int(number): value for number, value in vector["fields"].items()}
    for number in {2, 6, 9} & fields.keys():
        fields[number] = bytes.fromhex(fields[number])
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(OURS["registrar_private_key"]))
    assert public_bytes(key).hex() == OURS["registrar_public_key"]
    assert key_id_of(public_bytes(key)).hex() == OURS["key_id"]
    signed = read_card(bytes.fromhex(vector["cose"]))
    assert encode({1: 1, **fields}) == signed.card.encoded() == signed.payload
    assert signed.payload.hex() == vector["payload"]
    assert sign(signed.payload, key) == signed.cose
    assert signed.location_id.hex() == vector["location_id"]
    assert signed.spoken_code == vector["spoken_code"]


def test_the_draft_s_card(vectors: Path) -> None:
    """The published example is read, and its signature is its registrar's."""
    draft = json.loads((vectors / "vnp1_draft_vectors.json").read_text())
    signed = read_card(bytes.fromhex(draft["card_cose"]))
    assert signed.payload.hex() == draft["card_cbor"]
    assert signed.location_id.hex() == draft["loc_id"]
    assert signed.key_id.hex() == draft["kid"]
    assert read_signed(signed.cose).verify(bytes.fromhex(draft["registrar_pk"]))
    card = signed.card
    assert (card.name, card.kind) == ("Chợ Đồng Xuân – Cổng 1", VenueKind.MARKET)
    assert card.register_key == bytes.fromhex(draft["venue_pk"])


cards = st.builds(
    Card,
    st.binary(min_size=16, max_size=16),
    st.sampled_from(["Chợ", "Bến xe Mỹ Đình", "=1+1", "x" * 96]),
    st.integers(0, 99_999),
    st.sampled_from(VenueKind),
    st.binary(min_size=16, max_size=16),
    st.integers(0, 9999),
    st.integers(10_000, 2**17 - 1),
    st.just(0) | st.integers(15, 1425),
    st.binary(min_size=32, max_size=32),
    st.sampled_from(["", "Phòng 1", "r" * 32]),
    st.integers(0, 63).map(CardFlag),
    st.sampled_from([1, 2]),
    st.sampled_from(["", "1 Hàng Bài", "a" * 64]),
    st.none() | st.tuples(st.integers(0, 1439), st.integers(0, 1440)),
)


@given(cards)
def test_what_is_written_is_read(card: Card) -> None:
    """Every card comes back, and what is longest is far below the limit."""
    signed = read_card(sign(card.encoded(), CARDS))
    assert signed.card == card
    assert len(signed.cose) <= 397 < MAX_CARD_BYTES


def test_the_longest_card() -> None:
    """The limit in the page is what it is."""
    card = Card(
        bytes(16), "x" * 96, 99_999, VenueKind.FACTORY, bytes(16), 70_000, 70_001, 1425,
        bytes(32), "x" * 32, CardFlag(63), 2, "x" * 64, (1439, 1440),
    )  # fmt: skip
    assert len(sign(card.encoded(), CARDS)) == 397


@pytest.mark.parametrize(
    "changed",
    [
        {1: True},
        {1: 0},
        {1: 1.0},
        {1: None},
        {2: bytes(15)},
        {2: "x" * 16},
        {3: b"name"},
        {4: True},
        {4: -1},
        {4: 100_000},
        {4: 2**64 - 1},
        {5: True},
        {5: 14},
        {5: -1},
        {6: bytes(17)},
        {7: False},
        {7: 14},
        {7: 1426},
        {7: 60.0},
        {8: [20_800, 20_770]},
        {8: [20_770, 20_770]},
        {8: [False, 20_770]},
        {8: [0, True]},
        {8: [0, 2**17]},
        {8: [-1, 5]},
        {8: [20_770]},
        {8: [20_770, 20_800, 1]},
        {9: bytes(31)},
        {9: None},
        {10: 5},
        {10: None},
        {11: True},
        {11: 64},
        {11: -1},
        {11: 1},  # a register without a key
        {12: True},
        {12: 0},
        {12: 3},
        {13: None},
        {14: None},
        {14: []},
        {14: [True, 600]},
        {14: [0, True]},
        {14: [1440, 600]},
        {14: [0, 1441]},
        {14: [-1, 600]},
        {14: [600.0, 700]},
        {15: 0},
        {0: 0},
    ],
)
def test_what_is_no_field_makes_no_card(changed: dict[int, object]) -> None:
    """Types, truth values, ranges, unknown numbers: a card has them right or is none."""
    assert reason_of(FIELDS | changed) == "card_malformed"


@pytest.mark.parametrize("number", [2, 3, 4, 5, 6, 7, 8])
def test_no_field_can_be_left_out(number: int) -> None:
    """The first eight are always there."""
    fields = dict(FIELDS)
    del fields[number]
    assert reason_of(fields) == "card_malformed"


def test_a_later_version_is_told_as_that() -> None:
    """Who meets it should update, not throw the poster away."""
    assert reason_of(FIELDS | {1: 2, 99: "new"}) == "card_version"


def test_what_may_be_left_out_or_written_out() -> None:
    """Edition 1 and no flags may stand there or not; the card is the same, its bytes are not."""
    short = {number: value for number, value in FIELDS.items() if number != 11}
    assert read(short) == read(FIELDS) == read(FIELDS | {12: 1})


@pytest.mark.parametrize(
    "text",
    [
        "",
        " x",
        "x ",
        "a\nb",
        "a\tb",
        "a\0b",
        "a\u2028b",
        "\u202eegnahc",
        "a\u200bb",
        "a\u00a0b",
        "a\u1680b",
        "a\u00adb",
        "\ufeffa",
        "\u3164",
        "\u2800",
        "\ud800",
        "Cho\u031b\u0323",  # NFD
        "\ue000",
        "x" * 97,
        "ợ" * 33,
        "\U000e0041",
    ],
)
def test_a_line_that_is_none(text: str) -> None:
    """Empty, long, of several lines, unseen, turned round or in another normal form."""
    with pytest.raises(BadInput) as refused:
        check_line(text, 96, "name")
    assert refused.value.reason == "text_malformed"
    assert text == "" or text not in str(refused.value).replace(" ", "_")


@given(st.text(st.characters(exclude_categories=[]), max_size=120))
def test_any_text_is_a_line_or_is_refused(text: str) -> None:
    """Surrogates, marks, whatever: no other error; and what passes fits into its bytes."""
    try:
        assert len(check_line(text, 96, "name").encode()) <= 96
    except BadInput:
        return
    assert text.isprintable()


def test_a_line_of_an_unsound_card_is_refused() -> None:
    """The registrar's signature does not make a name of two lines a name."""
    for changed in ({3: "a\nb"}, {3: ""}, {10: ""}, {10: "x" * 33}, {13: ""}, {13: "x" * 65}):
        assert reason_of(FIELDS | changed) == "text_malformed"


def test_a_card_that_is_too_long_is_not_decoded() -> None:
    """The limit is looked at first."""
    with pytest.raises(BadInput) as refused:
        read_card(bytes(MAX_CARD_BYTES + 1))
    assert refused.value.reason == "card_oversized"


def test_no_bit_of_a_card_can_be_another() -> None:
    """Each single one is refused, or is named as not the registrar's."""
    whole = card_of().cose
    key = public_bytes(CARDS)
    for bit in range(len(whole) * 8):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        try:
            signed = read_card(bytes(data))
        except BadInput:
            continue
        assert signed.key_id != key_id_of(key) or not read_signed(signed.cose).verify(key)


def test_days_are_vietnam_s() -> None:
    """A day ends at 17:00 UTC, and a card with it."""
    midnight = datetime(2026, 11, 21, 17, tzinfo=UTC)
    assert day_number(midnight) == day_number(midnight - timedelta(seconds=1)) + 1
    day = day_number(midnight)
    card = replace(card_of().card, from_day=day, to_day=day + 1)
    assert not card.valid_at(midnight - timedelta(microseconds=1))
    assert card.valid_at(midnight)
    assert card.valid_at(midnight + timedelta(hours=23, minutes=59))
    assert not card.valid_at(midnight + timedelta(days=1))


def test_a_stay_is_the_card_s_or_its_kind_s() -> None:
    """Every kind has its rule, with names in both languages."""
    assert {*RULES} == {*VenueKind}
    card = card_of().card
    assert card.stay == timedelta(minutes=RULES[VenueKind.MARKET].stay_minutes)
    assert replace(card, stay_minutes=15).stay == timedelta(minutes=15)
    assert all(rule.name_vi and rule.name_en for rule in RULES.values())


def test_repr_tells_no_place() -> None:
    """Cards stay out of logs, down to their kind and commune."""
    signed = card_of("Chợ Hôm")
    for told in ("Hôm", "MARKET", "commune", repr(signed.card.seed)):
        assert told not in repr(signed)
