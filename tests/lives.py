"""People around a node, hour by hour, and every secret that the node writes down of them."""

import random
from base64 import b64encode
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.intervals import interval_at
from bluezone_node.ports import ExportRecord, ExportState, MatchedKey, Report, StoredVisit
from bluezone_node.proximity.model import DiagnosisKey, Encounter, HeardScan, RssiHistogram, Scan
from bluezone_node.store.node import SqliteNodeStore
from bluezone_node.store.node.permissions import companions
from bluezone_node.venues.visits import Mark, OutKind, Visit


def on_disk(path: Path) -> bytes:
    """Every byte of the database and its companions."""
    files = (path, *companions(path))
    return b"".join(file.read_bytes() for file in files if file.exists())


@dataclass
class Life:
    """Some people around one node, and every secret that it wrote, by the hour."""

    store: SqliteNodeStore
    chance: random.Random
    secrets: dict[datetime, list[bytes]] = field(default_factory=dict)

    def hour(self, at: datetime, people: int) -> None:
        """Live through one hour: identifiers, own key, an export with matches, a report."""
        secrets = self.secrets.setdefault(at, [])
        for quarter in range(4):
            around = [self._secret(secrets) for _ in range(self.chance.randint(1, people))]
            for minute in range(15):
                start = at + timedelta(minutes=15 * quarter + minute)
                encounters = [
                    Encounter(
                        person,
                        person[:4],
                        (HeardScan(start + timedelta(seconds=person[0] % 60), 60, self._levels()),),
                    )
                    for person in around
                ]
                self.store.log(encounters, [Scan(start, 60, 60, 1, 1)])
        interval = interval_at(at)
        key = TemporaryExposureKey(self._secret(secrets), interval, 6)
        self.store.add_own_key(key)
        successor = TemporaryExposureKey(self._secret(secrets), interval, 6)
        shortened = TemporaryExposureKey(key.key, interval, 2)
        self.store.retire_own_key(key, shortened, successor)
        matched = [
            MatchedKey(DiagnosisKey(self._secret(earlier), interval_at(hour), 6), "vn", "x")
            for hour, earlier in self.secrets.items()
            for _ in range(self.chance.randint(0, 3))
        ]
        line = ExportRecord("vn", at.isoformat(), ExportState.MATCHED, at)
        self.store.record_export(line, matched, [])
        report = Report(
            id=0,
            started=at,
            token=self._text_secret(secrets),
            report_type="confirmed",
            onset=None,
            hmac_secret=bytes.fromhex(self._text_secret(secrets)),
            keys=(shortened,),
        )
        number = self.store.save_report(report)
        # A certificate long enough to spill over into pages of its own.
        certificate = self.chance.randbytes(3000).hex()
        secrets += (certificate[at : at + 32].encode() for at in (0, 1000, 4000, 5968))
        self.store.save_report(replace(report, id=number, certificate=certificate))

    def visit(self, at: datetime) -> None:
        """Be at a place that is known by name, for a quarter of an hour."""
        secrets = self.secrets.setdefault(at, [])
        name = self._text_secret(secrets)
        key = self.chance.randbytes(30)
        secrets.append(b64encode(key))
        left = at + timedelta(minutes=15)
        stay = Visit(at, at, name, None, (Mark(key[:12], key),), None, left, OutKind.SILENCE)
        self.store.change_visits(lambda _: [StoredVisit(0, stay)])

    def _secret(self, secrets: list[bytes]) -> bytes:
        secrets.append(self.chance.randbytes(16))
        return secrets[-1]

    def _text_secret(self, secrets: list[bytes]) -> str:
        secrets.append(self.chance.randbytes(16).hex().encode())
        return secrets[-1].decode()

    def _levels(self) -> RssiHistogram:
        return RssiHistogram(tuple((level, self.chance.randint(1, 99)) for level in (-80, -70)))

    def found(self, path: Path, *, before: datetime | None = None) -> int:
        """How many secrets, or those of hours before *before*, stand in the files."""
        files = on_disk(path)
        return sum(
            secret in files
            for hour, secrets in self.secrets.items()
            if before is None or hour < before
            for secret in secrets
        )
