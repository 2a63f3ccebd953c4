"""The trust list: whose signatures count, for what, and until when."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.cose import encode, public_bytes, read_signed, sign
from bluezone_node.errors import BadInput
from bluezone_node.venues.trust import (
    MAX_TRUST_BYTES,
    Role,
    TrustList,
    accept_card,
    read_trust_list,
    write_trust_list,
)
from tests.venues.places import CARDS, NOTICES, NOW, ROOT, STRANGER, TRUST, card_of, trusted

ROOT_PUBLIC = public_bytes(ROOT)
DATA = write_trust_list(TRUST, ROOT)


def test_the_root_says_whose_signatures_count() -> None:
    """What the root signed is read back as it was."""
    revoked = replace(TRUST, keys=(*TRUST.keys, replace(TRUST.keys[0], revoked=NOW)))
    for trust in (TRUST, revoked):
        assert read_trust_list(write_trust_list(trust, ROOT), ROOT_PUBLIC) == trust


@pytest.mark.parametrize(
    ("changed", "taken"),
    [
        ({}, True),
        ({0: b"k" * 31}, False),
        ({1: 0}, False),
        ({1: 5}, True),
        ({1: 6}, False),
        ({2: ""}, False),
        ({2: "đ" * 30}, True),
        ({2: "đ" * 30 + "a"}, False),
        ({3: 0}, True),
        ({4: 2**32 - 1}, True),
        ({4: 2**32}, False),
        ({5: 0}, True),
        ({5: 2**32}, False),
        ({5: ""}, False),
    ],
)
def test_an_entry_is_taken_up_to_its_bounds(changed: dict[int, object], taken: bool) -> None:
    """The root signs what its holder's program writes; devices take what the page says."""
    fields = {0: b"k" * 32, 1: 1, 2: "VN", 3: 1, 4: 2, 5: None} | changed
    data = sign(encode({1: "VNP1T", 2: 1, 3: 0, 4: [list(fields.values())]}), ROOT)
    with nullcontext() if taken else pytest.raises(BadInput, match="no trust list"):
        read_trust_list(data, ROOT_PUBLIC)


@pytest.mark.parametrize(
    ("sequence", "taken"), [(0, False), (1, True), (2**32 - 1, True), (2**32, False)]
)
def test_lists_are_counted_from_one(sequence: int, taken: bool) -> None:
    """Up to what four bytes hold."""
    data = write_trust_list(replace(TRUST, sequence=sequence), ROOT)
    with nullcontext() if taken else pytest.raises(BadInput, match="no trust list"):
        read_trust_list(data, ROOT_PUBLIC)


def test_nobody_else_does() -> None:
    """A list of another root is refused, whatever it says."""
    with pytest.raises(BadInput) as refused:
        read_trust_list(write_trust_list(TRUST, STRANGER), ROOT_PUBLIC)
    assert refused.value.reason == "trust_forged"


