"""Identifiers follow from a key exactly as published."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.identifiers import (
    all_identifiers,
    padded_data,
    rolling_proximity_identifier,
)
from bluezone_node.crypto.keys import (
    TemporaryExposureKey,
    associated_encrypted_metadata_key,
    rolling_proximity_identifier_key,
)


def test_google_vectors_match_for_all_144_intervals(vectors: Path) -> None:
    """The published key gives the published RPIK, AEMK, plaintext and 144 identifiers."""
    published = json.loads((vectors / "gaen_vectors.json").read_text())
    tek = bytes.fromhex(published["tek"])
    key = TemporaryExposureKey(tek, published["rolling_start_interval_number"])
    assert rolling_proximity_identifier_key(tek).hex() == published["rpik"]
    assert associated_encrypted_metadata_key(tek).hex() == published["aemk"]
    assert [rpi.hex() for rpi in all_identifiers(key)] == [
        row["rpi"] for row in published["intervals"]
    ]
    padded = padded_data(key.rolling_start, 144)
    assert padded == bytes.fromhex("".join(row["padded_data"] for row in published["intervals"]))


def test_the_published_first_and_last_identifier() -> None:
    """The specification's key holds without the vector files at hand."""
    key = TemporaryExposureKey(bytes.fromhex("75c734c6dd1a782de7a965da5eb93125"), 2642976)
    rpis = all_identifiers(key)
    assert rpis[0].hex() == "8be6cd371c5c891604bfbe49df845096"
    assert rpis[143].hex() == "f431b62ecf443102ce4ed0407de54bd4"


@given(
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**32 - 145),
    st.integers(1, 144),
)
def test_one_call_equals_one_at_a_time(tek: bytes, start: int, period: int) -> None:
    """All identifiers at once are the same as each alone, in order, one an interval."""
    rpik = rolling_proximity_identifier_key(tek)
    assert all_identifiers(TemporaryExposureKey(tek, start, period)) == [
        rolling_proximity_identifier(rpik, start + j) for j in range(period)
    ]
