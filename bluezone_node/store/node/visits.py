"""Where the owner was: visits, one sealed cell each."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from bluezone_node.alerts import Alert, AlertKind
from bluezone_node.intervals import day_of, from_unix
from bluezone_node.ports import StoredVisit
from bluezone_node.store.node.alerts import Alerts
from bluezone_node.store.node.passes import ShownPasses
from bluezone_node.store.node.retention import rewrite, rewrite_without
from bluezone_node.store.node.tables import next_row
from bluezone_node.venues.card import read_card
from bluezone_node.venues.passes import shown_during
from bluezone_node.venues.text import Proof
from bluezone_node.venues.visits import Mark, OutKind, Visit


class Visits(Alerts, ShownPasses):
    def visits(self) -> list[StoredVisit]:
        rows = self._database.rows("SELECT id, entry FROM visit")
        unseal = self._database.seal.open
        found = [StoredVisit(row, _read(unseal("visit", row, cell))) for row, cell in rows]
        return sorted(found, key=lambda entry: (entry.visit.came, entry.id))

    def change_visits(
        self, change: Callable[[Sequence[StoredVisit]], Sequence[StoredVisit]]
    ) -> list[StoredVisit]:
        changed = []
        with self._database.writing() as connection:
            for entry in change(self.visits()):
                row = entry.id or next_row(connection, "visit")
                cell = self._database.seal.close("visit", row, _written(entry.visit))
                connection.execute(
                    "INSERT OR REPLACE INTO visit (id, day, entry) VALUES (?, ?, ?)",
                    (row, day_of(entry.visit.came).isoformat(), cell),
                )
                changed.append(StoredVisit(row, entry.visit))
            if any(entry.visit.private and entry.visit.out for entry in changed):
                # The name that was dropped must not survive in a page that a row was moved from.
                rewrite(connection, "visit")
        return changed

    def forget_visits(self, ids: Collection[int] | None = None) -> int:
        with self._database.writing() as connection:
            gone = [entry for entry in self.visits() if ids is None or entry.id in ids]
            subjects = {str(entry.id) for entry in gone}

            def shown(at: datetime) -> bool:
                return ids is None or any(shown_during(at, entry.visit) for entry in gone)

            def tells(alert: Alert) -> bool:
                if alert.kind is AlertKind.VENUE:
                    return ids is None or alert.subject in subjects
                # That a row was opened names its place, too.
                return alert.kind is AlertKind.REGISTER and shown(alert.start)

            alerts = [entry.id for entry in self.alerts() if tells(entry.alert)]
            removed = rewrite_without(connection, "visit", _among(entry.id for entry in gone), {})
            rewrite_without(connection, "alert", _among(alerts), {})
            passes = _among(row for row, _, at in self._passes() if shown(at))
            rewrite_without(connection, "shown_pass", passes, {})
        self._database.empty_the_log()
        return removed


def _among(rows: Iterable[int]) -> str:
    return f"id IN ({','.join(map(str, rows))})"


class _Entry(msgspec.Struct, omit_defaults=True):
    """A visit as it is kept: bytes as base64, instants to the microsecond."""

    came: float
    confirmed: float
    label: str = ""
    card: bytes = b""
    marks: tuple[tuple[bytes, bytes], ...] = ()
    heard: float | None = None
    left: float | None = None
    out: str = ""
    party: int = 1
    proofs: tuple[tuple[int, bytes], ...] = ()
    private: bool = False


def _written(visit: Visit) -> bytes:
    return msgspec.json.encode(
        _Entry(
            visit.came.timestamp(),
            visit.confirmed.timestamp(),
            visit.label,
            visit.card.cose if visit.card else b"",
            tuple((mark.tag, mark.slot_key) for mark in visit.marks),
            _seconds(visit.heard),
            _seconds(visit.left),
            visit.out.value if visit.out else "",
            visit.party,
            tuple((proof.step, proof.mac) for proof in visit.proofs),
            visit.private,
        )
    )


def _read(cell: bytes) -> Visit:
    entry = msgspec.json.decode(cell, type=_Entry)
    return Visit(
        from_unix(entry.came),
        from_unix(entry.confirmed),
        entry.label,
        read_card(entry.card) if entry.card else None,
        tuple(Mark(tag, key) for tag, key in entry.marks),
        _instant(entry.heard),
        _instant(entry.left),
        OutKind(entry.out) if entry.out else None,
        entry.party,
        tuple(Proof(step, mac) for step, mac in entry.proofs),
        entry.private,
    )


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else from_unix(seconds)
