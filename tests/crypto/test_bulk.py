"""The identifiers of many keys at once are those of each key alone."""

import _ctypes
import _hashlib
import ctypes
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_node.crypto import bulk, libcrypto
from bluezone_node.crypto.bulk import LANES, BulkIdentifiers
from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.crypto.libcrypto import DerivedEncryption, LibcryptoUnusable

DAY = 2642976

tek = st.builds(
    TemporaryExposureKey,
    st.binary(min_size=16, max_size=16),
    st.one_of(st.integers(0, 2**32 - 145), st.sampled_from([DAY, DAY + 144])),
    st.integers(1, 144),
)


@pytest.fixture(scope="module", params=[True, False], ids=["direct", "package"])
def generator(request: pytest.FixtureRequest) -> BulkIdentifiers:
    """Both ways of making identifiers."""
    made = BulkIdentifiers(direct=request.param)
    if made.direct != request.param:
        pytest.skip("the libcrypto of this Python cannot be called directly")
    return made


def generate(generator: BulkIdentifiers, keys: list[TemporaryExposureKey]) -> list[list[bytes]]:
    data = np.frombuffer(b"".join(key.key for key in keys), np.uint8).reshape(-1, 16)
    periods = [key.rolling_period for key in keys]
    made = generator.generate(data, [key.rolling_start for key in keys], periods)
    return [
        [rpi.tobytes() for rpi in row[:period]] for row, period in zip(made, periods, strict=True)
    ]


def test_the_direct_way_is_taken_here() -> None:
    """CPython's usual builds link libcrypto dynamically, so the fast way is the usual one."""
    if not getattr(_hashlib, "__file__", None):
        pytest.skip("this Python has OpenSSL built in")
    assert BulkIdentifiers().direct


def test_google_vectors(generator: BulkIdentifiers, vectors: Path) -> None:
    """The published key gives its 144 published identifiers, on every lane."""
    published = json.loads((vectors / "gaen_vectors.json").read_text())
    key = TemporaryExposureKey(bytes.fromhex(published["tek"]), DAY)
    expected = [bytes.fromhex(row["rpi"]) for row in published["intervals"]]
    assert generate(generator, [key] * LANES) == [expected] * LANES


@settings(max_examples=60)
@given(keys=st.lists(tek, min_size=1, max_size=12))
def test_bulk_gives_what_each_key_gives(
    generator: BulkIdentifiers, keys: list[TemporaryExposureKey]
) -> None:
    """Any keys, starts (aligned or not) and periods, one call after another on the same lanes."""
    assert generate(generator, keys) == [all_identifiers(key) for key in keys]


def test_the_last_intervals_of_all(generator: BulkIdentifiers) -> None:
    """A key that begins at the last interval numbers there are has its few identifiers."""
    key = TemporaryExposureKey(bytes(range(16)), 2**32 - 3, 3)
    assert generate(generator, [key]) == [all_identifiers(key)]


def test_a_missing_function_is_noticed_before_use() -> None:
    """A library without OpenSSL in it is refused, so that the package can take over."""
    if not getattr(_ctypes, "__file__", None):
        pytest.skip("this Python has ctypes built in")
    with pytest.raises(LibcryptoUnusable):
        libcrypto._Libcrypto(ctypes.PyDLL(_ctypes.__file__))


def test_wrong_identifiers_are_noticed_before_use() -> None:
    """The label of an iOS beta that nobody must match does not pass for the right one."""
    if not BulkIdentifiers().direct:
        pytest.skip("the libcrypto of this Python cannot be called directly")
    assert not bulk._gives_published(DerivedEncryption(b"CT-RPIK", 2, 144))
    assert bulk._gives_published(DerivedEncryption(b"EN-RPIK", 2, 144))


def test_a_refusal_of_openssl_hands_over_to_the_package() -> None:
    """When a prepared cipher fails in the middle, the answer is still right, only slower."""
    generator = BulkIdentifiers()
    if generator._direct is None:
        pytest.skip("the libcrypto of this Python cannot be called directly")
    ctypes.PyDLL(_hashlib.__file__)["EVP_CIPHER_CTX_reset"](generator._direct._contexts[1])
    keys = [TemporaryExposureKey(bytes([n] * 16), DAY + n, 144 - n) for n in range(3)]
    assert generate(generator, keys) == [all_identifiers(key) for key in keys]
    assert not generator.direct
