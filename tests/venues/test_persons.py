"""Cards and numbers are read for what recognises them, and for nothing else."""

import unicodedata
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bluezone_node.errors import BadInput
from bluezone_node.venues.persons import Person, PersonKind, read_person, read_phone

ID_CARD = "001190012345|123456789|Nguyễn Thị Hồng|01021990|Nữ|Số 1 Tràng Thi|01012022"
INSURANCE = (
    f"HS4010120878811|{'Trần Văn Ất'.encode().hex()}|12/03/1985|1|{'Huế'.encode().hex()}|01|$"
)
PERSONAL = "001190012345|NGUYEN VAN A|1990-12-01|0|162912345678901234|<1<HS4<0912345678"


def read(text: str) -> Person:
    person = read_person(text)
    assert person is not None
    return person


def test_an_id_card_says_name_and_year() -> None:
    """Of seven fields three are kept: the number to recognise it, name and year of birth."""
    person = read(ID_CARD)
    assert person == Person(PersonKind.ID_CARD, b"001190012345", "Nguyễn Thị Hồng", 1990)


def test_later_id_cards_have_more_fields() -> None:
    """Cards of 2024 append some: they are the same person, old number or none."""
    assert read(f"{ID_CARD}|||x") == read(ID_CARD)
    assert read(ID_CARD.replace("|123456789|", "||")) == read(ID_CARD)


def test_a_name_is_composed() -> None:
    """Whichever way a scanner writes an accent, the name is one."""
    assert read(unicodedata.normalize("NFD", ID_CARD)).name == read(ID_CARD).name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("001190", "001090"),  # a man's number on a woman's card
        ("001190", "001390"),  # born in the next century
        ("01021990", "01021991"),
        ("01021990", "32021990"),
        ("|Nữ|", "|Nam|"),
        ("|Nữ|", "|?|"),
        ("001190", "000190"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(old: str, new: str) -> None:
    """Century, sex and year stand in the number once more."""
    with pytest.raises(BadInput) as refused:
        read_person(ID_CARD.replace(old, new))
    assert refused.value.reason == "person_inconsistent"


def test_an_insurance_card_says_its_name_in_hexadecimal() -> None:
    """It comes out in Vietnamese letters; a year alone is a day of birth, too."""
    expected = Person(PersonKind.INSURANCE_CARD, b"HS4010120878811", "Trần Văn Ất", 1985)
    assert read(INSURANCE) == expected
    assert read(INSURANCE.replace("12/03/1985", "1985")) == expected


def test_a_personal_code_is_known_by_its_own_number() -> None:
    """Not by the number of the identity card in it; masked or whole, it is the same person."""
    whole = read(PERSONAL)
    assert whole == Person(PersonKind.PERSONAL_CODE, b"162912345678901234", "NGUYEN VAN A", 1990)
    masked = PERSONAL.replace("001190", "******").replace("1990-12-01", "1990-**-**")
    assert read(masked) == whole


@pytest.mark.parametrize(
    "text",
    [
        PERSONAL.replace("1990-12-01", "1990-13"),
        PERSONAL.replace("162912345678901234", "16 29"),
        INSURANCE.replace("HS4", "HS"),
        INSURANCE.replace("12/03/1985", "12-03-1985"),
        f"HS4010120878811|ff{b'a'.hex()}|1985|1|00",
        ID_CARD.replace("001190012345", "00119001234x"),
    ],
)
def test_what_looks_like_a_card_and_is_none_is_refused(text: str) -> None:
    """It is told as a card that could not be read, not as something unknown."""
    with pytest.raises(BadInput) as refused:
        read_person(text)
    assert refused.value.reason == "person_malformed"


@pytest.mark.parametrize("name", ["a\u202eb", "a\nb", "\u2800", "x" * 97, "a\x00b"])
def test_names_that_deceive_are_refused(name: str) -> None:
    """No line breaks, no turned writing, nothing that is not seen."""
    with pytest.raises(BadInput):
        read_person(ID_CARD.replace("Nguyễn Thị Hồng", name))


def test_a_name_that_is_a_formula_stays_text() -> None:
    """It is somebody's name until a table is made of it, which writes it harmless."""
    assert read(ID_CARD.replace("Nguyễn Thị Hồng", "=HYPERLINK(1)")).name == "=HYPERLINK(1)"


@pytest.mark.parametrize(
    "typed",
    ["0912345678", "0912 345 678", "0912.345.678", "+84 912345678", "84912345678", "0084912345678"],
)
def test_a_number_is_one_however_it_is_typed(typed: str) -> None:
    """Blanks, dots and the country's code make no difference."""
    assert read_phone(typed) == Person(PersonKind.PHONE, b"0912345678")


def test_fixed_lines_count() -> None:
    """A shop has one."""
    assert read_phone("024 3826 1234").identity == b"02438261234"


@pytest.mark.parametrize(
    "typed", ["", "0", "1912345678", "0112345678", "091234567", "x" * 99, "٠٩١٢٣٤٥٦٧٨"]
)
def test_what_is_no_number_is_refused(typed: str) -> None:
    """A place in a queue is no telephone."""
    with pytest.raises(BadInput) as refused:
        read_phone(typed)
    assert refused.value.reason == "phone_malformed"


def test_nothing_of_a_person_is_shown() -> None:
    """Neither name nor number stands in what a log or an error would print."""
    shown = repr(read(ID_CARD))
    assert "Hồng" not in shown
    assert "0011" not in shown


@given(st.text() | st.lists(st.text(max_size=20), max_size=9).map("|".join))
@example("|" * 2000)
@example("001190012345||a|0102١٩٩٠|Nữ||")
def test_anything_is_read_or_refused(text: str) -> None:
    """Only refusals of our own leave the reader."""
    with suppress(BadInput):
        read_person(text)
    with suppress(BadInput):
        read_phone(text)


@given(st.sampled_from([ID_CARD, INSURANCE, PERSONAL]), st.data())
def test_a_card_with_a_wrong_character_is_read_or_refused(card: str, data: st.DataObject) -> None:
    """As dirty scanners deliver it."""
    at = data.draw(st.integers(0, len(card) - 1))
    with suppress(BadInput):
        read_person(card[:at] + data.draw(st.characters()) + card[at + 1 :])
