"""The outside of an export: a zip of export.bin and export.sig, or a bare export.bin.

The file comes from the network or a stick, and nothing in it is trusted before its signature is
checked.  So it is never unpacked to disk or whole into memory, and no length it claims is
believed: reading stops at our own limits.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from bluezone_node.errors import BadExport

MAX_ZIP_BYTES = 20 * 1024 * 1024
"""Largest file taken (exposure-notifications-server, internal/mirror: MAX_ZIP_BYTES)."""
MAX_EXPORT_BYTES = 64 * 1024 * 1024
"""Largest export.bin, unpacked: 750 000 keys, the most a file may hold, and as many revised ones
at 40 bytes each, a third more than keys really take."""
MAX_SIGNATURE_BYTES = 64 * 1024
"""Largest export.sig: the format allows ten signatures of some 120 bytes."""
MAX_ENTRIES = 10
"""Most files in the zip. Two belong there; some countries add one more of their own."""
BLOCK_BYTES = 64 * 1024
"""Read at a time: some 2 000 keys, enough to spread the cost of a call over."""

EXPORT_BIN = "export.bin"
EXPORT_SIG = "export.sig"

_END_OF_ZIP = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR_BYTES = 20
_MAX_DIRECTORY_BYTES = 64 * 1024
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_ENCRYPTED = 0x1

# All that zipfile raises for what is not a sound zip.
_UNSOUND = (
    BadZipFile,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Contents:
    """An export file whose outside is sound; its inside may still be anything."""

    data: bytes = field(repr=False)
    zipped: bool
    signature_list: bytes | None = field(repr=False)
    """export.sig, or None where there is none."""
    extra_entries: int = 0

    def blocks(self) -> Iterator[bytes]:
        """Yield export.bin from its beginning, in blocks of at most 64 KiB.

        Raises:
            BadExport: reason ``zip_damaged`` or ``zip_bomb``.
        """
        if not self.zipped:
            yield from _blocks(BytesIO(self.data), MAX_EXPORT_BYTES)
            return
        try:
            with ZipFile(BytesIO(self.data)) as archive, archive.open(EXPORT_BIN) as stream:
                yield from _blocks(stream, MAX_EXPORT_BYTES)
        except _UNSOUND:
            raise _damaged() from None


def open_contents(data: bytes) -> Contents:
    """Look at the outside of the export file *data*.

    Raises:
        BadExport: reason ``oversized``, ``zip_truncated``, ``zip_damaged``, ``zip_bomb``,
            ``zip_entries``, ``zip_duplicate_entry``, ``zip_entry_name``, ``zip_encrypted``,
            ``zip_compression`` or ``no_export_bin``.
    """
    if not data.startswith(b"PK"):
        if len(data) > MAX_EXPORT_BYTES:
            raise BadExport("The file is larger than any honest export.", reason="oversized")
        return Contents(data, zipped=False, signature_list=None)
    if len(data) > MAX_ZIP_BYTES:
        raise BadExport("The file is larger than any honest export.", reason="oversized")
    _check_end(data)
    try:
        with ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_entries(entries)
            names = {entry.filename for entry in entries}
            if EXPORT_BIN not in names:
                raise BadExport("The zip holds no export.bin.", reason="no_export_bin")
            signature_list = None
            if EXPORT_SIG in names:
                with archive.open(EXPORT_SIG) as stream:
                    signature_list = b"".join(_blocks(stream, MAX_SIGNATURE_BYTES))
    except _UNSOUND:
        raise _damaged() from None
    return Contents(data, True, signature_list, len(names - {EXPORT_BIN, EXPORT_SIG}))


def pack(file: IO[bytes], export_bin: Iterable[bytes], export_sig: Iterable[bytes]) -> None:
    """Write the zip of both to *file*, the second after the first was taken to its end.

    The same contents give the same bytes.
    """
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, blocks in ((EXPORT_BIN, export_bin), (EXPORT_SIG, export_sig)):
            entry = ZipInfo(name, date_time=_EARLIEST)
            entry.compress_type = ZIP_DEFLATED
            entry.create_system = 3  # otherwise it would tell the system of the authority
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w") as stream:
                for block in blocks:
                    stream.write(block)


def _check_end(data: bytes) -> None:
    """Refuse a zip that does not end in its own short directory.

    ``zipfile`` would build an object for each of half a million made-up entries first, and only
    then could they be counted.
    """
    end = data[-_END_OF_ZIP.size :]
    if len(end) < _END_OF_ZIP.size or not end.startswith(b"PK\5\6") or not end.endswith(b"\0\0"):
        raise BadExport(
            "The zip does not end as it should: it was cut short, or something was added.",
            reason="zip_truncated",
            hint="fetch it again",
        )
    directory_bytes = _END_OF_ZIP.unpack(end)[5]
    locator = data[-_END_OF_ZIP.size - _ZIP64_LOCATOR_BYTES :][:4]
    if directory_bytes > _MAX_DIRECTORY_BYTES or locator == b"PK\6\7":
        raise _too_many()


def _check_entries(entries: list[ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise _too_many()
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        raise BadExport("Two files in the zip have one name.", reason="zip_duplicate_entry")
    for entry in entries:
        name = entry.orig_filename  # zipfile shortens the other at a zero byte
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or parts[0].endswith(":") or "\0" in name:
            raise BadExport("A file in the zip has an unsafe name.", reason="zip_entry_name")
        if entry.flag_bits & _ENCRYPTED:
            raise BadExport("A file in the zip is encrypted.", reason="zip_encrypted")
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise BadExport("The zip is not packed by deflate.", reason="zip_compression")


def _blocks(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    total = 0
    while block := stream.read(BLOCK_BYTES):
        total += len(block)
        if total > limit:
            raise BadExport(
                "The zip unpacks to more than any honest export holds.", reason="zip_bomb"
            )
        yield block


def _too_many() -> BadExport:
    return BadExport("The zip holds more files than an export has.", reason="zip_entries")


def _damaged() -> BadExport:
    return BadExport("The zip is damaged.", reason="zip_damaged", hint="fetch it again")
