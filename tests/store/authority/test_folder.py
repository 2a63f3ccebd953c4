"""The authority's folder and its databases on disk."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.certificate import read_jwks
from bluezone_node.authority.ports.registry import VerificationCode
from bluezone_node.clock import SimClock
from bluezone_node.crypto.signing import load_public_key, public_base64
from bluezone_node.errors import BadConfig, DatabaseUnusable, Unreachable
from bluezone_node.store.authority import registry, registry_tables
from bluezone_node.store.authority.database import open_sqlite
from bluezone_node.store.authority.directory import FileKeys, HttpKeys
from bluezone_node.store.authority.folder import make_folder, open_folder
from bluezone_node.store.authority.outbox import Outbox
from bluezone_node.store.authority.private import hand_over
from tests.authorities import NOW

BOTH = ("registrar", "publisher")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_its_owners_alone(tmp_path: Path) -> None:
    """0700 for folders, 0600 for every file, and each public key fits its private one."""
    folder = make_folder(tmp_path / "a", BOTH)
    assert mode(folder.path) == mode(folder.path / "keys") == 0o700
    assert {mode(file) for file in folder.path.rglob("*") if file.is_file()} == {0o600}
    exported = load_public_key(folder.export_public_key.read_bytes())
    key_id, key = folder.export_keys().signing(NOW)
    assert key_id == "v1"
    assert public_base64(exported) == public_base64(key.public_key())
    known = read_jwks((folder.path / "registrar.jwks.json").read_bytes())
    key_id, key = folder.registrar_keys().signing(NOW)
    assert public_base64(known[key_id]) == public_base64(key.public_key())
    assert len(folder.code_secret()) == len(folder.publisher_secret()) == 32
    assert len(next(iter(folder.api_keys()))) >= 43
    assert open_folder(folder.path) == folder


def test_each_province_may_have_a_key_of_its_own(tmp_path: Path) -> None:
    """The first has that of the folder; a key that two have, or an empty one, is refused."""
    path = make_folder(tmp_path / "a", ["registrar"]).path
    (path / "authority.toml").write_text(
        '[[registrar.realms]]\nid = "VN-79"\n[[registrar.realms]]\nid = "VN-HN"\n'
        'api_key_file = "keys/hanoi.key"\n[[registrar.realms]]\nid = "VN-HP"\n'
    )
    folder, key = open_folder(path), path / "keys" / "hanoi.key"
    with pytest.raises(BadConfig, match=r"hanoi\.key"):
        folder.api_keys()
    for text in ("", (path / "keys" / "api.key").read_text()):
        key.write_text(text)
        key.chmod(0o600)
        with pytest.raises(BadConfig, match="empty, or another province's"):
            folder.api_keys()
    key.write_text("a key of Hanoi\n")
    assert list(folder.api_keys().values()) == ["VN-79", "VN-HN"]
    assert folder.api_keys()["a key of Hanoi"] == "VN-HN"


def test_two_authorities_have_nothing_in_common(tmp_path: Path) -> None:
    """Every secret is fresh."""
    one, two = (make_folder(tmp_path / name, BOTH) for name in "ab")
    for secret in ("code_secret", "publisher_secret", "api_keys"):
        assert getattr(one, secret)() != getattr(two, secret)()


def test_a_role_has_only_its_own_keys(tmp_path: Path) -> None:
    """A publisher cannot sign certificates, a registrar cannot sign exports."""
    publisher = make_folder(tmp_path / "p", ["publisher"])
    registrar = make_folder(tmp_path / "r", ["registrar"])
    for missing in (
        publisher.registrar_keys().ring,
        publisher.code_secret,
        registrar.export_keys().ring,
    ):
        with pytest.raises(BadConfig, match="cannot be read"):
            missing()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Neither an authority nor anything else that lies there."""
    folder = make_folder(tmp_path / "a", BOTH)
    before = {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()}
    with pytest.raises(BadConfig, match="not empty"):
        make_folder(folder.path, BOTH)
    assert {file: file.read_bytes() for file in before} == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadConfig, match="not empty"):
        make_folder(tmp_path / "file", BOTH)


