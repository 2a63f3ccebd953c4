"""Which requests are believed, which cookies do without Secure, and which language is spoken."""

import re

import pytest

from bluezone_node.web.console import guard
from bluezone_node.web.console.language import choose
from bluezone_node.web.console.style import style_sheet


@pytest.mark.parametrize(
    ("public_url", "scheme", "host", "plain"),
    [
        ("", "http", "127.0.0.1:8600", True),
        ("", "http", "localhost", True),
        ("", "http", "[::1]:8600", True),
        ("", "https", "127.0.0.1:8600", False),
        ("", "http", "console.moh.gov.vn", False),
        ("", "http", "localhost.evil.example", False),
        ("", "http", "", False),
        ("https://console.moh.gov.vn", "http", "127.0.0.1:8600", False),
        ("http://127.0.0.1:8600", "http", "console.moh.gov.vn", True),
        ("http://10.0.0.5:8600", "http", "10.0.0.5:8600", False),
    ],
)
def test_cookies_do_without_secure_on_this_machine_only(
    public_url: str, scheme: str, host: str, plain: bool
) -> None:
    """The setting decides; without it, the name that the browser asked for."""
    assert guard.is_plain(public_url, scheme, host) is plain


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "null"}, False),
        ({"sec-fetch-site": "same-site", "origin": "https://a.example"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "https://a.example", "host": "a.example"}, True),
        ({"origin": "https://b.example", "host": "a.example"}, False),
        ({"origin": "null", "host": "a.example"}, True),
        ({"host": "a.example"}, True),
    ],
)
def test_whose_page_sent_a_form(headers: dict[str, str], own: bool) -> None:
    """The browser's word where there is one; else the form's token alone decides."""
    assert guard.is_own(headers) is own


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, None, "vi"),
        (None, "en-US,en;q=0.9", "en"),
        (None, "fr,en;q=0.5,vi;q=0.8", "vi"),
        (None, "vi;q=0,en;q=0.1", "en"),
        (None, "*", "vi"),
        (None, "en;q=nonsense", "vi"),
        ("en", "vi", "en"),
        ("xx", "vi", "vi"),
    ],
)
def test_the_language(cookie: str | None, accepted: str | None, language: str) -> None:
    """What was chosen, else what the browser asks for, else Vietnamese."""
    assert choose(cookie, accepted) == language


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    full = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_apart(theme: int) -> None:
    """WCAG 2 AA: 4.5 for words, 3 for edges of fields, bars of charts and the focus."""
    blocks = re.findall(r":root \{(.*?)\}", style_sheet().decode(), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w+);", blocks[theme]))
    words = [
        *((ink, on) for ink in ("ink", "faint", "brand") for on in ("paper", "sheet")),
        *((tone, f"{tone}-soft") for tone in ("good", "warn", "bad", "brand")),
        ("bad", "sheet"),
        ("on-brand", "brand"),
        ("ink", "brand-soft"),
    ]
    for one, other in words:
        assert _contrast(colours[one], colours[other]) >= 4.5, (one, other)
    for shape in ("edge", "focus", "s1", "s2", "s3", "s4"):
        assert _contrast(colours[shape], colours["sheet"]) >= 3, shape
