"""The HMAC of keys agrees with Google's server."""

import json
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.certificate import hmac_forms, key_texts, keys_hmac
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import BadInput

SECRET = bytes(range(1, 17))
KEYS = [
    TemporaryExposureKey(b64decode("z2Cx9hdz2SlxZ8GEgqTYpA=="), 1),
    TemporaryExposureKey(b64decode("dPCphLzfG4uzXneNimkPRQ=="), 144),
]


def test_published_cases(vectors: Path) -> None:
    """All three published cases are among the forms accepted for their keys."""
    published = json.loads((vectors / "gaen_vectors.json").read_text())["tek_hmac"]
    secret = bytes.fromhex(published["secret_hex"])
    assert len(published["cases"]) == 3
    for case in published["cases"]:
        keys = [
            TemporaryExposureKey(
                b64decode(row["key"]), row["rollingStartNumber"], row["rollingPeriod"]
            )
            for row in case["keys"]
        ]
        risks = [row["transmissionRisk"] for row in case["keys"]]
        forms = list(hmac_forms(key_texts(keys, risks), secret))
        assert case["hmac_b64"] in [b64encode(form).decode() for form in forms]
        if case["form"] == "4-field":
            assert b64encode(keys_hmac(keys, secret, risks)).decode() == case["hmac_b64"]


def test_risks_are_zero_unless_said() -> None:
    """A GAEN v2 device sends no risk: that is the four-field form with zeros."""
    wanted = "mFNI9zhTA17n4ndd1Vu5tsn4XQX0gPrIKyjeh/9noUE="
    assert b64encode(keys_hmac(KEYS, SECRET)).decode() == wanted
    assert len(list(hmac_forms(key_texts(KEYS), SECRET))) == 2


def test_a_risk_must_be_certified() -> None:
    """The short form is not accepted as soon as one key claims a risk."""
    assert len(list(hmac_forms(key_texts(KEYS, [0, 1]), SECRET))) == 1


def test_a_short_secret_is_refused() -> None:
    """A secret that can be guessed would let the registrar test keys against the HMAC."""
    with pytest.raises(BadInput) as refused:
        keys_hmac(KEYS, bytes(15))
    assert refused.value.reason == "hmac_secret_length"


@given(st.permutations(range(5)))
def test_order_does_not_matter(order: list[int]) -> None:
    """The device and the publisher may hold the keys in any order."""
    keys = [TemporaryExposureKey(bytes([97 * i % 256] * 16), 144 * i) for i in range(5)]
    shuffled = [keys[i] for i in order]
    risks = list(range(5))
    assert keys_hmac(shuffled, SECRET, [risks[i] for i in order]) == keys_hmac(keys, SECRET, risks)
