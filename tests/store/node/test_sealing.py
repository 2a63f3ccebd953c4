"""Sealed, nothing private can be read from the files; with the key all of it; altered, nothing."""

import logging
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database as SqliteUtils

from bluezone_node.alerts import Alert, AlertKind, AlertLevel
from bluezone_node.crypto.wrapping import new_secret
from bluezone_node.errors import DatabaseUnusable
from bluezone_node.proximity.model import IdentifierProtocol
from bluezone_node.store.node import (
    SealingState,
    change_key,
    erase_database,
    lock_database,
    open_node_store,
    seal_database,
    sealing_state,
    unseal_database,
)
from bluezone_node.store.node.database import APPLICATION_ID
from bluezone_node.store.node.migrations import node
from bluezone_node.store.node.seal import Sealed
from bluezone_node.store.node.sealing import CELLS
from bluezone_node.venues.card import day_number
from bluezone_node.venues.checkins import Checkin, Way
from bluezone_node.venues.opening import link
from bluezone_node.venues.proposals import Proposal
from bluezone_node.venues.register import SealedContact
from bluezone_node.venues.tags import slot_of
from tests.lives import Life, on_disk

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET, OTHER = new_secret(bytes), new_secret(lambda number: b"\x01" * number)
PASSPHRASE = "sáu từ rút bằng xúc xắc".encode()
ALERT = Alert(
    AlertKind.PROXIMITY,
    START.date(),
    START,
    START + HOUR,
    AlertLevel.HIGH,
    12.5,
    15.0,
    4.5,
    0.5,
    "high",
    321,
    "vn-f1-2m",
    "confirmed_test",
)

KEEP_SEALING = """
import sys
from pathlib import Path
from bluezone_node.store.node import seal_database, unseal_database
path, secret = Path(sys.argv[1]), sys.argv[2].encode()
while True:
    seal_database(path, secret, lambda: None)
    print("sealed", flush=True)
    unseal_database(path, secret)
    print("unsealed", flush=True)
"""


