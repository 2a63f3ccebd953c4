"""Sheets as PDF: what printers and copy shops take, a page for each."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from io import BytesIO

from fpdf import FPDF
from fpdf.fonts import TTFFont

from bluezone_node.posters.alphabet import LETTERS, cut_down
from bluezone_node.posters.fonts import Faces
from bluezone_node.posters.sheet import Box, Element, Shape, Sheet, Symbol, Text
from bluezone_node.posters.square import runs

_MM_TO_POINT = 72 / 25.4
_FAMILY = "poster"


def pdf(sheets: Sequence[Sheet]) -> bytes:
    """Return *sheets*, one at least, as a PDF, their letters embedded as far as they are used.

    All are as large, and set in the same family, as the first, which also says title and date.
    """
    first = sheets[0]
    file = _File(unit="mm", format=(first.width, first.height))
    file.set_auto_page_break(auto=False)
    file.set_margin(0)
    file.set_title(first.title)
    file.set_lang("vi")
    file.set_creator("bluezone-node")
    # Of its own fpdf2 takes the clock's time, and the identity of the file from it.
    file.set_creation_date(datetime.combine(first.made, time(), UTC))
    letters = {letter for sheet in sheets for line in sheet.texts for letter in line.text}
    file.embed(first.faces, letters)
    for sheet in sheets:
        file.add_page()
        for element in sheet.elements:
            file.draw(element)
    return bytes(file.output())


class _File(FPDF):
    """A PDF that sheets are drawn into."""

    def embed(self, faces: Faces, letters: set[str]) -> None:
        """Bring in both weights, to set *letters* in."""
        for style in ("", "B"):
            path, key = faces.of(bold=bool(style)).path, f"{_FAMILY}{style}"
            font = cut_down(path) if letters <= LETTERS else path.read_bytes()
            # As `add_font` does, which takes files with a name only, and leaves them open.
            self.fonts[key] = TTFFont(self, BytesIO(font), key, style)  # type: ignore[arg-type]

    def draw(self, element: Element) -> None:
        match element:
            case Text(x, baseline, size, text, bold, colour):
                self.set_font(_FAMILY, "B" if bold else "", size * _MM_TO_POINT)
                self.set_text_color(colour)
                self.text(x, baseline, text)
            case Box(x, y, width, height, colour, radius):
                self.set_fill_color(colour)
                # From half a side on, fpdf2 takes a radius for something else.
                radius = min(radius, 0.4999 * min(width, height))
                self.rect(x, y, width, height, "F", round_corners=radius > 0, corner_radius=radius)
            case Shape(points, colour):
                self.set_fill_color(colour)
                self.polygon(points, style="F")
            case Symbol():
                self._modules(element)

    def _modules(self, symbol: Symbol) -> None:
        """Draw all dark modules as one path: between two of them no viewer shows a seam.

        It is written as PDF has it. fpdf2 has an object for each point of a path, which takes
        longer than all the rest of a page.
        """
        self.set_fill_color(symbol.colour)
        side = symbol.module * self.k
        left, top = symbol.x * self.k, (self.h - symbol.y) * self.k
        path = [
            f"{left + start * side:.4f} {top - y * side:.4f} {length * side:.4f} {-side:.4f} re"
            for y, row in enumerate(symbol.square.rows)
            for start, length in runs(row)
        ]
        self._out(" ".join((*path, "f")))
