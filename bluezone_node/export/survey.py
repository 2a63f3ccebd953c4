"""The passes over an export.bin: one that checks it all, and as many as are wanted for its keys."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from google.protobuf.message import DecodeError

from bluezone_node.errors import BadExport
from bluezone_node.export import export_pb2
from bluezone_node.export.archive import Contents
from bluezone_node.export.framing import slices
from bluezone_node.export.keys import read_keys
from bluezone_node.export.signature import MAX_SIGNATURES
from bluezone_node.proximity.model import DiagnosisKey

HEADER = b"EK Export v1    "


@dataclass(frozen=True, slots=True)
class Survey:
    """What the first pass found."""

    message: export_pb2.TemporaryExposureKeyExport
    """All but the keys."""
    digest: bytes
    """SHA-256 of export.bin, its 16 bytes of header included: what is signed."""
    keys: int
    revised_keys: int
    left_out: Counter[str]
    """Keys of either list that cannot be used, by reason."""
    unsorted: bool
    """Whether the order may tell which keys were uploaded together."""


def take_survey(contents: Contents, last_interval: int) -> Survey:
    """Read all of export.bin once, keeping none of its keys.

    Raises:
        BadExport: a reason of `Contents.blocks` or `framing.slices`, or ``header``,
            ``protobuf_malformed`` or ``too_many_signatures``.
    """
    digest = sha256()
    merged = export_pb2.TemporaryExposureKeyExport()
    left_out: Counter[str] = Counter()
    primary, revised = _Tally(), _Tally()
    for part in parts(contents, digest.update):
        for tally, messages in ((primary, part.keys), (revised, part.revised_keys)):
            keys, bad = read_keys(messages, last_interval)
            left_out += bad
            tally.add(keys)
        del part.keys[:], part.revised_keys[:]
        part.DiscardUnknownFields()
        merged.MergeFrom(part)
        if len(merged.signature_infos) > MAX_SIGNATURES:
            raise BadExport(
                "The export names more signatures than one may.", reason="too_many_signatures"
            )
    if not all(isinstance(text, str) for text in _texts(merged)):
        raise BadExport("The export's text is not UTF-8.", reason="protobuf_malformed")
    return Survey(
        message=merged,
        digest=digest.digest(),
        keys=primary.count,
        revised_keys=revised.count,
        left_out=left_out,
        unsorted=primary.unsorted or revised.unsorted,
    )


class _Tally:
    """Counts the keys of one list and watches their order."""

    def __init__(self) -> None:
        self.count = 0
        self.unsorted = False
        self._last = b""

    def add(self, keys: list[DiagnosisKey]) -> None:
        order = [self._last, *(key.key for key in keys)]
        self.count += len(keys)
        self.unsorted = self.unsorted or order != sorted(order)
        self._last = order[-1]


def _texts(message: export_pb2.TemporaryExposureKeyExport) -> Iterator[str]:
    """Yield every string. Of proto2, protobuf hands out as bytes those that are not UTF-8."""
    yield message.region
    for info in message.signature_infos:
        yield info.verification_key_id
        yield info.verification_key_version
        yield info.signature_algorithm


def parts(
    contents: Contents, seen: Callable[[bytes], object] = len
) -> Iterator[export_pb2.TemporaryExposureKeyExport]:
    """Yield the message in parts of some 2 000 keys; *seen* is given every block of export.bin."""
    for piece in slices(_body(contents.blocks(), seen)):
        try:
            part = export_pb2.TemporaryExposureKeyExport.FromString(piece)
        except DecodeError:
            raise BadExport("The export is not readable.", reason="protobuf_malformed") from None
        yield part


def _body(blocks: Iterator[bytes], seen: Callable[[bytes], object]) -> Iterator[bytes]:
    first = next(blocks, b"")
    if not first.startswith(HEADER):
        raise BadExport(
            "This is no export file: it does not begin with 'EK Export v1'.", reason="header"
        )
    seen(first)
    yield first[len(HEADER) :]
    for block in blocks:
        seen(block)
        yield block
