"""The export's keys through a rotation: every node that knows one of them takes the files."""

from datetime import timedelta
from pathlib import Path

from bluezone_node.authority.distribution.exporter import Exporter, ExportRun
from bluezone_node.authority.settings import ExportSettings
from bluezone_node.crypto.signing import PublicKey, load_public_key
from bluezone_node.export.container import Export, open_verified
from bluezone_node.export.signature import SignatureState
from bluezone_node.intervals import interval_at
from bluezone_node.store.authority.folder import AuthorityFolder, make_folder, open_folder
from bluezone_node.store.authority.keys import SigningKeys
from tests.authorities import NOW, MemoryShelf, Office, keys_of_days

OVERLAP = timedelta(days=2)
HOUR = timedelta(hours=1)


class Desk:
    """An exporter with its keys in a folder; it exports every hour."""

    def __init__(self, path: Path) -> None:
        self.office = Office()
        self.folder: AuthorityFolder = make_folder(path, ["publisher"])
        self.keys: SigningKeys = self.folder.export_keys()
        self.shelf = MemoryShelf()
        self.exporter = Exporter(
            self.office.exposures,
            self.shelf,
            self.office.clock,
            self.office.entropy,
            keys=self.keys,
            settings=ExportSettings(period_minutes=60, min_records=0),
        )
        self._seed = 0

    def handed_out(self) -> PublicKey:
        """Return the key that nodes are given on this day."""
        return load_public_key(self.folder.export_public_key.read_bytes())

    def draw(self) -> str:
        """Publish keys and wait until they are exported; return the file's name."""
        before = self.shelf.names()
        self._seed += 1
        self.office.publish(keys_of_days(1, 2, seed=self._seed, now=self.office.clock.now()))
        self.office.pass_time(hours=4)
        self.exporter.run()
        (name,) = self.shelf.names() - before
        return name

    def read(self, name: str, key: PublicKey) -> Export:
        now = interval_at(self.office.clock.now())
        return open_verified(self.shelf.held[name], [key], now_interval=now)

    def taken(self, name: str, *keys: PublicKey) -> list[bool]:
        """Return for each key whether a node takes the file that knows no other."""
        return [self.read(name, key).signature is SignatureState.VERIFIED for key in keys]


def test_who_knows_either_key_takes_what_is_drawn_in_the_overlap(tmp_path: Path) -> None:
    """Before it the old one alone signs, after it the new one; the exporter is not restarted."""
    desk = Desk(tmp_path / "a")
    old = desk.handed_out()
    first = desk.draw()
    other = open_folder(desk.folder.path).export_keys()
    made = other.rotate(desk.office.clock.now(), OVERLAP)
    new = desk.handed_out()
    assert old != new
    during = desk.draw()
    assert desk.taken(first, old, new) == [True, False]
    assert desk.taken(during, old, new) == [True, True]
    both = desk.read(during, new)
    assert both.problems == ()
    assert [(signed.key_id, signed.key_version) for signed in both.signed_by] == [
        ("452", made.key_id),
        ("452", "v1"),
    ]
    desk.office.pass_time(days=2)
    assert desk.keys.tidy(desk.office.clock.now()) == 1
    after = desk.draw()
    assert desk.taken(after, old, new) == [False, True]
    assert desk.taken(during, old, new) == [True, True]
    assert {path.name for path in (desk.folder.path / "keys").glob("export*")} == {
        "export.json",
        f"export-{made.key_id}.pem",
    }


def test_a_file_that_is_lost_is_written_again_under_the_keys_of_the_day(tmp_path: Path) -> None:
    """The same keys in it; the old signing key is not needed any more."""
    desk = Desk(tmp_path / "a")
    old = desk.handed_out()
    name = desk.draw()
    before = list(desk.read(name, old).key_batches())
    desk.keys.rotate(desk.office.clock.now(), timedelta(0))
    desk.keys.tidy(desk.office.clock.now())
    desk.shelf.remove(name)
    assert desk.exporter.run() == ExportRun(windows=0, written=1, removed=0)
    again = desk.read(name, desk.handed_out())
    assert again.signature is SignatureState.VERIFIED
    assert list(again.key_batches()) == before


def test_a_killed_rotation_hands_out_no_key_that_never_was(tmp_path: Path) -> None:
    """The public key that a first rotation published before it was killed is taken back."""
    folder = make_folder(tmp_path / "a", ["publisher"])
    keys = folder.export_keys()
    public = folder.export_public_key.read_bytes()
    keys.rotate(NOW, OVERLAP)
    # As it stands before the manifest is written: everything else is in place.
    (folder.path / "keys/export.json").unlink()
    stem = folder.path / "keys/export-v1.pem"
    (folder.path / "keys/export.pem").write_bytes(stem.read_bytes())
    (folder.path / "keys/export.pem").chmod(0o600)
    assert folder.export_public_key.read_bytes() != public
    assert keys.tidy(NOW) == 2
    assert folder.export_public_key.read_bytes() == public
    assert {path.name for path in (folder.path / "keys").glob("export*")} == {"export.pem"}
