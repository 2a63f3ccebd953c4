"""``registry.db``: codes and tokens. Who was tested stays on this side."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime

from sqlalchemy import (
    Connection,
    Engine,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from bluezone_node.authority.ports.registry import (
    Outcome,
    RegistryCounts,
    VerificationCode,
    VerificationToken,
)
from bluezone_node.store.authority import tally
from bluezone_node.store.authority.database import scrub, writing
from bluezone_node.store.authority.registry_tables import codes, daily_counts, tokens


class SqlRegistry:
    """`RegistryStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_codes(self, new: Sequence[VerificationCode], daily: int) -> list[Outcome]:
        with writing(self._engine) as db:
            return _added(db, new, daily)

    def replace_code(self, handle: bytes, new: VerificationCode, daily: int) -> Outcome:
        with writing(self._engine) as db:
            open_ = select(codes.c.digest).where(
                codes.c.handle == handle, codes.c.claimed.is_(None), codes.c.revoked.is_(None)
            )
            if db.execute(open_).first() is None:
                return Outcome.NOT_OPEN
            (kept,) = _added(db, [new], daily)
            if kept is Outcome.KEPT:
                _revoked(db, handle, new.created)
            return kept

    def revoke_code(self, handle: bytes, at: datetime) -> bool:
        with writing(self._engine) as db:
            return _revoked(db, handle, at)

    def withdraw_code(self, digest: bytes, at: datetime) -> None:
        with writing(self._engine) as db:
            row = db.execute(select(codes).where(codes.c.digest == digest)).first()
            if row is None:
                return
            code = VerificationCode(*row)
            db.execute(
                update(codes)
                .where(codes.c.digest == digest)
                .values(handle=None, revoked=at, expires=_sooner(at))
            )
            for event in ("codes_issued", *(["codes_issued_long"] * (code.kind == "long"))):
                _count(db, code.created, code.realm, event, -1)
            _count(db, at, code.realm, "sms_failed")

    def count(self, at: datetime, realm: str, event: str) -> None:
        with writing(self._engine) as db:
            _count(db, at, realm, event)

    def issued_on(self, day: date, realm: str) -> int:
        with self._engine.begin() as db:
            return _issued(db, day, realm)

    def code(self, digest: bytes) -> VerificationCode | None:
        with self._engine.begin() as db:
            row = db.execute(select(codes).where(codes.c.digest == digest)).first()
        return VerificationCode(*row) if row is not None else None

    def code_of(self, handle: bytes) -> VerificationCode | None:
        with self._engine.begin() as db:
            row = db.execute(select(codes).where(codes.c.handle == handle)).first()
        return VerificationCode(*row) if row is not None else None

    def claim_code(self, digest: bytes, token: VerificationToken, at: datetime) -> bool:
        with writing(self._engine) as db:
            claimed = db.execute(
                update(codes)
                .where(
                    codes.c.digest == digest,
                    codes.c.claimed.is_(None),
                    codes.c.revoked.is_(None),
                    codes.c.expires > at,
                )
                .values(claimed=at)
            )
            if claimed.rowcount == 1:
                _count(db, at, token.realm, "codes_claimed")
            elif not _gives_way(db, digest, token, at):
                return False
            db.execute(insert(tokens).values(asdict(token)))
            return True

    def repeatable(self, claimed_with: bytes) -> bool:
        unspent = select(tokens.c.digest).where(tokens.c.claimed_with == claimed_with)
        with self._engine.begin() as db:
            return db.execute(unspent).first() is not None

    def token(self, digest: bytes) -> VerificationToken | None:
        with self._engine.begin() as db:
            row = db.execute(select(tokens).where(tokens.c.digest == digest)).first()
        return VerificationToken(*row) if row is not None else None

    def spend_token(self, digest: bytes, spent_on: bytes, at: datetime) -> bool:
        alive = (tokens.c.digest == digest, tokens.c.expires > at)
        with writing(self._engine) as db:
            row = db.execute(select(tokens.c.spent_on, tokens.c.realm).where(*alive)).first()
            if row is None or row.spent_on not in (None, spent_on):
                return False
            if row.spent_on is None:
                spending = update(tokens).where(*alive)
                db.execute(spending.values(spent_on=spent_on, claimed_with=None))
                _count(db, at, row.realm, "certificates")
            return True

    def forget(self, before: datetime) -> int:
        unused = select(codes.c.expires, codes.c.realm).where(
            codes.c.expires < before, codes.c.claimed.is_(None), codes.c.revoked.is_(None)
        )
        with writing(self._engine) as db:
            over = Counter((row.expires.date(), row.realm) for row in db.execute(unused))
            for (day, realm), number in over.items():
                tally.count(db, daily_counts, day, realm, "codes_expired_unclaimed", number)
            gone = [
                db.execute(delete(table).where(table.c.expires < before))
                for table in (codes, tokens)
            ]
        if removed := sum(each.rowcount for each in gone):
            scrub(self._engine)
        return removed

    def counts(self, now: datetime) -> RegistryCounts:
        unclaimed = codes.c.claimed.is_(None)
        with self._engine.begin() as db:

            def count(*where: object) -> int:
                return db.scalar(select(func.count()).select_from(codes).where(*where)) or 0  # type: ignore[arg-type]

            return RegistryCounts(
                codes_open=count(unclaimed, codes.c.expires > now),
                codes_claimed=count(codes.c.claimed.is_not(None)),
                codes_expired=count(unclaimed, codes.c.expires <= now),
                tokens=db.scalar(select(func.count()).select_from(tokens)) or 0,
            )


def _added(db: Connection, new: Sequence[VerificationCode], daily: int) -> list[Outcome]:
    if not new:
        return []
    created, realm = new[0].created, new[0].realm
    digests = _taken(db, codes.c.digest, [code.digest for code in new])
    handles = _taken(db, codes.c.handle, [code.handle for code in new])
    left = daily - _issued(db, created.astimezone(UTC).date(), realm)
    kept: list[VerificationCode] = []
    outcome: list[Outcome] = []
    for code in new:
        if code.handle is not None and code.handle in handles:
            outcome.append(Outcome.HANDLE_TAKEN)
        elif code.digest in digests:
            outcome.append(Outcome.DIGEST_TAKEN)
        elif len(kept) >= left:
            outcome.append(Outcome.QUOTA_EXCEEDED)
        else:
            outcome.append(Outcome.KEPT)
            kept.append(code)
            digests.add(code.digest)
            handles.add(code.handle)
    if kept:
        db.execute(insert(codes), [asdict(code) for code in kept])
        _count(db, created, realm, "codes_issued", len(kept))
    if long := sum(code.kind == "long" for code in kept):
        _count(db, created, realm, "codes_issued_long", long)
    return outcome


def _taken(db: Connection, column: object, wanted: Sequence[bytes | None]) -> set[bytes | None]:
    found = select(column).where(column.in_([each for each in wanted if each is not None]))  # type: ignore[attr-defined,call-overload]
    return set(db.scalars(found))


def _issued(db: Connection, day: date, realm: str) -> int:
    table = daily_counts
    found = select(table.c.count).where(
        table.c.day == day, table.c.realm == realm, table.c.event == "codes_issued"
    )
    return db.scalar(found) or 0


def _revoked(db: Connection, handle: bytes, at: datetime) -> bool:
    unclaimed = codes.c.claimed.is_(None) & codes.c.revoked.is_(None)
    ended = db.execute(
        update(codes)
        .where(codes.c.handle == handle, unclaimed)
        .values(revoked=at, expires=_sooner(at))
        .returning(codes.c.realm)
    ).first()
    if ended is None:
        return False
    _count(db, at, ended.realm, "codes_revoked")
    return True


def _sooner(at: datetime) -> object:
    # Of the column's type: left to itself the instant would be written as text.
    return case((codes.c.expires < at, codes.c.expires), else_=literal(at, codes.c.expires.type))


def _count(db: Connection, at: datetime, realm: str, event: str, number: int = 1) -> None:
    tally.count(db, daily_counts, at.astimezone(UTC).date(), realm, event, number)


def _gives_way(db: Connection, digest: bytes, token: VerificationToken, at: datetime) -> bool:
    """Remove the unspent token of the claim that *token* repeats; False where there is none."""
    if token.claimed_with is None:
        return False
    alive = exists().where(codes.c.digest == digest, codes.c.expires > at)
    earlier = delete(tokens).where(tokens.c.claimed_with == token.claimed_with, alive)
    return db.execute(earlier).rowcount == 1
