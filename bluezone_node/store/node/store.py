"""The store of a node, whole: each part in its own file, one connection beneath."""

from pathlib import Path
from types import TracebackType
from typing import Self

from bluezone_node.store.node.bundles import Bundles
from bluezone_node.store.node.calibration import Calibrations
from bluezone_node.store.node.checkins import Checkins
from bluezone_node.store.node.contacts import Contacts
from bluezone_node.store.node.database import open_database
from bluezone_node.store.node.keys import OwnKeys
from bluezone_node.store.node.minutes import Coverage
from bluezone_node.store.node.passes import ShownPasses
from bluezone_node.store.node.proposals import Proposals
from bluezone_node.store.node.reports import Reports
from bluezone_node.store.node.retention import Retention
from bluezone_node.store.node.sealing import open_every_cell
from bluezone_node.store.node.visits import Visits


class SqliteNodeStore(
    OwnKeys,
    Retention,
    Coverage,
    Bundles,
    Visits,
    Reports,
    Calibrations,
    Checkins,
    Proposals,
    Contacts,
    ShownPasses,
):
    """A NodeStore in a SQLite file. To be used by the thread that opened it."""

    def check(self) -> None:
        """Read the whole file over, and every sealed cell.

        Raises:
            DatabaseUnusable: it is damaged.
        """
        self._database.check()
        open_every_cell(self._database)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_node_store(path: Path, secret: bytes | None = None) -> SqliteNodeStore:
    """Open the database at *path* (0600, in a folder 0700), creating or migrating it.

    *secret*: opens one that is sealed; a new one is sealed under it.

    Raises:
        DatabaseUnusable: it is damaged, of another program, of a newer version, not writable, or
            sealed under another secret.
    """
    return SqliteNodeStore(open_database(path, secret))


def erase_database(path: Path) -> None:
    """Erase everything in the database at *path*; one that is sealed needs no key for that.

    To be called under the database's lock.
    """
    with SqliteNodeStore(open_database(path, locked=True)) as store:
        store.erase()
