"""Signing keys on disk: whole at every moment, followed by whoever has them open."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.authority import certificate as certificates
from bluezone_node.authority.certificate import Certificate, CertificateRefused, read_jwks
from bluezone_node.authority.keyring import RingKey
from bluezone_node.clock import SimClock
from bluezone_node.crypto.signing import public_base64
from bluezone_node.errors import AuthorityRefused, BadConfig
from bluezone_node.store.authority.directory import FileKeys
from bluezone_node.store.authority.folder import AuthorityFolder, make_folder, open_folder
from bluezone_node.store.authority.keys import SigningKeys
from tests.authorities import NOW

WEEK = timedelta(days=7)
KEPT = timedelta(minutes=60, seconds=5)
LIFETIME = timedelta(minutes=60)


@pytest.fixture
def folder(tmp_path: Path) -> AuthorityFolder:
    return make_folder(tmp_path / "a", ["registrar"])


def certify(keys: SigningKeys, clock: SimClock) -> str:
    key_id, key = keys.signing(clock.now())
    return certificates.sign(
        Certificate("confirmed", None, b"h" * 32),
        key,
        key_id=key_id,
        issuer="r",
        audience="p",
        now=clock.now(),
        lifetime=LIFETIME,
    )


def verdict(text: str, directory: FileKeys, clock: SimClock) -> str:
    """Return what a publisher with *directory* makes of a certificate."""
    try:
        certificates.verify(text, directory.key, issuer="r", audience="p", now=clock.now())
    except CertificateRefused as refused:
        return refused.reason
    return "taken"


def files(folder: AuthorityFolder) -> set[str]:
    """Return what is on disk of the registrar's signing keys, and what lies there by mistake."""
    kept = {path.name for path in (folder.path / "keys").iterdir()}
    places = {name for name in kept if name.startswith("places")}
    return kept - places - {"api.key", "codes.secret"}


def signers(keys: SigningKeys) -> set[str]:
    """Return the files that a whole ring has."""
    return {"registrar.json", *(f"registrar-{key.key_id}.pem" for key in keys.ring().keys)}


def test_the_life_of_two_rotations(folder: AuthorityFolder) -> None:
    """A certificate of every moment is taken until it expires; the publisher reads the file."""
    clock, keys = SimClock(NOW), folder.registrar_keys()
    publisher = FileKeys(folder.path / "registrar.jwks.json", clock)
    for turn in range(2):
        new = keys.rotate(clock.now(), WEEK)
        before = keys.signing(clock.now())[0]
        assert before != new.key_id
        assert publisher.key(new.key_id) is not None
        early = certify(keys, clock)
        assert verdict(early, publisher, clock) == "taken"
        clock.advance(WEEK.total_seconds() - 1)
        assert verdict(early, publisher, clock) == "not_valid_now"
        last = certify(keys, clock)
        assert keys.signing(clock.now())[0] == before
        clock.advance(1)
        first = certify(keys, clock)
        assert keys.signing(clock.now())[0] == new.key_id
        assert keys.tidy(clock.now()) == 0
        assert {verdict(text, publisher, clock) for text in (last, first)} == {"taken"}
        clock.advance(LIFETIME.total_seconds() - 2)
        assert keys.tidy(clock.now()) == 0
        assert {verdict(text, publisher, clock) for text in (last, first)} == {"taken"}
        clock.advance(1)
        assert verdict(last, publisher, clock) == "not_valid_now"
        clock.advance(6)
        assert list(keys.published(clock.now())) == [new.key_id]
        assert keys.tidy(clock.now()) == 1
        assert verdict(last, publisher, clock) == "unknown_key"
        assert verdict(first, publisher, clock) == "not_valid_now"
        assert verdict(certify(keys, clock), publisher, clock) == "taken"
        assert files(folder) == signers(keys) == {"registrar.json", f"registrar-{new.key_id}.pem"}
        clock.advance(WEEK.total_seconds() * (turn + 1))


def test_everything_is_its_owners_alone(folder: AuthorityFolder) -> None:
    """0600, however the umask is; and what others can read is not used."""
    keys, umask = folder.registrar_keys(), os.umask(0)
    try:
        keys.rotate(NOW, WEEK)
    finally:
        os.umask(umask)
    found = [path for path in folder.path.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}
    (folder.path / "keys/registrar.json").chmod(0o644)
    with pytest.raises(BadConfig, match="Others can read"):
        folder.registrar_keys().ring()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_is_the_servers(folder: AuthorityFolder) -> None:
    """An administrator who rotates as root does not lock the server's own user out."""
    os.chown(folder.path, 4711, 4711)
    os.chown(folder.path / "keys", 4711, 4711)
    new = folder.registrar_keys().rotate(NOW, WEEK)
    for name in (f"keys/registrar-{new.key_id}.pem", "keys/registrar.json", "registrar.jwks.json"):
        assert (folder.path / name).stat().st_uid == 4711


def test_a_server_that_runs_takes_the_new_key_up(folder: AuthorityFolder) -> None:
    """It is another process that rotates; the folder that never rotated is one key named v1."""
    running = folder.registrar_keys()
    assert running.signing(NOW)[0] == "v1"
    assert files(folder) == {"registrar.pem"}
    old = public_base64(running.published(NOW)["v1"])
    new = open_folder(folder.path).registrar_keys().rotate(NOW, timedelta(0))
    assert running.signing(NOW)[0] == new.key_id
    assert list(running.published(NOW)) == ["v1", new.key_id]
    assert public_base64(running.published(NOW)["v1"]) == old
    known = read_jwks((folder.path / "registrar.jwks.json").read_bytes())
    assert {name: public_base64(key) for name, key in known.items()} == {
        name: public_base64(key) for name, key in running.published(NOW).items()
    }


