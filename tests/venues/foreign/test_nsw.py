"""New South Wales's posters, by the rules of Service NSW."""

import pytest

from bluezone_node.venues.foreign import ForeignKind, ForeignPlace, read_foreign
from tests.venues.foreign.codes import nsw

LINK = "https://www.service.nsw.gov.au/campaign/service-nsw-mobile-app?data="


def read(text: str) -> ForeignPlace:
    """Return the place, which is New South Wales's in any case."""
    place = read_foreign(text)
    assert place is not None
    assert place.kind is ForeignKind.NSW
    return place


@pytest.mark.parametrize("text", [nsw(), nsw().replace("=", "%3D"), nsw().rstrip("=")])
def test_a_poster(text: str) -> None:
    """Name, address and the number of the business; percent signs or none."""
    place = read(text.replace("data%3D", "data="))
    assert (place.name, place.address, place.id) == ("Bondi Baths", "1 Beach Rd", "208")
    assert place.valid
    assert place.window is None


def test_a_poster_that_was_described_in_public() -> None:
    """The example of a public account of the code's size."""
    data = (
        "eyJ0IjoiY292aWQxOV9idXNpbmVzcyIsImJpZCI6IjEyMTMyMSIsImJuYW1lIjoiVGVzdCBOU1cgR292ZXJubWVu"
        "dCBRUiBjb2RlIiwiYmFkZHJlc3MiOiJCdXNpbmVzcyBhZGRyZXNzIGdvZXMgaGVyZSAifQ=="
    )
    place = read(LINK + data)
    assert (place.id, place.name) == ("121321", "Test NSW Government QR code")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (nsw(t="covid19_taxi"), "nsw_malformed"),
        (nsw(t=None), "nsw_malformed"),
        (nsw(bid=208), "text_malformed"),
        (nsw(bname=None), "text_malformed"),
        (nsw(baddress=""), "text_malformed"),
        (nsw(bname="a\x00b"), "text_malformed"),
        (LINK, "base64_malformed"),
        (LINK + "%F0%9F%98%80", "base64_malformed"),
        (LINK + "e30", "nsw_malformed"),
    ],
)
def test_what_the_app_would_not_take(text: str, reason: str) -> None:
    """It is New South Wales's, is not valid, and says why."""
    place = read(text)
    assert (place.valid, place.reason) == (False, reason)
