"""A scanned text is a card as it was printed, or is refused for what it is."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.crypto.cose import key_id_of, public_bytes, read_signed
from bluezone_node.errors import BadInput
from bluezone_node.venues.card import MAX_CARD_BYTES
from bluezone_node.venues.text import (
    MAX_TEXT_CHARACTERS,
    Direction,
    Proof,
    read_text,
    to_base45,
    to_url,
)
from tests.venues.places import CARDS, card_of

OURS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text())
HOST = "q.example.vn"
HOSTS = {HOST, "qr.hanoi.gov.vn"}
CARD = card_of()
URL = to_url(CARD.cose, HOST)
DIGITS = URL.partition("#")[2]
PROOF = Proof(5_984_370, bytes(range(8)))


def reason_of(text: str) -> str:
    """Return why *text* is refused."""
    with pytest.raises(BadInput) as refused:
        read_text(text, HOSTS)
    assert DIGITS[:20] not in str(refused.value)
    return refused.value.reason


def test_our_vectors_are_made_again() -> None:
    """Both texts of both cards, with the suffixes of ways and proofs."""
    for which in ("least", "most"):
        vector = OURS[which]
        cose = bytes.fromhex(vector["cose"])
        assert to_url(cose, HOST) == vector["url"]
        assert to_base45(cose) == vector["base45"]
        for text in (vector["url"], vector["base45"]):
            assert read_text(text, HOSTS).card.cose == cose
    proof = Proof(OURS["proof"]["step"], bytes.fromhex(OURS["proof"]["proof"]))
    assert to_url(cose, HOST, "in") == vector["url_in"]
    assert to_url(cose, HOST, "out", proof) == vector["url_out_proof"]
    said = read_text(vector["url_out_proof"], HOSTS)
    assert (said.direction, said.proof) == ("out", proof)


def test_the_draft_s_texts(vectors: Path) -> None:
    """The published link and base45 are read, and written the same."""
    draft = json.loads((vectors / "vnp1_draft_vectors.json").read_text())
    cose = bytes.fromhex(draft["card_cose"])
    for text in (draft["qr_url"], draft["qr_b45"]):
        assert read_text(text, HOSTS).card.location_id.hex() == draft["loc_id"]
    assert (to_url(cose, HOST), to_base45(cose)) == (draft["qr_url"], draft["qr_b45"])


@given(
    st.sampled_from([None, "in", "out"]),
    st.none() | st.builds(Proof, st.integers(0, 14_316_557), st.binary(min_size=8, max_size=8)),
)
def test_what_is_written_is_read(direction: Direction | None, proof: Proof | None) -> None:
    """With and without a way and a proof, whatever bytes it begins with."""
    said = read_text(to_url(CARD.cose, HOST, direction, proof), HOSTS)
    assert (said.card, said.direction, said.proof) == (CARD, direction, proof)


@pytest.mark.parametrize(
    "text",
    [
        URL + "\r\n",
        URL + "\n",
        "\t" + URL + "\t",
        URL.upper(),
        URL.replace("https", "HTTPS"),
        URL.replace(HOST, "qr.HANOI.gov.vn"),
        to_base45(CARD.cose).swapcase() + "\r",
        DIGITS,
        "httpsÑ--q.example.vn-§" + DIGITS,
        "ħttps:đđq.ẽample.vnđ§" + DIGITS,
    ],
)
def test_what_scanners_make_of_it(text: str) -> None:
    """Line ends, caps lock, the keyboard of another country: the card is the same."""
    assert read_text(text, HOSTS).card == CARD


def test_a_host_in_the_settings_is_of_any_case() -> None:
    """Whoever writes it as on a letterhead still gets its posters read."""
    assert read_text(URL, ["Q.Example.VN"]).card == CARD


def test_caps_lock_on_a_suffix() -> None:
    """The way is read in either case, with a proof after it."""
    said = read_text(to_url(CARD.cose, HOST, "in", PROOF).swapcase(), HOSTS)
    assert (said.direction, said.proof) == ("in", PROOF)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "text_unknown"),
        ("hello", "text_unknown"),
        ("VNP2:ABC", "text_unknown"),
        ("ftp://q.example.vn/#" + DIGITS, "text_unknown"),
        ("javascript://q.example.vn/#" + DIGITS, "text_unknown"),
        ("x" * 100 + DIGITS, "text_unknown"),
        ("9" * (MAX_TEXT_CHARACTERS + 1), "text_oversized"),
        (URL.replace("https", "http"), "link_http"),
        (URL.replace("https://", "https://q.example.vn@evil.example/"), "link_userinfo"),
        (URL.replace("https://", "https://vn:x@"), "link_userinfo"),
        (URL.replace("vn/", "vn:443/"), "link_port"),
        (URL.replace("example", "exаmple"), "link_homograph"),  # a Cyrillic а
        (URL.replace("q.example", "q.xn--exmple-4nf"), "link_homograph"),
        (URL.replace("q.ex", "q.ẽx"), "link_homograph"),  # Telex
        (URL.replace(HOST, "ｑ.example.vn"), "link_homograph"),
        (URL.replace("vn/", "vn.evil/"), "link_lookalike"),
        (URL.replace("vn/", "vn./"), "link_lookalike"),
        (URL.replace("example", "examp1e"), "link_lookalike"),
        (URL.replace("q.example", "q-example"), "link_lookalike"),
        (URL.replace("q.exam", "q.exam\tple"), "link_lookalike"),
        (URL.replace("https://", "https://evil.example/q.example.vn/"), "link_lookalike"),
        (f"https://evil.example/#{DIGITS}", "link_elsewhere"),
        (f"https:///#{DIGITS}", "link_elsewhere"),
        ("https://", "link_elsewhere"),
        ("http://neverssl.example/", "link_elsewhere"),
        (URL.replace("/#", "#"), "link_path"),
        (URL.replace("/#", "/a#"), "link_path"),
        (URL.replace("/#", "/?to=evil#"), "link_path"),
        (URL.replace("/#", "\\@evil.example/#"), "link_path"),
        (f"https://{HOST}/", "link_path"),
        (f"https://{HOST}", "link_path"),
        (f"https://{HOST}/#", "text_malformed"),
        (URL.replace("#", "#0"), "text_malformed"),
        (URL.replace("#", "#+"), "text_malformed"),
        (URL.replace("#", "# "), "text_malformed"),
        (URL + ".x", "text_malformed"),
        (URL + ".", "text_malformed"),
        (URL + ".i.", "text_malformed"),
        (URL + ".i.o", "text_malformed"),
        (URL + ".1.i", "text_malformed"),
        (URL + ".01", "text_malformed"),
        (f"{URL}.{256**12}", "text_malformed"),
        (f"{URL}.{2**32 // 300 + 1 << 64}", "text_malformed"),
        (URL + ".1" + "0" * 200, "text_malformed"),
        (
            URL.replace(DIGITS, DIGITS.translate({48 + i: 0x660 + i for i in range(10)})),
            "text_malformed",
        ),
        (URL[:-3], "text_malformed"),
        (f"https://{HOST}/#1", "cose_malformed"),
        (f"https://{HOST}/#256", "cose_malformed"),
        (f"https://{HOST}/#{2 << 800}", "text_malformed"),
        (f"https://{HOST}/#{'9' * 1900}", "text_malformed"),
        (f"https://{HOST}/#{1 << 8 * (MAX_CARD_BYTES + 1)}", "card_oversized"),
        ("VNP1:", "cose_malformed"),
        ("VNP1:A", "text_malformed"),
        ("VNP1::::", "text_malformed"),
        ("VNP1:ABCDEß", "text_malformed"),
        ("VNP1:ABCDEＦ", "text_malformed"),
        (to_base45(CARD.cose)[:-1], "text_malformed"),
        (to_base45(CARD.cose) + ".i", "text_malformed"),
        (to_base45(bytes(MAX_CARD_BYTES + 1)), "card_oversized"),
    ],
)
def test_what_is_refused_has_its_own_words(text: str, reason: str) -> None:
    """Each way to imitate or to spoil a code has a reason, and repeats nothing of it."""
    assert reason_of(text) == reason


def test_no_bit_of_a_text_can_be_another() -> None:
    """Each is refused, or is the same card, or is named as not the registrar's."""
    key = public_bytes(CARDS)
    for text in (to_url(CARD.cose, HOST, "in", PROOF), to_base45(CARD.cose)):
        whole = text.encode()
        for bit in range(len(whole) * 8):
            data = bytearray(whole)
            data[bit // 8] ^= 1 << bit % 8
            try:
                said = read_text(data.decode("latin-1"), HOSTS)
            except BadInput:
                continue
            signed = read_signed(said.card.cose)
            if said.card.cose != CARD.cose:
                assert signed.key_id != key_id_of(key) or not signed.verify(key)


around = st.text(st.characters(exclude_categories=[]), max_size=12)


@given(
    st.one_of(
        st.text(st.characters(exclude_categories=[]), max_size=80),
        st.builds("{}{}{}".format, around, st.sampled_from([URL, DIGITS, "VNP1:"]), around),
        st.builds(
            "https://{}{}/#{}{}".format,
            st.sampled_from(["", "a@", "www."]),
            st.sampled_from([HOST, HOST + ":1", "é"]) | around,
            st.integers(0, 10**900),
            st.sampled_from(["", ".i", ".o.0", "."]) | around,
        ),
        st.binary(max_size=60).map(to_base45),
        st.binary(max_size=60).map(lambda cose: to_url(cose, HOST)),
    )
)
def test_any_text_is_a_place_or_is_refused(text: str) -> None:
    """No input raises anything but a named reason."""
    with suppress(BadInput):
        assert read_text(text, HOSTS).card.cose


def test_repr_shows_no_card_and_no_proof() -> None:
    """What was scanned stays out of logs."""
    said = read_text(to_url(CARD.cose, HOST, "in", PROOF), HOSTS)
    assert "Hôm" not in repr(said)
    assert repr(PROOF.mac) not in repr(said)
