"""Bundles in ``registry.db``: what stands in each is kept in the transaction that marks it told."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from hashlib import sha256
from itertools import chain

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from bluezone_node.authority.ports.notices import BundleHead, Draw, DrawnBundle, Due, NoticePart
from bluezone_node.store.authority.alone import alone
from bluezone_node.store.authority.database import writing
from bluezone_node.store.authority.notices import BREAKER, set_switch
from bluezone_node.store.authority.registry_tables import (
    bundles,
    notice_parts,
    notices,
    switches,
    venue_cards,
    warrant_answers,
)
from bluezone_node.venues.card import day_number
from bluezone_node.venues.notices import NOTICE_ID_BYTES
from bluezone_node.venues.register import ROW_ID_BYTES
from bluezone_node.venues.trust import REVOKED_PREFIX_BYTES

_PART = [notice_parts.c[name] for name in ("notice_id", "number", "location_id", "fields")]
_IDS = 500
"""In one statement: SQLite takes 32 766 values, older ones 999."""


class SqlBundles:
    """`BundleStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def alone(self) -> AbstractContextManager[bool]:
        return alone(self._engine, "places")

    def draw(self, now: datetime, most: int, draw: Draw) -> DrawnBundle | None:
        with writing(self._engine) as db:
            return _draw(db, now, most, draw)

    def begin_anew(self, now: datetime, most: int, draw: Draw) -> DrawnBundle | None:
        with writing(self._engine) as db:
            alive = select(notices.c.number).where(notices.c.retracted.is_(None))
            again = update(notice_parts).where(notice_parts.c.number.in_(alive))
            db.execute(again.values(published_in=None))
            drawn = _draw(db, now, most, draw)
            if drawn is not None:
                db.execute(delete(bundles).where(bundles.c.sequence < drawn.sequence))
            return drawn

    def adopt(self, bundle: DrawnBundle) -> None:
        with writing(self._engine) as db:
            _keep(db, bundle)
            for some in _some(bundle.retracted):
                gone = select(notice_parts.c.number).where(notice_parts.c.notice_id.in_(some))
                alive = update(notices).where(notices.c.number.in_(gone))
                alive = alive.where(notices.c.retracted.is_(None))
                db.execute(alive.values(retracted=bundle.created))
            set_switch(db, BREAKER, bundle.breaker, bundle.created, "")

    def bundles(self) -> dict[int, int]:
        sizes = select(bundles.c.sequence, func.length(bundles.c.content))
        with self._engine.begin() as db:
            return {row[0]: row[1] for row in db.execute(sizes.order_by(bundles.c.sequence))}

    def content(self, sequence: int) -> bytes:
        with self._engine.begin() as db:
            content: bytes = db.execute(
                select(bundles.c.content).where(bundles.c.sequence == sequence)
            ).scalar_one()
            return content

    def last(self) -> BundleHead | None:
        with self._engine.begin() as db:
            return _last(db)

    def forget(self, before: datetime) -> int:
        newest = select(func.max(bundles.c.sequence)).scalar_subquery()
        old = delete(bundles).where(bundles.c.created < before, bundles.c.sequence < newest)
        with writing(self._engine) as db:
            return db.execute(old).rowcount


def _draw(db: Connection, now: datetime, most: int, draw: Draw) -> DrawnBundle | None:
    drawn = draw(_due(db, now, most))
    if drawn is not None:
        _keep(db, drawn)
        told = update(warrant_answers).where(warrant_answers.c.untold.is_not(None))
        db.execute(told.values(untold=None))
    return drawn


def _due(db: Connection, now: datetime, most: int) -> Due:
    told, alive = notice_parts.c.published_in, notices.c.retracted.is_(None)
    joined = notice_parts.join(notices, notice_parts.c.number == notices.c.number)
    # Parts are made when a notice is released, never before.
    fresh = select(*_PART).select_from(joined).where(told.is_(None), alive)
    rows = db.execute(
        fresh.where(notices.c.expires > now).order_by(*_PART[1::-1]).limit(most + 1)
    ).all()
    parts = [NoticePart(*row) for row in rows[:most]]
    left_out = {row.number for row in rows[most:]}
    parts = [part for part in parts if part.number not in left_out]
    gone = (
        select(notice_parts.c.notice_id)
        .select_from(joined)
        .where(told.is_not(None), notice_parts.c.retracted_in.is_(None))
        .where(notices.c.retracted.is_not(None))
    )
    if left_out:
        later = select(notices.c.replaces).where(notices.c.number >= min(left_out))
        gone = gone.where(notices.c.number.not_in(later.where(notices.c.replaces.is_not(None))))
    retracted = db.scalars(gone.order_by(notice_parts.c.notice_id)).all()
    withdrawn = select(venue_cards.c.location_id).where(
        venue_cards.c.revoked <= now, venue_cards.c.to_day > day_number(now)
    )
    revoked = sorted({each[:REVOKED_PREFIX_BYTES] for each in db.scalars(withdrawn)})
    on = select(switches.c.on).where(switches.c.name == BREAKER)
    return Due(
        _last(db),
        tuple(parts),
        tuple(retracted),
        bool(db.scalar(on)),
        tuple(revoked),
        _untold(db),
        tuple(chain.from_iterable(_made_up(db).values())),
    )


def _made_up(db: Connection) -> dict[int, list[bytes]]:
    """Return by bundle the ids of its made-up notices that none has retracted."""
    query = select(bundles.c.sequence, bundles.c.made_up).where(bundles.c.made_up != b"")
    return {row[0]: _split(row[1], NOTICE_ID_BYTES) for row in db.execute(query)}


def _untold(db: Connection) -> tuple[bytes, ...]:
    query = select(warrant_answers.c.untold).where(warrant_answers.c.untold.is_not(None))
    return tuple(_split(b"".join(db.scalars(query)), ROW_ID_BYTES))


def _last(db: Connection) -> BundleHead | None:
    row = db.execute(select(bundles).order_by(bundles.c.sequence.desc()).limit(1)).first()
    if row is None:
        return None
    revoked = _split(row.revoked, REVOKED_PREFIX_BYTES)
    digest = sha256(row.content).digest()
    return BundleHead(row.sequence, row.created, digest, row.breaker, tuple(revoked))


def _split(joined: bytes, size: int) -> list[bytes]:
    return [joined[at : at + size] for at in range(0, len(joined), size)]


def _keep(db: Connection, bundle: DrawnBundle) -> None:
    used = set(bundle.retracted)
    for sequence, ids in _made_up(db).items():
        if not used.isdisjoint(ids):
            left = b"".join(name for name in ids if name not in used)
            own = update(bundles).where(bundles.c.sequence == sequence)
            db.execute(own.values(made_up=left))
    db.execute(
        insert(bundles).values(
            sequence=bundle.sequence,
            created=bundle.created,
            breaker=bundle.breaker,
            revoked=b"".join(bundle.revoked),
            content=bundle.content,
            made_up=b"".join(bundle.made_up),
        )
    )
    _mark(db, "published_in", bundle.published, bundle.sequence)
    _mark(db, "retracted_in", bundle.retracted, bundle.sequence)


def _mark(db: Connection, column: str, ids: Sequence[bytes], sequence: int) -> None:
    for some in _some(ids):
        own = notice_parts.c.notice_id.in_(some)
        db.execute(update(notice_parts).where(own).values({column: sequence}))


def _some(ids: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for at in range(0, len(ids), _IDS):
        yield ids[at : at + _IDS]
