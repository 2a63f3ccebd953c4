"""How lines break and shrink."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_node.posters.fitting import LEADING, fit
from bluezone_node.posters.fonts import faces

FACE = faces().bold
ABOUT = 1e-9


@settings(max_examples=60)
@given(
    words=st.lists(st.text("aWị", min_size=1, max_size=40), min_size=1, max_size=20),
    width=st.floats(5, 200),
    height=st.floats(3, 60),
    largest=st.floats(1, 40),
)
def test_everything_fits(words: list[str], width: float, height: float, largest: float) -> None:
    """Whatever the text and the room for it, no line is too long, nor are there too many; no
    letter is lost."""
    text = " ".join(words)
    fitted = fit(text, FACE, width=width, height=height, largest=largest, smallest=largest / 3)
    assert fitted.size <= largest
    assert fitted.height <= height + ABOUT
    assert all(FACE.width(line) * fitted.size <= width + ABOUT for line in fitted.lines)
    assert "".join(fitted.lines).replace(" ", "") == text.replace(" ", "")


def test_a_short_name_stands_at_its_largest() -> None:
    """Nothing shrinks that need not."""
    fitted = fit("Chợ", FACE, width=100, height=20, largest=10, smallest=4)
    assert (fitted.lines, fitted.size) == (("Chợ",), 10)


def test_words_stay_whole_while_they_can() -> None:
    """A name of words is made smaller rather than cut within one of them."""
    fitted = fit("Bệnh viện Bạch Mai", FACE, width=16, height=100, largest=8, smallest=2)
    assert set(" ".join(fitted.lines).split()) == {"Bệnh", "viện", "Bạch", "Mai"}


def test_a_word_is_cut_before_it_is_too_small_to_read() -> None:
    """Below the smallest size of whole words, it goes on in the next line."""
    fitted = fit("W" * 50, FACE, width=50, height=30, largest=9, smallest=6)
    assert len(fitted.lines) > 1
    assert fitted.size > 4


def test_lines_are_of_like_length() -> None:
    """The last word does not stand alone under a full line."""
    text = "Uỷ ban nhân dân phường"
    one_line = FACE.width(text)
    fitted = fit(text, FACE, width=one_line * 0.9, height=2 * LEADING, largest=1, smallest=0.95)
    assert fitted.lines == ("Uỷ ban nhân", "dân phường")
    longest, shortest = sorted(map(FACE.width, fitted.lines), reverse=True)
    assert shortest > longest * 0.6


@pytest.mark.parametrize("bold", [True, False])
def test_bold_letters_are_wider(*, bold: bool) -> None:
    """Each weight is measured by its own font."""
    face = faces().of(bold=bold)
    assert (face is FACE) is bold
    assert (face.width("Chợ") < FACE.width("Chợ")) is not bold
