"""A second reader and writer of places, made from docs/protocol-places.md and nothing else.

It stands for the implementation of another country. It shares no line with the package, so where
the two disagree, the page is wrong or leaves something out. Plainness goes before speed here.
"""

import hashlib
import hmac
import io
import struct
import unicodedata
from base64 import b32encode
from collections.abc import Iterable
from typing import Any

import base45
import cbor2
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HOST = "q.example.vn"
HPKE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
CARDS, NOTICES, REGISTER, REQUEST, APPROVAL = 1, 2, 3, 4, 5
HEADERS = bytes.fromhex("a201270448")
BLANKS = {*map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0))}

Json = Any
Map = dict[int, Any]


class Refused(Exception):
    """What was read is not to be believed, for whichever of the page's reasons."""


def need(condition: bool) -> None:
    if not condition:
        raise Refused


def be32(number: int) -> bytes:
    return struct.pack(">I", number)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def hkdf(key: bytes, info: bytes, length: int, salt: bytes | None = None) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(key)


def whole(value: Json, low: int, high: int) -> bool:
    """Say whether *value* is a number of low–high; a boolean is none."""
    return type(value) is int and low <= value <= high


def moments(*values: Json) -> bool:
    return all(whole(value, 0, 2**32 - 1) for value in values)


def octets(value: Json, length: int) -> bool:
    return type(value) is bytes and len(value) == length


def line(value: Json, most: int) -> bool:
    """Say whether *value* is one line of 1–most bytes that hides nothing."""
    return (
        type(value) is str
        and 1 <= len(value.encode()) <= most
        and unicodedata.is_normalized("NFC", value)
        and value == value.strip()
        and all(c == " " or unicodedata.category(c)[0] not in "CZ" for c in value)
        and not set(value) & BLANKS
    )


# Encoding


def write(value: Json) -> bytes:
    return cbor2.dumps(value, canonical=True)


def item(data: io.BytesIO, level: int = 1) -> Json:
    """Read one item, which must have the only writing that it may have."""
    head = data.read(1)
    need(head != b"")
    major, low = head[0] >> 5, head[0] & 31
    if major == 7:
        need(low in (20, 21, 22))
        return {20: False, 21: True, 22: None}[low]
    need(low < 28 and major != 6)
    number = low
    if low > 23:
        size = 1 << low - 24
        more = data.read(size)
        number = int.from_bytes(more)
        need(len(more) == size and number >= (24 if size == 1 else 1 << 4 * size))
    if major < 2:
        return number if major == 0 else -1 - number
    left = len(data.getbuffer()) - data.tell()
    need(number <= left)
    if major < 4:
        taken = data.read(number)
        try:
            return taken if major == 2 else taken.decode()
        except UnicodeDecodeError as error:
            raise Refused from error
    need(level <= 8)
    if major == 4:
        return [item(data, level + 1) for _ in range(number)]
    pairs, before, kinds = {}, b"", set()
    for _ in range(number):
        start = data.tell()
        key = item(data, level + 1)
        written = data.getvalue()[start : data.tell()]
        kinds.add(type(key))
        need(written > before and written[0] >> 5 in (0, 3))
        before, pairs[key] = written, item(data, level + 1)
    need(len(kinds) < 2)
    return pairs


def read(data: bytes, filled: bool = False) -> Json:
    """Read the one thing in *data*; where it is *filled*, zeros may follow."""
    stream = io.BytesIO(data)
    value, rest = item(stream), stream.read()
    need(not (any(rest) if filled else rest))
    return value


def key_id(public: bytes) -> bytes:
    return sha256(public)[:8]


def sign(payload: bytes, key: Ed25519PrivateKey) -> bytes:
    headers = HEADERS + key_id(key.public_key().public_bytes_raw())
    return write([headers, {}, payload, key.sign(write(["Signature1", headers, b"", payload]))])


