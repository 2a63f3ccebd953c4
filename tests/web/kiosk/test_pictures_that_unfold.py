"""A picture of few bytes and many points, held before a kiosk that has half a gigabyte."""

from io import BytesIO

import pytest
from PIL import Image

from bluezone_node.errors import BadInput
from bluezone_node.web.kiosk.picture import MAX_PICTURE_BYTES, MAX_SIDE, read_picture


def test_a_picture_is_not_unpacked_before_its_size_is_known() -> None:
    """The longest side that is taken, and one point more."""
    for side, taken in ((MAX_SIDE, True), (MAX_SIDE + 1, False)):
        jpeg = BytesIO()
        Image.new("L", (side, 8), 255).save(jpeg, "JPEG")
        assert len(jpeg.getvalue()) < MAX_PICTURE_BYTES
        if taken:
            assert read_picture(jpeg.getvalue()) is None
        else:
            with pytest.raises(BadInput) as refused:
                read_picture(jpeg.getvalue())
            assert refused.value.reason == "picture_unreadable"
