"""Bundles: notices on their way to everybody, signed, each chained to the one before.

A device that follows the chain sees when one is left out, told twice or told differently to
others.  Each is filled up with made-up notices, so that neither their number nor a quiet day
shows.  Bytes: docs/protocol-places.md, "Bundles".
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.crypto.cose import are_bytes, are_whole, decode_map, encode, read_signed, sign
from bluezone_node.errors import BadInput
from bluezone_node.intervals import from_unix, to_unix
from bluezone_node.venues.notices import (
    NOTICE_ID_BYTES,
    USUAL,
    Entropy,
    Notice,
    dummy_notice,
    read_notice,
)
from bluezone_node.venues.register import MARK_BYTES, opened_mark
from bluezone_node.venues.trust import REVOKED_PREFIX_BYTES, Role, TrustList

SIZES = (16, 64, 256, 1024, 4096, 16_384)
"""A bundle holds as many notices, made-up ones included; only the order of magnitude shows."""
RETRACTED_SIZES = (4, *SIZES)
"""… and retracts as many. Few, for it uses up made-up notices: one a day makes sixteen."""
MAX_BUNDLE_BYTES = 20 * 1024 * 1024
"""Refused before anything is decoded: 16 384 of the usual shape are 18 MB."""
DIGEST_BYTES = 32
FIRST_PREVIOUS = bytes(DIGEST_BYTES)
"""Stands for the bundle before the first."""

_MARK = "VNP1B"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What one file says."""

    province: str
    sequence: int
    """From 1, without gaps."""
    previous: bytes
    """SHA-256 of the file before."""
    created: datetime
    notices: tuple[Notice, ...] = ()
    retracted: tuple[bytes, ...] = ()
    """Ids of notices that count no more, among made-up ones."""
    breaker: bool = False
    """Nobody is to be told of any notice, until a later bundle says otherwise."""
    opened: tuple[bytes, ...] = field(default=(), repr=False)
    """Marks by which visitors learn that their contact data were opened."""
    revoked: tuple[bytes, ...] = field(default=(), repr=False)
    """First 8 bytes of the location ids of all cards that are withdrawn before their time."""
    trust_sequence: int = 1
    """Of the trust list that its authority had: who holds back a newer one beside it is found."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last bundle that was followed."""

    sequence: int
    digest: bytes


def padded(notices: Sequence[Notice], entropy: Entropy) -> tuple[Notice, ...]:
    """Return *notices* among made-up ones of the same shapes, in an order that tells nothing.

    Raises:
        ValueError: there are more than a bundle holds.
    """
    size = next((size for size in SIZES if size >= len(notices)), None)
    if size is None:
        raise ValueError(f"a bundle holds at most {SIZES[-1]} notices")
    shapes = [notice.shape for notice in notices] or [USUAL]
    made_up = [
        dummy_notice(shapes[number % len(shapes)], entropy) for number in range(size - len(notices))
    ]
    return tuple(sorted([*notices, *made_up], key=lambda notice: notice.notice_id))


def padded_retractions(
    ids: Collection[bytes], made_up: Sequence[bytes], entropy: Entropy
) -> tuple[bytes, ...]:
    """Return *ids* among as many of *made_up* as hide how many there are, and which are real.

    *made_up*: ids of made-up notices of earlier bundles that none has retracted.  Where they do not
    suffice, random ids stand for some, which match nothing.
    """
    missing = _padded_count(len(ids), RETRACTED_SIZES) - len(ids)
    shuffled = sorted(made_up, key=lambda _: entropy(NOTICE_ID_BYTES))
    some = shuffled[:missing]
    some += [entropy(NOTICE_ID_BYTES) for _ in range(missing - len(some))]
    return tuple(sorted([*ids, *some]))


def padded_marks(row_ids: Collection[bytes], sequence: int, entropy: Entropy) -> tuple[bytes, ...]:
    """Return the marks of *row_ids* in bundle *sequence*, among made-up ones.

    How many visitors were looked up, or whether any was, is nobody else's business.
    """
    marks = {opened_mark(row_id, sequence) for row_id in row_ids}
    missing = _padded_count(len(marks), SIZES) - len(marks)
    made_up = [entropy(MARK_BYTES) for _ in range(missing)]
    return tuple(sorted([*marks, *made_up]))


def write_bundle(bundle: Bundle, key: Ed25519PrivateKey) -> bytes:
    """Return *bundle* as it is, signed; the same input gives the same bytes.

    Raises:
        BadInput: reason ``bundle_oversized``: no device would take it.
    """
    data = sign(
        encode(
            {
                1: _MARK,
                2: bundle.province,
                3: bundle.sequence,
                4: bundle.previous,
                5: to_unix(bundle.created),
                6: [notice.fields() for notice in bundle.notices],
                7: list(bundle.retracted),
                8: bundle.breaker,
                9: list(bundle.opened),
                10: list(bundle.revoked),
                11: bundle.trust_sequence,
            }
        ),
        key,
    )
    if len(data) > MAX_BUNDLE_BYTES:
        raise _oversized()
    return data


