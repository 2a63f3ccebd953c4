"""A long message is cut between its top-level fields and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.errors import BadExport
from bluezone_node.export import export_pb2 as pb
from bluezone_node.export.framing import MAX_FIELD_BYTES, MAX_FIELDS, slices

MESSAGE = pb.TemporaryExposureKeyExport(
    start_timestamp=1,
    end_timestamp=2,
    region="VN",
    batch_num=1,
    batch_size=300,
    signature_infos=[pb.SignatureInfo(verification_key_id="452" * 60)],
    keys=[
        pb.TemporaryExposureKey(key_data=bytes([i] * 16), rolling_period=i + 1) for i in range(9)
    ],
    revised_keys=[pb.TemporaryExposureKey(key_data=bytes([99] * 16))],
)


@given(st.lists(st.integers(1, 40), min_size=1))
def test_cut_anywhere_the_parts_merge_to_the_whole(lengths: list[int]) -> None:
    """However the bytes arrive, each piece parses alone and all of them merge to the message."""
    data = MESSAGE.SerializeToString()
    blocks: list[bytes] = []
    at = 0
    while at < len(data):
        length = lengths[len(blocks) % len(lengths)]
        blocks.append(data[at : at + length])
        at += length
    merged = pb.TemporaryExposureKeyExport()
    pieces = list(slices(blocks))
    for piece in pieces:
        merged.MergeFrom(pb.TemporaryExposureKeyExport.FromString(piece))
    assert b"".join(pieces) == data
    assert merged == MESSAGE


def test_unknown_fields_of_every_kind_are_passed_over() -> None:
    """A later version's fields do not disturb the framing."""
    unknown = b"\x78\x96\x01" + b"\x79" + bytes(8) + b"\x7d" + bytes(4) + b"\x7a\x02hi"
    assert list(slices([unknown])) == [unknown]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x3a\x10" + bytes(15), "protobuf_truncated"),
        (b"\x3a", "protobuf_truncated"),
        (b"\x3a\xff", "protobuf_truncated"),
        (b"\x09" + bytes(7), "protobuf_truncated"),
        (b"\x3b", "protobuf_malformed"),
        (b"\x3c", "protobuf_malformed"),
        (b"\x3f", "protobuf_malformed"),
        (b"\xff" * 11, "protobuf_malformed"),
        (b"\x3a\xff\xff\xff\xff\x07" + bytes(MAX_FIELD_BYTES + 1), "field_too_long"),
        (b"\x3a\x00" * (MAX_FIELDS + 1), "too_many_keys"),
    ],
)
def test_what_cannot_be_framed_is_refused_by_name(data: bytes, reason: str) -> None:
    """Truncation, nonsense and excess each have a name."""
    with pytest.raises(BadExport) as refused:
        list(slices([data]))
    assert refused.value.reason == reason


@given(st.lists(st.binary(max_size=30)))
def test_any_bytes_are_framed_or_refused(blocks: list[bytes]) -> None:
    """No input raises anything else, and what is framed is what was given."""
    try:
        pieces = list(slices(blocks))
    except BadExport:
        return
    assert b"".join(pieces) == b"".join(blocks)
