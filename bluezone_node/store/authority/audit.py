"""``registry.db``: the audit trail, one row an entry."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, delete, func, insert, select

from bluezone_node.authority.ports.audit import AuditEntry, AuditHead, Link, LinkErased
from bluezone_node.store.authority.database import scrub, writing
from bluezone_node.store.authority.registry_tables import audit

WALK_ROWS = 1000
"""Read at once while all are walked through: a quarter of a megabyte."""

_sequence = audit.c.sequence
_head = select(_sequence, audit.c.hash).order_by(_sequence.desc()).limit(1)


class SqlAudit:
    """`AuditStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, link: Link) -> AuditEntry:
        # Alone: numbers without gaps need one writer at a time, on every engine.
        with writing(self._engine) as db:
            return _add(db, link(_last(db)))

    def head(self) -> AuditHead | None:
        with self._engine.begin() as db:
            return _last(db)

    def oldest(self) -> datetime | None:
        with self._engine.begin() as db:
            found: datetime | None = db.scalar(select(audit.c.at).order_by(_sequence).limit(1))
        return found

    def entries(
        self, realm: str | None = None, limit: int = 100, before: int | None = None
    ) -> list[AuditEntry]:
        asked = select(audit).order_by(_sequence.desc()).limit(limit)
        if realm is not None:
            asked = asked.where(audit.c.realm == realm)
        if before is not None:
            asked = asked.where(_sequence < before)
        return self._read(asked)

    def walk(self) -> Iterator[AuditEntry]:
        # A query for every few rows: a cursor left open would hold up the erasing of the
        # write-ahead log, and the whole table does not belong in memory.
        asked = select(audit).order_by(_sequence).limit(WALK_ROWS)
        rows = self._read(asked)
        while rows:
            yield from rows
            rows = self._read(asked.where(_sequence > rows[-1].sequence))

    def newest(self, action: str) -> AuditEntry | None:
        asked = select(audit).where(audit.c.action == action)
        return next(iter(self._read(asked.order_by(_sequence.desc()).limit(1))), None)

    def forget(self, before: datetime, link: LinkErased) -> int:
        with writing(self._engine) as db:
            last = _last(db)
            if last is None:
                return 0
            # The clock may have been set back: what counts is the first that must stay.
            stays = db.scalar(select(func.min(_sequence)).where(audit.c.at >= before))
            gone = _sequence < (last.sequence if stays is None else stays)
            upto = db.execute(_head.where(gone)).first()
            if upto is None:
                return 0
            _add(db, link(last, AuditHead(*upto)))
            removed = db.execute(delete(audit).where(gone)).rowcount
        scrub(self._engine)
        return removed

    def _read(self, asked: Select[Any]) -> list[AuditEntry]:
        with self._engine.begin() as db:
            return [AuditEntry(*row) for row in db.execute(asked)]


def _last(db: Connection) -> AuditHead | None:
    row = db.execute(_head).first()
    return None if row is None else AuditHead(*row)


def _add(db: Connection, entry: AuditEntry) -> AuditEntry:
    values = (getattr(entry, name) for name in AuditEntry.__slots__)
    db.execute(insert(audit).values(dict(zip(audit.c.keys(), values, strict=True))))
    return entry
