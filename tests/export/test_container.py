"""Whole export files: real ones read as published, ours survive, wrong ones are refused."""

import json
import tracemalloc
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.signing import generate_private_key, load_public_key, sign
from bluezone_node.errors import BadExport
from bluezone_node.export import export_pb2 as pb
from bluezone_node.export.archive import open_contents
from bluezone_node.export.container import Export, ExportHeader, open_verified, write_export
from bluezone_node.export.signature import SignatureState, SignedBy, Signer
from bluezone_node.proximity.model import DiagnosisKey, ReportType
from tests.sources import packed

GOOGLE_310 = load_public_key(
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE49JY6kekDgxj3Crm4y6kEHdfoKQFSNDM4mV9cgDb"
    "+e5nOAw0GeRoRThCu9/wX5wDT2QloFoOjl2pGZHI0f3C3w=="
)
SIGNER = Signer(generate_private_key(bytes(range(48))), SignedBy("452", "v1"))
OTHER = Signer(generate_private_key(bytes(48)), SignedBy("452", "v2"))
PUBLIC, OTHER_PUBLIC = SIGNER.private_key.public_key(), OTHER.private_key.public_key()
START = 2_650_032
HEADER = ExportHeader(START * 600, START * 600 + 86_400, "VN")


def some_keys(count: int, salt: str = "") -> list[DiagnosisKey]:
    return [
        DiagnosisKey(
            sha256(f"{salt}{i}".encode()).digest()[:16],
            START - 144 * (i % 14),
            144,
            ReportType.CONFIRMED_TEST,
            2,
            i % 14 - 3,
        )
        for i in range(count)
    ]


def by_key(keys: list[DiagnosisKey]) -> list[DiagnosisKey]:
    return sorted(keys, key=lambda key: key.key)


def signed(message: bytes, header: bytes = b"EK Export v1    ") -> bytes:
    """A zip of any bytes, soundly signed: what a careless authority could publish."""
    signatures = pb.TEKSignatureList(
        signatures=[pb.TEKSignature(signature=sign(SIGNER.private_key, header + message))]
    )
    return packed(header + message, signatures.SerializeToString())


def message(**fields: Any) -> bytes:
    usual: dict[str, Any] = {
        "start_timestamp": 1,
        "end_timestamp": 2,
        "batch_num": 1,
        "batch_size": 1,
        "signature_infos": [pb.SignatureInfo()],
    }
    return pb.TemporaryExposureKeyExport(**usual | fields).SerializeToString()


# Real files -----------------------------------------------------------------------------------


def test_googles_example_verifies_and_reads(vectors: Path) -> None:
    """The reference export holds the keys that were put into it."""
    folder = vectors / "exports"
    key = load_public_key((folder / "ens-example-public.pem").read_bytes())
    data = (folder / "ens-testExport-2-records-1-of-1.zip").read_bytes()
    export = open_verified(data, [GOOGLE_310, key])
    assert export.signature is SignatureState.VERIFIED
    assert export.header == ExportHeader(1590159600, 1590246000, "US", 1, 1)
    assert export.signed_by == (SignedBy("some_id", "1"),)
    assert export.problems == ()
    wanted = json.loads((folder / "ens-example-keys.json").read_text())["temporaryExposureKeys"]
    assert list(export.keys()) == by_key(
        [
            DiagnosisKey(
                b64decode(row["key"]),
                row["rollingStartNumber"],
                row["rollingPeriod"],
                transmission_risk=row["transmissionRisk"],
            )
            for row in wanted
        ]
    )


def test_the_sample_file_verifies_and_reads(vectors: Path) -> None:
    """A file with periods left out gives keys that are valid for a day."""
    data = (vectors / "exports" / "internals-sample_diagnosis_key_file.zip").read_bytes()
    export = open_verified(data, [GOOGLE_310])
    assert (export.signature, export.key_count, export.problems) == ("verified", 140, ())
    assert export.signed_by == (SignedBy("310", "v1"),)
    assert {key.rolling_period for batch in export.key_batches() for key in batch} == {144}


def test_a_bare_export_with_old_fields_reads(vectors: Path) -> None:
    """Starts off midnight, odd periods and withdrawn fields do not disturb."""
    data = (vectors / "exports" / "internals-raw-export.bin").read_bytes()
    export = open_verified(data, [])
    assert (export.signature, export.key_count) == ("unsigned", 110)
    assert export.problems == ("unsigned",)
    keys = list(export.keys())
    assert len(keys) == 110
    assert any(key.rolling_start % 144 for key in keys)


