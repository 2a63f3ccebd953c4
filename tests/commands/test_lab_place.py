"""``lab place`` says what a code is, whether it counts and why not, and fails where it does not."""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256, sha384
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bluezone_node.crypto import signing
from bluezone_node.crypto.cose import public_bytes, sign
from bluezone_node.venues.card import VIETNAM
from bluezone_node.venues.text import to_base45, to_url
from bluezone_node.venues.trust import Role, TrustList, write_trust_list
from tests.commands.conftest import Run
from tests.venues.foreign.codes import NHS_KEY, cwa, cwa_payload, nhs, nz
from tests.venues.places import CARDS, NOW, ROOT, STRANGER, card_of, trusted

CARD = card_of()
URL = to_url(CARD.cose, "q.example.vn")
KEYS = ("kind", "valid", "why", "name", "address", "id", "window")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The registrar's public key in a file."""
    path = tmp_path / "registrar.txt"
    path.write_text(b64encode(public_bytes(CARDS)).decode() + "\n")
    return path


def document(answer: tuple[int, str, str], status: int) -> dict[str, object]:
    """Return the JSON, where the exit status is the one expected and matches it."""
    assert answer[0] == status
    found: dict[str, object] = json.loads(answer[1])
    assert tuple(found) == KEYS
    assert found["valid"] is (status == 0)
    assert (found["why"] is None) is (status == 0)
    return found


def test_the_draft_s_card_with_its_registrar_s_key(
    program: Run, vectors: Path, tmp_path: Path
) -> None:
    """The published example reads as valid in both texts, long after its time."""
    draft = json.loads((vectors / "vnp1_draft_vectors.json").read_text())
    key = tmp_path / "key"
    key.write_text(draft["registrar_pk"])
    for text in (draft["qr_url"], draft["qr_b45"]):
        assert document(program("lab", "place", text, "--trust", key, "--json"), 0) == {
            "kind": "vnp1",
            "valid": True,
            "why": None,
            "name": "Chợ Đồng Xuân – Cổng 1",
            "address": None,
            "id": draft["loc_id"],
            "window": ["2021-09-30", "2022-09-30"],
        }


def test_a_public_key_may_be_a_file_of_any_usual_form(program: Run, tmp_path: Path) -> None:
    """PEM, base64 of either length, hexadecimal: however it was handed over."""
    spki = CARDS.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = CARDS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    raw = public_bytes(CARDS)
    path = tmp_path / "khóa"
    for given in (pem, b64encode(spki), b64encode(raw), raw.hex().encode()):
        path.write_bytes(given)
        document(program("lab", "place", URL, "--trust", path, "--json"), 0)


def test_without_trust_a_card_is_told_and_not_believed(program: Run) -> None:
    """What nothing vouches for is not valid, whatever it says."""
    found = document(program("lab", "place", to_base45(CARD.cose), "--json"), 1)
    assert found["why"] == "card_not_verified"
    assert found["name"] == "Chợ Hôm"


def test_a_forged_and_a_strange_card_are_told_apart(program: Run, key: Path) -> None:
    """One names a key that is trusted and is not by it; the other names a stranger's."""
    altered = CARD.cose[:-1] + bytes([CARD.cose[-1] ^ 1])
    text = to_url(altered, "q.example.vn")
    status, _, said = program("lab", "place", text, "--trust", key)
    assert (status, "forged" in said) == (1, True)
    found = document(program("lab", "place", text, "--trust", key, "--json"), 1)
    assert found["why"] == "card_forged"
    text = to_url(sign(CARD.payload, STRANGER), "q.example.vn")
    found = document(program("lab", "place", text, "--trust", key, "--json"), 1)
    assert found["why"] == "card_unknown_signer"


