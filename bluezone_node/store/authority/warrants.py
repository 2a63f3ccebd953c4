"""`WarrantStore` on SQLAlchemy."""

from collections.abc import Collection
from dataclasses import astuple, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, Update, insert, select, update
from sqlalchemy.exc import IntegrityError

from bluezone_node.authority.ports.register import StoredWarrant
from bluezone_node.store.authority.database import scrub, writing
from bluezone_node.store.authority.registry_tables import warrants


class SqlWarrants:
    """`WarrantStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, warrant: StoredWarrant) -> bool:
        names = (column.name for column in fields(warrant))
        row = dict(zip(names, astuple(warrant), strict=True))
        try:
            with writing(self._engine, alone=False) as db:
                db.execute(insert(warrants).values(row))
        except IntegrityError:
            return False
        return True

    def find(self, warrant_id: bytes) -> StoredWarrant | None:
        with self._engine.begin() as db:
            row = db.execute(select(warrants).where(warrants.c.warrant_id == warrant_id)).first()
        return None if row is None else _warrant(row)

    def all(self, realms: Collection[str] | None = None) -> list[StoredWarrant]:
        query = select(warrants).order_by(warrants.c.issued.desc(), warrants.c.warrant_id)
        if realms is not None:
            query = query.where(warrants.c.realm.in_(realms))
        with self._engine.begin() as db:
            return [_warrant(row) for row in db.execute(query)]

    def approve(self, warrant_id: bytes, approved: bytes, by: str) -> bool:
        # The condition decides between two who approve at once.
        return self._changed(
            update(warrants)
            .where(warrants.c.warrant_id == warrant_id, warrants.c.approved.is_(None))
            .values(approved=approved, approved_by=by)
        )

    def waiting(self, venue_id: bytes, now: datetime) -> list[StoredWarrant]:
        query = select(warrants).where(
            warrants.c.venue_id == venue_id,
            warrants.c.approved.is_not(None),
            warrants.c.answered.is_(None),
            warrants.c.expires > now,
        )
        with self._engine.begin() as db:
            return [_warrant(row) for row in db.execute(query)]

    def answer(self, warrant_id: bytes, released: bytes, rows: int, at: datetime) -> bool:
        return self._changed(
            update(warrants)
            .where(warrants.c.warrant_id == warrant_id, warrants.c.answered.is_(None))
            .values(answered=at, released=released, rows=rows)
        )

    def erase(self, expired: datetime) -> int:
        with writing(self._engine) as db:
            gone = db.execute(
                update(warrants)
                .where(warrants.c.expires <= expired, warrants.c.released.is_not(None))
                .values(released=None)
            ).rowcount
        if gone:
            scrub(self._engine)
        return gone

    def _changed(self, statement: Update) -> bool:
        with writing(self._engine, alone=False) as db:
            return db.execute(statement).rowcount > 0


def _warrant(row: Row[*tuple[Any, ...]]) -> StoredWarrant:
    return StoredWarrant(*row)
