"""A warrant: what opens the register of one place, for a day at most, signed by two people.

Bytes: docs/protocol-places.md, "Warrant".
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.crypto.cose import (
    Signed,
    are_whole,
    decode,
    decode_map,
    encode,
    read_signed,
    sign,
)
from bluezone_node.errors import BadInput
from bluezone_node.intervals import from_unix, to_unix
from bluezone_node.venues.card import VENUE_ID_BYTES, check_line
from bluezone_node.venues.trust import ANYWHERE, Role, TrustList

WARRANT_ID_BYTES = 16
LONGEST_WINDOW = timedelta(hours=24)
LONGEST_LIFE = timedelta(hours=72)
"""From issue to expiry: a kiosk may be offline over a weekend, and a warrant is not for later."""
MAX_CASE_BYTES = 48
MAX_BASIS_BYTES = 200
MAX_WARRANT_BYTES = 2048

_MARK = "VNP1W"
_DRAFT = b"\xa9"
"""How a draft begins, a map of nine; what was signed begins with the tag of COSE_Sign1."""


@dataclass(frozen=True, slots=True)
class Warrant:
    """What is to be opened, and why."""

    warrant_id: bytes
    """16 random bytes."""
    venue_id: bytes = field(repr=False)
    start: datetime
    end: datetime
    """Rows of visitors who came in [start, end)."""
    case: str = field(repr=False)
    """Pseudonym of the case that it is for."""
    basis: str
    """The law, in words: read by the place and, afterwards, by visitors."""
    issued: datetime
    expires: datetime


def draft_of(warrant: Warrant) -> bytes:
    """Return what people sign: the words of *warrant*, by nobody yet.

    Raises:
        BadInput: reason ``warrant_window``, ``warrant_life`` or ``text_malformed``.
    """
    _check(warrant)
    return encode(
        {
            1: _MARK,
            2: warrant.warrant_id,
            3: warrant.venue_id,
            4: to_unix(warrant.start),
            5: to_unix(warrant.end),
            6: warrant.case,
            7: warrant.basis,
            8: to_unix(warrant.issued),
            9: to_unix(warrant.expires),
        }
    )


def write_warrant(warrant: Warrant, key: Ed25519PrivateKey) -> bytes:
    """Return one person's signature over *warrant*: a COSE_Sign1 that holds it whole.

    Raises:
        BadInput: as `draft_of`.
    """
    return sign(draft_of(warrant), key)


def join(signatures: Iterable[bytes]) -> bytes:
    """Return the file of a warrant from what two people signed."""
    return encode(list(signatures))


def read_request(data: bytes, trust: TrustList, now: datetime) -> Warrant:
    """Return what one person signed, who may request warrants.

    Raises:
        BadInput: reason ``warrant_malformed`` or ``warrant_signatures``, or as `draft_of`.
    """
    part = read_signed(data)
    warrant = _warrant_of(part.payload)
    key = trust.find(part.key_id, Role.WARRANT_REQUEST, now)
    if key is None or not part.verify(key.public_key):
        raise BadInput(
            "It is not signed by somebody who may request warrants.", reason="warrant_signatures"
        )
    return warrant


def words_of(data: bytes) -> Warrant:
    """Return what stands in a draft, or in one person's signature; that is not looked at here.

    Raises:
        BadInput: as `read_request`.
    """
    return _warrant_of(data if data[:1] == _DRAFT else read_signed(data).payload)


def read_warrant(
    data: bytes, trust: TrustList, now: datetime, venue_id: bytes, province: str = ANYWHERE
) -> Warrant:
    """Return the warrant in *data* where it opens the register of this place now.

    *province*: of the place, as the key that signed its card has it.

    Raises:
        BadInput: reason ``warrant_malformed``, ``warrant_signatures`` (not of a requester and an
            approver, two different people, over the same words), ``warrant_elsewhere`` (of another
            place, or by another province's people), ``warrant_expired``, ``warrant_not_yet``,
            ``warrant_window``, ``warrant_life``.
    """
    match decode(data) if len(data) <= MAX_WARRANT_BYTES else None:
        case [bytes(one), bytes(other)]:
            parts = [read_signed(one), read_signed(other)]
        case _:
            raise _malformed()
    warrant = _warrant_of(parts[0].payload)
    signers = {part.key_id for part in parts}
    provinces = {key.province for key in trust.keys if key.key_id in signers}
    if parts[0].payload != parts[1].payload or not any(
        _is_signed_by_two(parts, trust, now, each) for each in provinces
    ):
        raise BadInput(
            "The warrant is not signed by two people, one who may request it and one who may"
            " approve it.",
            reason="warrant_signatures",
        )
    if warrant.venue_id != venue_id or not (
        province == ANYWHERE or _is_signed_by_two(parts, trust, now, province)
    ):
        raise BadInput("The warrant is for another place.", reason="warrant_elsewhere")
    if now < warrant.issued:
        raise BadInput("The warrant is dated in the future.", reason="warrant_not_yet")
    if now >= warrant.expires:
        raise BadInput("The warrant has expired.", reason="warrant_expired")
    return warrant


def _is_signed_by_two(
    parts: Iterable[Signed], trust: TrustList, now: datetime, province: str
) -> bool:
    """Tell whether one signature requests and the other approves, of two people who may there."""
    return any(
        (requester := trust.find(asking.key_id, Role.WARRANT_REQUEST, now, province)) is not None
        and (approver := trust.find(approving.key_id, Role.WARRANT_APPROVE, now, province))
        is not None
        and requester.public_key != approver.public_key
        and asking.verify(requester.public_key)
        and approving.verify(approver.public_key)
        for asking, approving in permutations(parts)
    )


def _warrant_of(payload: bytes) -> Warrant:
    match decode_map(payload):
        case {
            1: str(mark),
            2: bytes(warrant_id),
            3: bytes(venue_id),
            4: int(start),
            5: int(end),
            6: str(case),
            7: str(basis),
            8: int(issued),
            9: int(expires),
            **rest,
        } if (
            mark == _MARK
            and not rest
            and len(warrant_id) == WARRANT_ID_BYTES
            and len(venue_id) == VENUE_ID_BYTES
            and are_whole(start, end, issued, expires)
            and all(0 <= seconds < 2**32 for seconds in (start, end, issued, expires))
        ):
            warrant = Warrant(
                warrant_id,
                venue_id,
                from_unix(start),
                from_unix(end),
                case,
                basis,
                from_unix(issued),
                from_unix(expires),
            )
        case _:
            raise _malformed()
    _check(warrant)
    return warrant


def _check(warrant: Warrant) -> None:
    if not timedelta(0) < warrant.end - warrant.start <= LONGEST_WINDOW:
        raise BadInput("A warrant is for up to 24 hours of visits.", reason="warrant_window")
    if not timedelta(0) < warrant.expires - warrant.issued <= LONGEST_LIFE:
        raise BadInput("A warrant lives for up to 72 hours.", reason="warrant_life")
    check_line(warrant.case, MAX_CASE_BYTES, "case")
    check_line(warrant.basis, MAX_BASIS_BYTES, "legal basis")


def _malformed() -> BadInput:
    return BadInput("It is no warrant.", reason="warrant_malformed")