def test_we_write_what_google_wrote(vectors: Path) -> None:
    """The same keys and header give the same export.bin, byte for byte, as Google's server."""
    data = (vectors / "exports" / "ens-testExport-2-records-1-of-1.zip").read_bytes()
    export = open_verified(data, [])
    signer = Signer(SIGNER.private_key, export.signed_by[0])
    ours = write_export(export.keys(), [], export.header, [signer])
    assert list(open_contents(ours).blocks()) == list(open_contents(data).blocks())


# Our own --------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 4321])
def test_what_is_written_is_read(count: int) -> None:
    """Both lists, header and signatures survive, in the order of the keys' bytes."""
    keys, revised = some_keys(count), some_keys(count // 2, "revised")
    export = open_verified(write_export(keys, revised, HEADER, [OTHER, SIGNER]), [PUBLIC])
    assert export.header == HEADER
    assert export.end_timestamp == HEADER.end_timestamp
    assert export.signature is SignatureState.VERIFIED
    assert export.signed_by == (SignedBy("452", "v2"), SignedBy("452", "v1"))
    assert export.problems == ()
    assert (export.key_count, export.revised_key_count) == (count, count // 2)
    assert list(export.keys()) == by_key(keys)
    assert list(export.revised_keys()) == by_key(revised)
    assert list(export.keys()) == by_key(keys)


def test_writing_is_repeatable_and_hides_the_order_of_uploads() -> None:
    """The same keys in any order give the same bytes."""
    keys = some_keys(100)
    assert write_export(keys, [], HEADER, [SIGNER]) == write_export(
        keys[::-1], [], HEADER, [SIGNER]
    )


def test_batches_are_of_some_thousand_keys() -> None:
    """Neither one by one nor all at once."""
    export = open_verified(write_export(some_keys(10_000), [], HEADER, [SIGNER]), [])
    sizes = [len(batch) for batch in export.key_batches()]
    assert sum(sizes) == 10_000
    assert max(sizes) < 4000
    assert len(sizes) < 10


@pytest.mark.parametrize("signers", [[], [SIGNER] * 11])
def test_an_export_needs_one_to_ten_signers(signers: list[Signer]) -> None:
    """An authority cannot publish an unsigned file by mistake."""
    with pytest.raises(ValueError, match="signers"):
        write_export(some_keys(1), [], HEADER, signers)


# Signatures -----------------------------------------------------------------------------------


def test_any_one_of_the_signatures_by_any_one_of_the_keys_is_enough() -> None:
    """While an authority changes its key, nodes that know either one accept the file."""
    data = write_export(some_keys(3), [], HEADER, [OTHER, SIGNER])
    for known in ([PUBLIC], [OTHER_PUBLIC], [GOOGLE_310, PUBLIC]):
        assert open_verified(data, known).signature is SignatureState.VERIFIED
    assert open_verified(data, [GOOGLE_310]).signature is SignatureState.BAD


def test_without_a_key_nothing_is_verified() -> None:
    """No key given never means that any will do."""
    export = open_verified(write_export(some_keys(3), [], HEADER, [SIGNER]), [])
    assert export.signature is SignatureState.UNKNOWN_KEY


@given(st.integers(16, 200), st.integers(1, 255))
def test_one_changed_byte_is_never_verified(at: int, change: int) -> None:
    """Repacked with a sound zip, an altered content is refused or its signature is bad."""
    contents = open_contents(write_export(some_keys(5), [], HEADER, [SIGNER]))
    altered = bytearray(b"".join(contents.blocks()))
    altered[at] ^= change
    assert contents.signature_list is not None
    try:
        export = open_verified(packed(bytes(altered), contents.signature_list), [PUBLIC])
    except BadExport:
        return
    assert export.signature is SignatureState.BAD
    assert "signature_bad" in export.problems


def test_a_signature_of_the_content_without_its_header_is_bad() -> None:
    """The whole of export.bin is signed, its first 16 bytes too."""
    body = message()
    signatures = pb.TEKSignatureList(
        signatures=[pb.TEKSignature(signature=sign(SIGNER.private_key, body))]
    )
    data = packed(b"EK Export v1    " + body, signatures.SerializeToString())
    assert open_verified(data, [PUBLIC]).signature is SignatureState.BAD


@pytest.mark.parametrize(
    ("signature_list", "state"),
    [
        (b"", SignatureState.UNSIGNED),
        (b"\xff\xff", SignatureState.BAD),
        (
            pb.TEKSignatureList(signatures=[pb.TEKSignature()]).SerializeToString(),
            SignatureState.BAD,
        ),
        (
            pb.TEKSignatureList(
                signatures=[pb.TEKSignature(signature=b"0E\x02!")]
            ).SerializeToString(),
            SignatureState.BAD,
        ),
    ],
)
def test_an_unusable_signature_list(signature_list: bytes, state: SignatureState) -> None:
    """No signature is unsigned; junk in the place of one is bad."""
    export = open_verified(packed(b"EK Export v1    " + message(), signature_list), [PUBLIC])
    assert export.signature is state
    assert export.problems


def test_more_signatures_than_are_tried_do_not_help() -> None:
    """A list of thousands costs ten verifications, and an eleventh is not looked at."""
    good = pb.TEKSignature(signature=sign(SIGNER.private_key, b"EK Export v1    " + message()))
    junk = pb.TEKSignature(signature=b"x")
    signatures = pb.TEKSignatureList(signatures=[*[junk] * 10, good])
    data = packed(b"EK Export v1    " + message(), signatures.SerializeToString())
    export = open_verified(data, [PUBLIC])
    assert export.signature is SignatureState.BAD
    assert "signature_count" in export.problems


# What is wrong ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "header"),
        (b"EK Export v1   ", "header"),
        (b"EK Export v2    ", "header"),
        (b"<html>not found</html>", "header"),
        (signed(message(), b"EK Export v2    "), "header"),
        (signed(b"\x0b"), "protobuf_malformed"),
        (signed(b"\x3a\x02\x0a\x10"), "protobuf_malformed"),
        (signed(message() + b"\x3a\x12\x0a"), "protobuf_truncated"),
        (signed(message(batch_num=0)), "batch_number"),
        (signed(message(batch_num=2)), "batch_number"),
        (signed(b""), "batch_number"),
        (signed(message(start_timestamp=3)), "window"),
        (signed(message(end_timestamp=2**63)), "window"),
        (signed(message(signature_infos=[pb.SignatureInfo()] * 11)), "too_many_signatures"),
        (signed(message(region="V" * 140_000)), "field_too_long"),
    ],
)
def test_a_malformed_file_is_refused_even_when_signed(data: bytes, reason: str) -> None:
    """What a file as a whole can get wrong is refused by name."""
    with pytest.raises(BadExport) as refused:
        open_verified(data, [PUBLIC])
    assert refused.value.reason == reason


