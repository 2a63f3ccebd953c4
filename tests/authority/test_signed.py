"""Signed tokens are read as another library writes them, and nothing else is read."""

import json
from base64 import urlsafe_b64encode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.signed import NotSigned, payload
from bluezone_node.crypto.signing import PublicKey, sign
from tests.authorities import key_made_of

KEY = key_made_of("signed")
TOKEN = jwt.encode({"iss": "x", "n": 1}, KEY, algorithm="ES256", headers={"kid": "v1"})


def known(key_id: str) -> PublicKey | None:
    return KEY.public_key() if key_id == "v1" else None


def part(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(header: object, claims: object) -> str:
    """Return a token whose signature holds, whatever is in it."""
    said = f"{part(header)}.{part(claims)}"
    r, s = decode_dss_signature(sign(KEY, said.encode()))
    raw = r.to_bytes(32) + s.to_bytes(32)
    return f"{said}.{urlsafe_b64encode(raw).rstrip(b'=').decode()}"


def test_a_token_of_another_library_is_read() -> None:
    """PyJWT writes it; the payload comes back as it was signed."""
    said = payload(TOKEN, known)
    assert said is not None
    assert json.loads(said) == {"iss": "x", "n": 1}


def test_a_token_of_an_unknown_key_says_nothing() -> None:
    """Which is told apart from a wrong signature: the key may yet be published."""
    assert payload(jwt.encode({}, KEY, algorithm="ES256", headers={"kid": "v9"}), known) is None
    assert payload(jwt.encode({}, KEY, algorithm="ES256"), known) is None


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": "v1"},
        {"alg": "ES384", "kid": "v1"},
        {"alg": "HS256", "kid": "v1"},
        {"alg": "es256", "kid": "v1"},
        {"kid": "v1"},
        {"alg": "ES256", "kid": ["v1"]},
        {"alg": "ES256", "kid": "v1", "crit": ["exp"]},
        {"alg": "ES256", "kid": "v1", "b64": False},
        [],
    ],
)
def test_a_header_that_asks_for_something_else_is_refused(header: object) -> None:
    """Even with a signature that holds: one algorithm, and no extensions."""
    with pytest.raises(NotSigned):
        payload(signed(header, {}), known)


def test_a_changed_token_is_refused() -> None:
    """Every character of it counts, and nothing may be added or left out."""
    for at in range(len(TOKEN) - 1):  # the last holds bits that stand for nothing
        other = "A" if TOKEN[at] != "A" else "B"
        changed = TOKEN[:at] + other + TOKEN[at + 1 :]
        try:
            assert payload(changed, known) is None  # it names another key
        except NotSigned:
            continue
    head, claims, signature = TOKEN.split(".")
    for text in (
        f"{head}.{claims}",
        f"{head}.{claims}.",
        f"{TOKEN}=",
        f"{TOKEN}\n",
        f"{TOKEN}.{claims}",
        f"{head}.{claims}.{signature[:-2]}",
        f"{head}.{claims}.{signature}{signature}",
    ):
        with pytest.raises(NotSigned):
            payload(text, known)


@given(st.text(max_size=40) | st.text("ey.A_-=", max_size=20))
def test_any_text_is_refused_quietly(text: str) -> None:
    """Nothing but the named error comes out."""
    with pytest.raises(NotSigned):
        payload(text, known)
