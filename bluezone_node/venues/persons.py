"""What people in Vietnam carry that can be read at a door: cards, their personal code, a number.

Each says far more than a door needs, in the clear: number, name, day of birth, address.  Read here
is what recognises the same card on the way out, and the name and the year of birth for a register
where the law asks for one; nothing else leaves this module.

Layouts: Decision 1405/QĐ-BTTTT of 11 September 2021 (personal code); the square on the chip card
(seven fields in UTF-8; cards of 2024 append some); the square on the paper insurance card (names
in hexadecimal UTF-8).
"""

import re
import unicodedata
from dataclasses import dataclass, field
from enum import Enum

from bluezone_node.errors import BadInput
from bluezone_node.venues.card import check_line

MAX_PERSON_CHARACTERS = 1024
"""A chip card has some 150, an insurance card some 300."""
MAX_NAME_BYTES = 96

_PERSONAL_FIELDS = (5, 6)
_CHIP_FIELDS = 7
_INSURANCE_FIELDS = 5
_PHONE = re.compile(r"0(?:[35789][0-9]{8}|2[0-9]{9})", re.ASCII)
"""Mobile numbers since 2018 and fixed lines since 2017."""
_PHONE_SIGNS = re.compile(r"[\s.\-()]")
_INSURANCE_NUMBER = re.compile(r"[A-Z]{2}[0-9]{13}|[0-9]{10}", re.ASCII)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+", re.ASCII)
_ISO_DAY = re.compile(r"((?:19|20)[0-9]{2})-(?:[0-9]{2}|\*\*)-(?:[0-9]{2}|\*\*)", re.ASCII)
_CHIP_DAY = re.compile(r"[0-9]{4}((?:19|20)[0-9]{2})", re.ASCII)
_INSURANCE_DAY = re.compile(r"(?:[0-9]{2}/[0-9]{2}/)?((?:19|20)[0-9]{2})", re.ASCII)
_SEXES = {"nam": 0, "nữ": 1}


class PersonKind(Enum):
    """By what somebody is recognised."""

    PERSONAL_CODE = "personal_code"
    """The square of Decision 1405, on a telephone or on paper."""
    ID_CARD = "id_card"
    """The chip card of a citizen (CCCD)."""
    INSURANCE_CARD = "insurance_card"
    """The paper card of health insurance (BHYT)."""
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, as read from what they carry."""

    kind: PersonKind
    identity: bytes = field(repr=False)
    """What is the same each time: to be kept as a keyed digest only."""
    name: str = field(default="", repr=False)
    """For a register, where one is required; in NFC."""
    birth_year: int | None = field(default=None, repr=False)


def read_person(text: str) -> Person | None:
    """Return whom the scanned *text* is of; None where it is no card and no personal code.

    Raises:
        BadInput: reason ``person_oversized``, ``person_malformed``, ``person_inconsistent``, or
            ``text_malformed`` for a name that is not one line.
    """
    text = text.strip()
    if "|" not in text:
        return None
    if len(text) > MAX_PERSON_CHARACTERS:
        raise BadInput("It is longer than any card's code.", reason="person_oversized")
    fields = [part.strip() for part in text.rstrip("$").split("|")]
    if len(fields) >= _CHIP_FIELDS and _CHIP_DAY.fullmatch(fields[3]):
        return _id_card(fields)
    if len(fields) in _PERSONAL_FIELDS and fields[3] in {"0", "1"}:
        return _personal_code(fields)
    if len(fields) >= _INSURANCE_FIELDS and fields[3] in {"1", "2"}:
        return _insurance_card(fields)
    return None


def read_phone(typed: str) -> Person:
    """Return whose telephone *typed* is the number of.

    Raises:
        BadInput: reason ``phone_malformed``: no number of Vietnam.
    """
    digits = _PHONE_SIGNS.sub("", typed[:64])
    for prefix in ("+84", "0084", "84"):
        if digits.startswith(prefix):
            digits = "0" + digits.removeprefix(prefix).removeprefix("0")
            break
    if not _PHONE.fullmatch(digits):
        raise BadInput(
            "It is no telephone number of Vietnam.",
            reason="phone_malformed",
            hint="ten digits that begin with 0, or +84",
        )
    return Person(PersonKind.PHONE, digits.encode())


def _id_card(fields: list[str]) -> Person:
    number, _, name, born, sex = fields[:5]
    if not (number.isascii() and number.isdecimal() and len(number) == 12):
        raise _malformed()
    found = _CHIP_DAY.fullmatch(born)
    year = int(found[1]) if found else 0
    # Three digits of the place, one of century and sex, two of the year, six of chance.
    century_and_sex = (year // 100 - 19) * 2 + _SEXES.get(_composed(sex).lower(), -1)
    if (
        number.startswith("000")
        or _composed(sex).lower() not in _SEXES
        or int(number[3]) != century_and_sex
        or int(number[4:6]) != year % 100
        or not _is_day(born[:2], born[2:4])
    ):
        raise BadInput(
            "The number, the day of birth and the sex on the card contradict one another.",
            reason="person_inconsistent",
            hint="look at the card itself; it may be a forged one",
        )
    return Person(PersonKind.ID_CARD, number.encode(), _name(name), year)


def _personal_code(fields: list[str]) -> Person:
    _, name, born, _, code = fields[:5]
    found = _ISO_DAY.fullmatch(born)
    if not found or not (code.isascii() and code.isalnum() and len(code) <= 64):
        raise _malformed()
    return Person(PersonKind.PERSONAL_CODE, code.encode(), _name(name), int(found[1]))


def _insurance_card(fields: list[str]) -> Person:
    number, name, born = fields[:3]
    found = _INSURANCE_DAY.fullmatch(born)
    if not _INSURANCE_NUMBER.fullmatch(number) or not _HEX.fullmatch(name) or not found:
        raise _malformed()
    try:
        plain = bytes.fromhex(name).decode()
    except UnicodeDecodeError:
        raise _malformed() from None
    return Person(PersonKind.INSURANCE_CARD, number.encode(), _name(plain), int(found[1]))


def _name(text: str) -> str:
    return check_line(_composed(text).strip(), MAX_NAME_BYTES, "name")


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _is_day(day: str, month: str) -> bool:
    return 1 <= int(day) <= 31 and 1 <= int(month) <= 12


def _malformed() -> BadInput:
    return BadInput(
        "It looks like a person's card, and could not be read.",
        reason="person_malformed",
        hint="scan it again, or take the telephone number",
    )
