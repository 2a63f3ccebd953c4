"""Posters of New Zealand: NZ COVID Tracer (HISO 10067:2021). Not signed.

``NZCOVIDTRACER:`` and the base64 of a JSON object, bare or after ``#data=`` of a link, as NFC tags
carry it.
"""

from base64 import b64encode
from hashlib import sha384
from urllib.parse import unquote

from bluezone_node.errors import BadInput
from bluezone_node.venues.foreign.encoding import from_base64, json_object, line
from bluezone_node.venues.foreign.place import ForeignKind, ForeignPlace

_PREFIX = "NZCOVIDTRACER"
_SURPRISE = "RECARTDIVOCZN"
"""The prefix backwards: the app answered it with a rain of emoji."""
_LINK = "https://tracing.covid19.govt.nz/scan"
_GLN_DIGITS = 13


def is_mine(text: str) -> bool:
    """Tell whether *text* is meant to be such a code."""
    return text.startswith((_PREFIX, _SURPRISE, f"{_LINK}#", f"{_LINK}?"))


def read(text: str) -> ForeignPlace:
    """Return the place that *text* names; its id is the GLN, 13 digits.

    Raises:
        BadInput: reason ``nz_surprise``, ``nz_malformed``, or one of `encoding`.
    """
    if text.startswith(_LINK):
        text = unquote(text.partition("#data=")[2])
    if text.startswith(_SURPRISE):
        raise BadInput("It is a game of the app's makers, and no place.", reason="nz_surprise")
    if not text.startswith(f"{_PREFIX}:"):
        raise _malformed()
    said = json_object(from_base64(text[len(_PREFIX) + 1 :]))
    gln = said.get("gln")
    if (
        said.get("typ") != "entry"
        or said.get("ver") != "c19:1"
        or not isinstance(gln, str)
        or not (len(gln) == _GLN_DIGITS and gln.isascii() and gln.isdigit())
    ):
        raise _malformed()
    return ForeignPlace(
        ForeignKind.NZ,
        line(said.get("opn"), "name"),
        line(said.get("adr"), "address", breaks=True),
        gln,
        b64encode(sha384(gln.encode()).digest()).decode(),
        valid=True,
    )


def _malformed() -> BadInput:
    return BadInput(
        "The code is not of the form that NZ COVID Tracer takes.", reason="nz_malformed"
    )