def test_what_others_can_read_is_not_used(tmp_path: Path) -> None:
    """The sentence says what to type."""
    folder = make_folder(tmp_path / "a", BOTH)
    (folder.path / "keys/export.pem").chmod(0o640)
    with pytest.raises(BadConfig, match="Others can read") as refused:
        folder.export_keys().ring()
    assert refused.value.hint.startswith("chmod 600")
    folder.path.chmod(0o755)
    with pytest.raises(BadConfig, match="Others can read"):
        open_folder(folder.path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """With the command that makes one."""
    with pytest.raises(BadConfig, match="cannot be read: No such file") as refused:
        open_folder(tmp_path / "none")
    assert "authority init" in refused.value.hint


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """And left as it was."""
    path = tmp_path / "registry.db"
    path.write_bytes(b"this is not a database, whatever its name says" * 30)
    with pytest.raises(DatabaseUnusable, match=r"registry\.db"):
        open_sqlite(path, registry_tables.LAYOUT)
    assert path.read_bytes().startswith(b"this is not")
    with pytest.raises(DatabaseUnusable, match="cannot be used"):
        open_sqlite(tmp_path / "no/such/folder.db", registry_tables.LAYOUT)


def test_a_database_is_its_owners_alone(tmp_path: Path) -> None:
    """0600, the write-ahead log included."""
    engine = open_sqlite(tmp_path / "registry.db", registry_tables.LAYOUT)
    with engine.begin():
        assert {mode(file) for file in tmp_path.iterdir()} == {0o600}
    engine.dispose()


def test_what_is_forgotten_is_gone_from_the_disk(tmp_path: Path) -> None:
    """Neither the database nor its log still has the bytes, while the server goes on."""
    engine = open_sqlite(tmp_path / "registry.db", registry_tables.LAYOUT)
    store = registry.SqlRegistry(engine)
    canaries = [bytes([65 + n]) * 32 for n in range(20)]
    for canary in canaries:
        code = VerificationCode(canary, "likely", NOW.date(), None, NOW, NOW)
        store.add_codes([code], 100)

    def on_disk(canary: bytes) -> bool:
        return any(canary in file.read_bytes() for file in tmp_path.iterdir())

    assert all(map(on_disk, canaries))
    assert store.forget(NOW + timedelta(hours=1)) == 20
    assert not any(map(on_disk, canaries))
    engine.dispose()


def test_no_foreign_key_crosses_the_databases() -> None:
    """Registry and exposures are apart: no table refers to another."""
    from bluezone_node.store.authority import exposure_tables

    tables = [*registry_tables.TABLES.tables.values(), *exposure_tables.TABLES.tables.values()]
    assert {"codes", "exposures"} <= {table.name for table in tables}
    assert not any(table.foreign_keys for table in tables)


def test_missing_public_keys_are_named(tmp_path: Path) -> None:
    """A publisher without the registrar's keys is told where they come from."""
    with pytest.raises(BadConfig) as refused:
        FileKeys(tmp_path / "registrar.jwks.json", SimClock(NOW))
    assert "registrar" in refused.value.hint
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(BadConfig, match="no JSON Web Key Set"):
        FileKeys(tmp_path / "bad.json", SimClock(NOW))


def test_an_unreachable_registrar_is_no_refusal() -> None:
    """The upload may be tried again."""
    with pytest.raises(Unreachable):
        HttpKeys("http://127.0.0.1:1/jwks", SimClock(NOW)).key("v1")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_opens_first_is_the_servers(tmp_path: Path) -> None:
    """Database and outbox, and nothing that a link in the server's folder leads to."""
    home, elsewhere = tmp_path / "a", tmp_path / "elsewhere"
    home.mkdir(mode=0o700)
    elsewhere.touch()
    os.chown(home, 4711, 4711)
    open_sqlite(home / "registry.db", registry_tables.LAYOUT).dispose()
    Outbox(home / "outbox").send("+84912000111", "x")
    assert {path.stat().st_uid for path in home.rglob("*")} == {4711}
    (home / "other.db").symlink_to(elsewhere)
    hand_over(home / "other.db")
    assert elsewhere.stat().st_uid == 0
