"""Protocol buffers read by hand: three small messages need no generated code.

Fields that are not asked for are skipped, as protocol buffers mean it; a field that is there twice
is refused, since readers differ in which of them they take.
"""

from collections.abc import Iterator
from typing import NoReturn

from bluezone_node.errors import BadInput

_MAX_FIELDS = 64
"""Of a message; the longest of ours has six."""
_MAX_VARINT_BYTES = 10
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types; groups (3, 4) are in none of the messages."""


class Message:
    """A message, taken apart into its fields; one that is absent has its default."""

    __slots__ = ("_fields",)

    def __init__(self, data: bytes) -> None:
        """Take *data* apart.

        Raises:
            BadInput: reason ``protobuf_malformed``, here and in every method.
        """
        self._fields: dict[int, int | bytes] = {}
        for number, value in _fields(data):
            if number in self._fields or len(self._fields) == _MAX_FIELDS:
                _refuse()
            self._fields[number] = value

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    def number(self, number: int) -> int:
        """Return the whole number in field *number*, unsigned."""
        value = self._fields.get(number, 0)
        return value if isinstance(value, int) else _refuse()

    def octets(self, number: int) -> bytes:
        """Return the bytes in field *number*."""
        value = self._fields.get(number, b"")
        return value if isinstance(value, bytes) else _refuse()

    def text(self, number: int) -> str:
        """Return the text in field *number*."""
        try:
            return self.octets(number).decode()
        except UnicodeDecodeError:
            _refuse()

    def message(self, number: int) -> "Message":
        """Return the message in field *number*."""
        return Message(self.octets(number))


def repeated(data: bytes, number: int) -> Iterator[bytes]:
    """Yield the bytes of each field *number* in a message that has many of it.

    Raises:
        BadInput: reason ``protobuf_malformed``.
    """
    for each, value in _fields(data):
        if each == number:
            yield value if isinstance(value, bytes) else _refuse()


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value, at = _value(data, at, tag & 7)
        if tag >> 3 == 0:
            _refuse()
        yield tag >> 3, value


def _value(data: bytes, at: int, wire_type: int) -> tuple[int | bytes, int]:
    if wire_type == _VARINT:
        return _varint(data, at)
    if wire_type == _BYTES:
        length, at = _varint(data, at)
    elif wire_type in {_FIXED32, _FIXED64}:
        length = 4 if wire_type == _FIXED32 else 8
    else:
        _refuse()
    end = at + length
    if end > len(data):
        _refuse()
    return data[at:end], end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at *at*, and where it ends."""
    value = 0
    for index, byte in enumerate(data[at : at + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80 and value < 2**64:
            return value, at + index + 1
    return _refuse()


def _refuse() -> NoReturn:
    raise BadInput("The code is not whole: it is no protocol buffer.", reason="protobuf_malformed")