def nothing() -> None:
    """Sign of life that nobody waits for."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "node.db"


def lived(path: Path, secret: bytes | None = None, *, hours: int = 3) -> Life:
    """Live through some hours in a database at *path*, and close it."""
    with open_node_store(path, secret) as store:
        life = Life(store, random.Random(1))
        for hour in range(hours):
            life.hour(START + hour * HOUR, people=12)
        store.put_alerts([ALERT], START, "vn-f1-2m")
        life.visit(START)
        digest, day_key = life.chance.randbytes(16), life.chance.randbytes(32)
        store.day_key(day_number(START), day_key)
        store.put_proposals([Proposal(day_key[:16], START, START + HOUR, 12, 40, 1, 99, START)])
        outer, nonce = life.chance.randbytes(224), life.chance.randbytes(8)
        row = SealedContact(digest, day_key, slot_of(START), nonce, outer)
        store.add_checkin(Checkin(0, START, Way.PASS, digest=digest), row)
        store.add_opening(link(None, START, outer, 1))
        store.add_shown_pass(nonce, START)
        life.secrets[START] += [digest.hex().encode(), day_key, outer, nonce]
    return life


def everything(path: Path, secret: bytes | None = None) -> list[object]:
    """All that the store tells, by every question it answers."""
    with open_node_store(path, secret) as store:
        return [
            store.own_keys(),
            list(store.heard_identifiers(IdentifierProtocol.GAEN)),
            list(store.encounters(START, START + 24 * HOUR)),
            store.scans(START, START + 24 * HOUR),
            store.matched_keys(),
            store.alerts(),
            store.reports(),
            store.visits(),
            store.checkins_inside(),
            store.contacts(range(slot_of(START), slot_of(START) + 1)),
            store.openings(),
            store.shown_passes(),
        ]


@pytest.fixture
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """The sealed database of a thief who can also write."""
    lived(path, SECRET, hours=1)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


# What lies on the disk


def test_of_a_sealed_database_nothing_can_be_read(path: Path) -> None:
    """Not one key, identifier, token or certificate stands in the files, while open or after."""
    with open_node_store(path, SECRET) as store:
        life = Life(store, random.Random(1))
        life.hour(START, people=12)
        assert life.found(path) == 0
    assert life.found(path) == 0
    assert sealing_state(path) == SealingState(sealed=True, wiped=True)


def test_sealed_or_not_the_store_tells_the_same(path: Path, tmp_path: Path) -> None:
    """The same life, written with and without a key, is read back alike."""
    lived(path, SECRET)
    other = tmp_path / "other" / "node.db"
    lived(other)
    assert everything(path, SECRET) == everything(other)


def test_forgetting_works_on_sealed_cells(path: Path, tmp_path: Path) -> None:
    """What was heard across the limit is cut alike."""
    other = tmp_path / "other" / "node.db"
    for place, secret in ((path, SECRET), (other, None)):
        lived(place, secret)
        with open_node_store(place, secret) as store:
            assert store.forget(START + timedelta(minutes=67, seconds=31)) > 0
    assert everything(path, SECRET) == everything(other)


def test_a_database_that_lay_open_is_sealed_without_a_trace(path: Path) -> None:
    """Everything is there afterwards, and no byte of it can be read, in free pages neither."""
    life = lived(path)
    before = everything(path)
    assert life.found(path) > 100
    seal_database(path, SECRET, nothing)
    assert life.found(path) == 0
    assert sealing_state(path) == SealingState(sealed=True, wiped=True)
    assert everything(path, SECRET) == before


def test_sealing_again_changes_nothing(path: Path) -> None:
    """It is done at every start of a node."""
    lived(path, SECRET)
    before = on_disk(path)
    seal_database(path, SECRET, nothing)
    assert on_disk(path) == before


def test_an_empty_database_is_sealed_too(path: Path) -> None:
    """As it is after erasing: nothing to rewrite, and a key from then on."""
    open_node_store(path).close()
    seal_database(path, SECRET, nothing)
    assert not any(everything(path, SECRET))


def test_the_way_back_gives_everything_back(path: Path) -> None:
    """Unsealed, the store needs no key, and holds what it held."""
    life = lived(path, SECRET)
    before = everything(path, SECRET)
    unseal_database(path, SECRET)
    assert sealing_state(path) == SealingState(sealed=False, wiped=True)
    assert everything(path) == before
    assert life.found(path) > 100


def test_signs_of_life_are_given_on_the_way(path: Path) -> None:
    """A service manager that waits for the start hears that it goes on."""
    lived(path, hours=12)
    signs: list[None] = []
    seal_database(path, SECRET, lambda: signs.append(None))
    assert len(signs) > 3


def test_a_reader_delays_the_wiping_to_the_next_start(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is sealed all the same; a mark and the log say that old pages are still there."""
    monkeypatch.setattr("bluezone_node.store.node.database.BUSY_SECONDS", 0.05)
    life = lived(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM encounter").fetchone()
        with caplog.at_level(logging.WARNING):
            seal_database(path, SECRET, nothing)
        assert "wiped at the next start" in caplog.text
        assert sealing_state(path) == SealingState(sealed=True, wiped=False)
    seal_database(path, SECRET, nothing)
    assert sealing_state(path) == SealingState(sealed=True, wiped=True)
    assert life.found(path) == 0


def test_a_command_that_has_it_open_notices(path: Path) -> None:
    """It neither reads cells as what they are not, nor writes a plain one among sealed ones."""
    lived(path)
    with open_node_store(path) as command:
        keys = command.own_keys()
        seal_database(path, SECRET, nothing)
        with pytest.raises(DatabaseUnusable, match="changed meanwhile"):
            command.own_keys()
        with pytest.raises(DatabaseUnusable, match="changed meanwhile"):
            command.add_own_key(keys[0])


def test_commands_read_beside_a_sealed_writer(path: Path) -> None:
    """Daemon and command have the same key and no further agreement."""
    life = lived(path, SECRET, hours=1)
    with open_node_store(path, SECRET) as daemon, open_node_store(path, SECRET) as command:
        life.store = daemon
        life.hour(START + HOUR, people=5)
        assert list(command.encounters(START + HOUR, START + 2 * HOUR)) == list(
            daemon.encounters(START + HOUR, START + 2 * HOUR)
        )


def test_the_first_layout_is_sealed_in_one_go(path: Path) -> None:
    """A database of the release before is brought up to date and sealed at one start."""
    path.parent.mkdir(mode=0o700)
    secrets = {name: os.urandom(16) for name in ("key", "gaen", "report", "matched")}
    bluezone, token = os.urandom(12), os.urandom(16).hex()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute("PRAGMA journal_mode = WAL")
        node.apply(SqliteUtils(old), stop_before="cells_that_can_be_sealed")
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        old.execute("INSERT INTO own_key VALUES (1, ?, 2953584, 144)", (secrets["key"],))
        start = int(START.timestamp())
        insert = "INSERT INTO encounter VALUES (?, ?, ?, ?, ?)"
        old.execute(insert, (1, "gaen", secrets["gaen"], b"\x00\xff\x00\x80", start))
        old.execute(insert, (2, "bluezone", bluezone, None, start + 1))
        old.execute(
            "INSERT INTO report VALUES (1, ?, ?, 'confirmed', '2026-03-01', ?, '', NULL, '')",
            (start, token, secrets["report"]),
        )
        old.execute("INSERT INTO report_key VALUES (1, 1, ?, 2953584, 144)", (secrets["key"],))
        old.execute(
            "INSERT INTO matched_key VALUES (1, ?, 2953584, 144, 1, 0, NULL, 'vn', 'x')",
            (secrets["matched"],),
        )
        old.execute(
            "INSERT INTO alert VALUES (1, 'proximity', '2026-03-02', ?, ?, 2, 12.5, 15, 4.5, 0.5,"
            " 'high', 321, 'vn-f1-2m', 'confirmed_test', ?, ?, NULL)",
            (start, start + 3600, start + 1, start + 2),
        )
    seal_database(path, SECRET, nothing)
    with open_node_store(path, SECRET) as store:
        assert [key.key for key in store.own_keys()] == [secrets["key"]]
        rows = store._database.rows("SELECT id, whose FROM encounter ORDER BY id")
        opened = [store._database.seal.open("encounter", *row) for row in rows]
        assert opened == [
            b"\x10" + secrets["gaen"] + b"\x00\xff\x00\x80",
            b"\x0c" + bluezone,
        ]
        (report,) = store.reports()
        assert (report.token, report.hmac_secret) == (token, secrets["report"])
        assert [key.key for key in report.keys] == [secrets["key"]]
        assert [entry.key.key for entry in store.matched_keys()] == [secrets["matched"]]
        (entry,) = store.alerts()
        assert (entry.alert, entry.acknowledged) == (ALERT, None)
        assert entry.told == START + timedelta(seconds=2)
    files = on_disk(path)
    for secret in (*secrets.values(), bluezone, token.encode()):
        assert secret not in files


@pytest.mark.slow
def test_a_kill_at_any_moment_of_sealing_loses_nothing(path: Path) -> None:
    """20 times killed while sealing, wiping or unsealing: whole, and sealed by the next start."""
    life = lived(path, hours=12)
    before = everything(path)
    chance = random.Random(2)
    states = set()
    for _ in range(20):
        child = subprocess.Popen(
            [sys.executable, "-c", KEEP_SEALING, path, SECRET.decode()],
            stdout=subprocess.PIPE,
            text=True,
        )
        with child:
            assert child.stdout is not None
            for _ in range(chance.randint(1, 4)):
                child.stdout.readline()
            # Somewhere in the next round, which takes about this long.
            with suppress(subprocess.TimeoutExpired):
                child.wait(chance.uniform(0, 0.3))
            child.kill()
        state = sealing_state(path)
        states.add(state)
        assert everything(path, SECRET if state.sealed else None) == before
    seal_database(path, SECRET, nothing)
    assert life.found(path) == 0
    assert everything(path, SECRET) == before
    assert len(states) > 1


# The key


def test_without_the_key_nothing_is_opened_or_changed(path: Path) -> None:
    """Missing and wrong keys are told apart, and the files stay as they are."""
    lived(path, SECRET)
    before = on_disk(path)
    with pytest.raises(DatabaseUnusable, match="encrypted, and its key is not at hand") as missing:
        open_node_store(path)
    assert "key_file" in missing.value.hint
    for work in (
        lambda: open_node_store(path, OTHER),
        lambda: seal_database(path, OTHER, nothing),
        lambda: unseal_database(path, OTHER),
        lambda: change_key(path, OTHER, SECRET),
    ):
        with pytest.raises(DatabaseUnusable, match="encrypted under another key"):
            work()
    assert on_disk(path) == before


def test_the_key_can_be_changed_while_the_node_runs(path: Path) -> None:
    """The new one opens, the old one no longer, and the running node goes on."""
    life = lived(path, SECRET, hours=1)
    with open_node_store(path, SECRET) as daemon, closing(sqlite3.connect(path)) as thief:
        (wrapped,) = thief.execute("SELECT wrapped FROM sealing").fetchone()
        change_key(path, SECRET, PASSPHRASE)
        life.store = daemon
        life.hour(START + HOUR, people=5)
    assert wrapped not in on_disk(path)
    with pytest.raises(DatabaseUnusable, match="another key"):
        open_node_store(path, SECRET)
    assert len(everything(path, PASSPHRASE)[0]) == 4  # type: ignore[arg-type]


def test_what_is_not_sealed_has_no_key_to_change(path: Path) -> None:
    """Changing the key of an open database is refused by name."""
    lived(path, hours=1)
    with pytest.raises(DatabaseUnusable, match="is not encrypted"):
        change_key(path, SECRET, OTHER)


def test_erasing_needs_no_key_and_destroys_it(path: Path) -> None:
    """Whoever lost the key can begin anew, and nothing wrapped or sealed is left."""
    lived(path, SECRET)
    with closing(sqlite3.connect(path)) as thief:
        (wrapped,) = thief.execute("SELECT wrapped FROM sealing").fetchone()
        cells = [cell for (cell,) in thief.execute("SELECT whose FROM encounter")]
    with lock_database(path):
        erase_database(path)
    files = on_disk(path)
    assert not any(cell in files for cell in (wrapped, *cells))
    assert not any(everything(path))
    seal_database(path, SECRET, nothing)
    with open_node_store(path, SECRET) as store, pytest.raises(DatabaseUnusable):
        # The same secret, another data key.
        store._database.seal.open("encounter", 1, cells[0])


def test_nothing_secret_is_printed_or_logged(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the secret nor the data key is in a log line, an error or a repr."""
    lived(path, hours=1)
    told = []
    with caplog.at_level(logging.DEBUG):
        seal_database(path, SECRET, nothing)
        with pytest.raises(DatabaseUnusable) as wrong:
            open_node_store(path, OTHER)
        with open_node_store(path, SECRET) as store:
            seal = store._database.seal
            told += [repr(seal), repr(store), repr(store._database)]
            with pytest.raises(DatabaseUnusable) as altered:
                seal.open("own_key", 1, b"nonsense")
    told += [caplog.text, repr(wrong.value), wrong.value.hint, repr(altered.value)]
    for text in told:
        assert SECRET.decode() not in text
        assert OTHER.decode() not in text
        assert "b'" not in text


# One who can write to the card


def test_an_altered_cell_is_named(path: Path, raw: sqlite3.Connection) -> None:
    """In every table a flipped bit, a cut or an emptied cell is noticed, by doctor's check too."""
    for table, column in CELLS:
        row, cell = raw.execute(
            f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL"
        ).fetchone()
        for altered in (cell[:20] + bytes([cell[20] ^ 1]) + cell[21:], cell[:-1], cell[:11], b""):
            raw.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (altered, row))
            with (
                open_node_store(path, SECRET) as store,
                pytest.raises(DatabaseUnusable, match=f"the table {table} does not open"),
            ):
                store.check()
        raw.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (cell, row))
    with open_node_store(path, SECRET) as store:
        store.check()


