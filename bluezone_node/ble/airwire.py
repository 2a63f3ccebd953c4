"""What an air and its clients say to each other, version 2.

A stream socket, Unix or TCP on this machine.  Each message is four bytes of length, most
significant first, and that many bytes of MessagePack: a map whose ``type`` names the message.

The client says ``hello`` once and is answered ``welcome`` or ``refuse``; after that it may say
``advertise`` (devices only) and ``set_pace``, each answered ``done`` or ``refuse`` with the same
``seq``.  Unasked, the air sends ``announce`` whenever simulated time changes its pace, at least
200 ms before it does, and ``heard`` with what a device received.  A sender's name never travels.

A message that is too long, not MessagePack or not one of these ends that connection alone.
"""

import asyncio
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from bluezone_node.ble.frame import LEGACY_PAYLOAD_BYTES
from bluezone_node.ble.timeline import FASTEST_PACE, Segment
from bluezone_node.errors import BadInput, RadioUnavailable

VERSION = 2
MOST_ON_AIR = 4
"""Things that one device sends at a time: as many as common controllers of Bluetooth 5."""
LONGEST_REQUEST = 4096
"""Bytes; the largest honest one is under 300."""
LONGEST_ANSWER = 64 * 1024 * 1024
"""Bytes; ten minutes among 500 neighbours are 10 million."""

_LENGTH_BYTES = 4

_Read = TypeVar("_Read")


class _Message(msgspec.Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    pass


class Hello(_Message, frozen=True, tag="hello"):
    version: int
    device: str | None = None
    """None: only the time is wanted, and perhaps to set its pace."""


class OneOnAir(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One thing that a device sends: address and payload travel together."""

    address: bytes
    payload: Annotated[bytes, Meta(max_length=LEGACY_PAYLOAD_BYTES)]


class Advertise(_Message, frozen=True, tag="advertise"):
    """Replace all that this device has on the air, at once; none: stop."""

    seq: int
    on_air: Annotated[tuple[OneOnAir, ...], Meta(max_length=MOST_ON_AIR)]


_Pace = Annotated[float, Meta(gt=0, le=FASTEST_PACE)]


class SetPace(_Message, frozen=True, tag="set_pace"):
    seq: int
    pace: _Pace
    at: float | None = None
    """Simulated Unix seconds from which it holds; None: as soon as everyone can know."""
    then: tuple[float, _Pace] | None = None
    """Simulated Unix seconds until which it holds, and the pace from there."""


class Welcome(_Message, frozen=True, tag="welcome"):
    version: int
    timeline: tuple[Segment, ...]
    duty: tuple[float, float, float] | None = None
    """Window, period and phase in which the receiver is on; None for who has none."""


class Refuse(_Message, frozen=True, tag="refuse"):
    reason: str
    message: str
    hint: str = ""
    seq: int | None = None


class Done(_Message, frozen=True, tag="done"):
    seq: int


class Announce(_Message, frozen=True, tag="announce"):
    timeline: tuple[Segment, ...]


class HeardBatch(msgspec.Struct, frozen=True, array_like=True):
    payload: bytes
    at: bytes
    """Simulated Unix seconds, float64 little-endian each, ascending."""
    rssi: bytes
    """dBm, int8 each; as many."""


class Heard(_Message, frozen=True, tag="heard"):
    batches: list[HeardBatch]


Request = Hello | Advertise | SetPace
Answer = Welcome | Refuse | Done | Announce | Heard

_encoder = msgspec.msgpack.Encoder()
_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def packed(message: Request | Answer) -> bytes:
    """Return *message* as it goes over the socket."""
    body = _encoder.encode(message)
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Return the next message of a client.

    Raises:
        BadInput: reason ``air_protocol``.
        EOFError, OSError: the client has gone.
    """
    return await _read(reader, _requests, LONGEST_REQUEST)


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Return the next message of the air; raises as `read_request`."""
    return await _read(reader, _answers, LONGEST_ANSWER)


async def _read(
    reader: asyncio.StreamReader, decoder: msgspec.msgpack.Decoder[_Read], longest: int
) -> _Read:
    length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
    if length > longest:
        raise BadInput("a message is longer than any honest one", reason="air_protocol")
    body = await reader.readexactly(length)
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise BadInput(f"a message makes no sense: {error}", reason="air_protocol") from None


def address_of(text: str) -> Path | tuple[str, int]:
    """Return the socket that ``air:/path``, ``/path`` or ``127.0.0.1:PORT`` names.

    Raises:
        RadioUnavailable: the text names none, or one on another machine.
    """
    text = text.removeprefix("air:")
    host, colon, port = text.rpartition(":")
    if colon and "/" not in text and port.isdigit() and int(port) < 65536:
        if host not in ("127.0.0.1", "localhost"):
            raise RadioUnavailable(
                "an air is on this machine only: simulated time is shared through its clock",
                hint="use 127.0.0.1:PORT or the path of a socket",
            )
        return host, int(port)
    if not text:
        raise RadioUnavailable(
            "the address of the air is missing", hint="air:/path/to.sock or air:127.0.0.1:PORT"
        )
    return Path(text)
