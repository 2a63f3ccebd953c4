"""Limits that hold across worker processes and restarts: one row for each bucket that is not full.

The generic cell rate algorithm: *until* is when the bucket will be full again, in milliseconds of
Unix time; taking one moves it on by the rate's interval.  One statement decides and writes, so that
of two who race for the last one only one gets it.
"""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Engine, case, delete, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from bluezone_node.authority.ports.allowances import Rate
from bluezone_node.store.authority.database import scrub, writing
from bluezone_node.store.authority.registry_tables import allowances

_MILLISECOND = timedelta(milliseconds=1)
_ZERO = timedelta(0)


class SqlAllowances:
    """`Allowances` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def take(self, bucket: bytes, rate: Rate, now: datetime) -> timedelta:
        at, interval, period = _milliseconds(now), rate.interval // _MILLISECOND, _whole(rate)
        until = allowances.c.until
        # Further than two periods ahead it was never set by this clock: the clock was put back,
        # and nobody must wait for it to come round again.
        full = case((until.between(at, at + 2 * period), until), else_=literal(at, BigInteger))
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        row = insert(allowances).values(bucket=bucket, until=at + interval)
        taking = row.on_conflict_do_update(
            index_elements=["bucket"],
            set_={"until": full + interval},
            where=full + interval <= at + period,
        ).returning(until)
        # Beside others: each bucket is a row, and the statement locks no more than that.
        with writing(self._engine, alone=False) as db:
            if db.execute(taking).first() is not None:
                return _ZERO
        return self.wait(bucket, rate, now) or rate.interval

    def wait(self, bucket: bytes, rate: Rate, now: datetime) -> timedelta:
        at, interval, period = _milliseconds(now), rate.interval // _MILLISECOND, _whole(rate)
        with self._engine.begin() as db:
            until = db.scalar(select(allowances.c.until).where(allowances.c.bucket == bucket))
        if until is None or until > at + 2 * period:
            return _ZERO
        return max(_ZERO, timedelta(milliseconds=until + interval - at - period))

    def forget(self, now: datetime) -> int:
        with writing(self._engine) as db:
            gone = db.execute(delete(allowances).where(allowances.c.until < _milliseconds(now)))
        if gone.rowcount:
            scrub(self._engine)
        return gone.rowcount


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _whole(rate: Rate) -> int:
    """Return the period as so many whole intervals, so that rounding loses none."""
    return rate.interval // _MILLISECOND * rate.number
