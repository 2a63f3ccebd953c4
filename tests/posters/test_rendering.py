"""Files that are printed: another library reads the square back, letters are embedded."""

import re
import shutil
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from xml.etree import ElementTree as ET

import pypdfium2
import pytest
from fontTools.ttLib import TTFont
from PIL import Image, ImageChops
from playwright.async_api import async_playwright
from pypdfium2 import raw

from bluezone_node.posters.drawing import INK, WHITE, Area, Drawing
from bluezone_node.posters.fonts import faces
from bluezone_node.posters.icons import clock, door_in, door_out, finder, kiosk, slip, telephone
from bluezone_node.posters.poster import Size
from bluezone_node.posters.rendering import FORMATS, Format, make, render
from bluezone_node.posters.sheet import Sheet
from bluezone_node.venues.text import Direction
from tests.posters.sheets import (
    DIRECTIONS,
    NAMES,
    card,
    file_of,
    fullest,
    picture,
    read,
    sheet_of,
    symbol_of,
    url_of,
)

pytestmark = pytest.mark.slow

SVG = "{http://www.w3.org/2000/svg}"
MILLIMETRES = {"a4": (210, 297), "a5": (148, 209.3), "sticker": (100, 100)}
PAPERS = [*(pytest.param(size, marks=pytest.mark.slow) for size in ("a4", "a5")), "sticker"]
"""A picture of A4 takes half a second."""
HOSTILE = '<script>alert("x")</script>&amp;]]>'


def _page(data: bytes) -> pypdfium2.PdfPage:
    document = pypdfium2.PdfDocument(data)
    assert len(document) == 1
    return document[0]


def _from_svg(data: bytes) -> Image.Image:
    """Draw the square alone, from the path that is in the file."""
    root = ET.fromstring(data)  # our own file
    (path,) = (each for each in root.iter(f"{SVG}path") if each.get("shape-rendering"))
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", path.attrib["d"])
    side = max(int(y) for _, y, _ in runs) + 1
    image = Image.new("L", (side + 8, side + 8), 255)
    for x, y, length in runs:
        image.paste(0, (int(x) + 4, int(y) + 4, int(x) + 4 + int(length), int(y) + 5))
    return image.resize((4 * side + 32, 4 * side + 32), Image.Resampling.NEAREST)


def _drawn(data: bytes, form: Format) -> Image.Image:
    match form:
        case "pdf":
            return _page(data).render(scale=2).to_pil()
        case "svg":
            return _from_svg(data)
        case "png":
            return picture(data)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("size", PAPERS)
def test_another_library_reads_the_square_back(
    size: Size, direction: Direction | None, form: Format
) -> None:
    """Every size, way and format shows the link that was given, and that alone."""
    signed = card()
    assert read(_drawn(file_of(signed, form, size, direction), form)) == [url_of(signed, direction)]


@pytest.mark.parametrize("form", FORMATS)
def test_the_fullest_card_is_read_from_a_sticker(form: Format) -> None:
    """The densest square on the smallest paper."""
    data = file_of(fullest(), form, "sticker", "out")
    assert read(_drawn(data, form)) == [url_of(fullest(), "out")]


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_card_gives_the_same_bytes(form: Format) -> None:
    """No clock and no chance in a file: what was printed can be compared with what is printed."""
    signed = card()
    again = make(signed, url_of(signed, "in"), "sticker", "in", form)
    assert again == file_of(signed, form, "sticker", "in")


@pytest.mark.parametrize("size", PAPERS)
def test_files_know_their_size_on_paper(size: Size) -> None:
    """Printed "at 100 %", a poster has the millimetres that it was laid out for."""
    expected = pytest.approx(MILLIMETRES[size], abs=0.2)
    points = _page(file_of(card(), "pdf", size)).get_size()
    assert tuple(each / 72 * 25.4 for each in points) == expected
    image = picture(file_of(card(), "png", size))
    dpi = image.info["dpi"]
    assert dpi == pytest.approx((300, 300), abs=0.1)
    assert tuple(dots / 300 * 25.4 for dots in image.size) == expected
    root = ET.fromstring(file_of(card(), "svg", size))
    told = tuple(float(root.attrib[side].removesuffix("mm")) for side in ("width", "height"))
    assert told == expected


def _pdf() -> bytes:
    return file_of(card(NAMES["long"], room="Phòng khám số 12"), "pdf")


def _embedded(page: pypdfium2.PdfPage) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the file of each line's font."""
    for each in page.get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT]):
        font = raw.FPDFTextObj_GetFont(each.raw)
        name = (raw.c_char * 200)()
        raw.FPDFFont_GetBaseFontName(font, name, 200)
        length = raw.c_size_t()
        raw.FPDFFont_GetFontData(font, None, 0, length)
        data = (raw.c_uint8 * length.value)()
        raw.FPDFFont_GetFontData(font, data, length.value, length)
        assert raw.FPDFFont_GetIsEmbedded(font) == 1
        yield name.value.decode(), bytes(data)


def test_fonts_are_embedded_as_far_as_they_are_used() -> None:
    """A copy shop needs no font of ours, and gets no more of it than the poster shows."""
    embedded = dict(_embedded(_page(_pdf())))
    assert len(embedded) == 2
    for data in embedded.values():
        assert len(TTFont(BytesIO(data)).getGlyphOrder()) < 130
    assert len(_pdf()) < 80_000


