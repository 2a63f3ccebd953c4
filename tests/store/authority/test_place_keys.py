"""Keys of places on disk, and the list that vouches for them."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.crypto.cose import key_id_of, public_bytes
from bluezone_node.errors import BadConfig, BadInput
from bluezone_node.store.authority import place_keys
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.store.authority.place_keys import PlaceKeys
from bluezone_node.venues.trust import Role, TrustedKey, read_trust_list

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def keys(tmp_path: Path) -> PlaceKeys:
    return make_folder(tmp_path / "a", ["registrar"], NOW).place_keys()


def test_a_new_authority_has_keys_that_its_root_vouches_for(keys: PlaceKeys) -> None:
    """Each role's key is on the list for two years, and every file is its owner's alone."""
    trust = read_trust_list(keys.trust(), keys.root_public())
    for key, role in (
        (keys.cards(), Role.CARDS),
        (keys.notices(), Role.NOTICES),
        (keys.register(), Role.REGISTER),
    ):
        found = trust.find(key_id_of(public_bytes(key)), role, NOW)
        assert found is not None
        assert found.end == NOW + timedelta(days=730)
    assert len(keys.secret()) == 32
    files = [each for each in keys.root_file.parent.parent.rglob("*") if each.is_file()]
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}


def test_nothing_is_made_twice(keys: PlaceKeys) -> None:
    """A list that is there stays; so does everything where only the list was lost."""
    with pytest.raises(BadConfig, match="already"):
        keys.make(NOW)
    before = public_bytes(keys.cards())
    folder = keys.root_file.parent.parent
    (folder / place_keys.TRUST).unlink()
    keys.make(NOW)
    assert public_bytes(keys.cards()) == before
    (folder / place_keys.TRUST).unlink()
    keys.root_file.unlink()
    with pytest.raises(BadConfig, match="root's private key is not here"):
        keys.make(NOW)


def test_the_root_may_lie_elsewhere(keys: PlaceKeys, tmp_path: Path) -> None:
    """Moved away it is asked for; another authority's is refused."""
    stick = tmp_path / "root.pem"
    keys.root_file.rename(stick)
    with pytest.raises(BadConfig, match="not in the folder") as caught:
        keys.root()
    assert "--root" in caught.value.hint
    assert public_bytes(keys.root(stick)) == keys.root_public()
    other = make_folder(tmp_path / "b", ["registrar"], NOW).place_keys()
    with pytest.raises(BadConfig, match="not the root"):
        keys.root(other.root_file)
    stick.chmod(0o644)
    with pytest.raises(BadConfig, match="Others can read"):
        keys.root(stick)


def test_after_a_rotation_old_and_new_count(keys: PlaceKeys) -> None:
    """The new key signs; the old one stays on the list, and what it signed stays good."""
    old = public_bytes(keys.cards())
    known = keys.trust_list()
    new = keys.rotate("cards", keys.root(), NOW + timedelta(days=300))
    assert public_bytes(keys.cards()) == new.public_key != old
    trust = read_trust_list(keys.trust(), keys.root_public(), known)
    # Above whatever a list had that a restored backup does not know.
    assert trust.sequence == int((NOW + timedelta(days=300)).timestamp())
    at = NOW + timedelta(days=301)
    for each in (old, new.public_key):
        assert trust.find(key_id_of(each), Role.CARDS, at) is not None


def test_keys_of_others_are_added_and_revoked(keys: PlaceKeys) -> None:
    """A second key of one role is refused, a revoked one counts for nothing."""
    public = public_bytes(Ed25519PrivateKey.generate())
    theirs = TrustedKey(public, Role.WARRANT_APPROVE, "VN-HN", NOW, NOW + timedelta(days=365))
    keys.add(theirs, keys.root(), NOW)
    with pytest.raises(BadInput) as caught:
        keys.add(theirs, keys.root(), NOW)
    assert caught.value.reason == "key_listed"
    trust = keys.revoke(theirs.key_id, keys.root(), NOW)
    assert trust.find(theirs.key_id, Role.WARRANT_APPROVE, NOW) is None
    with pytest.raises(BadInput) as caught:
        keys.revoke(theirs.key_id, keys.root(), NOW)
    assert caught.value.reason == "key_unknown"


def test_a_damaged_list_is_said(keys: PlaceKeys) -> None:
    """Neither the command nor the server goes on with a list that the root did not sign."""
    path = keys.root_file.parent.parent / place_keys.TRUST
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadConfig, match="not signed"):
        keys.trust_list()
