"""Bundles: signed, chained, filled up; and what a device says to those that are not."""

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.cose import (
    decode_map,
    encode,
    key_id_of,
    public_bytes,
    read_signed,
    sign,
)
from bluezone_node.errors import BadInput
from bluezone_node.venues import bundle as bundle_module
from bluezone_node.venues.bundle import (
    FIRST_PREVIOUS,
    MAX_BUNDLE_BYTES,
    SIZES,
    Bundle,
    ChainHead,
    begins_anew,
    check_signer,
    digest_of,
    follow,
    padded,
    padded_retractions,
    read_bundle,
    write_bundle,
)
from bluezone_node.venues.notices import seal_notice
from bluezone_node.venues.trust import Role, TrustList
from tests.venues.places import (
    CARDS,
    NOTICES,
    NOW,
    STRANGER,
    TRUST,
    card_of,
    seeded,
    text_of,
    trusted,
)

NOTICE = seal_notice(card_of().payload, text_of(), b"notice number 01", seeded())
FIRST = Bundle(
    "VN",
    1,
    FIRST_PREVIOUS,
    NOW,
    padded([NOTICE], seeded(2)),
    retracted=(b"r" * 16,),
    breaker=True,
    opened=(b"o" * 8,),
    revoked=(b"c" * 8,),
)
DATA = write_bundle(FIRST, NOTICES)


def test_a_bundle_is_read_as_it_was_written() -> None:
    """And the same bundle is the same file again."""
    assert read_bundle(DATA, TRUST) == FIRST
    assert write_bundle(FIRST, NOTICES) == DATA


def test_only_who_may_issue_notices_there_is_believed() -> None:
    """Not a stranger, not the key of the cards, not another province's, not a revoked one."""
    elsewhere = TrustList(1, NOW, (trusted(NOTICES, Role.NOTICES, "VN-DN"),))
    found_out = TrustList(1, NOW, (replace(trusted(NOTICES, Role.NOTICES), revoked=NOW),))
    for data, trust in (
        (write_bundle(FIRST, STRANGER), TRUST),
        (write_bundle(FIRST, CARDS), TRUST),
        (DATA, elsewhere),
        (DATA, found_out),
    ):
        with pytest.raises(BadInput) as refused:
            read_bundle(data, trust)
        assert refused.value.reason == "bundle_forged"


@given(position=st.integers(0, len(DATA) * 8 - 1))
def test_no_bit_of_a_bundle_can_be_changed(position: int) -> None:
    """A bundle with one bit flipped is refused."""
    changed = bytearray(DATA)
    changed[position // 8] ^= 1 << position % 8
    with pytest.raises(BadInput):
        read_bundle(bytes(changed), TRUST)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({3: 2**32 - 1}, ""),
        ({3: 2**32}, "bundle_malformed"),
        ({3: 0}, "bundle_malformed"),
        ({4: bytes(31)}, "bundle_malformed"),
        ({5: 0}, "bundle_forged"),
        ({5: 2**32 - 1}, "bundle_forged"),
        ({5: 2**32}, "bundle_malformed"),
        ({6: [{}]}, "notice_malformed"),
        ({6: [{}] * (16_384 + 1)}, "bundle_malformed"),
        ({7: [bytes(15)]}, "bundle_malformed"),
        ({8: 1}, "bundle_malformed"),
        ({9: [bytes(7)]}, "bundle_malformed"),
        ({10: [bytes(9)]}, "bundle_malformed"),
        ({11: 0}, "bundle_malformed"),
        ({11: 2**32 - 1}, ""),
        ({11: 2**32}, "bundle_malformed"),
        ({12: 0}, "bundle_malformed"),
    ],
)
def test_a_bundle_is_taken_up_to_its_bounds(fields: dict[int, object], reason: str) -> None:
    """Also where its authority signs what another program wrote."""
    data = sign(encode(decode_map(read_signed(DATA).payload) | fields), NOTICES)
    with pytest.raises(BadInput) if reason else nullcontext() as refused:
        read_bundle(data, TRUST)
    if refused is not None:
        assert refused.value.reason == reason


@given(length=st.integers(0, len(DATA) - 1))
def test_half_a_bundle_is_refused(length: int) -> None:
    """Wherever a download broke off."""
    with pytest.raises(BadInput):
        read_bundle(DATA[:length], TRUST)


def test_a_file_that_is_far_too_large_is_not_even_looked_into() -> None:
    """It is refused by its length."""
    for length, expected in ((0, "cose_malformed"), (1, "bundle_oversized")):
        with pytest.raises(BadInput) as refused:
            read_bundle(bytes(MAX_BUNDLE_BYTES + length), TRUST)
        assert refused.value.reason == expected


@pytest.mark.parametrize(("real", "size"), [(0, 16), (1, 16), (16, 16), (17, 64), (65, 256)])
def test_only_the_order_of_magnitude_of_notices_shows(real: int, size: int) -> None:
    """A bundle is filled up with made-up notices, sorted in among the others."""
    notices = [replace(NOTICE, notice_id=seeded(n)(16)) for n in range(real)]
    filled = padded(notices, seeded(3))
    assert len(filled) == size
    assert set(notices) <= set(filled)
    assert [n.notice_id for n in filled] == sorted(n.notice_id for n in filled)
    assert len({len(str(n.fields().keys())) for n in filled}) == 1


def test_made_up_notices_have_the_shapes_of_the_real_ones() -> None:
    """In turn: else a long one among short ones would be known as real."""
    long = seal_notice(card_of().payload, text_of(minutes=300), b"notice number 02", seeded())
    filled = padded([NOTICE, long], seeded(3))
    assert Counter(each.shape for each in filled) == {NOTICE.shape: 8, long.shape: 8}
    assert {each.shape for each in padded([long], seeded(3))} == {long.shape}
    assert {each.shape for each in padded([], seeded(3))} == {(16, 272)}


