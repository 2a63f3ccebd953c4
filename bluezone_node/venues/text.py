"""The texts that carry a card: a link that ends in digits, or base45.

The link is what posters show: any camera opens it, the digits after ``#`` never reach a server,
and they stand in a square's numeric mode, which is the smallest.  What a person scans may be
pasted over, so a link is looked at before its card is: the host must be one that is known, and
what pretends to be one is told as that.  Bytes: docs/protocol-places.md, "Texts".
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

import base45  # type: ignore[import-untyped]

from bluezone_node.errors import BadInput
from bluezone_node.venues.card import MAX_CARD_BYTES, SignedCard, read_card
from bluezone_node.venues.tags import PROOF_BYTES, PROOF_SECONDS

Direction = Literal["in", "out"]

DEFAULT_HOST = "q.example.vn"
"""Of links, until there is a real one."""
MAX_TEXT_CHARACTERS = 2048
"""The longest card has 958 digits, and a host 253 characters. Refused before it is searched."""
BASE45_PREFIX = "VNP1:"

_STEP_BYTES = 4
_MAX_DIGITS = len(str(256 ** (MAX_CARD_BYTES + 1)))
_MAX_PROOF_DIGITS = len(str(256 ** (_STEP_BYTES + PROOF_BYTES)))
"""Looked at before numbers are made of digits, which takes the square of their count."""
_MARK = 1
"""The byte before the card, so that its leading zeros count."""
_END_OF_TIME = 2**32
"""In Unix seconds, as everywhere in what is signed."""
_HOST_END = r"[/?#\\]"
"""Browsers take a backslash for a slash."""
_PASTED = "do not open it; tell whoever runs the place that somebody may have pasted it there"

_DIGITS = r"([1-9][0-9]*)(?:\.([io]))?(?:\.(0|[1-9][0-9]*))?"
_FRAGMENT = re.compile(_DIGITS, re.ASCII | re.IGNORECASE)
_GARBLED = re.compile(rf"(?!\w+://).{{0,99}}?(?=[0-9]{{99}}){_DIGITS}", re.ASCII | re.IGNORECASE)
"""A scanner that plays a keyboard types by another country's layout: letters and signs come out
as others, digits mostly do not. What came out is no link, so it leads nobody astray."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a kiosk's screen or slip adds: that somebody stood before it in those five minutes."""

    step: int
    """Number of the five minutes, see `tags.step_of`."""
    mac: bytes = field(repr=False)
    """8 bytes, see `tags.proof_of`."""


@dataclass(frozen=True, slots=True)
class PlaceText:
    """What a scanned text says; belief in the card comes from `trust.accept_card`."""

    card: SignedCard
    direction: Direction | None = None
    """Of a poster that hangs at the way in or out only."""
    proof: Proof | None = None


def to_url(
    cose: bytes, host: str, direction: Direction | None = None, proof: Proof | None = None
) -> str:
    """Return the link for a poster, a screen or an NFC tag."""
    text = f"https://{host}/#{int.from_bytes(bytes([_MARK]) + cose)}"
    if direction is not None:
        text += ".i" if direction == "in" else ".o"
    if proof is not None:
        text += f".{int.from_bytes(proof.step.to_bytes(_STEP_BYTES) + proof.mac)}"
    return text


def to_base45(cose: bytes) -> str:
    """Return the text without a link, for where nothing should be opened."""
    return f"{BASE45_PREFIX}{base45.b45encode(cose).decode()}"


