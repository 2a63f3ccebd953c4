"""Codes as text."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.registrar.codes import LONG_ALPHABET, make_code, recognise

LONG = "7x3k9p2m4q8rt5vw"


@given(seed=st.integers(0, 2**32))
def test_what_is_made_is_recognised(seed: int) -> None:
    """Both kinds, each of its length; a long one is never taken for a short one."""
    draw = random.Random(seed).randbytes
    short, long = make_code("short", draw), make_code("long", draw)
    assert (len(short), len(long)) == (8, 16)
    assert recognise(short) == ("short", short)
    assert recognise(long) == ("long", long)


def test_a_long_code_has_eighty_bits() -> None:
    """All the bits that are drawn are in it: no two draws give the same code."""
    assert len(set(LONG_ALPHABET)) == 32
    zero, one = make_code("long", bytes), make_code("long", lambda n: b"\x80".ljust(n, b"\0"))
    assert zero == "0" * 16
    assert one != zero
    assert make_code("long", lambda n: b"\xff" * n) == "z" * 16


@pytest.mark.parametrize(
    "typed",
    [
        "7X3K 9P2M 4Q8R T5VW",
        " 7x3k-9p2m-4q8r-t5vw\n",
        "7x3k.9p2m_4q8r\u2011t5vw",
        "7x3k\u200b9p2m\u00a04q8r\u2013t5vw",
    ],
)
def test_however_it_was_typed(typed: str) -> None:
    """Groups, capitals, and what word processors make of a hyphen."""
    assert recognise(typed) == ("long", LONG)


def test_letters_that_look_like_digits_are_taken_for_them() -> None:
    """In long codes only: a short one is digits."""
    assert recognise("O0Il1L-0000-0000-00") == ("long", "0011110000000000")
    assert recognise("1234567O") is None


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "1234567",
        "123456789",
        "٠١٢٣٤٥٦٧",
        "１２３４５６７８",
        "u" * 16,
        "x" * 17,
        "'; --",
        "-" * 999,
    ],
)
def test_what_is_no_code(typed: str) -> None:
    """Nothing else is looked for in the database."""
    assert recognise(typed) is None


@given(text=st.text(max_size=300))
def test_no_text_raises(text: str) -> None:
    """Whatever was pasted."""
    recognise(text)
