"""Diagnosis reports under way or done, written down step by step so that each can be repeated."""

from collections.abc import Sequence
from typing import Any

from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.intervals import from_unix
from bluezone_node.ports import Report
from bluezone_node.store.node.tables import Tables, to_day, to_instant, to_seconds


class Reports(Tables):
    def save_report(self, report: Report) -> int:
        with self._database.writing() as connection:
            (id_,) = connection.execute(_SAVE, _parameters(report)).fetchone()
            connection.execute("DELETE FROM report_key WHERE report_id = ?", (id_,))
            connection.executemany(
                "INSERT INTO report_key (report_id, key, rolling_start, rolling_period)"
                " VALUES (?, ?, ?, ?)",
                ((id_, key.key, key.rolling_start, key.rolling_period) for key in report.keys),
            )
        return int(id_)

    def reports(self) -> list[Report]:
        # One query, so that a report and its keys are of one moment.
        rows = self._database.rows(
            "SELECT report.id, started, token, report_type, onset, hmac_secret, certificate,"
            " published, revision_token, key, rolling_start, rolling_period"
            " FROM report LEFT JOIN report_key ON report_id = report.id"
            " ORDER BY report.id, report_key.id"
        )
        found: dict[int, tuple[list[Any], list[TemporaryExposureKey]]] = {}
        for *report, key, start, period in rows:
            _, keys = found.setdefault(report[0], (report, []))
            if key is not None:
                keys.append(TemporaryExposureKey(key, start, period))
        return [_report(report, tuple(keys)) for report, keys in found.values()]


_SAVE = """
INSERT INTO report (id, started, token, report_type, onset, hmac_secret, certificate,
                    published, revision_token)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
  started = excluded.started, token = excluded.token, report_type = excluded.report_type,
  onset = excluded.onset, hmac_secret = excluded.hmac_secret,
  certificate = excluded.certificate, published = excluded.published,
  revision_token = excluded.revision_token
RETURNING id
"""


def _parameters(report: Report) -> tuple[object, ...]:
    return (
        report.id or None,
        to_seconds(report.started),
        report.token,
        report.report_type,
        report.onset.isoformat() if report.onset else None,
        report.hmac_secret,
        report.certificate,
        to_seconds(report.published),
        report.revision_token,
    )


def _report(row: Sequence[Any], keys: tuple[TemporaryExposureKey, ...]) -> Report:
    id_, started, token, kind, onset, hmac_secret, certificate, published, revision_token = row
    return Report(
        id=id_,
        started=from_unix(started),
        token=token,
        report_type=kind,
        onset=to_day(onset),
        hmac_secret=hmac_secret,
        keys=keys,
        certificate=certificate,
        published=to_instant(published),
        revision_token=revision_token,
    )
