"""Other countries' codes are told from one another, and no text at all raises anything."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.signing import load_public_key, public_base64
from bluezone_node.venues.foreign import MAX_CODE_CHARACTERS, ForeignKind, read_foreign
from tests.venues.foreign.codes import (
    NHS_KEY,
    base64url,
    crowdnotifier,
    crowdnotifier_payload,
    cwa,
    cwa_payload,
    nhs,
    nhs_token,
    nsw,
    nz,
)

KEYS = {"7": load_public_key(public_base64(NHS_KEY.public_key()))}
CODES = {
    ForeignKind.NZ: nz(),
    ForeignKind.NHS: nhs(),
    ForeignKind.CWA: cwa(cwa_payload()),
    ForeignKind.CROWDNOTIFIER: crowdnotifier(crowdnotifier_payload()),
    ForeignKind.NSW: nsw(),
}


@pytest.mark.parametrize("kind", ForeignKind)
def test_each_is_recognised_with_what_scanners_add(kind: ForeignKind) -> None:
    """Name, address and identifier are there, and nothing speaks against it."""
    place = read_foreign(CODES[kind] + "\r\n", KEYS)
    assert place is not None
    assert (place.kind, place.valid, place.reason, place.why) == (kind, True, "", "")
    assert place.name
    assert place.address
    assert place.id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "https://q.example.vn/#123",
        "https://e.coronawarn.app.evil.example?v=1#CAES",
        "https://qr.notify-me.ch.evil.example?v=3#CAES",
        "https://evil.example/NZCOVIDTRACER:e30",
        "nzcovidtracer:e30",
        "https://www.service.nsw.gov.au/other?data=e30",
        "NZCOVIDTRACER:" + "A" * MAX_CODE_CHARACTERS,
    ],
)
def test_what_is_none_of_them_is_nothing(text: str) -> None:
    """It is left to whoever asks next."""
    assert read_foreign(text, KEYS) is None


@pytest.mark.parametrize("kind", ForeignKind)
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.7])
def test_a_code_cut_off_keeps_its_kind(kind: ForeignKind, kept: float) -> None:
    """Half a poster is still told as a poster of that country, and is not valid."""
    code = CODES[kind]
    start = max(code.find(end) + len(end) for end in ("TRACER:", "UKC19TRACING:1:", "#", "?data="))
    place = read_foreign(code[: start + int((len(code) - start) * kept)], KEYS)
    assert place is not None
    assert place.kind is kind
    assert not place.valid
    assert place.reason
    assert place.why.endswith(".")


hostile = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=60),
    st.binary(max_size=60).map(base64url),
    st.binary(max_size=60).map(lambda data: b64encode(data).decode()),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["typ", "gln", "opn", "adr", "ver", "t", "bid", "alg", "kid"]),
                inner,
                max_size=5,
            )
        ),
        max_leaves=8,
    ).map(lambda said: b64encode(repr(said).replace("'", '"').encode()).decode()),
)


@given(
    st.sampled_from(
        [
            "NZCOVIDTRACER:",
            "NZCOVIDTRACER",
            "RECARTDIVOCZN:",
            "https://tracing.covid19.govt.nz/scan#data=",
            "https://tracing.covid19.govt.nz/scan?",
            "UKC19TRACING:1:",
            "UKC19TRACING:",
            "UKC19TRACING:1:" + nhs_token(b"{}", b"{}").rpartition(".")[0] + ".",
            "https://e.coronawarn.app?v=1#",
            "https://a#/CWA1/",
            "https://qr.notify-me.ch?v=3#",
            "https://www.service.nsw.gov.au/campaign/service-nsw-mobile-app?data=",
            "",
        ]
    ),
    hostile,
)
def test_any_text_is_a_place_or_named_or_nothing(prefix: str, rest: str) -> None:
    """Whatever stands behind a prefix, the answer is a value with a reason."""
    place = read_foreign(prefix + rest, KEYS)
    if place is not None:
        assert place.valid is not bool(place.reason)
        assert place.name.isprintable()


@given(st.sampled_from(ForeignKind), st.integers(0, 10**6), st.integers(0, 7))
def test_a_code_with_another_bit_is_a_place_or_named_or_nothing(
    kind: ForeignKind, at: int, bit: int
) -> None:
    """One is never valid against its signature, and none ends in anything but a value."""
    data = bytearray(CODES[kind].encode())
    data[at % len(data)] ^= 1 << bit
    place = read_foreign(data.decode("latin-1"), KEYS)
    if kind is ForeignKind.NHS and place is not None and place.valid:
        # The version beside the token is not signed, and later ones are taken.
        assert data[len("UKC19TRACING:") + 2 :] == CODES[kind].encode()[len("UKC19TRACING:") + 2 :]


def test_repr_shows_no_place() -> None:
    """Where somebody was stays out of logs."""
    for code in CODES.values():
        place = read_foreign(code, KEYS)
        assert place is not None
        assert place.name not in repr(place)
        assert place.id not in repr(place)
