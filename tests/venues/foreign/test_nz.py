"""New Zealand's posters, by the rules of NZ COVID Tracer."""

import json
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from bluezone_node.venues.foreign import ForeignKind, ForeignPlace, read_foreign
from tests.venues.foreign.codes import as_json, nz

LINK = "https://tracing.covid19.govt.nz/scan"
LABEL = "NZCOVIDTRACER:"


def read(text: str) -> ForeignPlace:
    """Return the place, which is New Zealand's in any case."""
    place = read_foreign(text)
    assert place is not None
    assert place.kind is ForeignKind.NZ
    return place


def test_the_published_poster(vectors: Path) -> None:
    """The ministry's own example, whose base64 has no padding, and the hash of a location."""
    published = json.loads((vectors / "presence_interop_vectors.json").read_text())["nz"]
    place = read(published["qr"])
    assert place.valid
    assert place.name == "Blue Stone Table 1"
    assert place.address == "Unit 1, 547 Waikimihia Road\nRD 2/Dunsandel\nLeeston"
    assert place.id == published["gln"]
    listed = read(nz(gln="1234567890001")).listed_as
    assert listed == published["hash_of_1234567890001"]


@pytest.mark.parametrize(
    "text",
    [
        f"{LINK}#data={nz()}",
        f"{LINK}?source=url#data={nz()}",
        f"{LINK}#data={quote(nz())}",
        nz().rstrip("="),
    ],
)
def test_the_ways_to_carry_it(text: str) -> None:
    """Posters, links and NFC tags say the same."""
    assert read(text) == read(nz())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("RECARTDIVOCZN:.eyJkYXRhIjpbXX0=.", "nz_surprise"),
        (f"{LINK}#data=RECARTDIVOCZN:.e30.", "nz_surprise"),
        ("NZCOVIDTRACER", "nz_malformed"),
        ("NZCOVIDTRACER;" + nz()[14:], "nz_malformed"),
        (f"{LINK}#", "nz_malformed"),
        (nz(typ="exit"), "nz_malformed"),
        (nz(ver="c19:2"), "nz_malformed"),
        (nz(gln=9429300000017), "nz_malformed"),
        (nz(gln="942930000001"), "nz_malformed"),
        (nz(gln="٩٤٢٩٣٠٠٠٠٠٠١٧"), "nz_malformed"),
        (nz(gln=None), "nz_malformed"),
        (nz(opn=None), "text_malformed"),
        (nz(opn=""), "text_malformed"),
        (nz(opn="a\nb"), "text_malformed"),
        (nz(opn="\u202emoc.live"), "text_malformed"),
        (nz(adr="\x1b[2J"), "text_malformed"),
        (nz(adr="x" * 513), "text_malformed"),
        (nz(adr=["x"]), "text_malformed"),
        (LABEL, "base64_malformed"),
        (LABEL + "e", "base64_malformed"),
        (LABEL + "e+3_", "base64_malformed"),
        (LABEL + "e3 0=", "base64_malformed"),
        (LABEL + "bm8=", "json_malformed"),
        (LABEL + b64encode(b"[]").decode(), "json_malformed"),
        (LABEL + b64encode(b"\xff").decode(), "json_malformed"),
        (LABEL + b64encode(b'{"gln":"1","gln":"2"}').decode(), "json_malformed"),
        (LABEL + b64encode(b'{"a":NaN}').decode(), "json_malformed"),
        (LABEL + b64encode(b"[" * 3000).decode(), "json_malformed"),
        (LABEL + b64encode(b'{"a":' + b"9" * 3000).decode(), "json_malformed"),
    ],
)
def test_what_the_app_would_not_take(text: str, reason: str) -> None:
    """It is New Zealand's, is not valid, and says why."""
    place = read(text)
    assert (place.valid, place.reason) == (False, reason)


def test_a_surrogate_in_a_name() -> None:
    """JSON can escape half a character, which no screen can show."""
    data = as_json({}).replace(b"{}", b'{"typ":"entry","ver":"c19:1","gln":"9429300000017",')
    data += b'"opn":"\\ud800","adr":"x"}'
    assert read(LABEL + b64encode(data).decode()).reason == "text_malformed"
