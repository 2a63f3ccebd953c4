"""The file of a place is believed whole, or refused in a sentence without its contents."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bluezone_node.crypto.cose import sign
from bluezone_node.errors import BadConfig
from bluezone_node.venuefile import read_venue_file
from bluezone_node.venues.card import read_card
from bluezone_node.venues.text import to_base45
from tests.kiosks import SECRET, market, venue_file
from tests.venues.places import ROOT, STRANGER

CARD = market()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return venue_file(tmp_path / "venue.json", CARD)


def change(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_file_is_read_with_what_follows_from_its_secret(path: Path) -> None:
    """The card, the key of the proofs, and what the kiosk names itself by."""
    place = read_venue_file(path)
    assert place.card == CARD
    assert place.proof_key == HKDF(SHA256(), 32, b"", b"VNP1-DYN").derive(SECRET)
    assert len(place.bearer) == 44
    assert place.register_key is None
    assert place.authority == "https://registrar.example.vn"


def test_a_register_has_a_key(path: Path) -> None:
    """Where one is kept."""
    change(path, register_private_key=bytes(range(32)).hex())
    assert read_venue_file(path).register_key == bytes(range(32))


def test_nothing_secret_is_shown(path: Path) -> None:
    """Neither secret nor what follows from it stands in what is printed of the place."""
    place = read_venue_file(path)
    assert place.bearer not in repr(place)
    assert str(place.proof_key) not in repr(place)


def test_a_folder_is_no_file_and_keeps_its_rights(tmp_path: Path) -> None:
    """Nobody is told to take a folder's rights away."""
    tmp_path.chmod(0o755)
    with pytest.raises(BadConfig, match="is a folder") as refused:
        read_venue_file(tmp_path)
    assert "chmod" not in (refused.value.hint or "")


def test_a_file_that_others_can_read_is_refused(path: Path) -> None:
    """It holds a secret; the hint is the command that mends it."""
    path.chmod(0o640)
    with pytest.raises(BadConfig, match="other users") as refused:
        read_venue_file(path)
    assert refused.value.hint == f"chmod 600 {path}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """With what to ask for."""
    with pytest.raises(BadConfig, match="No such file") as refused:
        read_venue_file(tmp_path / "none.json")
    assert "venue kiosk" in refused.value.hint


FORGED = read_card(sign(CARD.payload, STRANGER))


@pytest.mark.parametrize(
    "fields",
    [
        {"secret": "00"},
        {"secret": "x" * 64},
        {"card": "VNP1:###"},
        {"card": to_base45(FORGED.cose)},
        {"trust": "AAAA"},
        {"trust": "?"},
        {"root": "AAAA"},
        {"root": 1},
        {"register_private_key": "00"},
        {"more": 1},
    ],
)
def test_what_does_not_hold_together_is_refused(path: Path, fields: dict[str, object]) -> None:
    """In one sentence, which quotes nothing of the file."""
    change(path, **fields)
    with pytest.raises(BadConfig) as refused:
        read_venue_file(path)
    assert SECRET.hex() not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"9" * 2_000_000])
def test_what_is_no_such_file_is_refused(path: Path, content: bytes) -> None:
    """Empty, cut, of another kind or endless."""
    path.write_bytes(content)
    with pytest.raises(BadConfig, match="no file of a place"):
        read_venue_file(path)


def test_a_list_of_another_root_is_refused(tmp_path: Path) -> None:
    """Who can write the file can write its root too; a mistake is told all the same."""
    mixed = venue_file(tmp_path / "venue.json", CARD, root=STRANGER)
    change(
        mixed,
        root=json.loads(venue_file(tmp_path / "other.json", CARD, root=ROOT).read_text())["root"],
    )
    with pytest.raises(BadConfig):
        read_venue_file(mixed)
