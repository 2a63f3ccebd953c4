"""Bluezone's identifiers follow from a day key as real phones sent them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.bluezone import (
    day_key_after,
    identifiers,
    identifiers_between,
    slot_at,
)

CAPTURED = bytes.fromhex("4C5224B397F8AB3896781D5AA0F3119F280513F1B592CA280EBDED6357E21084")
SECOND = bytes.fromhex("66B07D33DA4E16A359B590EDA1E8DC90892D341C86A6491376041FE44505FFB5")
DAY = 1_596_844_800


@pytest.mark.parametrize(
    ("base", "milliseconds", "identifier"),
    [
        (CAPTURED, 1596866191387, "b9a665d754fe65e665d76a45"),
        (CAPTURED, 1596866588130, "3aa8dfc0a15682b27216fc31"),
        (CAPTURED, 1596867559031, "b9a232358a6c89e7a00b673c"),
        (CAPTURED, 1596868203060, "c5dad2ec90affa065d1e0a70"),
        (CAPTURED, 1596869100153, "e376e0b409bce18ecf5f2ed4"),
        (SECOND, 1596887252275, "286bce589ab994efa5f73cad"),
    ],
)
def test_rows_captured_from_phones(base: bytes, milliseconds: int, identifier: str) -> None:
    """The identifier of the slot is the one that the phone wrote down at that instant."""
    slot = slot_at(milliseconds / 1000, DAY)
    assert identifiers(base, DAY)[slot].identifier.hex() == identifier


def test_published_vectors(vectors: Path) -> None:
    """Captured and synthetic rows, over fourteen days, all match."""
    published = json.loads((vectors / "bluezone_v2_vectors.json").read_text())
    captured = published["captured"]
    day = identifiers(bytes.fromhex(captured["base_id"]), captured["day_start_unix"])
    for slot, identifier in captured["slots"].items():
        assert day[int(slot)].identifier == bytes.fromhex(identifier)
    synthetic = published["synthetic"]
    base = bytes.fromhex(synthetic["base_id"])
    for number in (0, 1, 14):
        key = day_key_after(base, number)
        assert key.hex() == synthetic.get(f"day{number}_key", base.hex())
        day = identifiers(key, DAY)
        for slot, identifier in synthetic[f"day{number}"].items():
            assert day[int(slot)].identifier.hex() == identifier


def test_a_day_has_96_slots_of_a_quarter_hour() -> None:
    """Slots follow each other from 00:00 UTC."""
    day = identifiers(CAPTURED, DAY)
    assert [s.slot for s in day] == list(range(96))
    assert [s.start - DAY for s in day] == [900 * i for i in range(96)]


def test_between_follows_the_chain_into_the_next_days() -> None:
    """A key that was pushed with an end two days later gives those days too, end included."""
    end = DAY + 2 * 86_400 + 900
    slots = list(identifiers_between(CAPTURED, DAY, end))
    assert len(slots) == 2 * 96 + 2
    assert slots[-1].start == end
    assert slots[96] == identifiers(day_key_after(CAPTURED, 1), DAY + 86_400)[0]


def test_between_in_a_wrong_order_is_empty() -> None:
    """An end before the start names no slot."""
    assert list(identifiers_between(CAPTURED, DAY, DAY - 1)) == []


@given(st.integers(1, 2000), st.integers(0, 86_399_999))
def test_every_instant_of_a_day_has_a_slot(slots_per_day: int, milliseconds: int) -> None:
    """Even a number of slots that does not divide the day leaves no instant outside."""
    assert 0 <= slot_at(DAY + milliseconds / 1000, DAY, slots_per_day) < slots_per_day


@pytest.mark.parametrize(("key", "slots"), [(bytes(31), 96), (bytes(32), 0), (bytes(32), 86_401)])
def test_nonsense_is_not_derived_from(key: bytes, slots: int) -> None:
    """A key of another length or an impossible number of slots raises."""
    with pytest.raises(ValueError, match="Bluezone day"):
        identifiers(key, DAY, slots)


def test_repr_shows_no_identifier() -> None:
    """Identifiers stay out of logs."""
    slot = identifiers(CAPTURED, DAY)[0]
    assert slot.identifier.hex() not in repr(slot)
    assert repr(slot.identifier) not in repr(slot)
