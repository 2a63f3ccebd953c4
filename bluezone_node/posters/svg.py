"""A sheet as SVG, its letters as outlines: it looks alike where the font is not installed.

Print shops' programs ignore fonts that are embedded in SVG; outlines they all take.  What stands
on the sheet is told in words beside, for screen readers.
"""

from html import escape

from bluezone_node.posters.sheet import Box, Element, Shape, Sheet, Symbol, Text
from bluezone_node.posters.square import runs


def svg(sheet: Sheet) -> bytes:
    """Return *sheet* as an SVG document, one user unit to the millimetre."""
    glyphs: dict[tuple[bool, str], str] = {}
    body = [_drawn(each, sheet, glyphs) for each in sheet.elements]
    defs = [
        f'<path id="{name}" d="{sheet.faces.of(bold=bold).outline(letter)}"/>'
        for (bold, letter), name in glyphs.items()
    ]
    told = " · ".join(text.text for text in sheet.texts)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(sheet.width)}mm"'
        f' height="{_n(sheet.height)}mm" viewBox="0 0 {_n(sheet.width)} {_n(sheet.height)}"'
        ' role="img" aria-labelledby="title desc" lang="vi">'
    )
    return "\n".join(
        [
            opening,
            f'<title id="title">{escape(sheet.title)}</title>',
            f'<desc id="desc">{escape(told)}</desc>',
            f"<defs>{''.join(defs)}</defs>",
            f'<rect width="{_n(sheet.width)}" height="{_n(sheet.height)}" fill="#ffffff"/>',
            *body,
            "</svg>\n",
        ]
    ).encode()


def _drawn(element: Element, sheet: Sheet, glyphs: dict[tuple[bool, str], str]) -> str:
    match element:
        case Text():
            return _line(element, sheet, glyphs)
        case Box(x, y, width, height, colour, radius):
            return (
                f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
                f' rx="{_n(radius)}" fill="{colour}"/>'
            )
        case Shape(points, colour):
            corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
            return f'<polygon points="{corners}" fill="{colour}"/>'
        case Symbol():
            return _symbol(element)


def _line(line: Text, sheet: Sheet, glyphs: dict[tuple[bool, str], str]) -> str:
    """Draw a line in the font's units, in which outlines point upwards."""
    face = sheet.faces.of(bold=line.bold)
    scale = line.size / face.units
    uses, x = [], 0.0
    for letter in line.text:
        if not letter.isspace():
            name = glyphs.setdefault((line.bold, letter), f"g{len(glyphs)}")
            uses.append(f'<use href="#{name}" x="{_n(x)}"/>')
        x += face.advance(letter) * face.units
    return (
        f'<g fill="{line.colour}" transform="translate({_n(line.x)} {_n(line.baseline)})'
        f' scale({scale:.6f} {-scale:.6f})">{"".join(uses)}</g>'
    )


def _symbol(symbol: Symbol) -> str:
    """Draw the dark modules as one path: between two of them there is no seam to be seen."""
    path = "".join(
        f"M{start} {y}h{length}v1h-{length}z"
        for y, row in enumerate(symbol.square.rows)
        for start, length in runs(row)
    )
    return (
        f'<path fill="{symbol.colour}" shape-rendering="crispEdges" d="{path}"'
        f' transform="translate({_n(symbol.x)} {_n(symbol.y)}) scale({symbol.module:.6f})"/>'
    )


def _n(value: float) -> str:
    """Write a length to the thousandth of a millimetre."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
