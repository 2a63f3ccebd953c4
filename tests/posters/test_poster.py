"""What stands on a poster, and that it stays on the paper."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_node.errors import BadInput
from bluezone_node.posters.poster import SIZES, Size, poster
from bluezone_node.posters.sheet import Box, Sheet
from bluezone_node.posters.square import QUIET_MODULES
from bluezone_node.venues.card import CardFlag, SignedCard
from bluezone_node.venues.text import Direction
from tests.posters.sheets import (
    DIRECTIONS,
    NAMES,
    card,
    fullest,
    inks,
    installed,
    sheet_of,
    symbol_of,
    texts,
    url_of,
)

UNREACHED = 4.2
"""Millimetres at the edge: what office printers leave white."""
CUT = 2.9
"""Of a sticker: a print shop's knife is no farther off."""
TOUCH = 0.02
EITHER = [
    pytest.param(family, marks=[pytest.mark.slow] if number else [])
    for number, family in enumerate(installed())
]


def _sound(sheet: Sheet) -> None:
    """Every letter is on the paper, none on another, none in the square's quiet zone."""
    lines = list(inks(sheet))
    edge = CUT if sheet.width == 100 else UNREACHED
    for text, (left, top, right, bottom) in lines:
        assert min(left, top) >= edge, text
        assert right <= sheet.width - edge, text
        assert bottom <= sheet.height - edge, text
    for (one, a), (other, b) in combinations(lines, 2):
        apart = (
            a[2] <= b[0] + TOUCH
            or b[2] <= a[0] + TOUCH
            or a[3] <= b[1] + TOUCH
            or b[3] <= a[1] + TOUCH
        )
        assert apart, (one, other)
    symbol = symbol_of(sheet)
    quiet = symbol.module * QUIET_MODULES
    for text, (left, top, right, bottom) in lines:
        assert (
            right <= symbol.x - quiet
            or left >= symbol.x + symbol.side + quiet
            or bottom <= symbol.y - quiet
            or top >= symbol.y + symbol.side + quiet
        ), text
    for each in sheet.elements:
        if isinstance(each, Box):
            assert min(each.x, each.y) >= edge
            assert each.x + each.width <= sheet.width - edge
            assert each.y + each.height <= sheet.height - edge


@pytest.mark.parametrize("family", EITHER)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaves_the_paper_or_lies_on_another(name: str, size: Size, family: str) -> None:
    """Short names, long ones, one word of 96 letters: all stay in their place, in every font."""
    _sound(sheet_of(card(NAMES[name], room="Tầng 3"), size, "out", family))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_fullest_card_has_room(size: Size, direction: Direction | None) -> None:
    """A card with every field at its longest fits too, and one with none of them."""
    _sound(sheet_of(fullest(), size, direction))
    _sound(sheet_of(card("Q"), size, direction))


@settings(max_examples=12, deadline=None)
@given(
    name=st.lists(st.text("aĂậ gWỮ.Ị-1", min_size=1, max_size=30), min_size=1, max_size=3)
    .map(lambda words: " ".join(" ".join(words).split()))
    .filter(lambda name: 0 < len(name.encode()) <= 96),
    size=st.sampled_from(SIZES),
)
def test_any_name_stays_on_the_paper(name: str, size: Size) -> None:
    """Whatever the lengths of its words."""
    sheet = sheet_of(card(name), size)
    _sound(sheet)
    assert name.replace(" ", "") in texts(sheet).replace("\n", "").replace(" ", "")


def test_a_poster_says_what_the_card_says() -> None:
    """Name, room, address, commune, kind, hours, validity, spoken code: the first the largest."""
    signed = card(room="Cổng Bắc", address="15 Cầu Đông", hours=(360, 1080))
    sheet = poster(signed, url_of(signed), size="a4", commune="phường Hoàn Kiếm")
    said = texts(sheet)
    code = signed.spoken_code
    for part in (
        "Chợ Đồng Xuân",
        "Cổng Bắc",
        "15 Cầu Đông, phường Hoàn Kiếm",
        "Chợ / Market · 06:00–18:00",
        "Hiệu lực 23/10/2026 – 21/12/2026",
        f"{code[:3]} {code[3:]}",
        "Chỉ tin mã có tên miền q.example.vn.",
        "Only trust codes that open q.example.vn.",
        "báo nhân viên",
    ):
        assert part in said
    sizes = {line.text: line.size for line in sheet.texts}
    assert sizes["QUÉT"] > sizes["Chợ Đồng Xuân"] > sizes["Cổng Bắc"] > 5


def test_a_commune_without_a_name_is_told_by_its_number() -> None:
    """A card has the number alone."""
    assert "Mã xã/phường 00004" in texts(sheet_of(card()))


