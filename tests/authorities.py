"""The authority's stores in plain dicts, a device that reports, and a server for one test.

The stores pass the same contract suites as the SQL adapters (``tests/contract``).
"""

import asyncio
import random
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import IO

from starlette.types import ASGIApp

from bluezone_node.authority.distribution.exporter import Exporter
from bluezone_node.authority.people.audit import ChainedTrail
from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.authority.ports.allowances import Allowances, Rate
from bluezone_node.authority.ports.audit import AuditEntry, AuditHead, Link, LinkErased
from bluezone_node.authority.ports.exposures import (
    Changes,
    Decide,
    Exposure,
    ExposureCounts,
)
from bluezone_node.authority.ports.messages import MessageNotSent
from bluezone_node.authority.ports.registry import (
    Outcome,
    RegistryCounts,
    RegistryStore,
    VerificationCode,
    VerificationToken,
)
from bluezone_node.authority.ports.shelf import ExportShelf
from bluezone_node.authority.ports.tally import DayCount
from bluezone_node.authority.ports.windows import (
    AFTER_AIR,
    LONGEST_WAIT,
    ExportBatch,
    Fill,
    files_of,
)
from bluezone_node.authority.publisher.publish import Published, Publisher, Upload
from bluezone_node.authority.publisher.upload import UploadedKey
from bluezone_node.authority.registrar.attempts import Attempts
from bluezone_node.authority.registrar.issuing import Issuing
from bluezone_node.authority.registrar.mint import Mint
from bluezone_node.authority.registrar.orders import CodeOrder
from bluezone_node.authority.registrar.verification import Verification
from bluezone_node.authority.settings import AuthoritySettings
from bluezone_node.clock import SimClock
from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.crypto.signing import PrivateKey, PublicKey, generate_private_key
from bluezone_node.export.keys import KeyRow
from bluezone_node.intervals import interval_at, rolling_start
from bluezone_node.ports import Entropy
from bluezone_node.web import server

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
"""A Tuesday morning; the UTC day has 57 intervals behind it."""


def seeded(seed: int = 0) -> Entropy:
    """Return entropy that is the same in every run."""
    return random.Random(seed).randbytes


def key_made_of(text: str) -> PrivateKey:
    """Return the private key that *text* stands for."""
    return generate_private_key(text.encode().ljust(48, b"."))