def test_text_of_a_pdf_can_be_found_and_copied() -> None:
    """What is extracted is Vietnamese in Unicode's composed form, not glyph numbers."""
    text = _page(_pdf()).get_textpage().get_text_bounded().replace("\r\n", " ")
    for part in (NAMES["long"], "Phòng khám số 12", "Quét mã khi đến", "hãy báo nhân viên."):
        assert part in text


def test_what_describes_a_file_says_nothing_of_the_place() -> None:
    """Title and dates are shown by file managers and kept by printers' logs."""
    metadata = pypdfium2.PdfDocument(_pdf()).get_metadata_dict()
    assert metadata["Title"] == "Mã QR điểm đến / Check-in poster"
    assert metadata["CreationDate"].startswith("D:20261023")
    assert not any(metadata[key] for key in ("Author", "Subject", "Keywords"))
    assert picture(file_of(card(), "png", "sticker")).info.keys() == {"dpi"}


def test_markup_in_a_name_stays_text() -> None:
    """A name that is written like a script is shown as it is written, and runs nowhere."""
    data = file_of(card(HOSTILE), "svg")
    root = ET.fromstring(data)
    assert {each.tag.removeprefix(SVG) for each in root.iter()} == {
        *("svg", "title", "desc", "defs", "path", "rect", "polygon", "g", "use")
    }
    assert b"<script" not in data
    (told,) = root.iter(f"{SVG}desc")
    assert told.text
    assert "".join(HOSTILE.split()) in "".join(told.text.replace(" · ", "").split())
    text = _page(file_of(card(HOSTILE), "pdf")).get_textpage().get_text_bounded()
    assert "<script>" in text


def test_a_picture_of_vectors_needs_no_font() -> None:
    """Letters in SVG are outlines, each glyph once, however often it is used."""
    sheet = sheet_of(card())
    root = ET.fromstring(file_of(card(), "svg"))
    assert not list(root.iter(f"{SVG}text"))
    outlines = {path.attrib["id"] for path in root.iter(f"{SVG}path") if "id" in path.attrib}
    used = [use.attrib["href"].removeprefix("#") for use in root.iter(f"{SVG}use")]
    assert outlines == set(used)
    letters = sum(not letter.isspace() for line in sheet.texts for letter in line.text)
    assert len(used) == letters > 2 * len(outlines)


@pytest.mark.parametrize("size", PAPERS)
def test_nothing_stands_in_the_quiet_zone(size: Size) -> None:
    """Four modules around the square are white, as the standard asks."""
    sheet = sheet_of(card(), size)
    symbol = symbol_of(sheet)
    image = picture(file_of(card(), "png", size)).convert("L")
    edges = (
        symbol.x - 4 * symbol.module,
        symbol.y - 4 * symbol.module,
        symbol.x + symbol.side + 4 * symbol.module,
        symbol.y + symbol.side + 4 * symbol.module,
    )
    left, top, right, low = (round(edge * sheet.dots) for edge in edges)
    around = image.crop((left, top, right, low))
    quiet = round(4 * symbol.module * sheet.dots)
    around.paste(255, (quiet, quiet, around.width - quiet, around.height - quiet))
    assert around.getextrema() == (255, 255)


def _differ(one: Image.Image, other: Image.Image) -> float:
    """Return the share of dots of which one is dark and the other light."""
    small = [each.convert("L").resize((500, 500), Image.Resampling.BOX) for each in (one, other)]
    difference = ImageChops.difference(*small).point(lambda step: 255 * (step > 128))
    return difference.histogram()[255] / 500**2


def test_paper_and_picture_look_alike() -> None:
    """One layout, drawn by two renderers: letters and boxes stand at the same places."""
    printed = _page(file_of(card(), "pdf", "sticker")).render(scale=3).to_pil()
    assert _differ(printed, picture(file_of(card(), "png", "sticker"))) < 0.001


def _icons() -> Sheet:
    """Return a sheet of every icon, large: boxes with all kinds of corners, and polygons."""
    drawing = Drawing(faces())
    all_of_them = (door_in, door_out, finder, telephone, kiosk, slip, clock)
    for number, icon in enumerate(all_of_them):
        icon(drawing, Area(4 + number % 3 * 32, 4 + number // 3 * 32, 28, 28), INK, WHITE)
    return drawing.sheet(100, 100, title="", made=date(2026, 11, 22))


def test_icons_look_alike() -> None:
    """Circles are round in a PDF too: libraries draw corners each in their own way."""
    printed = _page(render(_icons(), "pdf")).render(scale=3).to_pil()
    assert _differ(printed, picture(render(_icons(), "png"))) < 0.001


@pytest.fixture
def chromium() -> str:
    """Debian's browser."""
    return shutil.which("chromium") or pytest.skip("chromium is not installed")


@pytest.mark.slow
async def test_a_browser_shows_the_same(chromium: str) -> None:
    """The third renderer against the first, drawn by a browser that was told of no font."""
    async with async_playwright() as player:
        # Chromium's own sandbox needs what a container does not give to root.
        browser = await player.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 840, "height": 1188})
        drawing = file_of(card(), "svg", "a5").decode()
        await page.set_content(
            f"<style>body{{margin:0}}svg{{width:840px;height:1188px;display:block}}</style>{drawing}"
        )
        shot = picture(await page.screenshot())
        await browser.close()
    assert read(shot) == [url_of(card(), "in")]
    assert _differ(shot, picture(file_of(card(), "png", "a5"))) < 0.001
