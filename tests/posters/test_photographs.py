"""Posters as telephones see them: askew, blurred, dim, noisy, far away, badly compressed."""

import math
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter

from bluezone_node.posters.poster import Size
from tests.posters.sheets import card, file_of, fullest, picture, read, url_of

WALL = 150


def _photographed(
    poster: Image.Image,
    *,
    width: int,
    turn: float = 0.0,
    tilt: float = 0.0,
    blur: float = 0.0,
    noise: float = 0.0,
    light: float = 1.0,
    quality: int = 70,
) -> Image.Image:
    """Photograph *poster*, *width* pixels wide in the picture, on a grey wall.

    It is turned by *turn* degrees, and its upper edge is nearer by the share *tilt*; *blur* is in
    pixels, *noise* the standard deviation of 256 steps, *light* a factor, *quality* JPEG's.
    """
    height = round(poster.height * width / poster.width)
    edge = width // 4
    seen = Image.new("L", (width + 2 * edge, height + 2 * edge), WALL)
    seen.paste(poster.convert("L").resize((width, height), Image.Resampling.BOX), (edge, edge))
    far = tilt * seen.width
    corners = (far, 0, 0, seen.height, seen.width, seen.height, seen.width - far, 0)
    seen = seen.transform(
        seen.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=WALL
    )
    seen = seen.rotate(turn, Image.Resampling.BICUBIC, fillcolor=WALL)
    seen = ImageEnhance.Brightness(seen.filter(ImageFilter.GaussianBlur(blur))).enhance(light)
    grain = np.random.default_rng(1).normal(0, noise, (seen.height, seen.width))
    seen = Image.fromarray(np.clip(np.asarray(seen) + grain, 0, 255).astype(np.uint8))
    file = BytesIO()
    seen.save(file, "JPEG", quality=quality)
    return Image.open(file)


HURRIED = {"turn": -8.0, "tilt": 0.06, "blur": 1.2, "noise": 14.0, "light": 0.6, "quality": 35}


def test_a_hurried_photograph_is_read() -> None:
    """A little of every fault at once, on the smallest paper."""
    seen = _photographed(picture(file_of(card(), "png", "sticker")), width=900, **HURRIED)  # type: ignore[arg-type]
    assert read(seen) == [url_of(card(), "in")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        {"turn": 17.0},
        {"turn": 180.0},
        {"tilt": 0.12},
        {"blur": 2.0},
        {"noise": 40.0},
        {"light": 0.3, "noise": 8.0},
        {"quality": 12},
        HURRIED,
    ],
    ids=lambda fault: "-".join(fault),
)
@pytest.mark.parametrize("size", ["a5", "sticker"])
def test_a_bad_photograph_is_read(size: Size, fault: dict[str, float]) -> None:
    """Each fault alone, at a strength that a hand or a lamp makes, and all together."""
    poster = picture(file_of(card(), "png", size))
    seen = _photographed(poster, width=900, **fault)  # type: ignore[arg-type]
    assert read(seen) == [url_of(card(), "in")]


@pytest.mark.slow
@settings(max_examples=40)
@given(
    smaller=st.floats(0.7, 1),
    turn=st.floats(-25, 25),
    tilt=st.floats(0, 0.06),
    blur=st.floats(0, 1),
    noise=st.floats(0, 15),
    quality=st.integers(40, 90),
)
def test_any_hand_reads_an_a5(
    smaller: float, turn: float, tilt: float, blur: float, noise: float, quality: int
) -> None:
    """A poster printed up to 30 % smaller, held and lit as it comes."""
    seen = _photographed(
        picture(file_of(card(), "png", "a5")),
        width=round(900 * smaller),
        turn=turn,
        tilt=tilt,
        blur=blur,
        noise=noise,
        quality=quality,
    )
    assert read(seen) == [url_of(card(), "in")]


@pytest.mark.slow
def test_the_fullest_card_survives_a_copier() -> None:
    """81 modules a side, copied at 70 %, slightly askew and pale."""
    poster = picture(file_of(fullest(), "png", "a5", "out"))
    seen = _photographed(poster, width=math.ceil(1200 * 0.7), turn=3, blur=0.7, light=0.8, noise=6)
    assert read(seen) == [url_of(fullest(), "out")]
