"""A data key comes back under its own secret only."""

import os
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_node.crypto.wrapping import (
    GENERATED,
    SCRYPT_COST,
    SCRYPT_LARGEST,
    WrongSecret,
    new_data_key,
    new_secret,
    unwrap,
    wrap,
)

KEY_ID, DATA_KEY = new_data_key(os.urandom)
STRONG = new_secret(os.urandom)
PASSPHRASE = b"six words that dice have drawn"


@pytest.mark.parametrize("secret", [STRONG, PASSPHRASE], ids=["generated", "passphrase"])
def test_a_wrapped_key_comes_back(secret: bytes) -> None:
    """With its secret, and only a passphrase is stretched."""
    row = wrap(KEY_ID, DATA_KEY, secret, os.urandom)
    assert unwrap(row, secret) == DATA_KEY
    assert row.cost == (0 if secret is STRONG else SCRYPT_COST)
    assert DATA_KEY not in row.wrapped


@given(st.binary(max_size=100).map(lambda rest: GENERATED + rest))
@settings(max_examples=30)
def test_no_other_secret_opens_it(other: bytes) -> None:
    """Whatever else is tried is refused, without a word about what was wrong with it."""
    row = wrap(KEY_ID, DATA_KEY, STRONG, os.urandom)
    with pytest.raises(WrongSecret):
        unwrap(row, other)


def test_an_altered_row_does_not_open() -> None:
    """Each field is bound to the key: none can be exchanged, cut or weakened."""
    row = wrap(KEY_ID, DATA_KEY, PASSPHRASE, os.urandom)
    for altered in (
        replace(row, key_id=bytes(8)),
        replace(row, salt=bytes(16)),
        replace(row, cost=0),
        replace(row, cost=2 * SCRYPT_COST),
        replace(row, wrapped=row.wrapped[:-1]),
        replace(row, wrapped=row.wrapped[:5]),
        replace(row, wrapped=bytes([row.wrapped[0] ^ 1]) + row.wrapped[1:]),
    ):
        with pytest.raises(WrongSecret):
            unwrap(altered, PASSPHRASE)


@pytest.mark.parametrize("cost", [-1, 1, 2, SCRYPT_COST + 1, 2 * SCRYPT_LARGEST, 2**62])
def test_a_hostile_cost_is_not_paid(cost: int) -> None:
    """A card that asks for gigabytes is refused before any are taken."""
    row = replace(wrap(KEY_ID, DATA_KEY, PASSPHRASE, os.urandom), cost=cost)
    began = time.process_time()
    with pytest.raises(WrongSecret):
        unwrap(row, PASSPHRASE)
    assert time.process_time() - began < 0.02


def test_nothing_of_a_wrapped_key_is_printed() -> None:
    """A row in a traceback tells its name and cost, not the ciphertext."""
    row = wrap(KEY_ID, DATA_KEY, STRONG, lambda number: b"\xab" * number)
    assert "wrapped" not in repr(row)
