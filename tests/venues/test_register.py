"""The register: who can read a name, and who cannot."""

import os
from base64 import b64encode
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.cose import encode, public_bytes, sign
from bluezone_node.errors import BadInput
from bluezone_node.venues.card import Card, CardFlag
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.register import (
    INNER_BYTES,
    Contact,
    DayKeys,
    ReleasedContact,
    SealedContact,
    check_contact,
    open_contact,
    opened_mark,
    read_day_keys,
    read_register_key,
    release,
    row_id_of,
    seal_contact,
    write_day_keys,
)
from bluezone_node.venues.trust import Role, TrustedKey, TrustList

OUTER_BYTES = INNER_BYTES + 48
"""HPKE adds the one-time key and its tag."""
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
VENUE_KEY, DAY_KEY = X25519PrivateKey.generate(), X25519PrivateKey.generate()
DAY_PUBLIC = DAY_KEY.public_key().public_bytes_raw()
LOCATION = bytes(range(32))
CARD = Card(
    bytes(16),
    "Phòng khám Hoa Sen",
    4,
    VenueKind.HEALTH_FACILITY,
    bytes(16),
    20_000,
    21_000,
    register_key=VENUE_KEY.public_key().public_bytes_raw(),
    flags=CardFlag.REGISTER_REQUIRED,
)
VISITOR = Contact("Nguyễn Thị Ánh", "+84912345678", 1961, 3, verified=True)


def sealed(contact: Contact = VISITOR) -> SealedContact:
    return seal_contact(contact, CARD, LOCATION, NOW, DAY_PUBLIC, os.urandom(16))


def test_both_keys_together_read_what_was_written() -> None:
    """The place opens the outer seal, the authority the inner one."""
    row = sealed()
    assert len(row.outer) == OUTER_BYTES
    released = release(row, CARD.venue_id, VENUE_KEY)
    assert len(released.inner) == INNER_BYTES
    assert open_contact(released, DAY_KEY) == VISITOR


def test_neither_key_alone_reads_anything() -> None:
    """The place's key opens no inner seal, the authority's no outer one."""
    row = sealed()
    with pytest.raises(BadInput, match="cannot be opened"):
        release(row, CARD.venue_id, DAY_KEY)
    with pytest.raises(BadInput, match="cannot be opened"):
        open_contact(release(row, CARD.venue_id, VENUE_KEY), VENUE_KEY)


