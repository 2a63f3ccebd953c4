"""Outbreak notices in ``registry.db``, and the breaker."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    delete,
    func,
    insert,
    select,
    update,
)

from bluezone_node.authority.ports.notices import (
    Breaker,
    ListedNotice,
    NoticePart,
    StoredNotice,
)
from bluezone_node.store.authority.database import scrub, writing
from bluezone_node.store.authority.registry_tables import (
    notice_parts,
    notices,
    proposals,
    switches,
)

BREAKER = "breaker"
_ALIVE = notices.c.retracted.is_(None)


class SqlNotices:
    """`NoticeStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, notice: StoredNotice, parts: Sequence[NoticePart]) -> int | None:
        values = asdict(notice) | {"texts": _json(notice.texts)}
        del values["number"]
        with writing(self._engine) as db:
            if notice.released is not None and not _replaced(db, notice):
                db.rollback()
                return None
            # An update answers what its notice answered before.
            if notice.proposal and not notice.replaces and not _accepted(db, notice):
                db.rollback()
                return None
            added = insert(notices).values(values).returning(notices.c.number)
            number: int = db.execute(added).scalar_one()
            _keep(db, number, parts)
            return number

    def release(self, number: int, at: datetime, by: str, parts: Sequence[NoticePart]) -> bool:
        waiting = (notices.c.number == number, _ALIVE, notices.c.released.is_(None))
        with writing(self._engine) as db:
            released = update(notices).where(*waiting).values(released=at, released_by=by)
            if db.execute(released).rowcount != 1:
                return False
            found = _listed(db.execute(_select().where(notices.c.number == number)).one()).notice
            if not _replaced(db, found):
                db.rollback()
                return False
            _keep(db, number, parts)
            return True

    def retract(self, number: int, at: datetime, by: str) -> bool:
        with writing(self._engine) as db:
            return _retract(db, number, at, by)

    def notice(self, number: int) -> ListedNotice | None:
        with self._engine.begin() as db:
            row = db.execute(_select().where(notices.c.number == number)).first()
        return None if row is None else _listed(row)

    def notices(self, realm: str | None = None, limit: int = 200) -> list[ListedNotice]:
        where = [] if realm is None else [notices.c.realm == realm]
        return self._found(*where, limit=limit)

    def touching(self, venue_id: bytes, start: datetime, end: datetime) -> list[ListedNotice]:
        near = self._found(notices.c.venue_id == venue_id, notices.c.start < end)
        # The tail is added here: no database adds minutes to an instant as the other does.
        return [each for each in near if each.notice.until > start]

    def breaker(self) -> Breaker:
        with self._engine.begin() as db:
            row = db.execute(select(switches).where(switches.c.name == BREAKER)).first()
        return Breaker(False, None, "") if row is None else Breaker(row.on, row.since, row.by)

    def set_breaker(self, on: bool, at: datetime, by: str) -> bool:
        with writing(self._engine) as db:
            return set_switch(db, BREAKER, on, at, by)

    def forget(self, before: datetime) -> int:
        with writing(self._engine) as db:
            over = select(notices.c.number).where(notices.c.expires < before)
            db.execute(delete(notice_parts).where(notice_parts.c.number.in_(over)))
            gone = db.execute(delete(notices).where(notices.c.expires < before)).rowcount
            past = db.execute(delete(proposals).where(proposals.c.received < before)).rowcount
        if gone or past:
            scrub(self._engine)
        return gone

    def _found(self, *where: ColumnElement[bool], limit: int | None = None) -> list[ListedNotice]:
        newest = _select().where(*where).order_by(notices.c.number.desc()).limit(limit)
        with self._engine.begin() as db:
            return [_listed(row) for row in db.execute(newest)]


def set_switch(db: Connection, name: str, on: bool, at: datetime, by: str) -> bool:
    """Turn a switch; False where it stood so already, and nothing was changed."""
    values = {"on": on, "since": at, "by": by}
    row = db.execute(select(switches.c.on).where(switches.c.name == name)).first()
    if (row is not None and row.on) == on:
        return False
    if row is None:
        db.execute(insert(switches).values(values | {"name": name}))
    else:
        db.execute(update(switches).where(switches.c.name == name).values(values))
    return True


def _select() -> Select[Any]:
    def first(column: ColumnElement[Any]) -> ColumnElement[Any]:
        return (
            select(func.min(column))
            .where(notice_parts.c.number == notices.c.number)
            .scalar_subquery()
        )

    return select(notices, first(notice_parts.c.published_in), first(notice_parts.c.retracted_in))


def _listed(row: Any) -> ListedNotice:
    *fields, published_in, retracted_in = row
    texts = [*notices.c.keys()].index("texts")
    fields[texts] = json.loads(fields[texts])
    return ListedNotice(StoredNotice(*fields), published_in, retracted_in)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _keep(db: Connection, number: int, parts: Sequence[NoticePart]) -> None:
    if parts:
        db.execute(insert(notice_parts), [asdict(part) | {"number": number} for part in parts])


def _retract(db: Connection, number: int, at: datetime, by: str) -> bool:
    alive = update(notices).where(notices.c.number == number, _ALIVE)
    return db.execute(alive.values(retracted=at, retracted_by=by)).rowcount == 1


def _replaced(db: Connection, notice: StoredNotice) -> bool:
    """Retract what *notice* replaces; False where that was done before."""
    if notice.replaces is None or notice.released is None:
        return True
    return _retract(db, notice.replaces, notice.released, notice.released_by)


def _accepted(db: Connection, notice: StoredNotice) -> bool:
    """Decide the proposal that *notice* answers; False where that was done before."""
    waiting = update(proposals).where(
        proposals.c.proposal_id == notice.proposal, proposals.c.decided.is_(None)
    )
    values = {"decided": notice.issued, "decided_by": notice.issued_by, "accepted": True}
    return db.execute(waiting.values(values)).rowcount == 1
