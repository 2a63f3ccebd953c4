"""What is said on an air's socket, and what is not understood."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.ble.airwire import (
    VERSION,
    Advertise,
    Done,
    Hello,
    OneOnAir,
    packed,
    read_answer,
    read_request,
)
from bluezone_node.errors import BadInput

Read = Callable[[asyncio.StreamReader], Awaitable[object]]

READERS: list[Read] = [read_request, read_answer]


def reading(read: Read, content: bytes) -> object:
    """Return the first message of *content*, which ends there."""

    async def first() -> object:
        reader = asyncio.StreamReader()
        reader.feed_data(content)
        reader.feed_eof()
        return await read(reader)

    return asyncio.run(first())


@pytest.mark.parametrize("read", READERS)
@given(body=st.binary(max_size=200), announced=st.none() | st.integers(0, 2**32 - 1))
def test_any_bytes_are_a_message_or_a_named_refusal(
    read: Read, body: bytes, announced: int | None
) -> None:
    """Nobody can end an air, or a node, with what they write to it."""
    length = len(body) if announced is None else announced
    try:
        reading(read, length.to_bytes(4, "big") + body)
    except BadInput as refused:
        assert refused.reason == "air_protocol"  # noqa: PT017
    except EOFError:
        pass


@pytest.mark.parametrize("read", READERS)
def test_deeply_nested_bytes_are_refused(read: Read) -> None:
    """A thousand lists in a list are no message, and no recursion."""
    body = b"\x91" * 5000 + b"\x00"
    with pytest.raises(BadInput):
        reading(read, len(body).to_bytes(4, "big") + body)


def test_messages_come_back_as_they_were_sent() -> None:
    """Requests and answers survive the way."""
    hello = Hello(VERSION, "an")
    advertise = Advertise(7, (OneOnAir(b"\x01" * 6, b"payload"),))

    assert reading(read_request, packed(hello)) == hello
    assert reading(read_request, packed(advertise)) == advertise
    assert reading(read_answer, packed(Done(7))) == Done(7)