def test_which_made_up_notices_are_retracted_is_chance() -> None:
    """The oldest of them each time would be known as made up."""
    made_up = [bytes([number]) * 16 for number in range(40)]
    chosen = {each for seed in range(8) for each in padded_retractions([], made_up, seeded(seed))}
    assert chosen <= {*made_up}
    assert len(chosen) > 12


@pytest.mark.parametrize(
    ("real", "size"), [(0, 4), (4, 4), (5, 16), (17, 64), (16_384, 16_384), (16_385, 32_768)]
)
def test_what_is_retracted_stands_among_made_up_notices(real: int, size: int) -> None:
    """As long as there are any, and then among random ids."""
    entropy = seeded(4)
    ids, made_up = [entropy(16) for _ in range(real)], [entropy(16) for _ in range(9)]
    filled = padded_retractions(ids, made_up, entropy)
    assert len({*filled}) == len(filled) == size
    assert set(ids) <= {*filled}
    assert len({*made_up}.intersection(filled)) == min(9, size - real)
    assert list(filled) == sorted(filled)


def test_more_than_the_largest_bundle_is_refused() -> None:
    """The writer splits; it never leaves out."""
    with pytest.raises(ValueError, match="at most"):
        padded([NOTICE] * (SIZES[-1] + 1), seeded())


def test_what_no_device_would_take_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once on the shelf it would end the chain for everybody."""
    monkeypatch.setattr(bundle_module, "MAX_BUNDLE_BYTES", len(DATA))
    assert write_bundle(FIRST, NOTICES) == DATA
    with pytest.raises(BadInput) as refused:
        write_bundle(replace(FIRST, retracted=(b"r" * 16,) * 2), NOTICES)
    assert refused.value.reason == "bundle_oversized"


def after(previous: bytes, sequence: int) -> tuple[Bundle, bytes]:
    bundle = Bundle("VN", sequence, digest_of(previous), NOW)
    return bundle, write_bundle(bundle, NOTICES)


def test_a_chain_is_followed_from_wherever_one_begins() -> None:
    """The next bundle names the one before; the same one again changes nothing."""
    head = follow(None, FIRST, DATA)
    assert head == ChainHead(1, digest_of(DATA))
    second, data = after(DATA, 2)
    assert (second.breaker, second.trust_sequence) == (False, 1)
    head = follow(head, second, data)
    assert head == ChainHead(2, digest_of(data))
    assert follow(head, second, data) == head
    assert follow(None, second, data) == head


def test_a_key_that_was_replaced_does_not_go_on_with_the_chain() -> None:
    """Whatever date it writes; the same key, a newer one, one that was named again since, and one
    of which nothing is known do."""
    old, new = trusted(NOTICES, Role.NOTICES, days=30), trusted(STRANGER, Role.NOTICES, days=20)
    trust = TrustList(1, NOW, (old, new))
    with pytest.raises(BadInput) as refused:
        check_signer(old.key_id, new.key_id, trust)
    assert refused.value.reason == "bundle_key_replaced"
    for signer, before in ((old, old), (new, old)):
        check_signer(signer.key_id, before.key_id, trust)
    check_signer(old.key_id, bytes(8), trust)
    check_signer(bytes(8), new.key_id, trust)
    again = replace(old, start=new.start)
    check_signer(old.key_id, new.key_id, TrustList(1, NOW, (old, new, again)))


@pytest.mark.parametrize(
    ("signer", "before", "previous", "begins"),
    [
        (STRANGER, NOTICES, FIRST_PREVIOUS, True),
        (STRANGER, CARDS, FIRST_PREVIOUS, True),
        (STRANGER, NOTICES, b"p" * 32, False),
        (STRANGER, STRANGER, FIRST_PREVIOUS, False),
        (NOTICES, STRANGER, FIRST_PREVIOUS, False),
        (CARDS, NOTICES, FIRST_PREVIOUS, False),
        (CARDS, CARDS, FIRST_PREVIOUS, False),
    ],
    ids=["newer", "gone", "goes on", "same", "older", "unnamed", "both unnamed"],
)
def test_a_chain_begins_anew_by_a_key_that_was_named_since(
    signer: Ed25519PrivateKey, before: Ed25519PrivateKey, previous: bytes, begins: bool
) -> None:
    """The list names two keys for notices, one ten days younger; and none of the cards'."""
    old, new = trusted(NOTICES, Role.NOTICES, days=30), trusted(STRANGER, Role.NOTICES, days=20)
    trust = TrustList(1, NOW, (old, new))
    by, known = (key_id_of(public_bytes(key)) for key in (signer, before))
    assert begins_anew(Bundle("VN", 9, previous, NOW), by, known, trust) is begins


def test_history_cannot_be_told_differently() -> None:
    """Rolled back, forked, or with one left out: each is refused by its name."""
    second, data = after(DATA, 2)
    head = follow(follow(None, FIRST, DATA), second, data)

    def reason(bundle: Bundle, data: bytes) -> str:
        with pytest.raises(BadInput) as refused:
            follow(head, bundle, data)
        return refused.value.reason

    assert reason(FIRST, DATA) == "bundle_rolled_back"
    assert reason(*after(b"another history", 2)) == "bundle_fork"
    assert reason(*after(b"another history", 3)) == "bundle_fork"
    assert reason(*after(data, 2)) == "bundle_fork"
    assert reason(*after(data, 4)) == "bundle_gap"
