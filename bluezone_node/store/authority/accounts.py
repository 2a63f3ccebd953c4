"""``registry.db``: the people who work with the registrar, and their sessions."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from bluezone_node.authority.ports.accounts import (
    ADMIN,
    EVERYWHERE,
    Decide,
    Govern,
    StoredSession,
    User,
)
from bluezone_node.store.authority.database import scrub, writing
from bluezone_node.store.authority.registry_tables import sessions, users


class SqlAccounts:
    """`UserStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, user: User) -> bool:
        with writing(self._engine) as db:
            if _found(db, user.name) is not None:
                return False
            db.execute(insert(users).values(asdict(user)))
            return True

    def user(self, name: str) -> User | None:
        with self._engine.begin() as db:
            return _found(db, name)

    def users(self, realm: str | None = None) -> list[User]:
        asked = select(users)
        if realm is not None:
            asked = asked.where(users.c.realm == realm)
        with self._engine.begin() as db:
            found = [User(*row) for row in db.execute(asked)]
        # By code point, which a collation of the database need not do.
        return sorted(found, key=lambda user: user.name)

    def change(
        self, name: str, decide: Decide, *, begin: StoredSession | None = None
    ) -> User | None:
        with writing(self._engine) as db:
            changed = _changed(db, name, decide)
            if changed is not None and begin is not None:
                db.execute(insert(sessions).values(asdict(begin)))
            return changed

    def govern(self, name: str, govern: Govern) -> User | None:
        with writing(self._engine) as db:
            others = db.scalar(
                select(func.count())
                .select_from(users)
                .where(
                    users.c.role == ADMIN,
                    users.c.realm == EVERYWHERE,
                    users.c.disabled.is_(None),
                    users.c.name != name,
                )
            )
            changed = _changed(db, name, lambda user: govern(user, others or 0))
            db.execute(delete(sessions).where(sessions.c.user == name))
            return changed

    def session(self, digest: bytes) -> tuple[StoredSession, User] | None:
        asked = (
            select(sessions, users)
            .join(users, users.c.name == sessions.c.user)
            .where(sessions.c.digest == digest)
        )
        with self._engine.begin() as db:
            row = db.execute(asked).first()
        if row is None:
            return None
        width = len(sessions.c)
        return StoredSession(*row[:width]), User(*row[width:])

    def touch(self, digest: bytes, at: datetime) -> None:
        # A row of its own, and the later of two wins: nothing to be alone for.
        with writing(self._engine, alone=False) as db:
            db.execute(
                update(sessions)
                .where(sessions.c.digest == digest, sessions.c.seen < at)
                .values(seen=at)
            )

    def end_sessions(self, user: str, *, but: bytes | None = None) -> int:
        gone = delete(sessions).where(sessions.c.user == user)
        with writing(self._engine) as db:
            return db.execute(
                gone if but is None else gone.where(sessions.c.digest != but)
            ).rowcount

    def end_session(self, digest: bytes) -> None:
        with writing(self._engine) as db:
            db.execute(delete(sessions).where(sessions.c.digest == digest))

    def forget_sessions(self, now: datetime, seen_before: datetime) -> int:
        over = (sessions.c.expires <= now) | (sessions.c.seen <= seen_before)
        with writing(self._engine) as db:
            removed = db.execute(delete(sessions).where(over)).rowcount
        if removed:
            scrub(self._engine)
        return removed


def _found(db: Connection, name: str) -> User | None:
    row = db.execute(select(users).where(users.c.name == name)).first()
    return User(*row) if row is not None else None


def _changed(db: Connection, name: str, change: Callable[[User], User]) -> User | None:
    found = _found(db, name)
    if found is None:
        return None
    changed = change(found)
    if changed != found:
        db.execute(update(users).where(users.c.name == name).values(asdict(changed)))
    return changed