def test_a_trust_list_counts_with_its_root(program: Run, tmp_path: Path) -> None:
    """The list is believed for its root's signature, and judges times where one is given."""
    keys = (trusted(CARDS, Role.CARDS, days=40),)
    path = tmp_path / "trust.cose"
    path.write_bytes(write_trust_list(TrustList(1, NOW, keys), ROOT))
    root = tmp_path / "root.pub"
    root.write_text(public_bytes(ROOT).hex())
    asked = ("lab", "place", URL, "--trust", path, "--json")
    document(program(*asked, "--root", root), 0)
    document(program(*asked, "--root", b64encode(public_bytes(ROOT)).decode()), 0)
    for days, why in ((0, None), (-35, "card_not_yet"), (35, "card_expired")):
        at = f"{NOW.astimezone(VIETNAM) + timedelta(days=days):%Y-%m-%dT%H:%M}"
        found = document(program(*asked, "--root", root, "--at", at), 0 if why is None else 1)
        assert found["why"] == why
    status, out, said = program(*asked, "--root", public_bytes(STRANGER).hex())
    assert (status, out) == (2, "")
    assert "--trust" in said


def test_a_trust_list_by_hand_is_believed_as_a_key_is(program: Run, tmp_path: Path) -> None:
    """Who names the file vouches for it; for cards, only, and not for a broken one."""
    path = tmp_path / "trust.cose"
    for role, why in ((Role.CARDS, None), (Role.NOTICES, "card_unknown_signer")):
        path.write_bytes(write_trust_list(TrustList(1, NOW, (trusted(CARDS, role),)), ROOT))
        answer = program("lab", "place", URL, "--trust", path, "--json")
        assert document(answer, 1 if why else 0)["why"] == why
    path.write_bytes(path.read_bytes()[:-1])
    assert program("lab", "place", URL, "--trust", path, "--json")[:2] == (2, "")


def test_a_revoked_key_vouches_for_nothing(program: Run, tmp_path: Path) -> None:
    """Not even without a time to judge by."""
    revoked = replace(trusted(CARDS, Role.CARDS), revoked=NOW)
    path = tmp_path / "trust.cose"
    path.write_bytes(write_trust_list(TrustList(1, NOW, (revoked,)), ROOT))
    asked = ("lab", "place", URL, "--trust", path, "--root", public_bytes(ROOT).hex(), "--json")
    assert document(program(*asked), 1)["why"] == "card_unknown_signer"


def test_other_countries_codes(program: Run) -> None:
    """They are named; a signed one counts with its key only."""
    found = document(program("lab", "place", nz(), "--json"), 0)
    assert (found["kind"], found["id"]) == ("nz", "9429300000017")
    spki = signing.public_base64(NHS_KEY.public_key())
    found = document(program("lab", "place", nhs(), "--nhs-key", f"8={spki}", "--json"), 1)
    assert found["why"] == "nhs_unknown_key"
    found = document(program("lab", "place", nhs(), "--nhs-key", f"7={spki}", "--json"), 0)
    assert (found["kind"], found["name"]) == ("nhs", "The Half Moon")


def test_what_warnings_write_for_the_place_is_told(program: Run) -> None:
    """New Zealand's and Germany's name a place by a hash; a person can look for it in them."""
    for text, listed in (
        (
            nz(gln="1234567890001"),
            "apPBf9OWIovY1HkHAdAQrV1AF8gNmWbuTJu8UFWYfJ4VPcGGdDiNOywVgy3ZhOaU",
        ),
        (cwa(cwa_payload()), sha256(sha256(b"CWA-GUID" + cwa_payload()).digest()).hexdigest()),
    ):
        assert f"in warnings:      {listed}\n" in program("lab", "place", text)[1]


