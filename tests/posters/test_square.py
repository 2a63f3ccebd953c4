"""The QR code: two segments, read by another library."""

import json
from pathlib import Path

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bluezone_node.posters.square import Square, runs, square_of
from tests.posters.sheets import HOST, card, fullest, read, url_of


def _image(square: Square) -> Image.Image:
    side = square.modules
    modules = Image.frombytes("L", (side, side), b"".join(square.rows))
    white = Image.new("L", (side + 8, side + 8), 255)
    white.paste(modules.point(lambda dark: 255 * (1 - dark)), (4, 4))
    return white.resize((4 * side + 32, 4 * side + 32), Image.Resampling.NEAREST)


@settings(max_examples=10, deadline=None)
@given(
    digits=st.integers(10**300, 10**900).map(str),
    suffix=st.sampled_from(["", ".i", ".o", ".12345678901234567890123456789", ".i.7", ".0"]),
)
def test_another_library_reads_what_was_written(digits: str, suffix: str) -> None:
    """Byte and numeric segments one after the other, whatever the digits and the suffix."""
    text = f"https://{HOST}/#{digits}{suffix}"
    assert read(_image(square_of(text, "L"))) == [text]


def test_digits_stand_in_a_segment_of_their_own(vectors: Path) -> None:
    """The draft's card of 213 bytes takes 61 modules a side, where bytes alone would take 89."""
    url = json.loads((vectors / "vnp1_draft_vectors.json").read_bytes())["qr_url"]
    square = square_of(url)
    assert (square.version, square.modules, square.level) == (11, 61, "M")
    assert segno.make_qr(url, error="m").version == 18


def test_the_longest_card_stays_below_version_17() -> None:
    """81 modules a side: a millimetre each on A5."""
    assert square_of(url_of(fullest(), "out")).version == 16
    assert square_of(url_of(card())).version == 10


def test_no_bit_of_a_higher_level_is_left_unused() -> None:
    """Where the version has room for more correction, it is taken."""
    assert square_of("https://q.example.vn/", "L").level > "L"


@pytest.mark.parametrize(
    ("row", "dark"),
    [(b"", []), (b"\0\0", []), (b"\1\1\0\1", [(0, 2), (3, 1)]), (b"\0\1", [(1, 1)])],
)
def test_dark_modules_are_drawn_in_runs(row: bytes, dark: list[tuple[int, int]]) -> None:
    """Each run is one rectangle, from its start, of its length."""
    assert list(runs(row)) == dark
