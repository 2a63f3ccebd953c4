"""A picture of the camera becomes the text of the square in it. It is kept nowhere."""

import warnings
from io import BytesIO

import zxingcpp
from PIL import Image

from bluezone_node.errors import BadInput

MAX_PICTURE_BYTES = 400_000
"""The page sends JPEG of 960 × 720, some 80 kB."""
MAX_SIDE = 2000
"""Pixels: looked at before a picture is unpacked."""

_FORMATS = zxingcpp.BarcodeFormats(
    [zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.DataMatrix]
)


def read_picture(jpeg: bytes) -> str | None:
    """Return the text of the first square in the picture, or None where there is none.

    Raises:
        BadInput: reason ``picture_unreadable``: it is no JPEG, or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(BytesIO(jpeg), formats=["JPEG"]) as picture:
                if max(picture.size) > MAX_SIDE:
                    raise ValueError
                grey = picture.convert("L")
    except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError):
        raise BadInput("The picture could not be read.", reason="picture_unreadable") from None
    found = zxingcpp.read_barcodes(grey, formats=_FORMATS)
    # One of the other kind may be found by chance within a large square.
    squares = [each for each in found if each.format == zxingcpp.BarcodeFormat.QRCode]
    return next((each.text for each in squares or found), None)
