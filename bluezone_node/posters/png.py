"""A sheet as PNG, a dot for each dot of the printer: 300 to the inch, or a receipt printer's."""

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from bluezone_node.posters.sheet import Box, Shape, Sheet, Symbol, Text

_MM_TO_INCH = 25.4
_FINER = 4
"""Round and slanting edges are drawn that much larger first."""
_HALF = 128


def png(sheet: Sheet) -> bytes:
    """Return *sheet* as a PNG file that knows its size on paper."""
    size = (round(sheet.width * sheet.dots), round(sheet.height * sheet.dots))
    image = Image.new("RGB", size, "#ffffff")
    for element in sheet.elements:
        match element:
            case Text():
                _letters(image, element, sheet)
            case Box() | Shape():
                _area(image, element, sheet.dots)
            case Symbol():
                _modules(image, element, sheet.dots)
    if sheet.two_colours:
        image = image.convert("L").point(lambda grey: 0 if grey < _HALF else 255).convert("1")
    inch = sheet.dots * _MM_TO_INCH
    file = BytesIO()
    image.save(file, "PNG", dpi=(inch, inch))
    return file.getvalue()


def _letters(image: Image.Image, line: Text, sheet: Sheet) -> None:
    face = sheet.faces.of(bold=line.bold)
    font = ImageFont.truetype(
        face.path, line.size * sheet.dots, layout_engine=ImageFont.Layout.BASIC
    )
    draw = ImageDraw.Draw(image)
    x = line.x
    for letter in line.text:
        at = (x * sheet.dots, line.baseline * sheet.dots)
        draw.text(at, letter, fill=line.colour, font=font, anchor="ls")
        x += face.advance(letter) * line.size


def _area(image: Image.Image, area: Box | Shape, dots: float) -> None:
    """Fill through a mask, which is drawn larger: Pillow's own edges are stairs."""
    match area:
        case Box(x, y, width, height):
            points: tuple[tuple[float, float], ...] = ((x, y), (x + width, y + height))
        case Shape(points):
            pass
    left, top = (int(min(point[axis] for point in points) * dots) for axis in (0, 1))
    right, low = (int(max(point[axis] for point in points) * dots) + 1 for axis in (0, 1))
    mask = Image.new("L", ((right - left) * _FINER, (low - top) * _FINER))
    draw = ImageDraw.Draw(mask)
    corners = [((x * dots - left) * _FINER, (y * dots - top) * _FINER) for x, y in points]
    match area:
        case Box(radius=radius):
            # Pillow's far edge is drawn too.
            (x0, y0), (x1, y1) = corners
            draw.rounded_rectangle((x0, y0, x1 - 1, y1 - 1), radius * dots * _FINER, fill=255)
        case Shape():
            draw.polygon(corners, fill=255)
    image.paste(
        area.colour,
        (left, top, right, low),
        mask.resize((right - left, low - top), Image.Resampling.BOX),
    )


def _modules(image: Image.Image, symbol: Symbol, dots: float) -> None:
    """Draw modules of a whole number of dots each, as sharp as the printer can."""
    rows = symbol.square.rows
    count = symbol.square.modules
    small = Image.frombytes("L", (count, count), b"".join(rows)).point(lambda dark: 255 * dark)
    side = round(symbol.side * dots)
    image.paste(
        symbol.colour,
        (round(symbol.x * dots), round(symbol.y * dots)),
        small.resize((side, side), Image.Resampling.NEAREST),
    )
