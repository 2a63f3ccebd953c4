"""The coverage ledger: every export seen, how far it got, and the keys of it that were heard."""

from collections.abc import Sequence
from datetime import datetime
from sqlite3 import Connection

from bluezone_node.intervals import from_unix
from bluezone_node.ports import ExportRecord, ExportState, MatchedKey, SourceState
from bluezone_node.proximity.model import DiagnosisKey, ReportType
from bluezone_node.store.node.tables import Tables, next_row, to_instant, to_seconds


class Exports(Tables):
    def source_state(self, source: str) -> SourceState:
        rows = self._database.rows(
            "SELECT last_success, last_attempt, problem FROM source WHERE name = ?",
            (source,),
        )
        for success, attempt, problem in rows:
            return SourceState(source, to_instant(success), to_instant(attempt), problem)
        return SourceState(source)

    def put_source_state(self, state: SourceState) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO source"
                " (name, last_success, last_attempt, problem) VALUES (?, ?, ?, ?)",
                (
                    state.source,
                    to_seconds(state.last_success),
                    to_seconds(state.last_attempt),
                    state.problem,
                ),
            )

    def export_records(self, source: str | None = None) -> list[ExportRecord]:
        rows = self._database.rows(
            "SELECT source, name, state, reached, keys, revised_keys, matched_keys, end_timestamp,"
            " reason, attempts FROM export WHERE ?1 IS NULL OR source = ?1 ORDER BY id",
            (source,),
        )
        return [
            ExportRecord(source, name, ExportState(state), from_unix(reached), *rest)
            for source, name, state, reached, *rest in rows
        ]

    def note_seen(self, source: str, names: Sequence[str], at: datetime) -> None:
        with self._database.writing() as connection:
            connection.executemany(
                _OPEN,
                [
                    _record_parameters(ExportRecord(source, name, ExportState.SEEN, at, attempts=0))
                    for name in names
                ],
            )

    def record_export(
        self, record: ExportRecord, matched: Sequence[MatchedKey], revised: Sequence[MatchedKey]
    ) -> None:
        with self._database.writing() as connection:
            self.write_record(connection, record)
            if not matched and not revised:
                return
            unseal = self._database.seal.open
            rows = {
                unseal("matched_key", row, cell): row
                for row, cell in connection.execute("SELECT id, key FROM matched_key")
            }
            for entry in matched:
                if entry.key.key not in rows:
                    rows[entry.key.key] = self._add_matched(connection, entry)
            for entry in revised:
                key = entry.key
                # A revision may come first when the export with the key itself failed: kept, so
                # that a withdrawn diagnosis stays withdrawn once that export is matched.
                if key.key not in rows:
                    rows[key.key] = self._add_matched(connection, entry)
                connection.execute(
                    "UPDATE matched_key SET report_type = ?, days_since_onset = ? WHERE id = ?",
                    (key.report_type.value, key.days_since_onset, rows[key.key]),
                )

    def write_record(self, connection: Connection, record: ExportRecord) -> None:
        """Write the ledger line of *record* within a transaction that is under way."""
        connection.execute(_RECORD, _record_parameters(record))

    def matched_keys(self) -> list[MatchedKey]:
        rows = self._database.rows(
            "SELECT id, source, export, key, rolling_start, rolling_period, report_type,"
            " transmission_risk, days_since_onset FROM matched_key ORDER BY id"
        )
        found = []
        for row, source, export, cell, start, period, report_type, risk, days in rows:
            key = self._database.seal.open("matched_key", row, cell)
            diagnosis = DiagnosisKey(key, start, period, ReportType(report_type), risk, days)
            found.append(MatchedKey(diagnosis, source, export))
        return found

    def _add_matched(self, connection: Connection, entry: MatchedKey) -> int:
        row, key = next_row(connection, "matched_key"), entry.key
        connection.execute(
            "INSERT INTO matched_key (id, key, rolling_start, rolling_period, report_type,"
            " transmission_risk, days_since_onset, source, export)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row,
                self._database.seal.close("matched_key", row, key.key),
                key.rolling_start,
                key.rolling_period,
                key.report_type.value,
                key.transmission_risk,
                key.days_since_onset,
                entry.source,
                entry.export,
            ),
        )
        return row


_INSERT = """
INSERT INTO export (source, name, state, reached, keys, revised_keys, matched_keys,
                    end_timestamp, reason, attempts)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (source, name)
"""
_OPEN = _INSERT + "DO NOTHING"
_RECORD = (
    _INSERT
    + """DO UPDATE SET
  state = excluded.state, reached = excluded.reached, keys = excluded.keys,
  revised_keys = excluded.revised_keys, matched_keys = excluded.matched_keys,
  end_timestamp = excluded.end_timestamp, reason = excluded.reason, attempts = excluded.attempts
"""
)


def _record_parameters(record: ExportRecord) -> tuple[object, ...]:
    return (
        record.source,
        record.name,
        record.state.value,
        to_seconds(record.at),
        record.keys,
        record.revised_keys,
        record.matched_keys,
        record.end_timestamp,
        record.reason,
        record.attempts,
    )
