"""``registry.db``: codes and tokens. Who was tested stays on this side."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, exists, func, insert, select, update

from bluezone_node.authority.ports.registry import (
    RegistryCounts,
    VerificationCode,
    VerificationToken,
)
from bluezone_node.store.authority.database import scrub, writing
from bluezone_node.store.authority.registry_tables import codes, tokens


class SqlRegistry:
    """`RegistryStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_code(self, code: VerificationCode) -> bool:
        with writing(self._engine) as db:
            taken = select(codes.c.digest).where(codes.c.digest == code.digest)
            if db.execute(taken).first() is not None:
                return False
            db.execute(insert(codes).values(asdict(code)))
            return True

    def code(self, digest: bytes) -> VerificationCode | None:
        with self._engine.begin() as db:
            row = db.execute(select(codes).where(codes.c.digest == digest)).first()
        return VerificationCode(*row) if row is not None else None

    def claim_code(self, digest: bytes, token: VerificationToken, at: datetime) -> bool:
        with writing(self._engine) as db:
            claimed = db.execute(
                update(codes)
                .where(codes.c.digest == digest, codes.c.claimed.is_(None), codes.c.expires > at)
                .values(claimed=at)
            )
            if claimed.rowcount != 1 and not _gives_way(db, digest, token, at):
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
        with writing(self._engine) as db:
            spent = db.execute(
                update(tokens)
                .where(
                    tokens.c.digest == digest,
                    tokens.c.spent_on.is_(None) | (tokens.c.spent_on == spent_on),
                    tokens.c.expires > at,
                )
                .values(spent_on=spent_on, claimed_with=None)
            )
            return spent.rowcount == 1

    def forget(self, before: datetime) -> int:
        with writing(self._engine) as db:
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


def _gives_way(db: Connection, digest: bytes, token: VerificationToken, at: datetime) -> bool:
    """Remove the unspent token of the claim that *token* repeats; False where there is none."""
    if token.claimed_with is None:
        return False
    alive = exists().where(codes.c.digest == digest, codes.c.expires > at)
    earlier = delete(tokens).where(tokens.c.claimed_with == token.claimed_with, alive)
    return db.execute(earlier).rowcount == 1