@given(position=st.integers(0, len(DATA) * 8 - 1))
def test_no_bit_of_the_list_can_be_changed(position: int) -> None:
    """A list with one bit flipped is refused."""
    changed = bytearray(DATA)
    changed[position // 8] ^= 1 << position % 8
    with pytest.raises(BadInput):
        read_trust_list(bytes(changed), ROOT_PUBLIC)


@given(data=st.binary(max_size=200))
def test_anything_else_is_refused_in_words(data: bytes) -> None:
    """Whatever the bytes are, nothing but a refusal comes of them."""
    with pytest.raises(BadInput):
        read_trust_list(data, ROOT_PUBLIC)


def test_a_list_that_is_far_too_large_is_not_even_looked_into() -> None:
    """It is refused by its length; one byte less is no list for another reason."""
    for length, expected in ((0, "cose_malformed"), (1, "trust_oversized")):
        with pytest.raises(BadInput) as refused:
            read_trust_list(bytes(MAX_TRUST_BYTES + length), ROOT_PUBLIC)
        assert refused.value.reason == expected


def test_an_older_list_is_refused() -> None:
    """Nor can the same number stand for two lists: a revoked key does not come back."""
    newer = replace(TRUST, sequence=TRUST.sequence + 1)
    assert read_trust_list(write_trust_list(newer, ROOT), ROOT_PUBLIC, TRUST) == newer
    other = TrustList(TRUST.sequence, NOW, TRUST.keys[:1])
    for known in (newer, other):
        with pytest.raises(BadInput) as refused:
            read_trust_list(DATA, ROOT_PUBLIC, known)
        assert refused.value.reason == "trust_rolled_back"
    assert read_trust_list(DATA, ROOT_PUBLIC, TRUST) == TRUST


def test_a_key_is_for_one_role_and_its_time() -> None:
    """Neither before, nor after, nor for something else."""
    key = TRUST.keys[0]
    assert TRUST.find(key.key_id, Role.CARDS, NOW) == key
    assert TRUST.find(key.key_id, Role.NOTICES, NOW) is None
    assert TRUST.find(key.key_id, Role.CARDS, key.end) is None
    assert TRUST.find(key.key_id, Role.CARDS, key.start) == key
    assert TRUST.find(key.key_id, Role.CARDS, key.start - timedelta(seconds=1)) is None


def test_a_key_may_work_for_several_provinces() -> None:
    """Each entry counts for its own; which stands first is nobody's business."""
    keys = tuple(trusted(NOTICES, Role.NOTICES, province) for province in ("VN-DN", "VN-HN"))
    trust = TrustList(1, NOW, keys)
    for key in keys:
        assert trust.find(key.key_id, Role.NOTICES, NOW, key.province) == key
    assert trust.find(keys[0].key_id, Role.NOTICES, NOW, "VN-SG") is None


def test_a_key_that_was_revoked_counts_for_nothing() -> None:
    """In no role and no province: whoever has it can sign for all that it is listed for."""
    keys = (trusted(CARDS, Role.CARDS), replace(trusted(CARDS, Role.NOTICES), revoked=NOW))
    other = trusted(NOTICES, Role.NOTICES)
    trust = TrustList(1, NOW, (*keys, other))
    assert trust.find(keys[0].key_id, Role.CARDS, NOW) is None
    assert trust.find(other.key_id, Role.NOTICES, NOW) == other
    signed = read_signed(card_of().cose)
    assert TRUST.vouches(signed, Role.CARDS)
    assert not trust.vouches(signed, Role.CARDS)
    assert not TRUST.vouches(signed, Role.NOTICES)


def midnight(day: int) -> datetime:
    """Return the first instant of *day* in Vietnam."""
    return datetime.fromtimestamp(day * 86_400 - 7 * 3600, UTC)


def test_a_genuine_card_is_accepted() -> None:
    """Signed by a registrar's key, valid today, not withdrawn: from its first day to its last."""
    signed = card_of("Bệnh viện Bạch Mai")
    first, after = (midnight(day) for day in (signed.card.from_day, signed.card.to_day))
    around = TrustList(1, NOW, (trusted(CARDS, Role.CARDS, days=60),))
    for at in (first, NOW, after - timedelta(seconds=1)):
        assert accept_card(signed, around, at).name == "Bệnh viện Bạch Mai"
    for at, expected in ((first - timedelta(seconds=1), "card_not_yet"), (after, "card_expired")):
        with pytest.raises(BadInput) as refused:
            accept_card(signed, around, at)
        assert refused.value.reason == expected


def test_cards_that_do_not_count_are_refused_in_words() -> None:
    """Each with its own reason: stranger, forged, withdrawn, too early, too late, key revoked."""
    signed = card_of()

    def reason(**given: object) -> str:
        arguments = {"signed": signed, "trust": TRUST, "at": NOW, "revoked": ()} | given
        with pytest.raises(BadInput) as refused:
            accept_card(**arguments)  # type: ignore[arg-type]
        return refused.value.reason

    assert reason(signed=card_of(key=STRANGER)) == "card_unknown_signer"
    forged = replace(signed, cose=signed.cose[:-1] + bytes([signed.cose[-1] ^ 1]))
    assert reason(signed=forged) == "card_forged"
    assert reason(revoked={signed.location_id[:8]}) == "card_revoked"
    around = TrustList(1, NOW, (trusted(CARDS, Role.CARDS, days=60),))
    assert reason(trust=around, at=NOW - timedelta(days=31)) == "card_not_yet"
    assert reason(trust=around, at=NOW + timedelta(days=31)) == "card_expired"
    found_out = TrustList(8, NOW, (replace(TRUST.keys[0], revoked=NOW + timedelta(days=1)),))
    assert reason(trust=found_out) == "card_unknown_signer"