class MemoryRegistry:
    """`RegistryStore` in dicts."""

    def __init__(self) -> None:
        self.codes: dict[bytes, VerificationCode] = {}
        self.tokens: dict[bytes, VerificationToken] = {}
        self.tally: Counter[tuple[date, str, str]] = Counter()

    def add_codes(self, codes: Sequence[VerificationCode], daily: int) -> list[Outcome]:
        return [self._add(code, daily) for code in codes]

    def _add(self, code: VerificationCode, daily: int) -> Outcome:
        if code.handle is not None and self.code_of(code.handle) is not None:
            return Outcome.HANDLE_TAKEN
        if code.digest in self.codes:
            return Outcome.DIGEST_TAKEN
        if self.issued_on(code.created.date(), code.realm) >= daily:
            return Outcome.QUOTA_EXCEEDED
        self.codes[code.digest] = code
        self.count(code.created, code.realm, "codes_issued")
        if code.kind == "long":
            self.count(code.created, code.realm, "codes_issued_long")
        return Outcome.KEPT

    def replace_code(self, handle: bytes, new: VerificationCode, daily: int) -> Outcome:
        old = self.code_of(handle)
        if old is None or old.claimed is not None or old.revoked is not None:
            return Outcome.NOT_OPEN
        if (outcome := self._add(new, daily)) is Outcome.KEPT:
            self.revoke_code(handle, new.created)
        return outcome

    def revoke_code(self, handle: bytes, at: datetime) -> bool:
        code = self.code_of(handle)
        if code is None or code.claimed is not None or code.revoked is not None:
            return False
        self.codes[code.digest] = replace(code, revoked=at, expires=min(code.expires, at))
        self.count(at, code.realm, "codes_revoked")
        return True

    def withdraw_code(self, digest: bytes, at: datetime) -> None:
        code = self.codes[digest]
        expires = min(code.expires, at)
        self.codes[digest] = replace(code, handle=None, revoked=at, expires=expires)
        self.tally[code.created.date(), code.realm, "codes_issued"] -= 1
        if code.kind == "long":
            self.tally[code.created.date(), code.realm, "codes_issued_long"] -= 1
        self.count(at, code.realm, "sms_failed")

    def count(self, at: datetime, realm: str, event: str) -> None:
        self.tally[at.date(), realm, event] += 1

    def issued_on(self, day: date, realm: str) -> int:
        return self.tally[day, realm, "codes_issued"]

    def code(self, digest: bytes) -> VerificationCode | None:
        return self.codes.get(digest)

    def code_of(self, handle: bytes) -> VerificationCode | None:
        return next((code for code in self.codes.values() if code.handle == handle), None)

    def claim_code(self, digest: bytes, token: VerificationToken, at: datetime) -> bool:
        code = self.codes.get(digest)
        if code is None or code.expires <= at or code.revoked is not None:
            return False
        if code.claimed is not None:
            if not self.repeatable(token.claimed_with):
                return False
            kept = [t for t in self.tokens.values() if t.claimed_with != token.claimed_with]
            self.tokens = {t.digest: t for t in kept}
        else:
            self.count(at, token.realm, "codes_claimed")
        self.codes[digest] = replace(code, claimed=code.claimed or at)
        self.tokens[token.digest] = token
        return True

    def repeatable(self, claimed_with: bytes | None) -> bool:
        held = {token.claimed_with for token in self.tokens.values()} - {None}
        return claimed_with in held

    def token(self, digest: bytes) -> VerificationToken | None:
        return self.tokens.get(digest)

    def spend_token(self, digest: bytes, spent_on: bytes, at: datetime) -> bool:
        token = self.tokens.get(digest)
        if token is None or token.expires <= at or token.spent_on not in (None, spent_on):
            return False
        if token.spent_on is None:
            self.count(at, token.realm, "certificates")
        self.tokens[digest] = replace(token, spent_on=spent_on, claimed_with=None)
        return True

    def forget(self, before: datetime) -> int:
        kept = len(self.codes) + len(self.tokens)
        for code in self.codes.values():
            if code.expires < before and code.claimed is None and code.revoked is None:
                self.count(code.expires, code.realm, "codes_expired_unclaimed")
        self.codes = {k: v for k, v in self.codes.items() if v.expires >= before}
        self.tokens = {k: v for k, v in self.tokens.items() if v.expires >= before}
        return kept - len(self.codes) - len(self.tokens)

    def counts(self, now: datetime) -> RegistryCounts:
        unclaimed = [code for code in self.codes.values() if code.claimed is None]
        live = sum(code.expires > now for code in unclaimed)
        return RegistryCounts(
            live, len(self.codes) - len(unclaimed), len(unclaimed) - live, len(self.tokens)
        )


def first_row(exposure: Exposure) -> KeyRow:
    """Return *exposure* as it was first published, as an exporter reads it."""
    return (
        exposure.key,
        exposure.rolling_start,
        exposure.rolling_period,
        exposure.report_type,
        exposure.transmission_risk,
        exposure.days_since_onset,
    )


def revised_row(exposure: Exposure) -> KeyRow:
    """Return *exposure* as it was revised, in the same way."""
    assert exposure.revision is not None
    revision = exposure.revision
    first = replace(
        exposure,
        report_type=revision.report_type,
        days_since_onset=revision.days_since_onset,
    )
    return first_row(first)


class MemoryAllowances:
    """`Allowances` in a dict."""

    def __init__(self) -> None:
        self.until: dict[bytes, datetime] = {}

    def take(self, bucket: bytes, rate: Rate, now: datetime) -> timedelta:
        if wait := self.wait(bucket, rate, now):
            return wait
        until = self.until.get(bucket, now)
        full = until if now <= until <= now + 2 * rate.period else now
        self.until[bucket] = full + rate.interval
        return timedelta(0)

    def wait(self, bucket: bytes, rate: Rate, now: datetime) -> timedelta:
        until = self.until.get(bucket, now)
        if until > now + 2 * rate.period:
            return timedelta(0)
        return max(timedelta(0), until + rate.interval - now - rate.interval * rate.number)

    def forget(self, now: datetime) -> int:
        kept = {bucket: until for bucket, until in self.until.items() if until >= now}
        gone, self.until = len(self.until) - len(kept), kept
        return gone


