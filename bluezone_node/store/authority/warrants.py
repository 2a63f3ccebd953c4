"""`WarrantStore` on SQLAlchemy."""

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Insert, Row, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from bluezone_node.authority.ports.register import AnswerPart, StoredWarrant
from bluezone_node.store.authority.database import scrub, writing
from bluezone_node.store.authority.registry_tables import warrant_answers, warrants


class SqlWarrants:
    """`WarrantStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, warrant: StoredWarrant) -> bool:
        return self._kept(insert(warrants).values(_row(warrant)))

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
        statement = (
            update(warrants)
            .where(warrants.c.warrant_id == warrant_id, warrants.c.approved.is_(None))
            .values(approved=approved, approved_by=by)
        )
        with writing(self._engine, alone=False) as db:
            return db.execute(statement).rowcount > 0

    def waiting(self, venue_id: bytes, room: str, now: datetime) -> list[StoredWarrant]:
        answered = exists().where(
            warrant_answers.c.warrant_id == warrants.c.warrant_id,
            warrant_answers.c.room == room,
            warrant_answers.c.last,
        )
        query = select(warrants).where(
            warrants.c.venue_id == venue_id,
            warrants.c.approved.is_not(None),
            warrants.c.expires > now,
            ~answered,
        )
        with self._engine.begin() as db:
            return [_warrant(row) for row in db.execute(query)]

    def add_part(self, part: AnswerPart) -> bool:
        return self._kept(insert(warrant_answers).values(_row(part)))

    def parts(self, warrant_id: bytes) -> list[AnswerPart]:
        query = (
            select(warrant_answers)
            .where(warrant_answers.c.warrant_id == warrant_id)
            .order_by(warrant_answers.c.room, warrant_answers.c.part)
        )
        with self._engine.begin() as db:
            return [AnswerPart(*row) for row in db.execute(query)]

    def erase(self, expired: datetime) -> int:
        over = select(warrants.c.warrant_id).where(warrants.c.expires <= expired)
        with writing(self._engine) as db:
            gone = db.execute(
                update(warrant_answers)
                .where(
                    warrant_answers.c.warrant_id.in_(over), warrant_answers.c.released.is_not(None)
                )
                .values(released=None, untold=None)
            ).rowcount
        if gone:
            scrub(self._engine)
        return gone

    def _kept(self, statement: Insert) -> bool:
        try:
            with writing(self._engine, alone=False) as db:
                db.execute(statement)
        except IntegrityError:
            return False
        return True


def _row(value: StoredWarrant | AnswerPart) -> dict[str, Any]:
    return {each.name: getattr(value, each.name) for each in fields(value)}


def _warrant(row: Row[*tuple[Any, ...]]) -> StoredWarrant:
    return StoredWarrant(*row)
