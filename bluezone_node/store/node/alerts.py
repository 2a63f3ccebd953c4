"""Alerts: one a day, kind and set of rules, with the evidence that decided."""

from collections.abc import Sequence
from datetime import date, datetime
from sqlite3 import Connection
from typing import Any

from bluezone_node.alerts import Alert, AlertKind, AlertLevel
from bluezone_node.intervals import from_unix
from bluezone_node.ports import StoredAlert
from bluezone_node.store.node.tables import Tables, to_instant, to_seconds

_COLUMNS = (
    "kind, day, starts, ends, level, score, minutes_near, minutes_middle, minutes_far,"
    " confidence, packets, rules, report_type, raised, told, acknowledged"
)


class Alerts(Tables):
    def alerts(self) -> list[StoredAlert]:
        rows = self._database.rows(
            f"SELECT id, {_COLUMNS} FROM alert ORDER BY starts DESC, id DESC"  # noqa: S608
        )
        return [_stored(row) for row in rows]

    def put_alerts(self, alerts: Sequence[Alert], at: datetime, rules: str) -> list[Alert]:
        with self._database.writing() as connection:
            known = {
                (entry.alert.kind, entry.alert.day): entry
                for entry in self.alerts()
                if entry.alert.rules == rules
            }
            untold = []
            for alert in alerts:
                before = known.pop((alert.kind, alert.day), None)
                if before is None:
                    entry = StoredAlert(alert, 0, at, told=None, acknowledged=None)
                else:
                    _delete(connection, before)
                    entry = before.renewed(alert, at)
                _insert(connection, entry)
                if entry.told is None:
                    untold.append(alert)
            for withdrawn in known.values():
                _delete(connection, withdrawn)
        return untold

    def mark_told(self, alerts: Sequence[Alert], at: datetime) -> None:
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE alert SET told = ? WHERE kind = ? AND day = ? AND rules = ?",
                [
                    (to_seconds(at), alert.kind.value, alert.day.isoformat(), alert.rules)
                    for alert in alerts
                ],
            )

    def acknowledge(self, alert_id: int, at: datetime) -> bool:
        with self._database.writing() as connection:
            found = connection.execute(
                "UPDATE alert SET acknowledged = coalesce(acknowledged, ?) WHERE id = ?",
                (to_seconds(at), alert_id),
            )
            return found.rowcount > 0


def _insert(connection: Connection, entry: StoredAlert) -> None:
    alert = entry.alert
    connection.execute(
        f"INSERT INTO alert (id, {_COLUMNS}) VALUES (?{', ?' * 16})",  # noqa: S608
        (
            entry.id or None,
            alert.kind.value,
            alert.day.isoformat(),
            to_seconds(alert.start),
            to_seconds(alert.end),
            alert.level.value,
            alert.score,
            alert.minutes_near,
            alert.minutes_middle,
            alert.minutes_far,
            alert.confidence,
            alert.packets,
            alert.rules,
            alert.report_type,
            to_seconds(entry.raised),
            to_seconds(entry.told),
            to_seconds(entry.acknowledged),
        ),
    )


def _delete(connection: Connection, entry: StoredAlert) -> None:
    connection.execute("DELETE FROM alert WHERE id = ?", (entry.id,))


def _stored(row: Sequence[Any]) -> StoredAlert:
    id_, kind, day, starts, ends, level, *evidence, raised, told, acknowledged = row
    alert = Alert(
        AlertKind(kind),
        date.fromisoformat(day),
        from_unix(starts),
        from_unix(ends),
        AlertLevel(level),
        *evidence,
    )
    return StoredAlert(alert, id_, from_unix(raised), to_instant(told), to_instant(acknowledged))