@given(position=st.integers(0, OUTER_BYTES * 8 - 1))
def test_no_bit_of_a_row_can_be_changed(position: int) -> None:
    """A row with one bit flipped is refused."""
    row = sealed()
    changed = bytearray(row.outer)
    changed[position // 8] ^= 1 << position % 8
    with pytest.raises(BadInput) as refused:
        release(
            SealedContact(row.row_id, row.location_id, row.slot, row.day_key_id, bytes(changed)),
            CARD.venue_id,
            VENUE_KEY,
        )
    assert refused.value.reason == "row_unreadable"


@pytest.mark.parametrize("none", [bytes(32), b"\x01" + bytes(31)])
def test_to_what_is_no_key_nothing_is_sealed(none: bytes) -> None:
    """Numbers with which nobody shares a secret are refused in words, whoever signed them."""
    with pytest.raises(BadInput) as refused:
        read_register_key(b64encode(none).decode())
    assert refused.value.reason == "register_key_malformed"
    for card, day in ((replace(CARD, register_key=none), DAY_PUBLIC), (CARD, none)):
        with pytest.raises(BadInput) as refused:
            seal_contact(VISITOR, card, LOCATION, NOW, day, bytes(16))
        assert refused.value.reason == "register_key_malformed"


def test_a_day_has_one_key() -> None:
    """Of a list with two for one day, readers would take different ones."""
    signer = Ed25519PrivateKey.generate()
    around = timedelta(days=1)
    key = TrustedKey(public_bytes(signer), Role.REGISTER, "VN", NOW - around, NOW + around)
    entries = [[20_000, DAY_PUBLIC], [20_000, bytes(32)]]
    data = sign(encode({1: "VNP1D", 2: "VN", 3: 1, 4: entries}), signer)
    with pytest.raises(BadInput) as refused:
        read_day_keys(data, TrustList(1, NOW, (key,)), NOW)
    assert refused.value.reason == "day_keys_malformed"


def test_a_row_moved_to_another_time_or_place_is_refused() -> None:
    """What a row says of itself is bound to its seals."""
    row = sealed()
    later = SealedContact(row.row_id, row.location_id, row.slot + 1, row.day_key_id, row.outer)
    with pytest.raises(BadInput):
        release(later, CARD.venue_id, VENUE_KEY)
    with pytest.raises(BadInput):
        release(row, bytes(15) + b"\1", VENUE_KEY)
    elsewhere = SealedContact(row.row_id, bytes(32), row.slot, row.day_key_id, row.outer)
    with pytest.raises(BadInput):
        open_contact(release(elsewhere, CARD.venue_id, VENUE_KEY), DAY_KEY)


def test_every_row_has_the_same_length() -> None:
    """The length of a row says nothing about the name in it."""
    short, long = Contact("An"), Contact("Ng" + "u" * 94, "+" + "0" * 15, 1999, 20)
    assert len(sealed(short).outer) == len(sealed(long).outer) == OUTER_BYTES


@pytest.mark.parametrize(
    "contact",
    [
        Contact(""),
        Contact("A" * 97),
        Contact("An\nBình"),
        Contact("An\u202eBình"),
        Contact("An", "=HYPERLINK(1)"),
        Contact("An", "12"),
        Contact("An", birth_year=1),
        Contact("An", party=0),
        Contact("An", party=21),
    ],
)
def test_what_is_no_contact_is_refused_before_it_is_sealed(contact: Contact) -> None:
    """A name is one visible line, a number digits, a party 1 to 20."""
    with pytest.raises(BadInput):
        check_contact(contact)


def test_a_place_without_a_register_seals_nothing() -> None:
    """Names cannot be kept where the card has no key for them."""
    card = Card(bytes(16), "Chợ", 4, VenueKind.MARKET, bytes(16), 20_000, 21_000)
    with pytest.raises(BadInput) as refused:
        seal_contact(VISITOR, card, LOCATION, NOW, DAY_PUBLIC, bytes(16))
    assert refused.value.reason == "register_unknown"


def test_contacts_show_nothing_of_themselves() -> None:
    """Neither a contact nor a row tells anything in its repr."""
    said = repr(VISITOR) + repr(sealed())
    assert "Nguy" not in said
    assert "912345678" not in said
    assert "1961" not in said


REGISTER_KEY = Ed25519PrivateKey.from_private_bytes(b"r" * 32)
TRUST = TrustList(
    1,
    NOW,
    (
        TrustedKey(
            public_bytes(REGISTER_KEY),
            Role.REGISTER,
            "VN-HN",
            NOW - timedelta(days=1),
            NOW + timedelta(days=1),
        ),
    ),
)


def test_day_keys_come_from_who_may_give_them() -> None:
    """A list signed by the register's key is read; another's, or of another province, is not."""
    days = DayKeys("VN-HN", NOW, {20_779: DAY_PUBLIC})
    assert read_day_keys(write_day_keys(days, REGISTER_KEY), TRUST, NOW) == days
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    elsewhere = DayKeys("VN-DN", NOW, {20_779: DAY_PUBLIC})
    for forged in (write_day_keys(days, stranger), write_day_keys(elsewhere, REGISTER_KEY)):
        with pytest.raises(BadInput) as refused:
            read_day_keys(forged, TRUST, NOW)
        assert refused.value.reason == "day_keys_forged"


def test_a_visitor_finds_out_that_their_row_was_opened() -> None:
    """The mark follows from what the visitor's own pass held, and from the bundle it stands in."""
    row_id = row_id_of(b"nonce 12")
    assert opened_mark(row_id, 7) == opened_mark(row_id_of(b"nonce 12"), 7)
    assert opened_mark(row_id, 7) != opened_mark(row_id_of(b"nonce 13"), 7)
    assert opened_mark(row_id, 7) != opened_mark(row_id, 8)


def written_by_anybody(plain: bytes) -> ReleasedContact:
    """Return a released row around whatever *plain* is: sealing takes no more than public keys."""
    row, suite = sealed(), Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    info = b"VNP1-C1" + row.day_key_id + row.location_id + row.slot.to_bytes(4)
    inner = suite.encrypt(plain, DAY_KEY.public_key(), info=info)
    return ReleasedContact(row.row_id, row.location_id, row.slot, row.day_key_id, inner)


@pytest.mark.parametrize(
    "fields",
    [
        {1: "An\u202eBình", 2: "", 4: 1, 5: False},
        {1: "An\x00", 2: "", 4: 1, 5: False},
        {1: "An\r\n=cmd|' /C calc'!A0", 2: "", 4: 1, 5: False},
        {1: "A" * 10_000, 2: "", 4: 1, 5: False},
        {1: "An", 2: "=HYPERLINK(1)", 4: 1, 5: False},
        {1: "An", 2: "", 4: 10**18, 5: False},
        {1: "An", 2: "", 4: True, 5: False},
        {1: "An", 2: "", 3: True, 4: 1, 5: False},
        {1: "An", 2: "", 4: 1, 5: 1},
        {1: "An", 2: "", 4: 1, 5: False, 6: "more"},
        {1: b"An", 2: "", 4: 1, 5: False},
        [],
    ],
    ids=str,
)
def test_what_was_sealed_by_anybody_is_checked_when_it_is_opened(fields: object) -> None:
    """Directions, NULs, lines, 10 kB and other types are refused in words, never quoted."""
    with pytest.raises(BadInput) as refused:
        open_contact(written_by_anybody(encode(fields)), DAY_KEY)
    assert "An" not in str(refused.value)


@given(plain=st.binary(max_size=300))
def test_no_bytes_of_a_row_raise_anything_else(plain: bytes) -> None:
    """Whatever was sealed, it is a contact or refused."""
    with suppress(BadInput):
        open_contact(written_by_anybody(plain), DAY_KEY)


def test_a_formula_is_a_name_like_any_other() -> None:
    """It comes back as it was typed; what writes spreadsheets takes its teeth."""
    for name in ("=HYPERLINK(1)", "+cmd|' /C calc'!A0", "@SUM(1)", "-1", "😀"):
        row = release(sealed(Contact(name)), CARD.venue_id, VENUE_KEY)
        assert open_contact(row, DAY_KEY).name == name
