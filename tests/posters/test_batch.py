"""Many posters in one file: each page is the poster that a file of its own would be."""

import pypdfium2
import pytest
from PIL import ImageChops

from bluezone_node.posters.batch import batch
from tests.posters.sheets import HOST, NAMES, card, file_of, read, url_of

CARDS = [card(name) for name in (NAMES["usual"], NAMES["long"])]
FOREIGN = card("ស្រះ")
COMMUNE = "Phường Hoàn Kiếm"


def pages(data: bytes) -> list[pypdfium2.PdfPage]:
    return list(pypdfium2.PdfDocument(data))


def text(page: pypdfium2.PdfPage) -> str:
    return " ".join(page.get_textpage().get_text_bounded().split())


def test_each_card_has_a_page_for_each_way() -> None:
    """In the order that was asked for; another library reads the link of each."""
    made = batch(
        [(each, COMMUNE) for each in CARDS], HOST, size="sticker", directions=("in", "out")
    )
    found = [read(page.render(scale=2).to_pil()) for page in pages(made.content)]
    assert found == [[url_of(each, way)] for each in CARDS for way in ("in", "out")]
    assert not made.left_out


def test_a_page_among_others_looks_as_alone() -> None:
    """To the dot: fonts are shared, and what was drawn before leaves nothing behind."""
    (_, among, _) = pages(
        batch([(CARDS[1], ""), (CARDS[0], ""), (CARDS[1], "")], HOST, size="sticker").content
    )
    (alone,) = pages(file_of(CARDS[0], "pdf", "sticker", None))
    drawn = [each.render(scale=2).to_pil() for each in (among, alone)]
    assert ImageChops.difference(*drawn).getbbox() is None


def test_the_same_cards_give_the_same_bytes() -> None:
    """As a poster by itself does."""
    first, again = (batch([(each, "") for each in CARDS], HOST, size="sticker") for _ in range(2))
    assert first == again


@pytest.mark.parametrize("cards", [[FOREIGN], [CARDS[0], FOREIGN, CARDS[1]]])
def test_names_that_cannot_be_set_are_told_on_the_last_page(cards: list[object]) -> None:
    """One such name among two hundred keeps nobody from printing the others."""
    made = batch([(each, "") for each in cards], HOST, size="a4")  # type: ignore[misc]
    assert made.left_out == (FOREIGN.spoken_code,)
    last = text(pages(made.content)[-1])
    assert len(pages(made.content)) == len(cards)
    assert "Chưa in được" in last
    assert FOREIGN.spoken_code in last