def test_swapped_rows_do_not_open(path: Path, raw: sqlite3.Connection) -> None:
    """Whose encounter it was cannot be exchanged for another's."""
    (one, first), (other, second) = raw.execute("SELECT id, whose FROM encounter LIMIT 2")
    raw.execute("UPDATE encounter SET whose = ? WHERE id = ?", (second, one))
    raw.execute("UPDATE encounter SET whose = ? WHERE id = ?", (first, other))
    with (
        open_node_store(path, SECRET) as store,
        pytest.raises(DatabaseUnusable, match="encounter does not open"),
    ):
        list(store.heard_identifiers(IdentifierProtocol.GAEN))


def test_a_cell_of_another_table_does_not_open(path: Path, raw: sqlite3.Connection) -> None:
    """An own key is not taken for a published one."""
    raw.execute("UPDATE report_key SET key = (SELECT key FROM own_key WHERE id = report_key.id)")
    with open_node_store(path, SECRET) as store, pytest.raises(DatabaseUnusable):
        store.reports()


def test_a_restored_backup_goes_on_under_fresh_nonces(path: Path, tmp_path: Path) -> None:
    """Two futures of one backup share no nonce, though they write the same rows."""
    lived(path, SECRET, hours=1)
    backup = path.read_bytes()
    futures = []
    for number in range(2):
        future = tmp_path / f"future{number}" / "node.db"
        future.parent.mkdir(mode=0o700)
        future.write_bytes(backup)
        with open_node_store(future, SECRET) as store:
            after = max(store._database.rows("SELECT id FROM encounter"))[0]
            life = Life(store, random.Random(9))
            life.hour(START + HOUR, people=12)
            cells = store._database.rows("SELECT whose FROM encounter WHERE id > ?", (after,))
        futures.append({cell[:12] for (cell,) in cells})
        assert len(everything(future, SECRET)[0]) == 4  # type: ignore[arg-type]
    assert futures[0]
    assert not futures[0] & futures[1]


@given(
    st.binary(max_size=200),
    st.sampled_from([table for table, _ in CELLS]),
    st.integers(1, 2**62),
    st.integers(1, 2**62),
)
def test_a_cell_opens_in_its_place_only(data: bytes, table: str, row: int, other: int) -> None:
    """Whatever it holds, it comes back from its row, and from no other row or table."""
    seal = Sealed(Path("node.db"), b"id", bytes(32))
    cell = seal.close(table, row, data)
    assert len(cell) == len(data) + 28
    assert seal.open(table, row, cell) == data
    for wrong in ((table, row + other), (f"{table}_", row)):
        with pytest.raises(DatabaseUnusable):
            seal.open(*wrong, cell)
