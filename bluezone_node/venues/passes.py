"""A visitor's own code: what a device shows to a kiosk that has a scanner and no poster.

It says nothing about its owner but how many they are, and is another each time it is shown, so two
kiosks cannot tell that one person was at both.  Only where a place must keep a register, and its
visitor agrees, does it carry a name and a telephone number.  It is not signed: whoever shows a code
is let in as whoever tells a number is.  Bytes: docs/protocol-places.md.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import base45  # type: ignore[import-untyped]

from bluezone_node.crypto.cose import decode_map, encode
from bluezone_node.errors import BadInput
from bluezone_node.intervals import from_unix, to_unix
from bluezone_node.venues.card import check_line
from bluezone_node.venues.visits import MAX_PARTY, Visit

PASS_PREFIX = "VNP1V:"  # noqa: S105 - the beginning of a text
NONCE_BYTES = 8
MAX_PASS_CHARACTERS = 512
MAX_NAME_BYTES = 48
MAX_PHONE_BYTES = 20
PASS_LIFE = timedelta(minutes=15)
"""From the moment it is shown: a queue at a door, and not a picture of a code from yesterday."""
EARLY = timedelta(minutes=10)
"""How far the clocks of device and kiosk may differ."""

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Holder:
    """Who shows the code, where a register of names asks for it."""

    name: str = field(repr=False)
    phone: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pass:
    """What the code says."""

    nonce: bytes = field(repr=False)
    """8 random bytes: the same code on the way out."""
    expires: datetime
    party: int = 1
    holder: Holder | None = None

    def check(self, now: datetime) -> None:
        """Raise where it is not to be taken at *now*.

        Raises:
            BadInput: reason ``pass_expired`` or ``pass_ahead``.
        """
        if now >= self.expires:
            raise BadInput(
                "The code has expired.", reason="pass_expired", hint="show a new one on the device"
            )
        if self.expires - now > PASS_LIFE + EARLY:
            raise BadInput("The code is valid for too long to be genuine.", reason="pass_ahead")


def shown_during(at: datetime, visit: Visit) -> bool:
    """Tell whether a code that was shown *at* that time was for the door of *visit*."""
    return visit.came - PASS_LIFE <= at and (visit.left is None or at <= visit.left)


def write_pass(shown: Pass) -> str:
    """Return the text of the code.

    Raises:
        BadInput: reason ``party``, or ``text_malformed`` of a name or number.
    """
    if not 1 <= shown.party <= MAX_PARTY:
        raise BadInput(f"One scan stands for 1 to {MAX_PARTY} people.", reason="party")
    fields: dict[int, object] = {
        1: _VERSION,
        2: shown.nonce,
        3: to_unix(shown.expires),
        4: shown.party,
    }
    if shown.holder is not None:
        fields[5] = [
            check_line(shown.holder.name, MAX_NAME_BYTES, "name"),
            check_line(shown.holder.phone, MAX_PHONE_BYTES, "telephone number"),
        ]
    return f"{PASS_PREFIX}{base45.b45encode(encode(fields)).decode()}"


def read_pass(text: str) -> Pass:
    """Return what the code *text* says; whether it still holds is asked by `Pass.check`.

    Raises:
        BadInput: reason ``pass_malformed``, ``pass_version``, or one of `crypto.cose.decode_map`
            or `card.check_line`.
    """
    text = text.strip()
    if not text.isascii() or len(text) > MAX_PASS_CHARACTERS:
        raise _malformed()
    # Caps lock turns the letters round; base45 has no small ones, so none is lost.
    prefix, code = text[: len(PASS_PREFIX)].upper(), text[len(PASS_PREFIX) :].upper()
    if prefix != PASS_PREFIX:
        raise _malformed()
    try:
        data = base45.b45decode(code)
    except ValueError:
        raise _malformed() from None
    fields = decode_map(data)
    match fields:
        case {1: int(version)} if type(version) is int and version > _VERSION:
            raise BadInput(
                "The code is of a version that this program does not know.",
                reason="pass_version",
                hint="update bluezone-node",
            )
        case {1: int(version), 2: bytes(nonce), 3: int(expires), 4: int(party), **rest} if (
            all(type(number) is int for number in (version, expires, party))
            and version == _VERSION
            and len(nonce) == NONCE_BYTES
            and 0 <= expires < 2**32
            and 1 <= party <= MAX_PARTY
        ):
            return Pass(nonce, from_unix(expires), party, _holder_of(rest))
    raise _malformed()


def _holder_of(rest: dict[int, object]) -> Holder | None:
    match rest:
        case {5: [str(name), str(phone)]} if len(rest) == 1:
            return Holder(
                check_line(name, MAX_NAME_BYTES, "name"),
                check_line(phone, MAX_PHONE_BYTES, "telephone number"),
            )
    if rest:
        raise _malformed()
    return None


def _malformed() -> BadInput:
    return BadInput("It is no visitor's code.", reason="pass_malformed")