class MemoryAudit:
    """`AuditStore` in a list."""

    def __init__(self) -> None:
        self.kept: list[AuditEntry] = []

    def append(self, link: Link) -> AuditEntry:
        self.kept.append(link(self.head()))
        return self.kept[-1]

    def head(self) -> AuditHead | None:
        return self.kept[-1].head if self.kept else None

    def oldest(self) -> datetime | None:
        return self.kept[0].at if self.kept else None

    def entries(
        self, realm: str | None = None, limit: int = 100, before: int | None = None
    ) -> list[AuditEntry]:
        return [entry for entry in reversed(self.kept) if realm in (None, entry.realm)][:limit]

    def walk(self) -> Iterator[AuditEntry]:
        yield from self.kept

    def newest(self, action: str) -> AuditEntry | None:
        return next((entry for entry in reversed(self.kept) if entry.action == action), None)

    def forget(self, before: datetime, link: LinkErased) -> int:
        raise NotImplementedError("a test lasts no year")


class Telephones:
    """`Messenger` that keeps what it was given; *fails*: it cannot send."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.fails = False

    def send(self, phone: str, text: str) -> None:
        if self.fails:
            raise MessageNotSent("The mast fell down.")
        self.sent.append((phone, text))


class MemoryExposures:
    """`ExposureStore`, `WindowStore` and their `Tally` in dicts."""

    def __init__(self) -> None:
        self.rows: dict[bytes, Exposure] = {}
        self.numbers: Counter[tuple[date, str, str]] = Counter()
        self.drawn: list[ExportBatch] = []
        self.taken = False

    def publish(self, keys: Sequence[bytes], decide: Decide) -> Changes:
        stored = {key: self.rows[key] for key in keys if key in self.rows}
        changes = decide(stored, max((batch.end for batch in self.drawn), default=None))
        for exposure in (*changes.added, *changes.revised):
            self.rows[exposure.key] = exposure
        if counted := changes.counted:
            for event, number in counted.events.items():
                self.numbers[counted.day, counted.realm, event] += number
        return changes

    async def publish_soon(self, keys: Sequence[bytes], decide: Decide) -> Changes:
        return self.publish(keys, decide)

    def days(self, first: date, last: date, realm: str | None = None) -> list[DayCount]:
        return [
            DayCount(*of, number)
            for of, number in sorted(self.numbers.items())
            if first <= of[0] <= last and realm in (None, of[1])
        ]

    @contextmanager
    def alone(self) -> Iterator[bool]:
        if self.taken:
            yield False
            return
        self.taken = True
        try:
            yield True
        finally:
            self.taken = False

    def within(self, start: datetime, end: datetime) -> list[Exposure]:
        return [row for _, row in sorted(self.rows.items()) if start <= row.created < end]

    def created_in(self, start: datetime, end: datetime) -> Iterator[Sequence[KeyRow]]:
        for row in self.within(start, end):
            yield [first_row(row)]

    def revised_in(self, start: datetime, end: datetime) -> Iterator[Sequence[KeyRow]]:
        for _, row in sorted(self.rows.items()):
            if row.revision and start <= row.revision.at < end:
                yield [revised_row(row)]

    def oldest_created(self) -> datetime | None:
        return min((row.created for row in self.rows.values()), default=None)

    def waiting(self, after: datetime | None) -> int:
        return sum(
            after is None
            or row.created >= after
            or (row.revision is not None and row.revision.at >= after)
            for row in self.rows.values()
        )

    def draw(self, batch: ExportBatch, least: int, fill: Fill) -> None:
        if any(drawn.start == batch.start for drawn in self.drawn):
            return
        real = self.within(batch.start, batch.end)
        if 0 < len(real) < least:
            self.rows.update((exposure.key, exposure) for exposure in fill(real))
        self.drawn.append(batch)

    def settle(self) -> None:
        def counted(batch: ExportBatch) -> ExportBatch:
            each = (self.created_in, self.revised_in)
            records = sum(len(list(rows(batch.start, batch.end))) for rows in each)
            return replace(batch, files=files_of(records, batch.max_records))

        self.drawn = [counted(b) if b.files is None else b for b in self.drawn]

    def withdraw(self, now: datetime) -> int:
        full = max((b.end for b in self.drawn if b.files != 0), default=None)
        before = len(self.drawn)
        self.drawn = [b for b in self.drawn if b.end <= now or (full and b.start < full)]
        begin = max([now, *(b.end for b in self.drawn)])
        self.rows = {key: self._recalled(row, now, begin) for key, row in self.rows.items()}
        return before - len(self.drawn)

    def _recalled(self, row: Exposure, now: datetime, begin: datetime) -> Exposure:
        end, revision = datetime.fromtimestamp(row.rolling_end * 600, UTC), row.revision
        if end > now + timedelta(days=1):
            return row
        at = begin + timedelta(days=1) + AFTER_AIR if end > now else begin
        if row.created > now + LONGEST_WAIT:
            row = replace(row, created=at)
        if revision and revision.at > now + LONGEST_WAIT:
            row = replace(row, revision=replace(revision, at=at))
        return row

    def batches(self) -> list[ExportBatch]:
        return sorted(self.drawn, key=lambda batch: batch.start)

    def forget(self, before: datetime) -> int:
        newest = max((batch.end for batch in self.drawn), default=before)
        self.drawn = [b for b in self.drawn if b.end > before or b.end == newest]
        kept = len(self.rows)
        self.rows = {
            key: row
            for key, row in self.rows.items()
            if row.created >= before or (row.revision and row.revision.at >= before)
        }
        return kept - len(self.rows)

    def counts(self) -> ExposureCounts:
        revised = sum(row.revision is not None for row in self.rows.values())
        newest = max((batch.end for batch in self.drawn), default=None)
        return ExposureCounts(len(self.rows), revised, len(self.drawn), newest)


class MemoryShelf:
    """`ExportShelf` in a dict; *power* counts down the writes until it fails."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.power: int | None = None
        self.writes = 0

    def names(self) -> set[str]:
        return set(self.files())

    def files(self) -> dict[str, int]:
        return {name: len(data) for name, data in self.held.items() if name != "index.txt"}

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        file = BytesIO()
        yield file
        if self.power == 0:
            raise OSError("the power failed")
        if self.power is not None:
            self.power -= 1
        self.writes += 1
        self.held[name] = file.getvalue()

    def read(self, name: str) -> bytes | None:
        return self.held.get(name)

    def remove(self, name: str) -> None:
        self.held.pop(name, None)

    def index(self) -> list[str]:
        return self.held["index.txt"].decode().split()


