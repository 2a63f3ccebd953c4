"""Tags follow from the card and the quarter of an hour, and from nothing else."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.ble import frame
from bluezone_node.intervals import from_unix
from bluezone_node.venues.card import day_number
from bluezone_node.venues.tags import (
    SLOT_SECONDS,
    AirTag,
    air_tag_of,
    proof_day_key,
    proof_of,
    slot_key_of,
    slot_of,
    slots_between,
    start_of,
    step_of,
    tag_of,
    tags_of,
    venue_keys,
)
from bluezone_node.venues.text import Proof, to_url

OURS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text())
NOON = datetime(2026, 11, 22, 5, tzinfo=UTC)
KEYS = venue_keys(b"card")
moments = st.integers(0, (2**32 - 1) * 10**6).map(
    lambda us: from_unix(0) + timedelta(microseconds=us)
)


def test_our_vectors_are_made_again() -> None:
    """Keys, tags, slot keys and the frame on the air, of both cards."""
    at = from_unix(OURS["unix_time"])
    for which in ("least", "most"):
        vector = OURS[which]
        keys = venue_keys(bytes.fromhex(vector["payload"]))
        assert (keys.slot.hex(), keys.note.hex()) == (vector["k_slot"], vector["k_note"])
        slot = slot_of(at)
        assert slot == vector["slot"]
        assert [tag.hex() for tag in tags_of(keys, range(slot, slot + 3))] == vector["tags"]
        made = [slot_key_of(keys.note, slot + ahead).hex() for ahead in range(3)]
        assert made == vector["slot_keys"]
        payload = frame.encode(air_tag_of(keys, slot))
        assert payload.hex() == vector["frame"]
        assert len(payload) == 31
        assert frame.decode(payload) == air_tag_of(keys, slot)


def test_our_vector_of_a_proof_is_made_again() -> None:
    """From the kiosk's key to the digits on its screen."""
    vector, at = OURS["proof"], from_unix(OURS["unix_time"])
    day_key = proof_day_key(bytes.fromhex(vector["kiosk_key"]), day_number(at))
    assert (day_number(at), day_key.hex()) == (vector["day"], vector["day_key"])
    proof = Proof(step_of(at), proof_of(day_key, step_of(at)))
    assert (proof.step, proof.mac.hex()) == (vector["step"], vector["proof"])
    assert to_url(b"", "h", None, proof) == f"https://h/#1{vector['suffix']}"


def test_the_draft_s_tags(vectors: Path) -> None:
    """The published example has the keys, slots and tags that it had."""
    draft = json.loads((vectors / "vnp1_draft_vectors.json").read_text())
    keys = venue_keys(bytes.fromhex(draft["card_cbor"]))
    assert (keys.slot.hex(), keys.note.hex()) == (draft["k_slot"], draft["k_note"])
    slots = slots_between(from_unix(draft["t_in"]), from_unix(draft["t_out"]))
    assert list(slots) == draft["slots"]
    assert [tag.hex() for tag in tags_of(keys, slots)] == draft["tags"]


@given(moments, st.integers(1, 10**7))
def test_another_slot_has_another_tag(at: datetime, ahead: int) -> None:
    """A tag that is moved in time matches nothing; neither does its key."""
    slot = slot_of(at)
    assert tag_of(KEYS, slot) != tag_of(KEYS, slot + ahead)
    assert slot_key_of(KEYS.note, slot) != slot_key_of(KEYS.note, slot + ahead)
    assert tag_of(KEYS, slot) != tag_of(venue_keys(b"another"), slot)


@given(moments)
def test_every_instant_is_in_its_slot(at: datetime) -> None:
    """Slots follow one another without gaps, from their start on."""
    slot = slot_of(at)
    assert start_of(slot) <= at < start_of(slot + 1)


@given(moments, st.integers(0, 10**11))
def test_a_visit_has_the_slots_that_it_touches(start: datetime, microseconds: int) -> None:
    """The first and the last are touched, those beside them are not; one there is always."""
    end = start + timedelta(microseconds=microseconds)
    slots = slots_between(start, end)
    assert slots[0] == slot_of(start)
    assert start_of(slots[-1]) < end or len(slots) == 1
    assert end <= start_of(slots[-1] + 1)


def test_the_edges_of_a_visit() -> None:
    """Up to the quarter is before it; a moment after is in it; nothing is one slot."""
    quarter = timedelta(seconds=SLOT_SECONDS)
    slot = slot_of(NOON)
    assert slots_between(NOON, NOON + quarter) == range(slot, slot + 1)
    moment = timedelta(microseconds=1)
    assert slots_between(NOON, NOON + quarter + moment) == range(slot, slot + 2)
    assert slots_between(NOON, NOON) == range(slot, slot + 1)
    assert slots_between(NOON, NOON - quarter) == range(slot, slot + 1)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**31))
def test_a_proof_is_of_its_day_and_step(kiosk: bytes, step: int) -> None:
    """Another day's key or another five minutes give another proof."""
    day_key = proof_day_key(kiosk, 20_779)
    assert proof_of(day_key, step) != proof_of(day_key, step + 1)
    assert proof_of(day_key, step) != proof_of(proof_day_key(kiosk, 20_780), step)


def test_repr_shows_no_key_and_no_tag() -> None:
    """Tags stay out of logs."""
    assert repr(KEYS) == "VenueKeys()"
    assert repr(air_tag_of(KEYS, 1)) == repr(AirTag(b"", b"")) == "AirTag()"