def test_a_published_file_tells_when_a_case_was_there(program: Run, tmp_path: Path) -> None:
    """For the country's own places; with ours, or with another file, it is a wrong call."""
    file = tmp_path / "current-exposure-events.json"
    listed = json.loads(program("lab", "place", "--json", nz())[1])
    assert "warned" not in listed
    name = b64encode(sha384(listed["id"].encode()).digest()).decode()
    event = {"start": "2021-07-14T08:00:00Z", "end": "2021-07-14T10:00:00Z", "glnHash": name}
    file.write_text(json.dumps({"items": [event]}))
    window = ["2021-07-14T08:00:00+00:00", "2021-07-14T10:00:00+00:00"]
    code, out, _ = program("lab", "place", nz(), "--warnings", file, "--json")
    assert (code, json.loads(out)["warned"]) == (0, [window])
    assert (
        f"a case was there: {' to '.join(window)}\n"
        in program("lab", "place", nz(), "--warnings", file)[1]
    )
    assert (
        "never, by that file"
        in program("lab", "place", nz(gln="1234567890001"), "--warnings", file)[1]
    )
    for text in (URL, nhs()):
        code, _, err = program("lab", "place", text, "--warnings", file)
        assert code == 2
        assert "--warnings" in err


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [
        ("", "unknown", "text_unknown"),
        ("\udcff\udcfe", "unknown", "text_unknown"),
        ("https://e.coronawarn.app?v=2#CAES", "cwa", "cwa_version"),
        ("hello", "unknown", "text_unknown"),
        ("9" * 5000, "unknown", "text_oversized"),
        (URL.replace("vn/", "vn.evil.example/"), "unknown", "link_lookalike"),
        (URL[:-4], "vnp1", "text_malformed"),
        ("VNP1:nonsense!", "vnp1", "text_malformed"),
        ("RECARTDIVOCZN:.e30.", "nz", "nz_surprise"),
    ],
)
def test_what_does_not_count_has_a_document_and_a_sentence(
    program: Run, text: str, kind: str, why: str
) -> None:
    """A script gets kind and reason, a person the sentence, both an exit status of 1."""
    answer = program("lab", "place", text, "--json")
    found = document(answer, 1)
    assert (found["kind"], found["why"]) == (kind, why)
    assert answer[2].startswith("error: ")


def test_standard_input_and_another_host(
    program: Run, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a scanner typed into a file can be piped in, with its line end."""
    scanned = tmp_path / "scanned"
    scanned.write_bytes(to_url(CARD.cose, "qr.hanoi.vn").upper().encode() + b"\r\n")
    asked = ("lab", "place", "-", "--host", "QR.hanoi.vn", "--trust", key, "--json")
    with scanned.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        document(program(*asked), 0)
    scanned.write_bytes(b"\xff\xfe\x00")
    with scanned.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert document(program(*asked), 1)["kind"] == "unknown"


def test_a_person_reads_lines_that_cannot_steer_the_terminal(program: Run, key: Path) -> None:
    """The code's own words are shown, its proof as a time that nothing vouches for."""
    proven = f"{URL}.o.{int.from_bytes((5984370).to_bytes(4) + bytes(8))}"
    status, out, _ = program("lab", "place", proven, "--trust", key)
    shown = {name: value.strip() for name, value in (row.split(":", 1) for row in out.splitlines())}
    assert status == 0
    assert shown["valid"] == "yes"
    assert shown["kind of place"] == "Chợ (Market)"
    assert shown["spoken code"] == CARD.spoken_code
    assert shown["hangs at the way"] == "out"
    assert shown["on a screen at"] == "2026-11-22 08:30 (not verified)"
    assert "\n  " not in program("lab", "place", nz(adr="1 Quay St\nAuckland"))[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--root", "aa"], "--root is for a trust list"),
        (["--nhs-key", "3"], "KID=SPKI_BASE64"),
        (["--nhs-key", "3=abcd"], "not readable"),
        (["--at", "yesterday"], "does not match"),
        (["--trust", "nowhere"], "does not exist"),
    ],
)
def test_a_misuse_is_a_clear_sentence_and_exit_2(
    program: Run, arguments: list[str], sentence: str
) -> None:
    """What is wrong with the options is named, and is no judgement of the code."""
    status, out, said = program("lab", "place", URL, *arguments)
    assert (status, out) == (2, "")
    assert sentence in said


def test_two_nhs_keys_of_one_name_are_a_misuse(program: Run) -> None:
    """Nobody could say by which of them a poster was judged."""
    spki = signing.public_base64(NHS_KEY.public_key())
    twice = ("--nhs-key", f"7={spki}", "--nhs-key", f"7={spki}")
    assert program("lab", "place", nhs(), *twice)[0] == 2


def test_a_private_key_is_not_taken_for_a_public_one(program: Run, tmp_path: Path) -> None:
    """Whoever mixes the two up is told, and the key is not repeated."""
    private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "key.pem"
    path.write_bytes(pem)
    status, _, said = program("lab", "place", URL, "--trust", path)
    assert (status, "private key" in said) == (2, True)
    assert pem.decode().splitlines()[1] not in said
