"""HMAC under one key, against the library's."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.mac import Mac


@given(st.binary(max_size=64), st.binary(max_size=200))
def test_it_is_the_librarys(key: bytes, message: bytes) -> None:
    """Whatever the key's length and the message."""
    assert Mac(key)(message) == hmac.digest(key, message, "sha256")


def test_a_long_key_is_refused() -> None:
    """It would have to be hashed first, which nobody here needs."""
    with pytest.raises(ValueError, match="64 bytes"):
        Mac(bytes(65))
