"""The paper slip for who has no telephone."""

from datetime import UTC, datetime

import pytest
from PIL import Image

from bluezone_node.errors import BadInput
from bluezone_node.posters import render
from bluezone_node.posters.sheet import Sheet
from bluezone_node.posters.slip import Paper, slip
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.text import Direction, Proof, to_url
from tests.posters.sheets import HOST, NAMES, card, fullest, inks, picture, read, symbol_of, texts

AT = datetime(2026, 11, 30, 18, 5, tzinfo=UTC)
"""Five past one in the night of 1 December, in Vietnam."""
PROOF = Proof(5_933_000, bytes(range(100, 108)))
DOTS = {58: 384, 80: 576}
"""What the heads of such printers have."""


def _slip(
    signed: SignedCard, paper: Paper = 58, direction: Direction = "in", people: int = 1
) -> Sheet:
    url = to_url(signed.cose, HOST, direction, PROOF)
    return slip(signed, url, AT, proof=PROOF, direction=direction, people=people, paper=paper)


@pytest.mark.parametrize("paper", [58, 80])
@pytest.mark.parametrize("signed", [card(), fullest()], ids=["usual", "fullest"])
def test_another_library_reads_the_square_back(signed: SignedCard, paper: Paper) -> None:
    """Card and proof are on the slip, as wide as the printer reaches, in black and white alone."""
    image = picture(render(_slip(signed, paper), "png"))
    assert (image.mode, image.width) == ("1", DOTS[paper])
    # Paper is wider than the head reaches.
    shown = Image.new("L", (image.width + 80, image.height), 255)
    shown.paste(image, (40, 0))
    assert read(shown) == [to_url(signed.cose, HOST, "in", PROOF)]


def test_modules_are_half_a_millimetre_or_more() -> None:
    """What a thermal printer and a cheap scanner can tell apart; whole dots, so that none bleeds
    into its neighbour."""
    for signed, least in ((card(), 0.75), (fullest(), 0.5)):
        module = symbol_of(_slip(signed)).module
        assert module >= least
        assert module * 8 == round(module * 8)


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
        "Giữ phiếu này 21 ngày.",
    ):
        assert part in said
    joined = said.replace("\n", " ")
    assert "đọc mã và giờ cho trạm y tế" in joined
    assert "tell a health station the code and the time" in joined


def test_one_who_came_alone_is_not_counted() -> None:
    """The line is for families."""
    said = texts(_slip(card(), direction="out"))
    assert "people" not in said
    assert "PHIẾU VỀ" in said


@pytest.mark.parametrize("paper", [58, 80])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaves_the_paper(name: str, paper: Paper) -> None:
    """Long names make a slip longer, never wider; lines do not lie on one another."""
    sheet = _slip(card(NAMES[name], room="Q" * 32), paper)
    lowest = 0.0
    symbol = symbol_of(sheet)
    for text, (left, top, right, bottom) in inks(sheet):
        assert left >= 0, text
        assert right <= sheet.width, text
        assert top >= lowest - 0.02, text
        assert bottom <= symbol.y or top >= symbol.y + symbol.side, text
        lowest = bottom
    assert lowest <= sheet.height
    assert symbol.x >= 0


@pytest.mark.parametrize(
    "url",
    [
        to_url(card().cose, HOST, "in"),
        to_url(card().cose, HOST, "out", PROOF),
        to_url(card("Chợ Hôm").cose, HOST, "in", PROOF),
        to_url(card().cose, HOST, "in", Proof(PROOF.step + 1, PROOF.mac)),
    ],
)
def test_the_square_is_of_this_visit(url: str) -> None:
    """The link of another place, way or time is refused, and one without the proof."""
    with pytest.raises(BadInput) as refused:
        slip(card(), url, AT, proof=PROOF)
    assert refused.value.reason == "poster_mismatch"