class PowerCut(BaseException):
    """The process is killed: nothing of it runs on."""


def cut_after(writes: int) -> Iterator[None]:
    """Let so many changes of the disk happen, of those that a rotation makes, and no more."""
    left = writes

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object, **more: object) -> object:
            nonlocal left
            if left == 0:
                raise PowerCut
            left -= 1
            return real(*given, **more)

        return call

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", counted(os.fsync))
        patched.setattr(Path, "replace", counted(Path.replace))
        patched.setattr(Path, "unlink", counted(Path.unlink))
        yield


def test_killed_between_any_two_steps_the_folder_signs(tmp_path: Path) -> None:
    """The ring of before or of after, its public keys published, nothing secret left over."""
    cuts, seen = 0, set()
    for start in ("never rotated", "rotated before"):
        for cuts in range(100):
            folder = make_folder(tmp_path / f"{start}-{cuts}", ["registrar"])
            keys = folder.registrar_keys()
            now = NOW
            if start == "rotated before":
                keys.rotate(now, timedelta(0))
                now += KEPT
            before = keys.ring()
            cut = cut_after(cuts)
            next(cut)
            try:
                keys.rotate(now, WEEK)
            except PowerCut:
                killed = True
            else:
                killed = False
            finally:
                next(cut, None)
            again = open_folder(folder.path).registrar_keys()
            assert again.signing(now)[0] == before.signing(now).key_id
            shown = read_jwks((folder.path / "registrar.jwks.json").read_bytes())
            assert set(again.published(now)) <= set(shown)
            again.tidy(now)
            left = again.ring().keys
            seen.add(len(left))
            never = left[0].key_id == "v1" and len(left) == 1
            assert files(folder) == ({"registrar.pem"} if never else signers(again))
            if len(left) == 1:
                again.rotate(now, WEEK)
            assert len(again.ring().keys) == 2
            assert files(folder) == signers(again)
            if not killed:
                break
        assert cuts > 8
    assert seen == {1, 2}


def test_of_two_rotations_at_once_one_is_refused(folder: AuthorityFolder) -> None:
    """Each of eight has the folder open for itself."""

    def rotate(_n: int) -> RingKey | None:
        try:
            return open_folder(folder.path).registrar_keys().rotate(NOW, WEEK)
        except AuthorityRefused:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [key for key in pool.map(rotate, range(8)) if key]
    assert len(made) == 1
    keys = folder.registrar_keys()
    assert [key.key_id for key in keys.ring().keys] == ["v1", made[0].key_id]
    assert files(folder) == signers(keys)


def test_readers_never_meet_half_a_rotation(folder: AuthorityFolder) -> None:
    """Certificates are signed while keys come and go, each by a key that is published."""
    clock = SimClock(NOW)

    def read(_n: int) -> bool:
        keys = open_folder(folder.path).registrar_keys()
        key_id, _ = keys.signing(clock.now())
        return key_id in {key.key_id for key in keys.ring().keys}

    def rotate(n: int) -> bool:
        open_folder(folder.path).registrar_keys().rotate(clock.now(), timedelta(0), force=True)
        clock.advance(KEPT.total_seconds() if n % 2 else 60)
        return True

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(rotate if n % 8 == 0 else read, n // 8) for n in range(160)]
        assert len([one.result() for one in done]) == 160


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        ("", "cannot be used"),
        ('{"keys": []}', "names no key"),
        ('{"keys": [{"key_id": "../../x", "made": "NOW", "signs_from": "NOW"}]}', "cannot be used"),
        ('{"keys": [{"key_id": "x", "made": "NOW", "signs_from": "NOW"}]}', "x.pem cannot be read"),
        ('{"keys": [{"key_id": "x", "made": "2026-03-10T09:30:00"}]}', "cannot be used"),
    ],
)
def test_a_manifest_that_does_not_hold_is_said(
    folder: AuthorityFolder, manifest: str, says: str
) -> None:
    """In one sentence with the file's name; nothing is deleted on its word."""
    path = folder.path / "keys/registrar.json"
    path.write_text(manifest.replace("NOW", NOW.isoformat()))
    path.chmod(0o600)
    keys = folder.registrar_keys()
    for work in (keys.ring, lambda: keys.tidy(NOW), lambda: keys.rotate(NOW, WEEK)):
        with pytest.raises(BadConfig, match=says):
            work()
    assert "registrar.pem" in files(folder)


def test_no_key_is_told(folder: AuthorityFolder) -> None:
    """Neither by what a rotation returns, nor by repr, nor by the manifest."""
    keys = folder.registrar_keys()
    new = keys.rotate(NOW, WEEK)
    secret = (folder.path / f"keys/registrar-{new.key_id}.pem").read_text().splitlines()[1]
    told = [repr(new), repr(keys), repr(keys.ring()), json.dumps(new.key_id)]
    told.append((folder.path / "keys/registrar.json").read_text())
    assert not any(secret[:20] in text or secret[-20:] in text for text in told)