def unsigned(data: bytes) -> tuple[bytes, bytes]:
    """Return KID and payload of a COSE_Sign1, of whomever."""
    parts = read(data)
    fits = type(parts) is list and len(parts) == 4 and octets(parts[0], 13) and parts[1] == {}
    need(fits and parts[0][:5] == HEADERS)
    need(type(parts[2]) is bytes and octets(parts[3], 64))
    return parts[0][5:], parts[2]


def verifies(data: bytes, public: bytes) -> bool:
    headers, _, payload, signature = read(data)
    try:
        signed = write(["Signature1", headers, b"", payload])
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
    except InvalidSignature:
        return False
    return headers[5:] == key_id(public)


# Trust list


def read_trust(data: bytes, root: bytes) -> Map:
    need(len(data) <= 256 << 10)
    _, payload = unsigned(data)
    need(verifies(data, root))
    trust = read(payload)
    need(type(trust) is dict and set(trust) == {1, 2, 3, 4} and trust[1] == "VNP1T")
    need(whole(trust[2], 1, 2**32 - 1) and moments(trust[3]) and type(trust[4]) is list)
    for entry in trust[4]:
        need(type(entry) is list and len(entry) == 6 and type(entry[2]) is str)
        public, role, province, start, end, revoked = entry
        need(octets(public, 32) and whole(role, 1, 5) and 1 <= len(province.encode()) <= 60)
        need(moments(start, end) and (revoked is None or moments(revoked)))
    return trust


def signer(trust: Map, kid: bytes, role: int, at: int, province: str | None) -> bytes | None:
    """Return the public key that *kid* names and that counts for this."""
    entries = [entry for entry in trust[4] if key_id(entry[0]) == kid]
    if any(entry[5] is not None for entry in entries):
        return None
    for public, has, where, start, end, _ in entries:
        if has == role and start <= at < end and (province is None or where in ("*", province)):
            return bytes(public)
    return None


def signed_by(trust: Map, data: bytes, role: int, at: int, province: str | None = None) -> None:
    public = signer(trust, unsigned(data)[0], role, at, province)
    need(public is not None and verifies(data, public))


# Card


def read_card(data: bytes) -> Map:
    need(len(data) <= 512)
    card = read(unsigned(data)[1])
    need(type(card) is dict and {*range(1, 9)} <= set(card) <= {*range(1, 15)})
    need(whole(card[1], 1, 1))
    need(octets(card[2], 16) and whole(card[4], 0, 99_999))
    need(whole(card[5], 0, 13) and octets(card[6], 16))
    need(whole(card[7], 0, 0) or whole(card[7], 15, 1425))
    days = card[8]
    need(type(days) is list and len(days) == 2 and all(whole(d, 0, 2**17 - 1) for d in days))
    need(days[0] < days[1])
    flags = card.get(11, 0)
    need(whole(flags, 0, 63) and (9 in card or not flags & 1))
    need(9 not in card or octets(card[9], 32))
    need(12 not in card or whole(card[12], 1, 2))
    if 14 in card:
        hours = card[14]
        need(type(hours) is list and len(hours) == 2 and whole(hours[0], 0, 1439))
        need(whole(hours[1], 0, 1440))
    for number, most in ((3, 96), (10, 32), (13, 64)):
        need(number not in card or line(card[number], most))
    return card


def accept_card(data: bytes, trust: Map, at: int, revoked: Iterable[bytes] = ()) -> None:
    """Refuse a card that does not count at *at*."""
    card = read_card(data)
    signed_by(trust, data, CARDS, at)
    need(location_id(unsigned(data)[1])[:8] not in revoked)
    need(card[8][0] <= day_of(at) < card[8][1])


def location_id(payload: bytes) -> bytes:
    return sha256(b"VNP1-LOC" + payload)


def spoken_code(payload: bytes) -> str:
    return b32encode(sha256(payload)[:4]).decode()[:6]


# Texts


