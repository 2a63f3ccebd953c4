"""Cutting a protobuf message that is too large to hold into pieces that are messages themselves.

Two serialised messages joined are the serialised form of the two merged, so a message cut between
two of its top-level fields is a sequence of smaller messages of the same type.  Half a million
keys are read this way in the memory of two thousand.
"""

from collections.abc import Iterable, Iterator

from bluezone_node.errors import BadExport

MAX_FIELD_BYTES = 64 * 1024
"""A top-level field that is not over after so much is given up on: a key takes some 30 bytes."""
MAX_FIELDS = 1_500_000
"""Most top-level fields: 750 000 keys, the most a file may hold, and as many revised ones.
Two bytes make an empty field, and without this a small zip could keep a node busy for a minute."""

_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10


def slices(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the message in *blocks* again, cut only between its top-level fields.

    Raises:
        BadExport: reason ``protobuf_malformed``, ``protobuf_truncated``, ``field_too_long`` or
            ``too_many_keys``.
    """
    rest = b""
    fields = 0
    for block in blocks:
        buffer = rest + block
        cut, found = _whole_fields(buffer)
        fields += found
        if fields > MAX_FIELDS:
            raise BadExport("The export holds more keys than one may.", reason="too_many_keys")
        rest = buffer[cut:]
        if len(rest) > MAX_FIELD_BYTES:
            raise BadExport("A field of the export is too long.", reason="field_too_long")
        if cut:
            yield buffer[:cut]
    if rest:
        raise BadExport(
            "The export ends in the middle of a field.",
            reason="protobuf_truncated",
            hint="fetch it again",
        )


def _whole_fields(buffer: bytes) -> tuple[int, int]:
    """Return how many bytes of *buffer* are whole fields, and how many fields those are."""
    position, fields, end = 0, 0, len(buffer)
    while position < end:
        after = position
        # Nearly every field is a key: one byte of tag and one of length.
        if position + 1 < end and buffer[position] in b"\x3a\x42" and buffer[position + 1] < 0x80:
            after += 2 + buffer[position + 1]
        else:
            after = _after_field(buffer, position)
        if after > end:
            break
        position = after
        fields += 1
    return position, fields


def _after_field(buffer: bytes, position: int) -> int:
    """Return where the field at *position* ends; beyond *buffer* where that cannot be seen yet."""
    beyond = len(buffer) + 1
    tag, position = _varint(buffer, position)
    match tag & 7:
        case _ if position > len(buffer):
            return beyond
        case 0:  # varint
            return _varint(buffer, position)[1]
        case 1:  # fixed64
            return position + 8
        case 2:  # length-delimited
            length, position = _varint(buffer, position)
            return position + length
        case 5:  # fixed32
            return position + 4
        case _:
            raise BadExport("The export is not readable.", reason="protobuf_malformed")


def _varint(buffer: bytes, position: int) -> tuple[int, int]:
    """Return the number at *position* and where it ends; beyond *buffer* where it is cut off."""
    value = 0
    for i in range(_MAX_VARINT_BYTES):
        if position + i >= len(buffer):
            return 0, len(buffer) + 1
        byte = buffer[position + i]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, position + i + 1
    raise BadExport("The export is not readable.", reason="protobuf_malformed")
