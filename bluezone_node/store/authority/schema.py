"""From whatever is in a database to the tables of today, or a sentence about why not.

Each database has a history of its own, in ``migrations/``; the table ``alembic_version`` in it
says how far it has come.  Alembic is imported only where there is something to do: it costs as
much time as the rest of ``authority code issue``.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import Connection, MetaData, column, create_engine, inspect, select, table

from bluezone_node.errors import DatabaseUnusable

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).with_name("migrations")
BASELINE = "0001"
"""The first step of both histories: what the versions without Alembic made."""

_version = table("alembic_version", column("version_num"))
_alembic = Lock()
"""Alembic knows one migration at a time in a process."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What one of the databases should look like."""

    name: str
    """Of the history's folder, of the schema on PostgreSQL."""
    tables: MetaData
    revision: str
    """The newest step of the history, which leads to *tables*."""
    histories: Path = MIGRATIONS
    """The folder of Alembic's env.py and of the history's folder."""


class Step(StrEnum):
    """What was done to a database."""

    NOTHING = "up to date"
    CREATED = "created"
    ADOPTED = "adopted"
    UPGRADED = "upgraded"


def revision(connection: Connection) -> str | None:
    """Return how far the history of a database has come; None where it has not begun."""
    if not inspect(connection).has_table(_version.name):
        return None
    found: str | None = connection.scalar(select(_version.c.version_num))
    return found


def bring_up(connection: Connection, layout: Layout, *, upgrade: bool) -> Step:
    """Bring a database to *layout*, in the transaction that *connection* is in as the one writer.

    An empty one is filled.  One of the time before Alembic is adopted where its tables are the
    baseline's.  An older one is migrated where *upgrade* says so.

    Raises:
        DatabaseUnusable: it is newer than this program, not one of ours, or behind.
    """
    from alembic import command

    before = revision(connection)
    if before == layout.revision:
        return Step.NOTHING
    with _alembic:
        config = _config(connection, layout)
        if before is not None:
            _check_known(config, before)
            if not upgrade:
                raise DatabaseUnusable(
                    f"The {layout.name} database is of an earlier version of this program "
                    f"({before}, not {layout.revision}).",
                    hint="back it up, stop the servers, then: bluezone-node authority migrate",
                )
            step = Step.UPGRADED
        elif _ours(connection, layout):
            _check_baseline(connection, layout)
            command.stamp(config, BASELINE)
            step = Step.ADOPTED
        else:
            step = Step.CREATED
        command.upgrade(config, "head")
    return step


def vacant(connection: Connection, layout: Layout) -> bool:
    """Tell whether nothing of ours is there."""
    return revision(connection) is None and not _ours(connection, layout)


def lay_out(connection: Connection, layout: Layout, at: str) -> None:
    """Make the tables of the step *at* of the history in a vacant database.

    Raises:
        DatabaseUnusable: the history has no such step: a newer program's.
    """
    from alembic import command

    with _alembic:
        config = _config(connection, layout)
        _check_known(config, at)
        command.upgrade(config, at)


def _config(connection: Connection, layout: Layout) -> "Config":
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    # In this format a percent sign begins a reference.
    for option, value in (
        ("script_location", str(layout.histories)),
        ("version_locations", str(layout.histories / layout.name)),
        ("path_separator", "newline"),
    ):
        config.set_main_option(option, value.replace("%", "%%"))
    return config


def _check_known(config: "Config", found: str) -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(config)
    if found not in {step.revision for step in script.walk_revisions()}:
        raise DatabaseUnusable(
            f"The database was written by a newer version of this program (step {found}).",
            hint="run that version; there is no way back but a backup from before",
        )


def _ours(connection: Connection, layout: Layout) -> set[str]:
    """Return the names of our tables that are there."""
    return set(layout.tables.tables) & set(inspect(connection).get_table_names())


def _check_baseline(connection: Connection, layout: Layout) -> None:
    from alembic import command

    scratch = create_engine("sqlite://")
    with scratch.begin() as sample:
        command.upgrade(_config(sample, layout), BASELINE)
        names = set(inspect(sample).get_table_names()) - {_version.name}
        differing = sorted(n for n in names if _shape(connection, n) != _shape(sample, n))
    scratch.dispose()
    if differing:
        raise DatabaseUnusable(
            f"The database has no history, and its tables are not those that this program made: "
            f"{', '.join(differing)}.",
            hint="nothing was changed; name another database, or restore this one from a backup",
        )


def _shape(connection: Connection, name: str) -> object:
    """Return what a table is made of, in a form that can be compared."""
    look = inspect(connection)
    if not look.has_table(name):
        return None
    return (
        [(c["name"], str(c["type"]), c["nullable"]) for c in look.get_columns(name)],
        look.get_pk_constraint(name)["constrained_columns"],
        sorted((i["name"] or "", i["column_names"], i["unique"]) for i in look.get_indexes(name)),
        sorted(u["column_names"] for u in look.get_unique_constraints(name)),
    )
