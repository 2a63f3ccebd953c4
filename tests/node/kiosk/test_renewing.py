"""A rotation reaches a kiosk: the file has the new card, or stays as it was."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from stat import S_IMODE

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.client import HttpPlaces
from bluezone_node.crypto.cose import public_bytes, sign
from bluezone_node.errors import AuthorityRefused, BadConfig, BadInput, Unreachable
from bluezone_node.node.kiosk.renewing import Renewing
from bluezone_node.venuefile import read_venue_file, renew_venue_file
from bluezone_node.venues.card import CardFlag, SignedCard, read_card
from bluezone_node.venues.trust import Role, TrustedKey, TrustList, write_trust_list
from tests.kiosks import MORNING, market, venue_file
from tests.test_client import OK, answering
from tests.venues.places import CARDS, NOTICES, NOW, ROOT, STRANGER

OLD = market()


def replaced(**fields: object) -> SignedCard:
    """Return the next card of the same place."""
    return read_card(sign(replace(OLD.card, **fields).encoded(), CARDS))  # type: ignore[arg-type]


NEW = replaced(seed=b"the seed of now.")


class Door:
    """A registrar that has one card, or does what a test says."""

    def __init__(self, answer: bytes | Exception) -> None:
        self.answer = answer

    async def card(self) -> bytes:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return venue_file(tmp_path / "venue.json", OLD)


LATER = NOTICES
"""Signs cards since the key of cards was rotated."""
ROTATED = read_card(sign(NEW.card.encoded(), LATER))


def trust_list(
    *keys: Ed25519PrivateKey, sequence: int = 2, root: Ed25519PrivateKey = ROOT
) -> bytes:
    around = (NOW - timedelta(days=99), NOW + timedelta(days=99))
    trusted = (TrustedKey(public_bytes(key), Role.CARDS, "VN", *around) for key in keys)
    return write_trust_list(TrustList(sequence, NOW, tuple(trusted)), root)


def renewing(path: Path, answer: bytes | Exception, trust: bytes | None = None) -> Renewing:
    async def downloaded() -> bytes | None:
        return trust

    return Renewing(OLD, Door(answer), partial(renew_venue_file, path), downloaded)


def test_a_new_card_is_taken_once(path: Path) -> None:
    """Card and all that was beside it, 0600, in one step; and not written again."""
    before = json.loads(path.read_text())
    renew = renewing(path, NEW.cose)
    assert asyncio.run(renew(MORNING)) == []
    assert read_venue_file(path).card == NEW
    after = json.loads(path.read_text())
    assert {key for key in after if after[key] != before.get(key)} <= {
        "card",
        "register_private_key",
    }
    assert S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    path.unlink()
    asyncio.run(renew(MORNING))
    assert not path.exists()


@pytest.mark.parametrize(
    "answer",
    [
        OLD.cose,
        b"no card",
        market(seed=2).cose,
        NEW.cose[:-1] + bytes([NEW.cose[-1] ^ 1]),
        AuthorityRefused("The kiosk is not known.", reason="unauthorized"),
        Unreachable("no network"),
    ],
    ids=["the-same", "none", "another-place", "forged", "revoked", "offline"],
)
def test_anything_else_leaves_the_file_alone(
    path: Path, answer: bytes | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the registrar answers; and no card stands in the log."""
    before = path.read_bytes()
    asyncio.run(renewing(path, answer)(MORNING))
    assert path.read_bytes() == before
    assert OLD.card.name not in caplog.text


def test_a_card_of_a_later_key_comes_with_the_list_that_names_it(path: Path) -> None:
    """Kiosks need no new file when the registrar has another key of cards; another list than the
    newest of the pinned root leaves the file alone."""
    before = path.read_bytes()
    later = trust_list(CARDS, LATER)
    for other in (
        None,
        b"no list",
        trust_list(CARDS, LATER, root=STRANGER),
        trust_list(CARDS, LATER, sequence=1),
        trust_list(LATER)[:-1],
        trust_list(CARDS),
    ):
        asyncio.run(renewing(path, ROTATED.cose, other)(MORNING))
        assert path.read_bytes() == before
    asyncio.run(renewing(path, ROTATED.cose, later)(MORNING))
    place = read_venue_file(path)
    assert (place.card, place.trust.sequence) == (ROTATED, 2)
    asyncio.run(renewing(path, NEW.cose, trust_list(CARDS, sequence=1))(MORNING))
    assert read_venue_file(path).trust == place.trust


def test_a_register_keeps_its_key(path: Path) -> None:
    """What would be sealed for a key that is elsewhere, nobody could open."""
    other = replaced(register_key=bytes(range(32)), flags=CardFlag.REGISTER_REQUIRED)
    with pytest.raises(BadInput, match="another register"):
        renew_venue_file(path, other.cose)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The old card stays good until it ends: the node goes on."""
    path = venue_file(tmp_path / "venue.json", OLD)
    (tmp_path / "venue.json.new").mkdir()
    with pytest.raises(BadConfig, match=r"venue\.json"):
        renew_venue_file(path, NEW.cose)
    assert read_venue_file(path).card == OLD


async def test_the_registrar_is_asked_by_the_kiosks_name() -> None:
    """The door of the protocol, and its refusals."""
    card = OK + b"Content-Length: %d\r\n\r\n" % len(NEW.cose) + NEW.cose
    refused = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    broken = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
    async with (
        answering(card, refused, broken) as (url, requests),
        HttpPlaces(url, "the-bearer") as door,
    ):
        assert await door.card() == NEW.cose
        with pytest.raises(AuthorityRefused):
            await door.card()
        with pytest.raises(Unreachable):
            await door.card()
    assert requests[0].startswith(b"GET /v1/places/card HTTP/1.1")
    assert b"Bearer the-bearer" in requests[0]
