"""docs/protocol-places.md suffices: a reader made from it alone and the package understand each
other, and each refuses what somebody changed.
"""

import json
import random
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluezone_node.ble import frame
from bluezone_node.crypto import cose
from bluezone_node.errors import BadInput
from bluezone_node.venues import answer, bundle, notices, opening, passes, register, tags, warrant
from bluezone_node.venues.card import Card, CardFlag, day_number, read_card
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.matching import matches
from bluezone_node.venues.text import Proof, read_text, to_base45, to_url
from bluezone_node.venues.trust import (
    Role,
    TrustList,
    accept_card,
    read_trust_list,
    write_trust_list,
)
from bluezone_node.venues.visits import OutKind, Visit
from tests.venues import by_the_book as book
from tests.venues.places import CARDS, NOTICES, NOW, ROOT, seeded, text_of, trusted

OURS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text())
AT = int(NOW.timestamp())
REGISTER, ASKING, APPROVING = (
    Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3)
)
TRUST = TrustList(
    7,
    NOW,
    (
        trusted(CARDS, Role.CARDS),
        trusted(NOTICES, Role.NOTICES, "VN-DN"),
        # One key may stand there for several provinces.
        trusted(NOTICES, Role.NOTICES, "VN-HN"),
        trusted(REGISTER, Role.REGISTER, "*"),
        trusted(ASKING, Role.WARRANT_REQUEST, "*"),
        # Who asks may be somebody who could approve as well, and the other way round.
        trusted(APPROVING, Role.WARRANT_REQUEST, "VN-HN"),
        trusted(APPROVING, Role.WARRANT_APPROVE, "VN-HN"),
    ),
)
TRUST_FILE = write_trust_list(TRUST, ROOT)
ITS_TRUST = book.read_trust(TRUST_FILE, cose.public_bytes(ROOT))
VENUE_KEY, DAY_KEY = (X25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (4, 5))
DAY_PUBLIC = DAY_KEY.public_key().public_bytes_raw()
CARD = Card(
    b"venue of 16 byte",
    "Phòng khám Hoa Sen",
    4,
    VenueKind.HEALTH_FACILITY,
    b"seed of 16 bytes",
    day_number(NOW),
    day_number(NOW) + 30,
    register_key=VENUE_KEY.public_key().public_bytes_raw(),
    flags=CardFlag.REGISTER_REQUIRED,
)
SIGNED = read_card(cose.sign(CARD.encoded(), CARDS))
TEXT = text_of(NOW + timedelta(minutes=10))
NOTICE = notices.seal_notice(SIGNED.payload, TEXT, b"notice number 01", seeded())
BUNDLE = bundle.Bundle(
    "VN-HN", 1, bytes(32), NOW, bundle.padded([NOTICE], seeded(1)), (b"r" * 16,), True, (b"o" * 8,)
)
BUNDLE_FILE = bundle.write_bundle(BUNDLE, NOTICES)
DAYS = register.DayKeys("VN-HN", NOW, {day_number(NOW): DAY_PUBLIC})
DAYS_FILE = register.write_day_keys(DAYS, REGISTER)
WARRANT = warrant.Warrant(
    b"warrant 16 bytes",
    CARD.venue_id,
    NOW - timedelta(hours=3),
    NOW,
    "BN-1",
    "Luật 03/2007/QH12",
    NOW,
    NOW + timedelta(hours=72),
)
WARRANT_FILE = warrant.join([warrant.write_warrant(WARRANT, key) for key in (APPROVING, ASKING)])


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def flipped(data: bytes, position: int) -> bytes:
    """Return *data* with one bit of the byte at *position* changed."""
    changed = bytearray(data)
    changed[position] ^= 1 << position % 8
    return bytes(changed)


