"""The outside of an export: sound zips pass, every kind of unsound one has a name."""

import struct
import zipfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.errors import BadExport
from bluezone_node.export.archive import (
    BLOCK_BYTES,
    MAX_EXPORT_BYTES,
    MAX_ZIP_BYTES,
    Contents,
    open_contents,
)
from tests.sources import packed

BIN = b"EK Export v1    " + bytes(range(256)) * 4
SIG = b"signatures"


def zipped(
    *entries: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED, comment: bytes = b""
) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", how) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, how)
        archive.comment = comment
    return made.getvalue()


def reason_of(data: bytes) -> str:
    with pytest.raises(BadExport) as refused:
        list(open_contents(data).blocks())
    return refused.value.reason


def test_what_is_packed_comes_out() -> None:
    """Both files survive, and packing again gives the same bytes."""
    made = packed(BIN, SIG)
    contents = open_contents(made)
    assert b"".join(contents.blocks()) == BIN
    assert contents.signature_list == SIG
    assert contents.extra_entries == 0
    assert packed(BIN, SIG) == made


def test_it_can_be_read_twice_in_small_blocks() -> None:
    """Every pass starts at the beginning and holds little at a time."""
    contents = open_contents(packed(bytes(3 * BLOCK_BYTES + 1), SIG))
    for _ in range(2):
        assert [len(block) for block in contents.blocks()] == [BLOCK_BYTES] * 3 + [1]


def test_a_bare_export_bin_is_taken() -> None:
    """A file that is no zip is export.bin itself, and has no signatures."""
    contents = open_contents(BIN)
    assert (b"".join(contents.blocks()), contents.signature_list) == (BIN, None)


def test_harmless_extra_entries_are_counted() -> None:
    """The Netherlands added a signature of their own; it is passed over, and told."""
    contents = open_contents(
        zipped(("export.bin", BIN), ("export.sig", SIG), ("content.sig", b"x"))
    )
    assert contents.extra_entries == 1
    assert contents.signature_list == SIG


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_unsound_zips_are_refused_by_name() -> None:
    """Each way in which a zip can be wrong has a name of its own."""
    good = zipped(("export.bin", BIN), ("export.sig", SIG))
    assert reason_of(good[:-1]) == "zip_truncated"
    assert reason_of(good[: len(good) // 2]) == "zip_truncated"
    assert reason_of(b"PK") == "zip_truncated"
    assert reason_of(good + b"more") == "zip_truncated"
    assert reason_of(zipped(("export.bin", BIN), comment=b"hello")) == "zip_truncated"
    assert reason_of(zipped(("export.sig", SIG))) == "no_export_bin"
    assert reason_of(zipped(("export.bin", BIN), ("export.bin", BIN))) == "zip_duplicate_entry"
    many = [(f"{i}", b"") for i in range(10)]
    assert reason_of(zipped(("export.bin", BIN), *many)) == "zip_entries"
    assert reason_of(zipped(("export.bin", BIN), how=zipfile.ZIP_BZIP2)) == "zip_compression"
    assert reason_of(zipped(("export.bin", BIN), how=zipfile.ZIP_LZMA)) == "zip_compression"


@pytest.mark.parametrize(
    "name", ["../export.sig", "a/../b", "/etc/passwd", "..", "c:/x", "a\\..\\b"]
)
def test_unsafe_names_are_refused(name: str) -> None:
    """A name that points outside has no place in an export."""
    assert reason_of(zipped(("export.bin", BIN), (name, b""))) == "zip_entry_name"


def test_a_name_hidden_behind_a_zero_byte_is_refused() -> None:
    """What one reader takes for export.bin, another must not take for something else."""
    data = zipped(("export.binX", BIN)).replace(b"export.binX", b"export.bin\0")
    assert reason_of(data) == "zip_entry_name"


def test_an_encrypted_entry_is_refused() -> None:
    """Nobody encrypts what is public."""
    data = bytearray(zipped(("export.bin", BIN)))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    assert reason_of(bytes(data)) == "zip_encrypted"


def test_a_changed_byte_is_noticed() -> None:
    """The zip's own checksum finds damage of the packed bytes."""
    data = bytearray(zipped(("export.bin", BIN), how=zipfile.ZIP_STORED))
    data[data.index(BIN) + 100] ^= 1
    assert reason_of(bytes(data)) == "zip_damaged"


def test_a_made_up_directory_is_refused_before_it_is_read() -> None:
    """A directory of a hundred thousand entries costs nothing."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 9, 1, *[0] * 6) + b"x"
    directory = entry * 100_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 10, 10, len(directory), 0, 0)
    assert reason_of(b"PK\3\4" + directory + end) == "zip_entries"


def test_oversized_files_are_refused() -> None:
    """Neither form may be larger than an honest file ever is."""
    assert reason_of(b"PK" + bytes(MAX_ZIP_BYTES)) == "oversized"
    assert reason_of(bytes(MAX_EXPORT_BYTES + 1)) == "oversized"


def test_a_bomb_is_refused_whatever_it_claims_to_hold() -> None:
    """Unpacking stops at our limit, not at the length that the zip gives."""
    assert reason_of(zipped(("export.bin", bytes(MAX_EXPORT_BYTES + 1)))) == "zip_bomb"
    assert reason_of(zipped(("export.bin", BIN), ("export.sig", bytes(70_000)))) == "zip_bomb"


def test_a_claimed_length_is_not_believed() -> None:
    """A length too short is damage; one too long neither reserves memory nor changes content."""
    data = bytearray(zipped(("export.bin", BIN)))
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = struct.pack("<L", 10)
    assert reason_of(bytes(data)) == "zip_damaged"
    data[at : at + 4] = struct.pack("<L", 2**31)
    assert b"".join(open_contents(bytes(data)).blocks()) == BIN


@given(st.binary(max_size=200))
def test_any_bytes_open_or_are_refused(tail: bytes) -> None:
    """Random bytes, with and without the look of a zip, raise nothing else."""
    for data in (tail, b"PK" + tail, b"PK\3\4" + tail + b"PK\5\6" + bytes(18)):
        try:
            list(open_contents(data).blocks())
        except BadExport as refused:
            assert refused.reason  # noqa: PT017


@given(st.data())
def test_a_damaged_zip_is_sound_or_refused(data: st.DataObject) -> None:
    """Flipped, cut or doubled bytes never raise anything else, and never more than the limit."""
    made = bytearray(packed(BIN, SIG))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(made) - 1))
        made[at] = data.draw(st.integers(0, 255))
    try:
        contents: Contents = open_contents(bytes(made))
        total = sum(map(len, contents.blocks()))
    except BadExport:
        return
    assert total <= MAX_EXPORT_BYTES


def test_repr_shows_no_content() -> None:
    """What is in the file stays out of logs."""
    assert "EK Export" not in repr(open_contents(BIN))
