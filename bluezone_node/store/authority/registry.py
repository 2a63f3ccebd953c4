"""``registry.db``: codes and tokens. Who was tested stays on this side."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    Date,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from bluezone_node.authority.ports.registry import (
    RegistryCounts,
    VerificationCode,
    VerificationToken,
)
from bluezone_node.store.authority.database import UnixTime, scrub, writing
from bluezone_node.store.authority.schema import Layout

TABLES = MetaData()
LAYOUT = Layout("registry", TABLES, revision="0001")

# The columns of each table are the fields of its value, in name and in order.
_codes = Table(
    "codes",
    TABLES,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("report_type", String(16), nullable=False),
    Column("symptom_date", Date),
    Column("test_date", Date),
    Column("created", UnixTime, nullable=False),
    Column("expires", UnixTime, nullable=False, index=True),
    Column("claimed", UnixTime),
)

# No column ties a token to its code: after the claim only the device needs to know, and to find
# *claimed_with* takes its nonce.
_tokens = Table(
    "tokens",
    TABLES,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("report_type", String(16), nullable=False),
    Column("symptom_date", Date),
    Column("created", UnixTime, nullable=False),
    Column("expires", UnixTime, nullable=False, index=True),
    Column("spent_on", LargeBinary(32)),
    Column("claimed_with", LargeBinary(32), unique=True),
)


class SqlRegistry:
    """`RegistryStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_code(self, code: VerificationCode) -> bool:
        with writing(self._engine) as db:
            taken = select(_codes.c.digest).where(_codes.c.digest == code.digest)
            if db.execute(taken).first() is not None:
                return False
            db.execute(insert(_codes).values(asdict(code)))
            return True

    def code(self, digest: bytes) -> VerificationCode | None:
        with self._engine.begin() as db:
            row = db.execute(select(_codes).where(_codes.c.digest == digest)).first()
        return VerificationCode(*row) if row is not None else None

    def claim_code(self, digest: bytes, token: VerificationToken, at: datetime) -> bool:
        with writing(self._engine) as db:
            claimed = db.execute(
                update(_codes)
                .where(_codes.c.digest == digest, _codes.c.claimed.is_(None), _codes.c.expires > at)
                .values(claimed=at)
            )
            if claimed.rowcount != 1 and not _gives_way(db, digest, token, at):
                return False
            db.execute(insert(_tokens).values(asdict(token)))
            return True

    def repeatable(self, claimed_with: bytes) -> bool:
        unspent = select(_tokens.c.digest).where(_tokens.c.claimed_with == claimed_with)
        with self._engine.begin() as db:
            return db.execute(unspent).first() is not None

    def token(self, digest: bytes) -> VerificationToken | None:
        with self._engine.begin() as db:
            row = db.execute(select(_tokens).where(_tokens.c.digest == digest)).first()
        return VerificationToken(*row) if row is not None else None

    def spend_token(self, digest: bytes, spent_on: bytes, at: datetime) -> bool:
        with writing(self._engine) as db:
            spent = db.execute(
                update(_tokens)
                .where(
                    _tokens.c.digest == digest,
                    _tokens.c.spent_on.is_(None) | (_tokens.c.spent_on == spent_on),
                    _tokens.c.expires > at,
                )
                .values(spent_on=spent_on, claimed_with=None)
            )
            return spent.rowcount == 1

    def forget(self, before: datetime) -> int:
        with writing(self._engine) as db:
            codes = db.execute(delete(_codes).where(_codes.c.expires < before))
            tokens = db.execute(delete(_tokens).where(_tokens.c.expires < before))
        if removed := codes.rowcount + tokens.rowcount:
            scrub(self._engine)
        return removed

    def counts(self, now: datetime) -> RegistryCounts:
        unclaimed = _codes.c.claimed.is_(None)
        with self._engine.begin() as db:

            def count(*where: object) -> int:
                return db.scalar(select(func.count()).select_from(_codes).where(*where)) or 0  # type: ignore[arg-type]

            return RegistryCounts(
                codes_open=count(unclaimed, _codes.c.expires > now),
                codes_claimed=count(_codes.c.claimed.is_not(None)),
                codes_expired=count(unclaimed, _codes.c.expires <= now),
                tokens=db.scalar(select(func.count()).select_from(_tokens)) or 0,
            )


def _gives_way(db: Connection, digest: bytes, token: VerificationToken, at: datetime) -> bool:
    """Remove the unspent token of the claim that *token* repeats; False where there is none."""
    if token.claimed_with is None:
        return False
    alive = exists().where(_codes.c.digest == digest, _codes.c.expires > at)
    earlier = delete(_tokens).where(_tokens.c.claimed_with == token.claimed_with, alive)
    return db.execute(earlier).rowcount == 1
