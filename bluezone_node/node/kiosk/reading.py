"""What was held before the kiosk: a visitor's code, a card, a slip, or something else."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from bluezone_node.errors import BadInput
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.checkins import Way
from bluezone_node.venues.foreign import read_foreign
from bluezone_node.venues.passes import PASS_PREFIX, Pass, read_pass
from bluezone_node.venues.persons import Person, read_person
from bluezone_node.venues.register import Contact
from bluezone_node.venues.text import PlaceText, Proof, read_text

MAX_SCAN_CHARACTERS = 4096
"""A square holds 4296 letters at most."""
SLIP_PREFIX = "VNP1S:"

SLIP_LETTERS = 6
CERTIFICATE_PREFIX = "HC1:"
"""Of the EU's health certificates, which Vietnam's vaccination passport is written like."""

_OURS = re.compile(r"VNP[^:]{1,3}:")
"""How our codes begin, also where a keyboard of Vietnamese has changed the number in it."""
_SLIP = re.compile(rf"(?:{SLIP_PREFIX})?([A-Z2-7]{{{SLIP_LETTERS}}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who comes or goes."""

    way: Way
    identity: bytes = field(repr=False)
    """The same each time: for a keyed digest, and nothing else."""
    contact: Contact | None = field(default=None, repr=False)
    """Where a name was told: for a register, if one is required."""
    shown: Pass | None = field(default=None, repr=False)
    """The code of a device, which lasts for some minutes."""


@dataclass(frozen=True, slots=True)
class OwnCode:
    """This place's own code with a proof: the link on a slip."""

    proof: Proof


def visitor_of(person: Person) -> Visitor:
    """Return *person* as one who comes or goes."""
    named = Contact(person.name, birth_year=person.birth_year) if person.name else None
    return Visitor(Way(person.kind.value), person.identity, named)


def slip_visitor(code: str) -> Visitor:
    """Return whoever has the slip with this *code*."""
    return Visitor(Way.SLIP, code.encode())


def read_scan(text: str, own: SignedCard, hosts: Collection[str]) -> Visitor | OwnCode:
    """Return whom or what the scanned *text* is of.

    *own*: the card of this place.  *hosts*: those that a place's link may lead to.

    Raises:
        BadInput: reason ``scan_empty``, ``scan_oversized``, ``own_poster``, ``other_place``,
            ``foreign_code``, ``scan_garbled``, ``health_certificate``, or one of
            `persons.read_person`, `passes.read_pass` and `text.read_text`.
    """
    text = text.strip()
    if not text:
        raise BadInput("Nothing was scanned.", reason="scan_empty")
    if len(text) > MAX_SCAN_CHARACTERS:
        raise BadInput("It is longer than any code.", reason="scan_oversized")
    text = _once(text)
    # Caps lock turns letters round; none of these codes has small ones.
    upper = text.upper() if text.isascii() else text
    if found := _SLIP.fullmatch(upper):
        return slip_visitor(found[1])
    if _OURS.match(text) and not text.isascii():
        raise BadInput(
            "The keyboard's input method has changed the code.",
            reason="scan_garbled",
            hint="switch Telex or VNI off, and set the layout to English (US)",
        )
    if upper.startswith(CERTIFICATE_PREFIX):
        raise BadInput(
            "This is a health certificate, not a visitor's code.",
            reason="health_certificate",
            hint="show the code on your own device, a card, or tell a telephone number",
        )
    if upper.startswith(PASS_PREFIX):
        return _pass_visitor(read_pass(upper))
    if (person := read_person(text)) is not None:
        return visitor_of(person)
    try:
        place = read_text(text, hosts)
    except BadInput:
        # Other countries' posters are links too, to hosts that are not ours.
        if (foreign := read_foreign(text)) is not None:
            raise BadInput(
                f"This is the code of a place in another country ({foreign.kind.value}).",
                reason="foreign_code",
                hint="show the code on your own device, a card, or tell a telephone number",
            ) from None
        raise
    return _own_code(place, own)


def _once(text: str) -> str:
    """Return *text* as typed once, where a scanner that bounces has typed it twice."""
    half = text[: len(text) // 2]
    # A slip's letters may be three that are there twice.
    return half if len(half) >= SLIP_LETTERS and half * 2 == text else text


def _pass_visitor(shown: Pass) -> Visitor:
    holder = shown.holder
    contact = None if holder is None else Contact(holder.name, holder.phone, party=shown.party)
    return Visitor(Way.PASS, shown.nonce, contact, shown)


def _own_code(place: PlaceText, own: SignedCard) -> OwnCode:
    if place.card.card.venue_id != own.card.venue_id:
        raise BadInput(
            "This is another place's code, not a visitor's.",
            reason="other_place",
            hint="show the code on your own device, a card, or tell a telephone number",
        )
    if place.proof is None:
        raise BadInput(
            "This is this place's own code, not a visitor's.",
            reason="own_poster",
            hint="scan it with your own device; here show your own code",
        )
    return OwnCode(place.proof)