def link(cose: bytes, way: str = "", proof: tuple[int, bytes] | None = None) -> str:
    shown = "" if proof is None else f".{int.from_bytes(be32(proof[0]) + proof[1])}"
    number = int.from_bytes(b"\x01" + cose)
    return f"https://{HOST}/#{number}{way}{shown}"


def read_text(text: str) -> tuple[bytes, str, tuple[int, bytes] | None]:
    """Return the card's COSE_Sign1, the way (".i", ".o" or "") and the proof, if there is one."""
    text = text.strip()
    need(len(text) <= 2048)
    if text.isascii() and text.upper().startswith("VNP1:"):
        try:
            return base45.b45decode(text.upper()[5:]), "", None
        except ValueError as error:
            raise Refused from error
    front = f"https://{HOST}/#"
    need(text.lower().startswith(front))
    digits, *rest = text[len(front) :].lower().split(".")
    way = f".{rest.pop(0)}" if rest and rest[0] in ("i", "o") else ""
    need(len(rest) < 2 and all(d.isascii() and d.isdigit() for d in [digits, *rest]))
    need(not any(d.startswith("0") for d in [digits, *rest]))
    data = int(digits).to_bytes(len(digits) // 2).lstrip(b"\0")
    need(data[:1] == b"\x01")
    if not rest:
        return data[1:], way, None
    need(int(rest[0]) < 1 << 96)
    raw = int(rest[0]).to_bytes(12)
    return data[1:], way, (int.from_bytes(raw[:4]), raw[4:])


# Tags and the air


def day_of(at: int) -> int:
    return (at + 25_200) // 86_400


def keys_of(payload: bytes) -> tuple[bytes, bytes]:
    both = hkdf(payload, b"VNP1", 64)
    return both[:32], both[32:]


def slots(start: int, end: int) -> range:
    """Return the slots that [start, end) touches, at least that of its start."""
    return range(start // 900, max(-(-end // 900), start // 900 + 1))


def tag(slot_secret: bytes, slot: int) -> bytes:
    return mac(slot_secret, be32(slot))[:16]


def slot_key(note_secret: bytes, slot: int) -> bytes:
    return mac(note_secret, b"VNP1-SLOT" + be32(slot))[:10]


def frame(payload: bytes, slot: int) -> bytes:
    slot_secret, note_secret = keys_of(payload)
    data = b"\x10" + tag(slot_secret, slot)[:12] + slot_key(note_secret, slot)
    return bytes.fromhex("0303514e1a16514e") + data


def hear(advertisement: bytes) -> tuple[bytes, bytes]:
    """Return the first 12 bytes of the tag and the slot key."""
    data = advertisement[8:]
    need(advertisement[:8] == bytes.fromhex("0303514e1a16514e"))
    need(len(data) == 23 and data[0] >> 4 == 1)
    return data[1:13], data[13:]


def kiosk_day_key(shared: bytes, day: int) -> bytes:
    return mac(hkdf(shared, b"VNP1-DYN", 32), b"VNP1-DAY" + be32(day))


def proof(day_key: bytes, at: int) -> tuple[int, bytes]:
    return at // 300, mac(day_key, be32(at // 300))[:8]


# Notices and bundles


def seal(payload: bytes, text: Map, nid: bytes, nonce: bytes, fill: list[bytes]) -> Map:
    """Return a notice with 16 tags; *fill* has 16 of 48 bytes, for tags and wraps of nobody."""
    slot_secret, note_secret = keys_of(payload)
    key = hkdf(note_secret, b"VNP1-NOTE", 32, nid)
    pairs = []
    for slot in slots(text[1], text[2]):
        listed = tag(slot_secret, slot)
        pad = mac(slot_key(note_secret, slot), b"VNP1-WRAP" + nid + listed)
        pairs.append((listed, xor(key, pad)))
    pairs = sorted(pairs + [(more[:16], more[16:]) for more in fill[len(pairs) :]])
    tags = [pair[0] for pair in pairs]
    sealed = ChaCha20Poly1305(key).encrypt(nonce, write(text).ljust(256, b"\0"), bound(nid, tags))
    return {1: nid, 2: tags, 3: nonce, 4: sealed, 5: [pair[1] for pair in pairs]}


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def bound(nid: bytes, tags: list[bytes]) -> bytes:
    return nid + sha256(b"".join(sorted(tags)))


def unseal(notice: Map, key: bytes) -> Map | None:
    try:
        vouched = bound(notice[1], notice[2])
        text = ChaCha20Poly1305(key).decrypt(notice[3], notice[4], vouched)
    except InvalidTag:
        return None
    return dict(read(text, filled=True))


def open_by_card(notice: Map, payload: bytes) -> Map | None:
    return unseal(notice, hkdf(keys_of(payload)[1], b"VNP1-NOTE", 32, notice[1]))


def open_by_slot(notice: Map, heard: bytes, key: bytes) -> Map | None:
    for listed, wrap in zip(notice[2], notice[5], strict=True):
        if listed[:12] == heard[:12]:
            text = unseal(notice, xor(wrap, mac(key, b"VNP1-WRAP" + notice[1] + listed)))
            if text is not None:
                return text
    return None


def read_notice(notice: Json) -> None:
    need(type(notice) is dict and set(notice) == {1, 2, 3, 4, 5})
    tags, wraps = notice[2], notice[5]
    need(octets(notice[1], 16) and octets(notice[3], 12) and type(notice[4]) is bytes)
    need(len(notice[4]) <= 4096 and type(tags) is type(wraps) is list)
    need(1 <= len(tags) == len(wraps) <= 128 and all(octets(each, 16) for each in tags))
    need(all(octets(each, 32) for each in wraps))


def read_bundle(data: bytes, trust: Map) -> Map:
    need(len(data) <= 20 << 20)
    bundle = read(unsigned(data)[1])
    need(type(bundle) is dict and set(bundle) == {*range(1, 12)} and bundle[1] == "VNP1B")
    need(all(whole(bundle[n], 1, 2**32 - 1) for n in (3, 11)) and octets(bundle[4], 32))
    need(type(bundle[2]) is str and moments(bundle[5]) and type(bundle[8]) is bool)
    need(type(bundle[6]) is list)
    for number, length in ((7, 16), (9, 8), (10, 8)):
        need(type(bundle[number]) is list and all(octets(v, length) for v in bundle[number]))
    for notice in bundle[6]:
        read_notice(notice)
    signed_by(trust, data, NOTICES, bundle[5], bundle[2])
    return bundle


def follow(
    known: tuple[int, bytes] | None, bundle: Map, data: bytes, trust: Map, now: int
) -> tuple[int, bytes]:
    """Return number and digest of the newest bundle, now that *bundle* has come."""
    need(bundle[5] < now + 86_400 and bundle[11] <= trust[2])
    head = bundle[3], sha256(data)
    if known is None or head == known:
        return head
    need(head[0] == known[0] + 1 and bundle[4] == known[1])
    return head


# Passes, register, warrants


def write_pass(nonce: bytes, expires: int, party: int, contact: list[str] | None = None) -> str:
    fields: Map = {1: 1, 2: nonce, 3: expires, 4: party}
    return "VNP1V:" + base45.b45encode(write(fields | ({5: contact} if contact else {}))).decode()


def read_pass(text: str) -> Map:
    text = text.strip().upper()
    need(text.startswith("VNP1V:"))
    try:
        fields = read(base45.b45decode(text[6:]))
    except ValueError as error:
        raise Refused from error
    need(type(fields) is dict and {1, 2, 3, 4} <= set(fields) <= {1, 2, 3, 4, 5})
    need(whole(fields[1], 1, 1) and octets(fields[2], 8))
    need(moments(fields[3]) and whole(fields[4], 1, 20))
    if 5 in fields:
        need(type(fields[5]) is list and len(fields[5]) == 2)
        need(line(fields[5][0], 48) and line(fields[5][1], 20))
    return fields


def row_id(nonce: bytes) -> bytes:
    return sha256(b"VNP1-RID" + nonce)[:16]


def seal_row(contact: Map, card: Map, location: bytes, slot: int, day: bytes) -> bytes:
    text = write(contact).ljust(128, b"\0")
    info = b"VNP1-C1" + sha256(day)[:8] + location + be32(slot)
    inner = HPKE.encrypt(text, X25519PublicKey.from_public_bytes(day), info)
    outer = X25519PublicKey.from_public_bytes(card[9])
    return bytes(HPKE.encrypt(inner, outer, b"VNP1-C2" + card[2] + be32(slot)))


def open_outer(outer: bytes, venue: bytes, slot: int, key: X25519PrivateKey) -> bytes:
    try:
        return bytes(HPKE.decrypt(outer, key, b"VNP1-C2" + venue + be32(slot)))
    except InvalidTag as error:
        raise Refused from error


def open_inner(inner: bytes, location: bytes, slot: int, key: X25519PrivateKey) -> Map:
    name = sha256(key.public_key().public_bytes_raw())[:8]
    try:
        text = HPKE.decrypt(inner, key, b"VNP1-C1" + name + location + be32(slot))
    except InvalidTag as error:
        raise Refused from error
    return dict(read(text, filled=True))


def read_day_keys(data: bytes, trust: Map, now: int) -> Map:
    keys = read(unsigned(data)[1])
    need(type(keys) is dict and set(keys) == {1, 2, 3, 4} and keys[1] == "VNP1D")
    need(type(keys[2]) is str and moments(keys[3]) and type(keys[4]) is list)
    need(len(keys[4]) <= 64 and all(type(each) is list and len(each) == 2 for each in keys[4]))
    need(all(whole(day, 0, 2**17 - 1) and octets(key, 32) for day, key in keys[4]))
    need(len({day for day, _ in keys[4]}) == len(keys[4]))
    signed_by(trust, data, REGISTER, now, keys[2])
    return keys


def read_warrant(data: bytes, trust: Map, now: int, venue: bytes) -> Map:
    two = read(data)
    need(type(two) is list and len(two) == 2 and all(type(each) is bytes for each in two))
    payloads = {unsigned(each)[1] for each in two}
    need(len(payloads) == 1)
    warrant = read(payloads.pop())
    need(type(warrant) is dict and set(warrant) == {*range(1, 10)} and warrant[1] == "VNP1W")
    need(octets(warrant[2], 16) and octets(warrant[3], 16))
    need(moments(warrant[4], warrant[5], warrant[8], warrant[9]))
    need(line(warrant[6], 48) and line(warrant[7], 200))
    need(0 < warrant[5] - warrant[4] <= 86_400)
    need(0 < warrant[9] - warrant[8] <= 3 * 86_400)
    need(any(signed_together(each, trust, now) for each in (two, two[::-1])))
    need(warrant[3] == venue and warrant[5] <= now + 900 and warrant[8] <= now < warrant[9])
    return warrant


def signed_together(two: list[bytes], trust: Map, at: int) -> bool:
    """Say whether the first asks and the second approves, two people of one province."""
    asking, approving = two
    for province in {entry[2] for entry in trust[4]}:
        by = signer(trust, unsigned(asking)[0], REQUEST, at, province)
        other = signer(trust, unsigned(approving)[0], APPROVAL, at, province)
        if by and other and by != other and verifies(asking, by) and verifies(approving, other):
            return True
    return False


def opened_mark(row: bytes, sequence: int) -> bytes:
    return mac(row, b"VNP1-OPENED" + be32(sequence))[:8]


def opening(before: bytes, number: int, at: int, warrant: bytes, rows: int) -> bytes:
    return sha256(b"VNP1-OPENING" + write([before, number, at, warrant, rows]))


# Matching


def concerns(text: Map, start: int, end: int) -> bool:
    """Say whether who was there in [start, end) is told."""
    together = min(end, text[2]) - max(start, text[1])
    return together > 0 and together >= 60 * text[5]
