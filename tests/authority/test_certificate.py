"""The certificate: what holds and what does not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.certificate import (
    Certificate,
    CertificateRefused,
    read_jwks,
    sign,
    verify,
    write_jwks,
)
from bluezone_node.crypto.signing import private_pem, public_pem
from bluezone_node.errors import BadInput
from tests.authorities import NOW, key_made_of

KEY = key_made_of("registrar")
SAID = Certificate("confirmed", 2955600, b"h" * 32)
LIFETIME = timedelta(minutes=15)


def signed(certificate: Certificate = SAID, **changes: Any) -> str:
    given_: dict[str, Any] = {
        "key_id": "v1",
        "issuer": "iss",
        "audience": "aud",
        "now": NOW,
        "lifetime": LIFETIME,
    }
    return sign(certificate, changes.pop("key", KEY), **{**given_, **changes})


def read(text: str, **changes: Any) -> Certificate:
    known: Callable[[str], Any] = {"v1": KEY.public_key()}.get
    return verify(text, known, **{"issuer": "iss", "audience": "aud", "now": NOW, **changes})


def forged(**claims: Any) -> str:
    """Return a properly signed token whose payload was changed."""
    payload = jwt.decode(signed(), options={"verify_signature": False})
    payload = {name: value for name, value in (payload | claims).items() if value is not None}
    return jwt.encode(payload, KEY, algorithm="ES256", headers={"kid": "v1"})


def test_a_certificate_says_what_was_signed() -> None:
    """Signing and verifying are inverse, with and without an onset."""
    assert read(signed()) == SAID
    without = Certificate("negative", None, b"h" * 32)
    assert read(signed(without)) == without
    assert "symptomOnsetInterval" not in jwt.decode(
        signed(without), options={"verify_signature": False}
    )


def test_a_certificate_tells_the_province_where_there_is_one() -> None:
    """Keys are counted by it; without one the claim is left out, as other issuers do."""
    of_a_province = Certificate("confirmed", None, b"h" * 32, "VN-79")
    assert read(signed(of_a_province)) == of_a_province
    assert "realm" not in jwt.decode(signed(), options={"verify_signature": False})


def test_a_certificate_holds_from_five_seconds_before_until_its_end() -> None:
    """Half-open, with an allowance for the clocks of two machines."""
    text = signed()
    for offset in (timedelta(seconds=-5), LIFETIME - timedelta(seconds=1)):
        assert read(text, now=NOW + offset) == SAID
    for offset in (timedelta(seconds=-6), LIFETIME):
        with pytest.raises(CertificateRefused, match="not valid now"):
            read(text, now=NOW + offset)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (signed(key=key_made_of("stranger")), "bad_signature"),
        (signed(key_id="v2"), "unknown_key"),
        (signed(issuer="other"), "wrong_audience"),
        (signed(audience="other"), "wrong_audience"),
        (signed()[:-4] + "AAAA", "bad_signature"),
        (signed(Certificate("confirmed", None, b"short")), "bad_tekmac"),
        (forged(reportType="healthy"), "bad_signature"),
        (forged(tekmac=None), "bad_signature"),
        (forged(exp=None), "bad_signature"),
        (forged(symptomOnsetInterval=-1), "bad_signature"),
        (forged(symptomOnsetInterval=2**32), "bad_signature"),
        (forged(tekmac="not base64!"), "bad_signature"),
        (forged(realm="x" * 65), "bad_signature"),
        (forged(realm="VN\r\nX: y"), "bad_signature"),
        (forged(realm="VN\n"), "bad_signature"),
        (forged(realm=["VN"]), "bad_signature"),
        ("", "bad_signature"),
        ("a.b.c", "bad_signature"),
    ],
)
def test_what_does_not_hold_is_refused_with_its_reason(text: str, reason: str) -> None:
    """Each fault has its name, and no error quotes the certificate."""
    with pytest.raises(CertificateRefused) as refused:
        read(text)
    assert refused.value.reason == reason


def test_no_other_algorithm_is_believed() -> None:
    """Neither no signature at all, nor the public key used as a shared secret."""
    payload = jwt.decode(signed(), options={"verify_signature": False})
    headers = {"kid": "v1"}
    unsigned = jwt.encode(payload, None, algorithm="none", headers=headers)
    shared = jwt.encode(payload, "x" * 64, algorithm="HS256", headers=headers)
    for text in (unsigned, shared):
        with pytest.raises(CertificateRefused) as refused:
            read(text)
        assert refused.value.reason == "bad_signature"


@given(text=st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
def test_any_text_is_refused_quietly(text: str) -> None:
    """No text raises anything but the refusal."""
    with pytest.raises(CertificateRefused):
        read(text)


def test_a_key_set_comes_back() -> None:
    """What /jwks says is what a publisher reads, and nothing private is in it."""
    other = key_made_of("other").public_key()
    written = write_jwks({"v1": KEY.public_key(), "v2": other})
    read_back = read_jwks(written)
    assert list(read_back) == ["v1", "v2"]
    assert public_pem(read_back["v2"]) == public_pem(other)
    assert b'"d"' not in written
    assert private_pem(KEY) not in written


@given(
    data=st.binary(max_size=80)
    | st.sampled_from(
        [
            b"{}",
            b"[]",
            b'{"keys":[1]}',
            b'{"keys":[{"kty":"EC","crv":"P-256"}]}',
            b'{"keys":[{"kty":"EC","crv":"P-256","x":"!","y":1}]}',
            b'{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]}',
            b'{"keys":[{"kty":"EC","crv":"P-256","x":"'
            + b"A" * 43
            + b'","y":"'
            + b"A" * 43
            + b'"}]}',
        ]
    )
)
def test_what_is_no_key_set_is_refused(data: bytes) -> None:
    """Points off the curve and other nonsense are named, not raised through."""
    with pytest.raises(BadInput) as refused:
        read_jwks(data)
    assert refused.value.reason == "jwks_malformed"


def test_keys_of_other_kinds_are_left_out() -> None:
    """A set may hold keys that are none of our business."""
    assert read_jwks(b'{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"r"}]}') == {}