class KnownKeys:
    """`KeyDirectory`, `CertificateKeys` and `ExportKeys` of fixed keys."""

    def __init__(self, keys: dict[str, PrivateKey]) -> None:
        self._keys = keys

    def key(self, key_id: str) -> PublicKey | None:
        return self.published(NOW).get(key_id)

    def at_hand(self, key_id: str) -> bool:
        return True

    def signing(self, now: datetime) -> tuple[str, PrivateKey]:
        return next(iter(self._keys.items()))

    def published(self, now: datetime) -> dict[str, PublicKey]:
        return {key_id: key.public_key() for key_id, key in self._keys.items()}

    def usable(self, now: datetime) -> dict[str, PrivateKey]:
        return self._keys


@dataclass
class Office:
    """A registrar and a publisher in memory, on one clock."""

    settings: AuthoritySettings = field(default_factory=AuthoritySettings)
    clock: SimClock = field(default_factory=lambda: SimClock(NOW))
    registry: RegistryStore = field(default_factory=MemoryRegistry)
    allowances: Allowances = field(default_factory=MemoryAllowances)
    audited: MemoryAudit = field(default_factory=MemoryAudit)
    telephones: Telephones = field(default_factory=Telephones)
    exposures: MemoryExposures = field(default_factory=MemoryExposures)
    shelf: ExportShelf = field(default_factory=MemoryShelf)
    entropy: Entropy = field(default_factory=seeded)
    registrar_key: PrivateKey = field(default_factory=lambda: key_made_of("registrar"))
    export_key: PrivateKey = field(default_factory=lambda: key_made_of("export"))

    def __post_init__(self) -> None:
        registrar_keys = KnownKeys({"v1": self.registrar_key})
        attempts = Attempts(
            self.allowances, self.clock, secret=b"c" * 32, settings=self.settings.registrar
        )
        mint = Mint(
            self.registry,
            self.telephones,
            self.clock,
            self.entropy,
            secret=b"c" * 32,
            settings=self.settings.registrar,
        )
        trail = ChainedTrail(self.audited, self.clock, timedelta(days=366), secret=b"c" * 32)
        self.issuing = Issuing(
            self.registry, mint, attempts, trail, self.clock, self.settings.registrar
        )
        self.verification = Verification(
            self.registry,
            attempts,
            self.clock,
            self.entropy,
            secret=b"c" * 32,
            keys=registrar_keys,
            settings=self.settings.registrar,
        )
        self.publisher = Publisher(
            self.exposures,
            self.clock,
            self.entropy,
            secret=b"p" * 32,
            directories={
                entry.id: registrar_keys for entry in self.settings.publisher.health_authorities
            },
            settings=self.settings.publisher,
        )
        self.exporter = Exporter(
            self.exposures,
            self.shelf,
            self.clock,
            self.entropy,
            keys=KnownKeys({"v1": self.export_key}),
            settings=self.settings.export,
        )

    def pass_time(self, **duration: float) -> None:
        self.clock.advance(timedelta(**duration).total_seconds())

    def issue(self, report_type: str, onset: date | None = None, tested: date | None = None) -> str:
        """Return a short code, issued at the desk that there is."""
        return self.issuing.issue(CodeOrder(report_type, onset, tested), OPERATOR).code

    def certify(
        self, keys_hmac: bytes, report_type: str = "confirmed", onset: date | None = None
    ) -> str:
        """Go the registrar's whole way to a certificate."""
        code = self.issue(report_type, onset)
        return self.verification.certify(self.verification.claim(code).token, keys_hmac)

    def upload(
        self,
        keys: Sequence[TemporaryExposureKey],
        report_type: str = "confirmed",
        onset: date | None = None,
        *,
        secret: bytes = b"s" * 16,
        token: str = "",
        sent: Sequence[UploadedKey] | None = None,
    ) -> Upload:
        """Return the upload of *keys*, certified; *sent* takes the place of what goes out."""
        certificate = self.certify(keys_hmac(keys, secret), report_type, onset)
        return Upload(
            sent if sent is not None else [uploaded(key) for key in keys],
            "vn.moh",
            certificate,
            secret,
            revision_token=token,
        )

    def publish(
        self, keys: Sequence[TemporaryExposureKey], *args: object, **kw: object
    ) -> Published:
        """Publish *keys* as a device does, see `upload`."""
        return self.publisher.publish(self.upload(keys, *args, **kw))  # type: ignore[arg-type]


def uploaded(key: TemporaryExposureKey, risk: int = 0) -> UploadedKey:
    """Return *key* as it goes over the wire."""
    text = b64encode(key.key).decode()
    return UploadedKey(text, key.rolling_start, key.rolling_period, risk)


def keys_of_days(*days_ago: int, seed: int = 1, now: datetime = NOW) -> list[TemporaryExposureKey]:
    """Return one key for each of these days before *now*."""
    draw = random.Random(seed).randbytes
    today = rolling_start(interval_at(now))
    return [TemporaryExposureKey(draw(16), today - 144 * days) for days in days_ago]


@asynccontextmanager
async def served(
    app: ASGIApp, trusted_proxies: Sequence[str] = (), listen: str = "127.0.0.1:0"
) -> AsyncIterator[str]:
    """Serve *app* on a port of the kernel's choice; yield its address."""
    stop, ready = asyncio.Event(), asyncio.Event()
    with server.bind(listen) as bound:
        running = asyncio.create_task(
            server.serve(app, bound, trusted_proxies=trusted_proxies, ready=ready.set, stop=stop)
        )
        try:
            await ready.wait()
            yield server.address_of(bound)
        finally:
            stop.set()
            await running
