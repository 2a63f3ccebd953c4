"""Day keys that somebody put in the place of the authority's, at the server or on the way."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluezone_node.crypto.cose import public_bytes
from bluezone_node.errors import BadInput
from bluezone_node.node.kiosk.register import DAYS, TRUST
from bluezone_node.venues.card import day_number
from bluezone_node.venues.register import DayKeys, write_day_keys
from bluezone_node.venues.trust import write_trust_list
from tests.node.kiosk.test_kiosk_register import (
    ANH,
    DAY,
    DAY_KEY,
    NOW,
    REGISTER,
    ROOT,
    TRUST_LIST,
    Door,
    day_keys,
)

THIEF = X25519PrivateKey.from_private_bytes(b"t" * 32).public_key().public_bytes_raw()
ELSEWHERE = Ed25519PrivateKey.from_private_bytes(b"e" * 32)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path / "state" / "node.db")
    yield door
    door.store.close()


def refusal(door: Door) -> str:
    with pytest.raises(BadInput) as refused:
        door.register.seal(ANH, NOW)
    assert door.store.contacts(range(2**31)) == []
    return refused.value.reason


def test_a_key_written_over_in_the_signed_list_seals_nothing(door: Door) -> None:
    """The list still names the true signer, and its signature is that of what was there before."""
    swapped = day_keys().replace(DAY_KEY.public_key().public_bytes_raw(), THIEF)
    assert THIEF in swapped
    door.store.put_place_file(DAYS, swapped)
    assert refusal(door) == "day_keys_forged"


@pytest.mark.parametrize(("province", "reason"), [("01", "day_keys_forged"), ("*", "")])
def test_another_provinces_list_seals_nothing_here(door: Door, province: str, reason: str) -> None:
    """Signed by a key that the root names, for people elsewhere; one for the whole country may."""
    key = replace(TRUST_LIST.keys[1], public_key=public_bytes(ELSEWHERE), province=province)
    trust = replace(TRUST_LIST, sequence=2, keys=(*TRUST_LIST.keys, key))
    door.store.put_place_file(TRUST, write_trust_list(trust, ROOT))
    theirs = write_day_keys(DayKeys(province, NOW, {day_number(NOW): THIEF}), ELSEWHERE)
    door.store.put_place_file(DAYS, theirs)
    if reason:
        assert refusal(door) == reason
    else:
        door.keep(ANH, NOW)


def test_a_list_whose_signer_is_over_seals_nothing(door: Door) -> None:
    """The register's key was revoked: what it signed before does not count either."""
    revoked = tuple(
        replace(key, revoked=NOW - DAY) if key.public_key == public_bytes(REGISTER) else key
        for key in TRUST_LIST.keys
    )
    trust = replace(TRUST_LIST, sequence=2, keys=revoked)
    door.store.put_place_file(TRUST, write_trust_list(trust, ROOT))
    assert refusal(door) == "day_keys_forged"