@pytest.mark.parametrize("which", ["least", "most"])
def test_the_book_makes_our_vectors(which: str) -> None:
    """Card, both texts, keys, tags and frame of each example."""
    vector = OURS[which]
    data = bytes.fromhex(vector["cose"])
    payload = bytes.fromhex(vector["payload"])
    assert book.unsigned(data) == (bytes.fromhex(OURS["key_id"]), payload)
    assert book.verifies(data, bytes.fromhex(OURS["registrar_public_key"]))
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(OURS["registrar_private_key"]))
    assert book.sign(book.write(book.read_card(data)), key) == data
    assert book.link(data) == vector["url"]
    assert book.read_text(vector["url"]) == book.read_text(vector["base45"]) == (data, "", None)
    assert book.location_id(payload).hex() == vector["location_id"]
    assert book.spoken_code(payload) == vector["spoken_code"]
    slot_secret, note_secret = book.keys_of(payload)
    assert (slot_secret.hex(), note_secret.hex()) == (vector["k_slot"], vector["k_note"])
    three = book.slots(OURS["unix_time"], OURS["unix_time"] + 3 * 900)
    assert [book.tag(slot_secret, slot).hex() for slot in three] == vector["tags"]
    assert [book.slot_key(note_secret, slot).hex() for slot in three] == vector["slot_keys"]
    assert book.frame(payload, vector["slot"]).hex() == vector["frame"]


def test_the_book_makes_our_proof() -> None:
    """And reads it from the longest of our texts."""
    vector = OURS["proof"]
    day_key = book.mac(bytes.fromhex(vector["kiosk_key"]), b"VNP1-DAY" + book.be32(vector["day"]))
    assert day_key.hex() == vector["day_key"]
    shown = book.proof(day_key, OURS["unix_time"])
    assert shown == (vector["step"], bytes.fromhex(vector["proof"]))
    data = bytes.fromhex(OURS["most"]["cose"])
    assert book.read_text(OURS["most"]["url_out_proof"]) == (data, ".o", shown)
    assert book.link(data, ".o", shown) == OURS["most"]["url_out_proof"]


def test_the_book_reads_the_draft(vectors: Path) -> None:
    """Its card, its texts, its tags; its notice was sealed in another way."""
    draft = json.loads((vectors / "vnp1_draft_vectors.json").read_text())
    data, payload = bytes.fromhex(draft["card_cose"]), bytes.fromhex(draft["card_cbor"])
    assert book.verifies(data, bytes.fromhex(draft["registrar_pk"]))
    book.read_card(data)
    assert book.link(data) == draft["qr_url"]
    assert book.read_text(draft["qr_url"]) == book.read_text(draft["qr_b45"]) == (data, "", None)
    assert book.location_id(payload).hex() == draft["loc_id"]
    slots = book.slots(draft["t_in"], draft["t_out"])
    assert list(slots) == draft["slots"]
    assert [book.tag(book.keys_of(payload)[0], slot).hex() for slot in slots] == draft["tags"]


