"""Alerts: one a day, kind, subject and set of rules, with the evidence that decided."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from sqlite3 import Connection

import msgspec

from bluezone_node.alerts import Alert, AlertKind, AlertLevel, Nearness, Presence
from bluezone_node.intervals import from_unix
from bluezone_node.ports import StoredAlert
from bluezone_node.store.node.tables import (
    Tables,
    from_cell,
    next_row,
    to_cell,
    to_instant,
    to_seconds,
)

_EVIDENCE = 11
"""Values between level and the time an alert was raised; before places there were two less, and
before distances were estimated three."""
_LATER = (None, "", None)
"""What stands for the last of them in older entries: nearness, subject, presence."""


class Alerts(Tables):
    def alerts(self) -> list[StoredAlert]:
        rows = self._database.rows("SELECT id, entry FROM alert")
        unseal = self._database.seal.open
        found = [_stored(row, unseal("alert", row, cell)) for row, cell in rows]
        return sorted(found, key=lambda entry: (entry.alert.start, entry.id), reverse=True)

    def put_alerts(self, alerts: Sequence[Alert], at: datetime, rules: str) -> list[Alert]:
        with self._database.writing() as connection:
            known = {
                entry.alert.identity: entry for entry in self.alerts() if entry.alert.rules == rules
            }
            untold = []
            for alert in alerts:
                before = known.pop(alert.identity, None)
                if before is None:
                    row = next_row(connection, "alert")
                    entry = StoredAlert(alert, row, at, told=None, acknowledged=None)
                else:
                    entry = before.renewed(alert, at)
                self._put(connection, entry)
                if entry.told is None:
                    untold.append(alert)
            for withdrawn in known.values():
                connection.execute("DELETE FROM alert WHERE id = ?", (withdrawn.id,))
        return untold

    def mark_told(self, alerts: Sequence[Alert], at: datetime) -> None:
        told = {alert.identity for alert in alerts}
        with self._database.writing() as connection:
            for entry in self.alerts():
                if entry.alert.identity in told:
                    self._put(connection, replace(entry, told=at))

    def acknowledge(self, alert_id: int, at: datetime) -> bool:
        with self._database.writing() as connection:
            for entry in self.alerts():
                if entry.id == alert_id:
                    acknowledged = entry.acknowledged or at
                    self._put(connection, replace(entry, acknowledged=acknowledged))
                    return True
        return False

    def _put(self, connection: Connection, entry: StoredAlert) -> None:
        cell = self._database.seal.close("alert", entry.id, _entry(entry))
        connection.execute(
            "INSERT OR REPLACE INTO alert (id, day, entry) VALUES (?, ?, ?)",
            (entry.id, entry.alert.day.isoformat(), cell),
        )


def _entry(entry: StoredAlert) -> bytes:
    alert = entry.alert
    return to_cell(
        (
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
            msgspec.to_builtins(alert.nearness),
            alert.subject,
            msgspec.to_builtins(alert.presence),
            to_seconds(entry.raised),
            to_seconds(entry.told),
            to_seconds(entry.acknowledged),
        )
    )


def _stored(row: int, cell: bytes) -> StoredAlert:
    kind, day, starts, ends, level, *evidence, raised, told, acknowledged = from_cell(cell)
    if missing := _EVIDENCE - len(evidence):
        evidence += _LATER[-missing:]
    evidence[-3] = msgspec.convert(evidence[-3], Nearness | None)
    evidence[-1] = msgspec.convert(evidence[-1], Presence | None)
    alert = Alert(
        AlertKind(kind),
        date.fromisoformat(day),
        from_unix(starts),
        from_unix(ends),
        AlertLevel(level),
        *evidence,
    )
    return StoredAlert(alert, row, from_unix(raised), to_instant(told), to_instant(acknowledged))
