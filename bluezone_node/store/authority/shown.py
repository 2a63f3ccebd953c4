"""`ShownStore` on SQLAlchemy: one row for each result of a form."""

from datetime import datetime

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bluezone_node.store.authority.database import scrub, writing
from bluezone_node.store.authority.registry_tables import shown


class SqlShown:
    """`ShownStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, digest: bytes, now: datetime, expires: datetime) -> bool:
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        row = insert(shown).values(digest=digest, expires=expires)
        begun = row.on_conflict_do_update(
            index_elements=["digest"],
            set_={"expires": expires, "sealed": None},
            where=shown.c.expires <= now,
        ).returning(shown.c.digest)
        with writing(self._engine, alone=False) as db:
            return db.execute(begun).first() is not None

    def fill(self, digest: bytes, sealed: bytes) -> None:
        with writing(self._engine, alone=False) as db:
            db.execute(update(shown).where(shown.c.digest == digest).values(sealed=sealed))

    def drop(self, digest: bytes) -> None:
        with writing(self._engine, alone=False) as db:
            db.execute(delete(shown).where(shown.c.digest == digest))

    def read(self, digest: bytes, now: datetime) -> bytes | None:
        asked = select(shown.c.sealed).where(shown.c.digest == digest, shown.c.expires > now)
        with self._engine.begin() as db:
            found = db.execute(asked).first()
        return None if found is None else found.sealed or b""

    def forget(self, now: datetime) -> int:
        with writing(self._engine) as db:
            gone = db.execute(delete(shown).where(shown.c.expires <= now)).rowcount
        if gone:
            scrub(self._engine)
        return gone
