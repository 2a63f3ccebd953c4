"""Pictures of posters for docs/posters.md: ``python -m tests.posters.pictures``.

The place is made up; the host is the one that stands for a real one everywhere.
"""

from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from bluezone_node.posters.rendering import render
from bluezone_node.posters.slip import Leaving, slip
from bluezone_node.venues.card import CardFlag
from bluezone_node.venues.text import Proof, to_url
from tests.posters.sheets import HOST, NAMES, card, file_of, picture

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "posters"
AT = datetime(2026, 11, 22, 7, 35, tzinfo=UTC)
PROOF = Proof(5_931_115, bytes(range(100, 108)))
EDGE = "#8a8f98"

PLACE = card(room="Cổng Bắc", address="15 Cầu Đông, Hoàn Kiếm", hours=(360, 1080))
PLAIN = card(address="15 Cầu Đông, Hoàn Kiếm", hours=(360, 1080))
STAFF = card(NAMES["long"], room="Phòng khám số 12", flags=CardFlag.STAFF_CODE)


def _save(name: str, data: bytes, width: int) -> None:
    """Save *data* at *width* pixels, with an edge where the paper ends."""
    image = picture(data).convert("RGB")
    height = round(image.height * width / image.width)
    framed = Image.new("RGB", (width + 2, height + 2), EDGE)
    framed.paste(image.resize((width, height), Image.Resampling.LANCZOS), (1, 1))
    FOLDER.mkdir(exist_ok=True)
    framed.quantize(64).save(FOLDER / f"{name}.png", optimize=True)


def main() -> None:
    _save("a4-in", file_of(PLACE, "png", "a4", "in"), 620)
    _save("a4-out", file_of(PLACE, "png", "a4", "out"), 620)
    _save("a5-both", file_of(PLAIN, "png", "a5", None), 440)
    _save("a5-staff", file_of(STAFF, "png", "a5", None), 440)
    _save("sticker-in", file_of(PLAIN, "png", "sticker", "in"), 440)
    url = to_url(PLACE.cose, HOST, proof=PROOF)
    paper = slip(PLACE, url, AT, leaving=Leaving("K7M4QX", "VNP1S:K7M4QX"), people=3)
    _save("slip", render(paper, "png"), 384)


if __name__ == "__main__":
    main()
