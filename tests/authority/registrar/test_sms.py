"""Telephone numbers, and what a message says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.phones import parse_phone
from bluezone_node.authority.registrar.sms import MAX_CHARACTERS, message_text
from bluezone_node.errors import AuthorityRefused


@pytest.mark.parametrize(
    "written",
    [
        "0901234567",
        "090 123 45 67",
        "090.123.4567",
        "(+84) 90-123-4567",
        "+84901234567",
        "+84 (0) 901 234 567",
        "84901234567",
        "0084901234567",
        "901234567",
    ],
)
def test_a_number_of_vietnam_however_written(written: str) -> None:
    """With or without the country code, or without the 0 that a spreadsheet takes away."""
    assert parse_phone(written) == "+84901234567"


def test_a_number_from_abroad_has_its_country_code() -> None:
    """Also one that is as long as those of Vietnam."""
    assert parse_phone("+66 81 234 5678") == "+66812345678"
    assert parse_phone("00 33 6 12 34 56 78") == "+33612345678"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "0241234567",  # a landline
        "090123456",
        "09012345678",
        "+8490123456789",
        "+0123456789",
        "0901234567\r\nTo: 1",
        "0901234567;",
        "٠٩٠١٢٣٤٥٦٧",
        "=0901234567",
        "+" + "1" * 16,
    ],
)
def test_what_is_no_number_for_a_message(written: str) -> None:
    """It is refused, and not repeated."""
    with pytest.raises(AuthorityRefused) as refused:
        parse_phone(written)
    assert refused.value.reason == "invalid_phone"
    assert not written or written not in str(refused.value)


@given(text=st.text(max_size=30))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    """What comes out is E.164, and nothing else of the text with it."""
    try:
        number = parse_phone(text)
    except AuthorityRefused:
        return
    assert number[0] == "+"
    assert number[1:].isascii()
    assert number[1:].isdecimal()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_message_is_one_sms(language: str) -> None:
    """At the longest address that the settings allow: 160 characters of the GSM alphabet."""
    text = message_text("https://" + "x" * 56, "7x3k9p2m4q8rt5vw", 24, language)
    assert len(text) <= MAX_CHARACTERS
    assert text.isascii()
    assert not set(text) & set("`\\[]{}^|~")  # two each, or none, in GSM-7
    assert "/v#7x3k9p2m4q8rt5vw " in text


def test_an_address_with_a_slash_at_its_end_is_the_same() -> None:
    """A link has one."""
    assert "https://a.vn/v#x" in message_text("https://a.vn/", "x", 24, "vi")
