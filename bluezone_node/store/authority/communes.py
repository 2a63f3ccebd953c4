"""The lists of communes in ``registry.db``."""

from collections.abc import Collection, Sequence
from dataclasses import asdict

from sqlalchemy import Engine, bindparam, delete, func, insert, select, update

from bluezone_node.authority.ports.communes import Commune, KeptCommunes
from bluezone_node.store.authority.database import writing
from bluezone_node.store.authority.registry_tables import communes


class SqlCommunes:
    """`CommuneStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, edition: int, communes_: Sequence[Commune], *, whole: bool) -> KeptCommunes:
        own = communes.c.edition == edition
        with writing(self._engine) as db:
            rows = db.execute(select(communes).where(own))
            before = {row.code: Commune(*row) for row in rows}
            new = [each for each in communes_ if each.code not in before]
            changed = [each for each in communes_ if before.get(each.code, each) != each]
            if new:
                db.execute(insert(communes), [asdict(each) for each in new])
            if changed:
                one = update(communes).where(own, communes.c.code == bindparam("number"))
                db.execute(
                    one.values(name=bindparam("called"), province=bindparam("within")),
                    [
                        {"number": each.code, "called": each.name, "within": each.province}
                        for each in changed
                    ],
                )
            gone = set(before) - {each.code for each in communes_} if whole else set()
            if gone:
                old = delete(communes).where(own, communes.c.code == bindparam("number"))
                db.execute(old, [{"number": code} for code in sorted(gone)])
        known = len(communes_) - len(new) - len(changed)
        return KeptCommunes(len(new), len(changed), known, len(gone))

    def listed(self, edition: int, province: int | None = None) -> list[Commune]:
        wanted = select(communes).where(communes.c.edition == edition)
        if province is not None:
            wanted = wanted.where(communes.c.province == province)
        with self._engine.begin() as db:
            return [Commune(*row) for row in db.execute(wanted.order_by(communes.c.code))]

    def names(self, codes: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
        found: dict[tuple[int, int], str] = {}
        with self._engine.begin() as db:
            for edition in {edition for edition, _ in codes}:
                own = [code for each, code in codes if each == edition]
                wanted = select(communes.c.code, communes.c.name).where(
                    communes.c.edition == edition, communes.c.code.in_(own)
                )
                found |= {(edition, code): name for code, name in db.execute(wanted)}
        return found

    def counts(self) -> dict[int, int]:
        counted = select(communes.c.edition, func.count()).group_by(communes.c.edition)
        with self._engine.begin() as db:
            return {row[0]: row[1] for row in db.execute(counted)}