def read_text(text: str, hosts: Collection[str]) -> PlaceText:
    """Take apart what was scanned, tapped or pasted.

    *hosts*: those that a link may lead to.

    Raises:
        BadInput: reason ``text_unknown`` where it is nothing of ours; ``text_oversized``,
            ``text_malformed``, ``link_http``, ``link_userinfo``, ``link_port``,
            ``link_homograph``, ``link_lookalike``, ``link_elsewhere`` or ``link_path``; or one of
            `card.read_card`.
    """
    # Scanners end what they type with Enter or Tab.
    text = text.strip()
    if len(text) > MAX_TEXT_CHARACTERS:
        raise BadInput("It is longer than any place's code.", reason="text_oversized")
    if text[: len(BASE45_PREFIX)].upper() == BASE45_PREFIX:
        return PlaceText(read_card(_from_base45(text[len(BASE45_PREFIX) :])))
    scheme, separator, rest = text.partition("://")
    if separator and scheme.lower() in {"https", "http"}:
        return _read_link(scheme.lower(), rest, {host.lower() for host in hosts})
    if garbled := _GARBLED.fullmatch(text):
        return _place(garbled)
    raise BadInput(
        "It is no code of a place.",
        reason="text_unknown",
        hint="a place's code begins with https:// or VNP1:",
    )


def _from_base45(text: str) -> bytes:
    # Caps lock turns the letters round; base45 has no small ones, so none is lost. Of other
    # alphabets some would become letters that were not there.
    if not text.isascii():
        raise _malformed()
    try:
        return bytes(base45.b45decode(text.upper()))
    except ValueError:
        raise _malformed() from None


def _read_link(scheme: str, rest: str, hosts: Collection[str]) -> PlaceText:
    host = re.split(_HOST_END, rest, maxsplit=1)[0]
    _check_host(host.lower(), rest.lower(), hosts)
    if scheme == "http":
        raise BadInput(
            "The link is not encrypted: a genuine one begins with https://.", reason="link_http"
        )
    tail = rest[len(host) :]
    if not tail.startswith("/#"):
        raise BadInput(
            "The link leads to a page, not to a place: a genuine one has only # and digits after"
            " the host.",
            reason="link_path",
        )
    if found := _FRAGMENT.fullmatch(tail, 2):
        return _place(found)
    raise _malformed()


def _check_host(host: str, rest: str, hosts: Collection[str]) -> None:
    """Refuse a *host* that is not one of *hosts*, by the way in which it deceives."""
    if host in hosts:
        return
    if "@" in host:
        raise BadInput(
            "The link deceives: what stands before the @ is not where it leads.",
            reason="link_userinfo",
            hint=_PASTED,
        )
    if not host.isascii() or any(label.startswith("xn--") for label in host.split(".")):
        raise BadInput(
            "The link's host has letters that no genuine one has, however much it looks like one.",
            reason="link_homograph",
            hint="if a scanner typed this, set scanner and keyboard to the US layout, and switch"
            " off Telex and VNI",
        )
    if host.partition(":")[0] in hosts:
        raise BadInput("The link leads to a port, which no genuine one does.", reason="link_port")
    if any(known in rest for known in hosts) or get_close_matches(host[:253], hosts, 1, 0.8):
        raise BadInput(
            "The link only looks like a genuine one: its host is another.",
            reason="link_lookalike",
            hint=_PASTED,
        )
    raise BadInput(
        "The link leads elsewhere: it is no code of a place.", reason="link_elsewhere", hint=_PASTED
    )


def _place(found: re.Match[str]) -> PlaceText:
    digits, letter, proof = found.groups()
    if len(digits) > _MAX_DIGITS or len(proof or "") > _MAX_PROOF_DIGITS:
        raise _malformed()
    number = int(digits)
    first, *cose = number.to_bytes((number.bit_length() + 7) // 8)
    if first != _MARK:
        raise _malformed()
    direction: Direction | None = None
    if letter:
        direction = "in" if letter in "iI" else "out"
    return PlaceText(read_card(bytes(cose)), direction, _proof(proof) if proof else None)


def _proof(digits: str) -> Proof:
    try:
        both = int(digits).to_bytes(_STEP_BYTES + PROOF_BYTES)
    except OverflowError:
        raise _malformed() from None
    step = int.from_bytes(both[:_STEP_BYTES])
    if step * PROOF_SECONDS >= _END_OF_TIME:
        raise _malformed()
    return Proof(step, both[_STEP_BYTES:])


def _malformed() -> BadInput:
    return BadInput(
        "The place's code is not whole, or something was added to it.",
        reason="text_malformed",
        hint="scan it again, nearer and in better light",
    )
