"""Metadata round-trips, decodes what is really sent, and names the one thing it refuses."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.keys import associated_encrypted_metadata_key
from bluezone_node.crypto.metadata import Metadata, decode, decrypt, encode, encrypt
from bluezone_node.errors import BadInput


def test_google_vectors_encrypt_and_decrypt(vectors: Path) -> None:
    """All 144 published metadata are reproduced, and read back as version 1.0 at 8 dBm."""
    published = json.loads((vectors / "gaen_vectors.json").read_text())
    aemk = associated_encrypted_metadata_key(bytes.fromhex(published["tek"]))
    plain = bytes.fromhex(published["metadata"])
    assert decode(plain) == Metadata(tx_power=8, version=(1, 0))
    for row in published["intervals"]:
        rpi, aem = bytes.fromhex(row["rpi"]), bytes.fromhex(row["aem"])
        assert encrypt(aemk, rpi, plain) == aem
        assert decrypt(aemk, rpi, aem) == plain


@pytest.mark.parametrize(
    ("plain", "metadata"),
    [
        ("40080000", Metadata(8, 0, (1, 0))),
        ("50e80000", Metadata(-24, 0, (1, 1))),
        ("5c0c0000", Metadata(12, 3, (1, 1))),
        ("58810000", Metadata(-127, 2, (1, 1))),
    ],
)
def test_known_metadata_both_ways(plain: str, metadata: Metadata) -> None:
    """The layout of both versions is as specified."""
    assert encode(metadata).hex() == plain
    assert decode(bytes.fromhex(plain)) == metadata


def test_reserved_bits_are_ignored() -> None:
    """A later minor version, or reserved bytes in use, still tells its power."""
    assert decode(bytes.fromhex("7ff6abcd")) == Metadata(-10, 3, (1, 3))
    assert decode(bytes.fromhex("4ff60000")) == Metadata(-10, 0, (1, 0))


@pytest.mark.parametrize("plain", ["00080000", "80080000", "c0080000"])
def test_another_major_version_is_refused(plain: str) -> None:
    """A power in an unknown layout must not be guessed."""
    with pytest.raises(BadInput) as refused:
        decode(bytes.fromhex(plain))
    assert refused.value.reason == "metadata_version"


@pytest.mark.parametrize("length", [0, 3, 5])
def test_wrong_length_is_refused(length: int) -> None:
    """Metadata is four bytes."""
    with pytest.raises(BadInput) as refused:
        decode(bytes(length))
    assert refused.value.reason == "metadata_length"


@pytest.mark.parametrize(
    "metadata",
    [
        Metadata(128),
        Metadata(-128),
        Metadata(0, 4),
        Metadata(0, -1),
        Metadata(0, 1, (1, 0)),
        Metadata(0, 0, (2, 0)),
    ],
)
def test_what_the_format_cannot_carry_is_not_written(metadata: Metadata) -> None:
    """Encoding never writes something else than it was asked to."""
    with pytest.raises(ValueError, match=r"metadata|power|confidence"):
        encode(metadata)


@given(st.integers(-127, 127), st.integers(0, 3))
def test_decode_undoes_encode(power: int, confidence: int) -> None:
    """What was said is what is read."""
    metadata = Metadata(power, confidence)
    assert decode(encode(metadata)) == metadata


@given(st.binary(max_size=6))
def test_any_bytes_decode_or_are_refused(plain: bytes) -> None:
    """Four bytes of major version 1 always decode; nothing raises anything else."""
    try:
        metadata = decode(plain)
    except BadInput as refused:
        assert refused.reason in {"metadata_length", "metadata_version"}  # noqa: PT017
    else:
        assert metadata.version[0] == 1
        assert -128 <= metadata.tx_power <= 127
