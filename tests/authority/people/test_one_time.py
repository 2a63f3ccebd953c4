"""One-time codes: against the vectors of RFC 6238, and as they are kept and shown."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from bluezone_node.authority.people.one_time import (
    SecretBox,
    matching_step,
    otpauth_uri,
    qr_svg,
    qr_terminal,
)
from bluezone_node.errors import DatabaseUnusable
from tests.authorities import seeded

RFC_SECRET = b"12345678901234567890"
VECTORS = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
"""RFC 6238, appendix B, SHA-1: of the eight digits there, an app with six shows the last."""


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "digits"), VECTORS.items())
def test_the_vectors_of_the_rfc(seconds: int, digits: str) -> None:
    """The step is the number of half minutes since 1970."""
    assert matching_step(RFC_SECRET, digits[2:], at(seconds)) == seconds // 30


def test_one_step_of_drift_is_taken_and_no_more() -> None:
    """The code of a minute ago is over, and the next but one is not known yet."""
    now = at(1111111109)
    for steps, found in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        then = now + timedelta(seconds=30 * steps)
        assert (matching_step(RFC_SECRET, VECTORS[1111111109][2:], then) is not None) is found


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "٠٨١٨٠٤", "-81804", "8 1"])
def test_what_is_no_code_matches_nothing(typed: str) -> None:
    """Six ASCII digits, and nothing that only looks like them."""
    assert matching_step(RFC_SECRET, typed, at(1111111109)) is None


def test_blanks_in_a_code_do_not_matter() -> None:
    """Apps show it in two groups."""
    assert matching_step(RFC_SECRET, " 081 804 ", at(1111111109)) is not None


def test_a_sealed_secret_opens_for_its_user_only() -> None:
    """Nor under another key, nor altered: a row copied to another name is worth nothing."""
    box = SecretBox(b"k" * 32, seeded())
    sealed = box.seal(RFC_SECRET, "an")
    assert RFC_SECRET not in sealed
    assert box.open(sealed, "an") == RFC_SECRET
    assert box.seal(RFC_SECRET, "an") != sealed
    others = SecretBox(b"l" * 32, seeded())
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for opener, data, name in (
        (box, sealed, "binh"),
        (others, sealed, "an"),
        (box, altered, "an"),
        (box, b"", "an"),
    ):
        with pytest.raises(DatabaseUnusable, match="second factor"):
            opener.open(data, name)


def test_the_uri_says_what_an_app_needs() -> None:
    """Issuer and name to tell accounts apart, and the secret in base 32."""
    uri = urlsplit(otpauth_uri(RFC_SECRET, "an.nguyen", "bluezone-registrar"))
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert uri.path == "/bluezone-registrar:an.nguyen"
    assert parse_qs(uri.query) == {
        "secret": ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"],
        "issuer": ["bluezone-registrar"],
    }


def test_the_pictures_need_no_style_and_no_script() -> None:
    """The page's policy forbids both; a terminal gets half blocks."""
    uri = otpauth_uri(RFC_SECRET, "an.nguyen", "bluezone-registrar")
    svg = qr_svg(uri)
    assert svg.startswith("<svg ")
    assert "style=" not in svg
    assert "<script" not in svg
    assert "▀" in qr_terminal(uri)
