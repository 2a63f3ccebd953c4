"""What other countries published about their places, found with the code of one at hand.

The files as they were served to the apps: New Zealand's exposure events (JSON), the NHS's risky
venues (JSON), Germany's packages (protocol buffers), whose warnings are encrypted so that only who
was there can read them.  Switzerland's take a pairing of curves to open, and are not read here.
"""

import hmac
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from bluezone_node.errors import BadInput
from bluezone_node.intervals import INTERVAL_SECONDS
from bluezone_node.venues.foreign.encoding import instant
from bluezone_node.venues.foreign.place import ForeignKind, ForeignPlace
from bluezone_node.venues.foreign.protobuf import Message, repeated

MAX_PUBLISHED_BYTES = 8 << 20
"""A file of an hour, or of a country's two weeks, had some hundreds of kilobytes."""
_REPORTS = 4
"""Field of the encrypted warnings in a package; those in 3 are older, and nobody's any more."""
_IV_BYTES = 16

Window = tuple[datetime, datetime]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class _Event(msgspec.Struct, rename="camel"):
    gln_hash: str
    start: _Instant
    end: _Instant


class _Events(msgspec.Struct):
    items: list[_Event]


class _Span(msgspec.Struct):
    start: _Instant = msgspec.field(name="from")
    until: _Instant


class _RiskyVenue(msgspec.Struct, rename="camel"):
    id: str
    risky_window: _Span


class _RiskyVenues(msgspec.Struct):
    venues: list[_RiskyVenue]


def windows_about(place: ForeignPlace, published: bytes) -> list[Window]:
    """Return when, by the *published* file of its country, a case was at *place*, in its order.

    Raises:
        BadInput: reason ``warnings_malformed`` (the file is none of that country, or is damaged) or
            ``warnings_unread`` (that country's are not read here, or the code names no place).
    """
    read = _READERS.get(place.kind)
    if read is None or not place.id:
        raise BadInput("Warnings about that place cannot be read here.", reason="warnings_unread")
    try:
        if len(published) > MAX_PUBLISHED_BYTES:
            raise ValueError
        return list(read(place, published))
    # BadInput: of a protocol buffer, whose words speak of a code.
    except (msgspec.MsgspecError, ValueError, RecursionError, BadInput):
        raise BadInput(
            "The file is not what that country's app was served, or is damaged.",
            reason="warnings_malformed",
        ) from None


def _nz(place: ForeignPlace, published: bytes) -> Iterator[Window]:
    for event in msgspec.json.decode(published, type=_Events).items:
        if event.gln_hash == place.listed_as:
            yield event.start, event.end


def _nhs(place: ForeignPlace, published: bytes) -> Iterator[Window]:
    for venue in msgspec.json.decode(published, type=_RiskyVenues).venues:
        if venue.id == place.id:
            yield venue.risky_window.start, venue.risky_window.until


def _cwa(place: ForeignPlace, published: bytes) -> Iterator[Window]:
    location_id = bytes.fromhex(place.id)
    for data in repeated(published, _REPORTS):
        report = Message(data)
        if report.octets(1).hex() == place.listed_as:
            # Who does not have the code cannot make the authentication: it is a stranger's.
            record = _record(location_id, report.octets(2), report.octets(3), report.octets(4))
            start, period = record.number(1), record.number(2)
            yield (
                instant(start * INTERVAL_SECONDS),
                instant((start + period) * INTERVAL_SECONDS),
            )


def _record(location_id: bytes, iv: bytes, ciphertext: bytes, mac: bytes) -> Message:
    due = hmac.digest(cwa_key(b"CWA-MAC-KEY", location_id), iv + ciphertext, "sha256")
    if not hmac.compare_digest(due, mac) or len(iv) != _IV_BYTES:
        raise BadInput("The warning was altered.", reason="warnings_malformed")
    decryptor = Cipher(AES(cwa_key(b"CWA-ENCRYPTION-KEY", location_id)), CBC(iv)).decryptor()
    unpadder = PKCS7(AES.block_size).unpadder()
    try:
        plain = unpadder.update(decryptor.update(ciphertext) + decryptor.finalize())
        return Message(plain + unpadder.finalize())
    except ValueError:
        raise BadInput("The warning is not whole.", reason="warnings_malformed") from None


def cwa_key(label: bytes, location_id: bytes) -> bytes:
    """Return the 32 bytes that Germany's warnings of a place are sealed with, by their *label*."""
    return sha256(label + location_id).digest()


_READERS: dict[ForeignKind, Callable[[ForeignPlace, bytes], Iterator[Window]]] = {
    ForeignKind.NZ: _nz,
    ForeignKind.NHS: _nhs,
    ForeignKind.CWA: _cwa,
}
