"""Posters of England and Wales: NHS COVID-19. Signed: a JSON Web Token with ES256 (RFC 7515).

``UKC19TRACING:``, a version and the token.  The one algorithm is fixed here and the key is found
by its name among those given, so that nothing in a token chooses how it is verified.
"""

import re
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bluezone_node.crypto.signing import PublicKey, verify
from bluezone_node.errors import BadInput
from bluezone_node.venues.foreign.encoding import from_base64, json_object, line
from bluezone_node.venues.foreign.place import ForeignKind, ForeignPlace

_PREFIX = "UKC19TRACING:"
_TOKEN = re.compile(r"([0-9]{1,9}):(([\w-]+)\.([\w-]+))\.([\w-]+)", re.ASCII)
_SIGNATURE_BYTES = 64
_HALF = _SIGNATURE_BYTES // 2


def is_mine(text: str) -> bool:
    """Tell whether *text* is meant to be such a code."""
    return text.startswith(_PREFIX)


def read(text: str, keys: Mapping[str, PublicKey]) -> ForeignPlace:
    """Return the place that *text* names; valid where the one of *keys* that it names signed it.

    Raises:
        BadInput: reason ``nhs_malformed``, ``nhs_algorithm``, or one of `encoding`.
    """
    found = _TOKEN.fullmatch(text.removeprefix(_PREFIX))
    if not found or int(found[1]) < 1:
        raise BadInput("The code is no poster of NHS COVID-19.", reason="nhs_malformed")
    header, said = (json_object(from_base64(found[part])) for part in (3, 4))
    if header.get("alg") != "ES256" or "crit" in header:
        raise BadInput(
            "The code is signed in a way that is not taken, or not at all.", reason="nhs_algorithm"
        )
    address = said.get("adr") or said.get("pc")
    place = ForeignPlace(
        ForeignKind.NHS,
        line(said.get("opn"), "name"),
        line(address, "address", breaks=True) if address else "",
        line(said.get("id"), "identifier"),
        valid=True,
    )
    key_id = header.get("kid")
    key = keys.get(key_id) if isinstance(key_id, str) else None
    if key is None:
        return place.refused(
            BadInput(
                "The code is signed by a key that is not known here.", reason="nhs_unknown_key"
            )
        )
    if not _is_signed(key, found[5], found[2].encode()):
        return place.refused(
            BadInput(
                "The code is forged: its signature is not of the key that it names.",
                reason="nhs_forged",
            )
        )
    return place


def _is_signed(key: PublicKey, base64: str, data: bytes) -> bool:
    """Tell whether the signature in *base64* is *key*'s over *data*."""
    signature = from_base64(base64)
    # The two numbers one after the other (RFC 7518 §3.4); never DER, so one writing counts only.
    if len(signature) != _SIGNATURE_BYTES or not base64.endswith(tuple("AQgw")):
        return False
    r, s = (int.from_bytes(half) for half in (signature[:_HALF], signature[_HALF:]))
    return verify(key, encode_dss_signature(r, s), data)
