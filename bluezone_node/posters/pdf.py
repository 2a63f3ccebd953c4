"""A sheet as PDF: what printers and copy shops take."""

from datetime import UTC, datetime, time

from fpdf import FPDF
from fpdf.drawing_primitives import color_from_hex_string
from fpdf.enums import PathPaintRule

from bluezone_node.posters.sheet import Box, Element, Shape, Sheet, Symbol, Text
from bluezone_node.posters.square import runs

_MM_TO_POINT = 72 / 25.4


def pdf(sheet: Sheet) -> bytes:
    """Return *sheet* as a PDF of one page, its letters embedded as far as they are used."""
    file = FPDF(unit="mm", format=(sheet.width, sheet.height))
    file.set_auto_page_break(auto=False)
    file.set_margin(0)
    file.set_title(sheet.title)
    file.set_lang("vi")
    file.set_creator("bluezone-node")
    # Of its own fpdf2 takes the clock's time, and the identity of the file from it.
    file.set_creation_date(datetime.combine(sheet.made, time(), UTC))
    for bold in (False, True):
        file.add_font("poster", "B" if bold else "", sheet.faces.of(bold=bold).path)
    file.add_page()
    for element in sheet.elements:
        _draw(file, element)
    return bytes(file.output())


def _draw(file: FPDF, element: Element) -> None:
    match element:
        case Text(x, baseline, size, text, bold, colour):
            file.set_font("poster", "B" if bold else "", size * _MM_TO_POINT)
            file.set_text_color(colour)
            file.text(x, baseline, text)
        case Box(x, y, width, height, colour, radius):
            file.set_fill_color(colour)
            # From half a side on, fpdf2 takes a radius for something else.
            radius = min(radius, 0.4999 * min(width, height))
            file.rect(x, y, width, height, "F", round_corners=radius > 0, corner_radius=radius)
        case Shape(points, colour):
            file.set_fill_color(colour)
            file.polygon(points, style="F")
        case Symbol():
            _modules(file, element)


def _modules(file: FPDF, symbol: Symbol) -> None:
    """Draw all dark modules as one path: between two of them no viewer shows a seam."""
    with file.new_path(paint_rule=PathPaintRule.FILL_NONZERO) as path:
        path.style.fill_color = color_from_hex_string(symbol.colour)
        for y, row in enumerate(symbol.square.rows):
            for start, length in runs(row):
                path.rectangle(
                    symbol.x + start * symbol.module,
                    symbol.y + y * symbol.module,
                    length * symbol.module,
                    symbol.module,
                )