def read_bundle(data: bytes, trust: TrustList) -> Bundle:
    """Return the bundle in *data*, signed by a key that may.

    Raises:
        BadInput: reason ``bundle_oversized``, ``bundle_malformed``, ``bundle_forged``, or one of
            `crypto.cose.read_signed` or `notices.read_notice`.
    """
    if len(data) > MAX_BUNDLE_BYTES:
        raise _oversized()
    signed = read_signed(data)
    # Before it is decoded: megabytes of a stranger's could be anything.
    if not trust.vouches(signed, Role.NOTICES):
        raise _forged()
    match decode_map(signed.payload):
        case {
            1: str(mark),
            2: str(province),
            3: int(sequence),
            4: bytes(previous),
            5: int(created),
            6: list(notices),
            7: list(retracted),
            8: bool(breaker),
            9: list(opened),
            10: list(revoked),
            11: int(trust_sequence),
            **rest,
        } if (
            mark == _MARK
            and not rest
            and are_whole(sequence, created, trust_sequence)
            and 0 < sequence < 2**32
            and 0 < trust_sequence < 2**32
            and len(previous) == DIGEST_BYTES
            and 0 <= created < 2**32
            and len(notices) <= SIZES[-1]
            and are_bytes(retracted, NOTICE_ID_BYTES)
            and are_bytes(opened, MARK_BYTES)
            and are_bytes(revoked, REVOKED_PREFIX_BYTES)
        ):
            at = from_unix(created)
        case _:
            raise BadInput("What was signed is no bundle of notices.", reason="bundle_malformed")
    if trust.find(signed.key_id, Role.NOTICES, at, province) is None:
        raise _forged()
    return Bundle(
        province,
        sequence,
        previous,
        at,
        tuple(map(read_notice, notices)),
        tuple(retracted),
        breaker,
        tuple(opened),
        tuple(revoked),
        trust_sequence,
    )


def digest_of(data: bytes) -> bytes:
    """Return the 32 bytes by which the next bundle names the one in *data*."""
    return sha256(data).digest()


def shown_digest(digest: bytes) -> str:
    """Return the 16 hex digits by which two people compare whether they have the same bundle."""
    return digest[:8].hex()


def follow(head: ChainHead | None, bundle: Bundle, data: bytes) -> ChainHead:
    """Return the head of the chain after *bundle*, whose file is *data*.

    A device that begins takes the oldest bundle on offer for its beginning.

    Raises:
        BadInput: reason ``bundle_rolled_back`` (it was followed long ago), ``bundle_fork`` (another
            one was followed in its place) or ``bundle_gap`` (one is left out).
    """
    after = ChainHead(bundle.sequence, digest_of(data))
    if head is None or after == head:
        return after
    if bundle.sequence < head.sequence:
        raise BadInput("The bundle is older than one that was seen.", reason="bundle_rolled_back")
    if bundle.sequence > head.sequence + 1:
        raise BadInput("A bundle is left out before this one.", reason="bundle_gap")
    if bundle.sequence == head.sequence or bundle.previous != head.digest:
        raise BadInput(
            "The bundle is of another history than the one that was seen.",
            reason="bundle_fork",
            hint="somebody may be telling others something else: tell the authority",
        )
    return after


def begins_anew(bundle: Bundle, signer: bytes, before: bytes, trust: TrustList) -> bool:
    """Tell whether *bundle* begins another chain than the one that was followed so far.

    *signer*, *before*: the names of the keys that signed it, and the end of the other chain.

    An authority whose chain or key is lost cannot go on with the chain that devices follow.  It
    begins one under a key that the root has named since: whoever holds the key of the chain cannot.
    Its number is higher all the same, so that what was before is known as older (see `follow`).
    """
    old, new = _named(before, trust), _named(signer, trust)
    return bundle.previous == FIRST_PREVIOUS and new is not None and (old is None or new > old)


def check_signer(signer: bytes, before: bytes, trust: TrustList) -> None:
    """Raise where the key *signer* was replaced before the key *before* signed.

    A bundle says itself when it was made: who finds a replaced key in an old backup could date one
    into the time of that key, and go on with the chain.

    Raises:
        BadInput: reason ``bundle_key_replaced``.
    """
    old, new = _named(before, trust), _named(signer, trust)
    if old is not None and new is not None and new < old:
        raise BadInput(
            "The bundle is signed by a key that its authority has replaced.",
            reason="bundle_key_replaced",
            hint="somebody may have found an old key: tell the authority",
        )


def _named(signer: bytes, trust: TrustList) -> datetime | None:
    """Return from when on the root has named the key last, None where it names it no more."""
    return max((key.start for key in trust.keys_of(signer, Role.NOTICES)), default=None)


def _padded_count(count: int, sizes: Sequence[int]) -> int:
    """Return the first of *sizes* that holds *count*, or else how often the last does."""
    whole = -(-count // sizes[-1]) * sizes[-1]
    return next((size for size in sizes if size >= count), whole)


def _forged() -> BadInput:
    return BadInput(
        "The bundle is not signed by an authority that may issue notices there.",
        reason="bundle_forged",
    )


def _oversized() -> BadInput:
    return BadInput("It is larger than any bundle of notices.", reason="bundle_oversized")
