"""A visitor's own code: what it says, for how long, and what is none."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.cose import encode
from bluezone_node.errors import BadInput
from bluezone_node.venues.passes import (
    PASS_LIFE,
    PASS_PREFIX,
    Holder,
    Pass,
    read_pass,
    write_pass,
)
from tests.venues.places import NOW

SHOWN = Pass(bytes(range(8)), NOW + PASS_LIFE, 3)
NAMED = Pass(bytes(8), NOW, 1, Holder("Nguyễn Thị Ánh", "0912345678"))


def reason_of(text: str) -> str:
    with pytest.raises(BadInput) as refused:
        read_pass(text)
    assert text not in str(refused.value)
    return refused.value.reason


@pytest.mark.parametrize("shown", [SHOWN, NAMED], ids=["bare", "named"])
def test_a_code_is_read_as_it_was_written(shown: Pass) -> None:
    """Also with caps lock the other way round, and what a scanner adds."""
    text = write_pass(shown)
    assert text.startswith(PASS_PREFIX)
    assert read_pass(text) == shown
    assert read_pass(f" {text.lower()}\r\n") == shown
    assert len(text) < 100


def test_a_code_holds_for_a_quarter_of_an_hour() -> None:
    """Not longer, not for a kiosk far ahead, and none may say that it holds for a day."""
    SHOWN.check(NOW)
    SHOWN.check(NOW - timedelta(minutes=10))
    for at, reason in (
        (NOW + PASS_LIFE, "pass_expired"),
        (NOW - timedelta(minutes=11), "pass_ahead"),
    ):
        with pytest.raises(BadInput) as refused:
            SHOWN.check(at)
        assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({1: 2, 2: bytes(8)}, "pass_version"),
        ({1: 1, 2: bytes(7), 3: 1, 4: 1}, "pass_malformed"),
        ({1: 1, 2: bytes(8), 3: -1, 4: 1}, "pass_malformed"),
        ({1: 1, 2: bytes(8), 3: True, 4: 1}, "pass_malformed"),
        ({1: 1, 2: bytes(8), 3: 1, 4: 0}, "pass_malformed"),
        ({1: 1, 2: bytes(8), 3: 1, 4: 21}, "pass_malformed"),
        ({1: 1, 2: bytes(8), 3: 1, 4: 1, 5: ["An"]}, "pass_malformed"),
        ({1: 1, 2: bytes(8), 3: 1, 4: 1, 6: 0}, "pass_malformed"),
        ({1: 1, 2: bytes(8), 3: 1, 4: 1, 5: ["An\n", "09"]}, "text_malformed"),
        ({1: 1, 2: bytes(8), 3: 1, 4: 1, 5: ["x" * 49, "09"]}, "text_malformed"),
    ],
)
def test_what_is_no_code_is_refused(fields: dict[int, object], reason: str) -> None:
    """Each part in its bounds, and nothing beside."""
    import base45

    assert reason_of(PASS_PREFIX + base45.b45encode(encode(fields)).decode()) == reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        write_pass(SHOWN).removeprefix(PASS_PREFIX),
        PASS_PREFIX,
        "VNP1V:€",
        "VNP1V:::::",
        "VNP1V:" + "A" * 600,
    ],
)
def test_what_is_no_text_of_a_code_is_refused(text: str) -> None:
    """In words and not with a traceback."""
    assert reason_of(text + "#") in {"pass_malformed", "cbor_malformed"}


def test_a_code_begins_with_its_name() -> None:
    """What is base45 of the same bytes and says of nothing what it is, is none."""
    assert reason_of(write_pass(SHOWN).removeprefix(PASS_PREFIX)) == "pass_malformed"


@given(st.text())
def test_nothing_that_is_scanned_ends_in_a_traceback(text: str) -> None:
    """Whatever it is, it is refused or read."""
    for each in (text, PASS_PREFIX + text):
        try:
            read_pass(each)
        except BadInput:
            continue


def test_a_name_is_in_no_repr() -> None:
    """Nor the number, nor the nonce."""
    assert repr(NAMED) == repr(NAMED).replace("Ánh", "").replace("0912345678", "")
    assert "b'" not in repr(NAMED)
