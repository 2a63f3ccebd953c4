"""Diagnosis reports under way or done, written down step by step so that each can be repeated."""

from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.intervals import from_unix
from bluezone_node.ports import Report
from bluezone_node.store.node.tables import (
    Tables,
    from_cell,
    next_row,
    to_cell,
    to_day,
    to_instant,
    to_seconds,
)


class Reports(Tables):
    def save_report(self, report: Report) -> int:
        seal = self._database.seal.close
        with self._database.writing() as connection:
            id_ = report.id or next_row(connection, "report")
            details = seal("report", id_, _details(report))
            connection.execute(
                _SAVE, (id_, to_seconds(report.started), to_seconds(report.published), details)
            )
            connection.execute("DELETE FROM report_key WHERE report_id = ?", (id_,))
            for row, key in enumerate(report.keys, next_row(connection, "report_key")):
                connection.execute(
                    "INSERT INTO report_key (id, report_id, key, rolling_start, rolling_period)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (
                        row,
                        id_,
                        seal("report_key", row, key.key),
                        key.rolling_start,
                        key.rolling_period,
                    ),
                )
        return id_

    def reports(self) -> list[Report]:
        # One query, so that a report and its keys are of one moment.
        rows = self._database.rows(
            "SELECT report.id, started, published, details, report_key.id, key, rolling_start,"
            " rolling_period FROM report LEFT JOIN report_key ON report_id = report.id"
            " ORDER BY report.id, report_key.id"
        )
        unseal = self._database.seal.open
        found: dict[int, tuple[tuple[int, int | None, bytes], list[TemporaryExposureKey]]] = {}
        for id_, started, published, cell, row, key, start, period in rows:
            _, keys = found.setdefault(id_, ((started, published, cell), []))
            if row is not None:
                keys.append(TemporaryExposureKey(unseal("report_key", row, key), start, period))
        return [
            _report(id_, started, published, unseal("report", id_, cell), tuple(keys))
            for id_, ((started, published, cell), keys) in found.items()
        ]


_SAVE = """
INSERT INTO report (id, started, published, details) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
  started = excluded.started, published = excluded.published, details = excluded.details
"""


def _details(report: Report) -> bytes:
    return to_cell(
        (
            report.hmac_secret.hex(),
            report.token,
            report.report_type,
            report.onset.isoformat() if report.onset else None,
            report.certificate,
            report.revision_token,
        )
    )


def _report(
    id_: int,
    started: int,
    published: int | None,
    details: bytes,
    keys: tuple[TemporaryExposureKey, ...],
) -> Report:
    hmac_secret, token, report_type, onset, certificate, revision_token = from_cell(details)
    return Report(
        id=id_,
        started=from_unix(started),
        token=token,
        report_type=report_type,
        onset=to_day(onset),
        hmac_secret=bytes.fromhex(hmac_secret),
        keys=keys,
        certificate=certificate,
        published=to_instant(published),
        revision_token=revision_token,
    )
