"""The export file whole: what an authority writes and a node reads.

Written in one pass, and never held: only its signature needs to have seen all of it.  Read twice
and never held: a first pass checks every byte (hash, framing, header, each key) and finds out who
signed it, later passes yield the keys, some 2 000 at a time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from itertools import chain
from operator import itemgetter
from typing import IO

from bluezone_node.crypto.signing import PublicKey
from bluezone_node.errors import BadExport
from bluezone_node.export import archive, export_pb2
from bluezone_node.export.keys import (
    KEYS,
    LAST_INTERVAL,
    REVISED_KEYS,
    KeyMessages,
    read_keys,
    row_of,
)
from bluezone_node.export.signature import (
    MAX_SIGNATURES,
    SignatureState,
    SignedBy,
    Signer,
    info_message,
    judge,
    signature_list,
)
from bluezone_node.export.survey import HEADER, parts, take_survey
from bluezone_node.intervals import ROLLING_PERIOD
from bluezone_node.proximity.model import DiagnosisKey

FUTURE_TOLERANCE = ROLLING_PERIOD
"""How far ahead of our clock a key may start, in intervals: a day, since a clock may be wrong."""


@dataclass(frozen=True, slots=True)
class ExportHeader:
    """What an export says of itself."""

    start_timestamp: int
    """Unix seconds; keys published in [start, end) are in it."""
    end_timestamp: int
    region: str
    batch_num: int = 1
    """Place among the files of one window, from 1."""
    batch_size: int = 1


@dataclass(frozen=True, slots=True)
class Export:
    """A well-formed export. Its keys are to be believed only where ``signature`` is verified."""

    header: ExportHeader
    signed_by: tuple[SignedBy, ...]
    """Whom the signatures claim to be by, newest key first."""
    signature: SignatureState
    problems: tuple[str, ...]
    """What is wrong but does not spoil the rest: names in snake_case, some with a count."""
    key_count: int
    """Usable keys."""
    revised_key_count: int
    _contents: archive.Contents = field(repr=False)
    _last_interval: int = field(repr=False)

    @property
    def end_timestamp(self) -> int:
        """Unix seconds, first instant after the window."""
        return self.header.end_timestamp

    def key_batches(self) -> Iterator[list[DiagnosisKey]]:
        """Yield the usable keys, in lists of some 2 000, in the order of the file."""
        for part in parts(self._contents) if self.key_count else ():
            yield read_keys(part.keys, self._last_interval)[0]

    def revised_key_batches(self) -> Iterator[list[DiagnosisKey]]:
        """Yield the usable revised keys: diagnoses that changed. They apply after the others."""
        for part in parts(self._contents) if self.revised_key_count else ():
            yield read_keys(part.revised_keys, self._last_interval)[0]

    def keys(self) -> Iterator[DiagnosisKey]:
        """Yield the usable keys one by one."""
        for batch in self.key_batches():
            yield from batch

    def revised_keys(self) -> Iterator[DiagnosisKey]:
        """Yield the usable revised keys one by one."""
        for batch in self.revised_key_batches():
            yield from batch


def open_verified(
    data: bytes, public_keys: Sequence[PublicKey], *, now_interval: int | None = None
) -> Export:
    """Check the export file *data* (a zip, or a bare export.bin) against *public_keys*.

    The caller decides on ``signature``: an epidemiologist may look into an unsigned file, a node
    must not.  Keys that start more than a day after *now_interval* are left out; None: 2106.

    Raises:
        BadExport: the file is malformed as a whole. Reason: one of `archive.open_contents` or
            `survey.take_survey`, or ``batch_number`` or ``window``.
    """
    contents = archive.open_contents(data)
    last_interval = LAST_INTERVAL
    if now_interval is not None:
        last_interval = min(last_interval, now_interval + FUTURE_TOLERANCE)
    survey = take_survey(contents, last_interval)
    message = survey.message
    if not 1 <= message.batch_num <= message.batch_size:
        raise BadExport("The export's batch number is impossible.", reason="batch_number")
    if not message.start_timestamp <= message.end_timestamp < 2**32:
        raise BadExport("The export's window of time is impossible.", reason="window")
    state, signatures = judge(contents.signature_list, survey.digest, public_keys)
    problems = [f"{name}: {count}" for name, count in sorted(survey.left_out.items())]
    if survey.unsorted:
        problems.append("keys_unsorted")
    if contents.extra_entries:
        problems.append(f"extra_entries: {contents.extra_entries}")
    if state is SignatureState.UNSIGNED:
        problems.append("unsigned")
    elif signatures != len(message.signature_infos):
        problems.append("signature_count")
    if state is SignatureState.BAD:
        problems.append("signature_bad")
    return Export(
        header=ExportHeader(
            message.start_timestamp,
            message.end_timestamp,
            message.region,
            message.batch_num,
            message.batch_size,
        ),
        signed_by=tuple(
            SignedBy(
                info.verification_key_id, info.verification_key_version, info.signature_algorithm
            )
            for info in message.signature_infos
        ),
        signature=state,
        problems=tuple(problems),
        key_count=survey.keys,
        revised_key_count=survey.revised_keys,
        _contents=contents,
        _last_interval=last_interval,
    )


def write_file(
    file: IO[bytes], header: ExportHeader, blocks: Iterable[bytes], signers: Sequence[Signer]
) -> None:
    """Write the zip of an export to *file*, signed by each of *signers* (newest first).

    *blocks* are of `KeyMessages`, those of the keys first, then those of the revised ones; each
    list ascending by key: keys of one person then do not stand together.  Nothing is held but one
    block.  *file* can seek, and is not closed.

    Raises:
        ValueError: no signer, or more than ten; or what *blocks* raise.
    """
    if not 1 <= len(signers) <= MAX_SIGNATURES:
        raise ValueError(f"an export has 1 to {MAX_SIGNATURES} signers")
    head = export_pb2.TemporaryExposureKeyExport(
        start_timestamp=header.start_timestamp,
        end_timestamp=header.end_timestamp,
        region=header.region,
        batch_num=header.batch_num,
        batch_size=header.batch_size,
        signature_infos=[info_message(signer.signed_by) for signer in signers],
    ).SerializeToString()
    digest = sha256()

    def export_bin() -> Iterator[bytes]:
        for block in chain([HEADER + head], blocks):
            digest.update(block)
            yield block

    def export_sig() -> Iterator[bytes]:
        yield signature_list(digest.digest(), signers, header.batch_num, header.batch_size)

    archive.pack(file, export_bin(), export_sig())


def write_export(
    keys: Iterable[DiagnosisKey],
    revised: Iterable[DiagnosisKey],
    header: ExportHeader,
    signers: Sequence[Signer],
) -> bytes:
    """Return the zip of *keys* and *revised* keys, which are few; the same input in any order
    gives the same file.

    Raises:
        ValueError: as `write_file`, or a key that the format cannot carry.
    """
    file = BytesIO()
    blocks = (
        KeyMessages(field).joined(sorted(map(row_of, those), key=itemgetter(0)))
        for field, those in ((KEYS, keys), (REVISED_KEYS, revised))
    )
    write_file(file, header, blocks, signers)
    return file.getvalue()