@pytest.mark.parametrize(
    ("direction", "word", "english"),
    [("in", "VÀO", "IN · Scan on arrival"), ("out", "RA", "OUT · Scan on leaving")],
)
@pytest.mark.parametrize("size", SIZES)
def test_the_way_is_the_largest_word(
    direction: Direction, word: str, english: str, size: Size
) -> None:
    """In or out, to be read from some metres; in English beside it."""
    sheet = sheet_of(card(), size, direction)
    largest = max(sheet.texts, key=lambda line: line.size)
    assert largest.text == word
    # Capitals of 1/200 of the distance are read at ease (0.7 em): 2 m for A5 and A4.
    assert largest.size * 0.7 >= {"a4": 20, "a5": 14, "sticker": 8}[size]
    assert english in texts(sheet).replace("\n", " ")


def test_in_and_out_differ_in_colour() -> None:
    """Who cannot read sees which is which; staff have a third colour."""
    staff = card(flags=CardFlag.STAFF_CODE)
    seen = {
        next(each.colour for each in sheet_of(signed, "a4", direction).elements)
        for signed in (card(), staff)
        for direction in DIRECTIONS
    }
    assert len(seen) == 4


def _light(colour: str) -> float:
    """Return the relative luminance of *colour* (WCAG 2.1)."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def test_every_letter_stands_out_from_its_ground() -> None:
    """Contrast of 4.5 to one, whichever box a line lies on: for old eyes and in bad light."""
    for signed in (card(), card(flags=CardFlag.STAFF_CODE)):
        for size in SIZES:
            for direction in DIRECTIONS:
                sheet = sheet_of(signed, size, direction)
                for line in sheet.texts:
                    below = [
                        each.colour
                        for each in sheet.elements
                        if isinstance(each, Box)
                        and each.x <= line.x <= each.x + each.width
                        and each.y <= line.baseline <= each.y + each.height
                    ]
                    two = sorted((_light(line.colour), _light(below[-1] if below else "#ffffff")))
                    assert (two[1] + 0.05) / (two[0] + 0.05) >= 4.5, line


def test_a_poster_of_staff_says_so() -> None:
    """So that no visitor scans it: a visit with it lasts until closing time."""
    said = texts(sheet_of(card(flags=CardFlag.STAFF_CODE), "a4", None))
    assert {"NHÂN", "VIÊN", "Staff only"} <= set(said.split("\n"))


def test_where_contacts_are_kept_the_poster_says_so() -> None:
    """A register is told beforehand; elsewhere it says that nothing leaves the visitor's device."""
    register = card(flags=CardFlag.REGISTER_REQUIRED, register_key=bytes(32))
    assert "giữ liên hệ 21 ngày" in texts(sheet_of(register))
    assert "chỉ lưu trên máy của bạn" in texts(sheet_of(card()))


@pytest.mark.parametrize(
    "signed", [card(), card(NAMES["long"]), fullest()], ids=["usual", "long", "fullest"]
)
def test_the_square_is_large_enough_to_be_read(signed: SignedCard) -> None:
    """8 cm on A5 and A4 at level M or better, modules of half a millimetre at the least."""
    for size, side, module in (("a4", 110, 1.3), ("a5", 80, 0.9), ("sticker", 54.8, 0.65)):
        symbol = symbol_of(sheet_of(signed, size))
        assert symbol.side >= side
        assert symbol.module >= module
        assert symbol.square.level in "MQH"


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_square_is_made_of_whole_dots(direction: Direction | None) -> None:
    """Edges of modules fall between the dots of a printer of 300 dpi, so that they are sharp."""
    for size in SIZES:
        sheet = sheet_of(card(), size, direction)
        symbol = symbol_of(sheet)
        for length in (symbol.x, symbol.y, symbol.module):
            assert length * sheet.dots == pytest.approx(round(length * sheet.dots))


@pytest.mark.parametrize(
    "url",
    [
        url_of(card("Chợ Hôm"), "in"),
        url_of(card(), "out"),
        url_of(card()),
        url_of(card(), "in").replace("https", "http"),
        url_of(card(), "in") + "0",
        "",
        "https://[",
    ],
)
def test_the_square_leads_to_the_place_in_print(url: str) -> None:
    """The link of another place, way or scheme is refused."""
    with pytest.raises(BadInput) as refused:
        poster(card(), url, size="a4", direction="in")
    assert refused.value.reason == "poster_mismatch"
    assert "Xuân" not in str(refused.value)


@pytest.mark.parametrize("name", ["Phở 🍜", "ក្រុមប្រឹក្សា", "مسجد", "医院"])
def test_letters_that_the_font_lacks_are_refused(name: str) -> None:
    """No poster shows empty boxes, or writing set backwards; the name is not repeated."""
    with pytest.raises(BadInput) as refused:
        sheet_of(card(name))
    assert refused.value.reason == "poster_letters"
    assert name not in str(refused.value)
