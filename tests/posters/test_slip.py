"""The paper slip for who has no telephone."""

from datetime import UTC, datetime

import pytest
from PIL import Image

from bluezone_node.errors import BadInput
from bluezone_node.posters.rendering import render
from bluezone_node.posters.sheet import Sheet, Symbol
from bluezone_node.posters.slip import Leaving, Paper, slip
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.text import Proof, to_url
from tests.posters.sheets import HOST, NAMES, card, fullest, inks, picture, read, texts

AT = datetime(2026, 11, 30, 18, 5, tzinfo=UTC)
"""Five past one in the night of 1 December, in Vietnam."""
PROOF = Proof(5_933_000, bytes(range(100, 108)))
DOTS = {58: 384, 80: 576}
"""What the heads of such printers have."""


LEAVING = Leaving("K7M4QX", "VNP1S:K7M4QX")


def _slip(
    signed: SignedCard, paper: Paper = 58, people: int = 1, leaving: Leaving | None = LEAVING
) -> Sheet:
    url = to_url(signed.cose, HOST, proof=PROOF)
    return slip(signed, url, AT, leaving=leaving, people=people, paper=paper)


def _symbols(sheet: Sheet) -> list[Symbol]:
    return [each for each in sheet.elements if isinstance(each, Symbol)]


@pytest.mark.parametrize("paper", [58, 80])
@pytest.mark.parametrize("signed", [card(), fullest()], ids=["usual", "fullest"])
def test_another_library_reads_the_square_back(signed: SignedCard, paper: Paper) -> None:
    """Card and proof, and what ends the visit; as wide as the printer reaches, in black alone."""
    image = picture(render(_slip(signed, paper), "png"))
    assert (image.mode, image.width) == ("1", DOTS[paper])
    # Paper is wider than the head reaches.
    shown = Image.new("L", (image.width + 80, image.height), 255)
    shown.paste(image, (40, 0))
    assert set(read(shown)) == {to_url(signed.cose, HOST, proof=PROOF), "VNP1S:K7M4QX"}


def test_modules_are_half_a_millimetre_or_more() -> None:
    """What a thermal printer and a cheap scanner can tell apart; whole dots, so that none bleeds
    into its neighbour."""
    for signed, least in ((card(), 0.75), (fullest(), 0.5)):
        large, small = (each.module for each in _symbols(_slip(signed)))
        assert large >= least
        assert small >= 0.6
        assert large * 8 == round(large * 8)
        assert small * 8 == round(small * 8)


def test_a_slip_says_where_and_when_and_what_to_do() -> None:
    """Place, time of Vietnam, spoken code with the time, and what the slip is kept for."""
    signed = card(room="Cổng Bắc", address="15 Cầu Đông")
    said = texts(_slip(signed, people=4))
    code = signed.spoken_code
    for part in (
        "PHIẾU ĐẾN / Visit slip",
        "Chợ Đồng Xuân",
        "Cổng Bắc",
        "15 Cầu Đông",
        "01/12/2026",
        "4 người / people",
        f"{code[:3]} {code[3:]} · 01:05",
        "Khi ra về",
        "K7M 4QX",
        "Giữ phiếu này 21 ngày.",
    ):
        assert part in said
    joined = said.replace("\n", " ")
    assert "đọc mã và giờ cho trạm y tế" in joined
    assert "nhận cảnh báo thay bạn" in joined
    assert "tell a health station the code and the time" in joined


def test_a_slip_says_no_more_than_it_must() -> None:
    """The count is for families, and the way out for kiosks that ask for the slip again."""
    sheet = _slip(card(), leaving=None)
    assert "people" not in texts(sheet)
    assert "Khi ra" not in texts(sheet)
    assert len(_symbols(sheet)) == 1


@pytest.mark.parametrize("paper", [58, 80])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaves_the_paper(name: str, paper: Paper) -> None:
    """Long names make a slip longer, never wider; lines do not lie on one another."""
    sheet = _slip(card(NAMES[name], room="Q" * 32), paper)
    lowest = 0.0
    for text, (left, top, right, bottom) in inks(sheet):
        assert left >= 0, text
        assert right <= sheet.width, text
        assert top >= lowest - 0.02, text
        lowest = bottom
        for symbol in _symbols(sheet):
            quiet = 4 * symbol.module - 0.05
            below, above = symbol.y - quiet, symbol.y + symbol.side + quiet
            assert bottom <= below or top >= above or left >= symbol.x + symbol.side + quiet, text
    assert lowest <= sheet.height
    for symbol in _symbols(sheet):
        assert 0 <= symbol.x <= sheet.width - symbol.side
        assert symbol.y + symbol.side <= sheet.height


@pytest.mark.parametrize(
    "url",
    [
        to_url(card().cose, HOST),
        to_url(card().cose, HOST, "in"),
        to_url(card().cose, HOST, "in", PROOF),
        to_url(card("Chợ Hôm").cose, HOST, proof=PROOF),
        to_url(card().cose, HOST) + ".",
        to_url(card().cose, HOST) + ".²",
        "",
    ],
)
def test_the_square_is_of_this_place_and_proved(url: str) -> None:
    """The link of another place is refused, and one without the proof."""
    with pytest.raises(BadInput) as refused:
        slip(card(), url, AT)
    assert refused.value.reason == "poster_mismatch"