def test_bad_keys_are_left_out_and_told() -> None:
    """One bad key must not lose the file; how many there were is among the problems."""
    good = pb.TemporaryExposureKey(key_data=bytes(16), rolling_start_interval_number=START)
    short = pb.TemporaryExposureKey(key_data=bytes(15))
    late = pb.TemporaryExposureKey(key_data=b"z" * 16, rolling_start_interval_number=START + 145)
    data = signed(message(keys=[good, short, late], revised_keys=[short]))
    export = open_verified(data, [PUBLIC], now_interval=START)
    assert export.problems == ("key_in_future: 1", "key_length: 2")
    assert (export.key_count, export.revised_key_count) == (1, 0)
    assert list(export.keys()) == [DiagnosisKey(bytes(16), START, 144)]
    assert list(export.revised_keys()) == []
    assert open_verified(data, [PUBLIC]).key_count == 2


def test_unsorted_keys_are_read_and_told() -> None:
    """Their order may show which keys are one person's: worth knowing, no reason to refuse."""
    two = [pb.TemporaryExposureKey(key_data=bytes([i] * 16)) for i in (2, 1)]
    export = open_verified(signed(message(keys=two)), [PUBLIC])
    assert export.problems == ("keys_unsorted",)
    assert list(export.keys()) == [DiagnosisKey(bytes([i] * 16), 0, 144) for i in (2, 1)]


def test_fields_in_any_order_are_read() -> None:
    """Protobuf promises no order: keys before the header, the lists mixed."""
    one = pb.TemporaryExposureKeyExport(keys=[pb.TemporaryExposureKey(key_data=b"1" * 16)])
    two = pb.TemporaryExposureKeyExport(revised_keys=[pb.TemporaryExposureKey(key_data=b"2" * 16)])
    body = one.SerializeToString() + two.SerializeToString() + message() + one.SerializeToString()
    export = open_verified(signed(body), [PUBLIC])
    assert list(export.keys()) == [DiagnosisKey(b"1" * 16, 0, 144)] * 2
    assert list(export.revised_keys()) == [DiagnosisKey(b"2" * 16, 0, 144)]