def test_what_the_package_writes_the_book_reads() -> None:
    """Every object, and what follows from it."""
    book.accept_card(SIGNED.cose, ITS_TRUST, AT)
    proof = Proof(
        tags.step_of(NOW), tags.proof_of(book.kiosk_day_key(b"s" * 32, 20_779), 5_984_000)
    )
    for way, letter in (("in", ".i"), ("out", ".o"), (None, "")):
        said = book.read_text(to_url(SIGNED.cose, book.HOST, way, proof))  # type: ignore[arg-type]
        assert said == (SIGNED.cose, letter, (proof.step, proof.mac))
    assert book.read_text(to_base45(SIGNED.cose).lower())[0] == SIGNED.cose
    read = book.read_bundle(BUNDLE_FILE, ITS_TRUST)
    assert book.follow(None, read, BUNDLE_FILE, ITS_TRUST, AT) == (1, bundle.digest_of(BUNDLE_FILE))
    said = [book.open_by_card(each, SIGNED.payload) for each in read[6]]
    text = next(each for each in said if each)
    assert said.count(None) == len(read[6]) - 1
    assert (text[1], text[2], text[5]) == (seconds(TEXT.start), seconds(TEXT.end), 15)
    assert text[9] == TEXT.texts
    assert text[10] == {day: list(keys) for day, keys in TEXT.proof_keys.items()}
    heard = book.hear(frame.encode(tags.air_tag_of(tags.venue_keys(SIGNED.payload), AT // 900)))
    assert [book.open_by_slot(each, *heard) for each in read[6]] == said
    shown = passes.Pass(b"8 bytes!", NOW, 3, passes.Holder("Ánh", "0912345678"))
    assert book.read_pass(passes.write_pass(shown))[5] == ["Ánh", "0912345678"]
    days = book.read_day_keys(DAYS_FILE, ITS_TRUST, AT)
    assert days[4] == [[day_number(NOW), DAY_PUBLIC]]
    book.read_warrant(WARRANT_FILE, ITS_TRUST, AT, CARD.venue_id)


def test_a_row_goes_through_both_ways() -> None:
    """Sealed by either, released and opened by the other; and the mark that its visitor finds."""
    row_id, slot, visitor = book.row_id(b"8 bytes!"), AT // 900, register.Contact("Ánh")
    assert row_id == register.row_id_of(b"8 bytes!")
    row = register.seal_contact(visitor, CARD, SIGNED.location_id, NOW, DAY_PUBLIC, row_id)
    inner = book.open_outer(row.outer, CARD.venue_id, slot, VENUE_KEY)
    contact = book.open_inner(inner, SIGNED.location_id, slot, DAY_KEY)
    assert contact == {1: "Ánh", 2: "", 4: 1, 5: False}
    fields = book.read_card(SIGNED.cose)
    outer = book.seal_row(contact, fields, SIGNED.location_id, slot, DAY_PUBLIC)
    released = register.release(replace(row, outer=outer), CARD.venue_id, VENUE_KEY)
    assert register.open_contact(released, DAY_KEY) == visitor
    rows = [[row_id, SIGNED.location_id, slot, row.day_key_id, released.inner]]
    assert answer.unpack_rows(book.write(rows)) == (released,)
    file = answer.write_answer(answer.WarrantAnswer(WARRANT.warrant_id, "P1", (released,)))
    assert book.write(["VNP1A", WARRANT.warrant_id, "P1", book.write(rows)]) == file
    assert bundle.padded_marks([row_id], 9, seeded()).count(book.opened_mark(row_id, 9)) == 1
    entry = opening.link(None, NOW, WARRANT_FILE, 1)
    before = book.sha256(b"VNP1-OPENINGS")
    assert entry.digest == book.opening(before, 1, AT, WARRANT_FILE, 1)


def test_what_the_book_writes_the_package_reads() -> None:
    """Every object of which the page tells how it is made."""
    payload = book.write(book.read_card(SIGNED.cose))
    card = book.sign(payload, CARDS)
    text = book.link(card, ".o", book.proof(book.kiosk_day_key(b"s" * 32, book.day_of(AT)), AT))
    read = read_text(text, {book.HOST})
    assert accept_card(read.card, TRUST, NOW) == CARD
    assert read.proof is not None
    key = tags.proof_day_key(book.hkdf(b"s" * 32, b"VNP1-DYN", 32), day_number(NOW))
    assert read.proof.mac == tags.proof_of(key, tags.step_of(NOW))
    heard = frame.decode(book.frame(payload, AT // 900))
    assert heard == tags.air_tag_of(tags.venue_keys(payload), AT // 900)
    trust = book.sign(book.write(book.read(book.unsigned(TRUST_FILE)[1])), ROOT)
    assert read_trust_list(trust, cose.public_bytes(ROOT)) == TRUST
    fields = {1: AT, 2: AT + 900, 3: 1, 4: 9, 5: 0, 6: "115", 7: AT, 8: AT + 9000}
    fill = [seeded(number)(48) for number in range(16)]
    sealed = book.seal(payload, fields, b"n" * 16, b"o" * 12, fill)
    whole = {1: "VNP1B", 2: "VN-HN", 3: 2, 4: bundle.digest_of(BUNDLE_FILE), 5: AT, 6: [sealed]}
    data = book.sign(book.write(whole | {7: [], 8: False, 9: [], 10: [], 11: 7}), NOTICES)
    second = bundle.read_bundle(data, TRUST)
    bundle.follow(bundle.follow(None, BUNDLE, BUNDLE_FILE), second, data)
    assert isinstance(heard, tags.AirTag)
    said = notices.open_with_slot(second.notices[0], heard.tag, heard.slot_key)
    assert said is not None
    assert (said.phone, said.advice) == ("115", notices.Advice.NONE)
    shown = passes.read_pass(book.write_pass(b"8 bytes!", AT, 20, ["Ánh", "0912345678"]))
    assert (shown.expires, shown.party) == (NOW, 20)
    days = book.sign(book.unsigned(DAYS_FILE)[1], REGISTER)
    assert register.read_day_keys(days, TRUST, NOW) == DAYS
    words = book.unsigned(book.read(WARRANT_FILE)[0])[1]
    file = book.write([book.sign(words, key) for key in (ASKING, APPROVING)])
    assert warrant.read_warrant(file, TRUST, NOW, CARD.venue_id) == WARRANT


@pytest.mark.parametrize(
    ("minutes", "stay"), [(-60, 10), (-60, 60), (-60, 74), (-60, 75), (80, 10), (90, 5), (30, 15)]
)
def test_both_tell_the_same_visits(minutes: int, stay: int) -> None:
    """The window is half-open, and who stayed for less than the notice says is not told."""
    came = TEXT.start + timedelta(minutes=minutes)
    left = came + timedelta(minutes=stay)
    its = {1: Visit(came, came, card=SIGNED, left=left, out=OutKind.SCAN)}
    text = book.open_by_card(NOTICE.fields(), SIGNED.payload)
    assert text is not None
    assert bool(matches(its, [NOTICE], left)) == book.concerns(text, seconds(came), seconds(left))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (3, " a"),
        (3, "a\u3164"),
        (3, "e\u0302"),
        (3, "a\u202eb"),
        (3, "x" * 97),
        (7, 14),
        (7, 1426),
        (8, [5, 5]),
        (8, [0, 2**17]),
        (4, True),
        (4, 100_000),
        (4, 1.0),
        (5, 14),
        (6, b"15 bytes of seed"[:15]),
        (9, None),
        (10, ""),
        (11, 64),
        (12, 3),
        (13, "đường\n"),
        (14, [1440, 0]),
        (15, 0),
    ],
)
def test_both_refuse_the_same_cards(field: int, value: object) -> None:
    """Each field at the first value that it may not have."""
    fields = {**book.read_card(SIGNED.cose), field: value}
    data = book.sign(book.write(fields), CARDS)
    with pytest.raises(book.Refused):
        book.read_card(data)
    with pytest.raises(BadInput):
        read_card(data)


@pytest.mark.parametrize(
    "data",
    [
        "1801", "190001", "580161", "a201000100", "a202000100", "9fff", "5f4101ff", "c001",
        "c24101", "f814", "9b7fffffffffffffff", "bb0fffffffffffffff", "5b7fffffffffffffff",
        "81" * 9 + "00", "a100" * 9 + "00", "81" * 5000, "62c328", "63eda080", "0000", "", "1c",
        "ff", "fb3ff0000000000000", "f97e01",
    ],
)  # fmt: skip
def test_both_refuse_the_same_writings(data: str) -> None:
    """Whatever is not the one deterministic encoding, and counts that nothing follows."""
    with pytest.raises(book.Refused):
        book.read(bytes.fromhex(data))
    with pytest.raises(BadInput):
        cose.decode(bytes.fromhex(data))


def test_both_take_eight_levels() -> None:
    """The eighth array is the last."""
    data = bytes.fromhex("81" * 8 + "00")
    assert book.read(data) == cose.decode(data)


OBJECTS: dict[str, tuple[bytes, Callable[[bytes], object], Callable[[bytes], object]]] = {
    "trust list": (
        TRUST_FILE,
        lambda data: book.read_trust(data, cose.public_bytes(ROOT)),
        lambda data: read_trust_list(data, cose.public_bytes(ROOT)),
    ),
    "card": (
        SIGNED.cose,
        lambda data: book.accept_card(data, ITS_TRUST, AT),
        lambda data: accept_card(read_card(data), TRUST, NOW),
    ),
    "bundle": (
        BUNDLE_FILE,
        lambda data: book.read_bundle(data, ITS_TRUST),
        lambda data: bundle.read_bundle(data, TRUST),
    ),
    "day keys": (
        DAYS_FILE,
        lambda data: book.read_day_keys(data, ITS_TRUST, AT),
        lambda data: register.read_day_keys(data, TRUST, NOW),
    ),
    "warrant": (
        WARRANT_FILE,
        lambda data: book.read_warrant(data, ITS_TRUST, AT, CARD.venue_id),
        lambda data: warrant.read_warrant(data, TRUST, NOW, CARD.venue_id),
    ),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_a_byte_that_was_changed_is_refused_by_both(name: str) -> None:
    """Wherever it is in what is signed."""
    data, by_the_book, by_the_package = OBJECTS[name]
    by_the_book(data)
    by_the_package(data)
    step = max(1, len(data) // 100)
    for position in range(0, len(data), step):
        with pytest.raises(book.Refused):
            by_the_book(flipped(data, position))
        with pytest.raises(BadInput):
            by_the_package(flipped(data, position))


def test_a_byte_that_was_changed_in_a_seal_opens_nothing() -> None:
    """Of a notice and of a row, for both."""
    heard = tags.air_tag_of(tags.venue_keys(SIGNED.payload), AT // 900)
    for position in range(0, len(NOTICE.sealed), 7):
        changed = replace(NOTICE, sealed=flipped(NOTICE.sealed, position))
        assert notices.open_with_slot(changed, heard.tag, heard.slot_key) is None
        assert book.open_by_card(changed.fields(), SIGNED.payload) is None
    row = register.seal_contact(
        register.Contact("Ánh"), CARD, SIGNED.location_id, NOW, DAY_PUBLIC, b"r" * 16
    )
    for position in range(0, len(row.outer), 32):
        outer = flipped(row.outer, position)
        with pytest.raises(book.Refused):
            book.open_outer(outer, CARD.venue_id, row.slot, VENUE_KEY)
        with pytest.raises(BadInput):
            register.release(replace(row, outer=outer), CARD.venue_id, VENUE_KEY)


STRANGE: list[object] = [
    *(0, 1, -1, 13, 14, 15, 63, 64, 99_999, 100_000, 1425, 1426, 2**17 - 1, 2**17),
    *(2**32 - 1, 2**32, 2**64 - 1, True, False, None, 1.0, "", "a", " a", "a\n", "e\u0302", "*"),
    *(b"", b"x" * 8, b"x" * 16, b"x" * 32, [], [1], [1, 2], [2, 1], {}, {1: 2}, {"a": 1}, {-1: 1}),
]


def altered(value: Any, chance: random.Random) -> Any:
    """Return *value* with something left out, put in or exchanged somewhere in it."""
    places = list(value) if isinstance(value, dict) else range(len(value))
    place, strange = chance.choice(places), chance.choice(STRANGE)
    inner, which = value[place], chance.random()
    if isinstance(inner, dict | list) and inner and which < 0.5:
        strange = altered(inner, chance)
    elif which > 0.8:
        pairs = [(each, value[each]) for each in places if each != place]
        return dict(pairs) if isinstance(value, dict) else [each for _, each in pairs]
    elif which > 0.7 and isinstance(value, dict):
        place = chance.choice([0, 11, 12, 99])
    changed = copy(value)
    changed[place] = strange
    return changed


@pytest.mark.parametrize(
    ("name", "key"),
    [("trust list", ROOT), ("card", CARDS), ("bundle", NOTICES), ("day keys", REGISTER)],
)
def test_both_judge_alike_what_a_key_signed(name: str, key: Ed25519PrivateKey) -> None:
    """Also where the signer's program is broken: what one takes, the other takes."""
    data, *readers = OBJECTS[name]
    payload, chance, taken = book.read(book.unsigned(data)[1]), random.Random(name), set()
    if name == "bundle":
        payload[6] = payload[6][:2]
    for _ in range(150):
        signed = book.sign(book.write(altered(payload, chance)), key)
        verdicts = set()
        for reader in readers:
            try:
                reader(signed)
                verdicts.add(True)
            except (BadInput, book.Refused):
                verdicts.add(False)
        assert len(verdicts) == 1
        taken |= verdicts
    assert taken == {True, False}