@pytest.mark.parametrize("region", ["", "452", "Hà Nội", "\x1b[2J\0"])
def test_a_region_is_any_text(region: str) -> None:
    """A region is what the authority calls it."""
    assert open_verified(signed(message(region=region)), [PUBLIC]).header.region == region


@pytest.mark.parametrize("field", [b"\x1a\x02\xff\xfe", b"\x32\x04\x22\x02\xff\xfe"])
def test_text_that_is_no_utf_8_is_refused(field: bytes) -> None:
    """Neither the region nor a key's name ever is anything but text."""
    with pytest.raises(BadExport) as refused:
        open_verified(signed(message() + field), [PUBLIC])
    assert refused.value.reason == "protobuf_malformed"


def test_many_empty_keys_are_a_refusal_not_a_wait() -> None:
    """A small zip of two-byte fields is given up on before it costs seconds."""
    with pytest.raises(BadExport) as refused:
        open_verified(signed(message() + b"\x3a\x00" * 1_600_000), [PUBLIC])
    assert refused.value.reason == "too_many_keys"


def _try(data: bytes) -> Export | None:
    try:
        export = open_verified(data, [PUBLIC], now_interval=START)
    except BadExport as refused:
        assert refused.reason  # noqa: PT017
        return None
    assert len(list(export.keys())) == export.key_count
    assert len(list(export.revised_keys())) == export.revised_key_count
    return export


@given(st.binary(max_size=300))
def test_any_message_is_read_or_refused(body: bytes) -> None:
    """Random bytes behind a sound header, signed or bare, raise nothing but the named reason."""
    _try(b"EK Export v1    " + body)
    _try(signed(body))


@given(st.data())
def test_a_mutated_export_is_never_believed(data: st.DataObject) -> None:
    """A file with changed, added or dropped bytes is refused, or not verified, or the same."""
    whole = write_export(some_keys(20), some_keys(3, "r"), HEADER, [SIGNER])
    original = open_verified(whole, [PUBLIC])
    if data.draw(st.booleans(), label="inside the zip"):
        contents = open_contents(whole)
        assert contents.signature_list is not None
        mutated = _mutate(b"".join(contents.blocks()), data)
        export = _try(packed(mutated, contents.signature_list))
    else:
        export = _try(_mutate(whole, data))
    if export and export.signature is SignatureState.VERIFIED:
        assert list(export.keys()) == list(original.keys())
        assert export.header == original.header


def _mutate(whole: bytes, data: st.DataObject) -> bytes:
    at = data.draw(st.integers(0, len(whole) - 1), label="at")
    end = min(len(whole), at + data.draw(st.integers(0, 40), label="length"))
    return whole[:at] + data.draw(st.binary(max_size=40), label="instead") + whole[end:]


@given(st.data())
def test_googles_mutated_files_are_read_or_refused(vectors: Path, data: st.DataObject) -> None:
    """The same of files that we did not write."""
    name = data.draw(
        st.sampled_from(["internals-raw-export.bin", "internals-sample_diagnosis_key_file.zip"])
    )
    _try(_mutate((vectors / "exports" / name).read_bytes(), data))


# Memory and silence ---------------------------------------------------------------------------


@pytest.mark.slow
def test_memory_does_not_grow_with_the_keys() -> None:
    """Ten times the keys are verified and read in the same memory, beside the file itself."""
    peaks = []
    for count in (8000, 80_000):
        data = write_export(some_keys(count), [], HEADER, [SIGNER])
        tracemalloc.start()
        try:
            assert sum(map(len, open_verified(data, [PUBLIC]).key_batches())) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.25 * peaks[0]


def test_repr_shows_no_key() -> None:
    """Neither keys nor the private key show when a value is printed."""
    key = some_keys(1)[0]
    data = write_export([key], [], HEADER, [SIGNER])
    text = repr(open_verified(data, [PUBLIC])) + repr(SIGNER)
    assert repr(key.key) not in text
    assert key.key.hex() not in text
    assert str(SIGNER.private_key.private_numbers().private_value) not in text
