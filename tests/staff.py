"""The stores of people and of the audit trail in plain dicts, and a registrar's staff for one test.

The stores pass the same contract suites as the SQL adapters (``tests/contract``).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
from argon2 import PasswordHasher

from bluezone_node.authority.people.accounts import Accounts
from bluezone_node.authority.people.audit import ChainedTrail
from bluezone_node.authority.people.passwords import Passwords
from bluezone_node.authority.ports.accounts import (
    ADMIN,
    EVERYWHERE,
    OPERATOR,
    Decide,
    Enrolment,
    Govern,
    SignedIn,
    StoredSession,
    User,
    UserStore,
)
from bluezone_node.authority.ports.allowances import Allowances, Rate
from bluezone_node.authority.ports.audit import (
    AuditEntry,
    AuditHead,
    AuditStore,
    Link,
    LinkErased,
)
from bluezone_node.clock import SimClock
from bluezone_node.ports import Entropy
from tests.authorities import NOW, seeded

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Argon2id at its cheapest: what a test waits for is not the password."""
PASSWORD = "thuyền giấy trôi qua cầu"
"""Good enough, and not in ASCII."""


class MemoryAccounts:
    """`UserStore` in dicts."""

    def __init__(self) -> None:
        self.people: dict[str, User] = {}
        self.sessions: dict[bytes, StoredSession] = {}

    def add(self, user: User) -> bool:
        return self.people.setdefault(user.name, user) is user

    def user(self, name: str) -> User | None:
        return self.people.get(name)

    def users(self, realm: str | None = None) -> list[User]:
        return [user for _, user in sorted(self.people.items()) if realm in (None, user.realm)]

    def change(
        self, name: str, decide: Decide, *, begin: StoredSession | None = None
    ) -> User | None:
        if name not in self.people:
            return None
        self.people[name] = decide(self.people[name])
        if begin is not None:
            self.sessions[begin.digest] = begin
        return self.people[name]

    def govern(self, name: str, govern: Govern) -> User | None:
        others = sum(
            (user.role, user.realm, user.disabled) == (ADMIN, EVERYWHERE, None)
            for user in self.people.values()
            if user.name != name
        )
        changed = self.change(name, lambda user: govern(user, others))
        self.end_sessions(name)
        return changed

    def session(self, digest: bytes) -> tuple[StoredSession, User] | None:
        stored = self.sessions.get(digest)
        return None if stored is None else (stored, self.people[stored.user])

    def touch(self, digest: bytes, at: datetime) -> None:
        stored = self.sessions.get(digest)
        if stored is not None and stored.seen < at:
            self.sessions[digest] = StoredSession(
                digest, stored.user, stored.created, at, stored.expires
            )

    def end_sessions(self, user: str, *, but: bytes | None = None) -> int:
        gone = [d for d, s in self.sessions.items() if s.user == user and d != but]
        for digest in gone:
            del self.sessions[digest]
        return len(gone)

    def end_session(self, digest: bytes) -> None:
        self.sessions.pop(digest, None)

    def forget_sessions(self, now: datetime, seen_before: datetime) -> int:
        kept = len(self.sessions)
        self.sessions = {
            d: s for d, s in self.sessions.items() if s.expires > now and s.seen > seen_before
        }
        return kept - len(self.sessions)


class MemoryAudit:
    """`AuditStore` in a list."""

    def __init__(self) -> None:
        self.rows: list[AuditEntry] = []

    def append(self, link: Link) -> AuditEntry:
        self.rows.append(link(self.head()))
        return self.rows[-1]

    def head(self) -> AuditHead | None:
        return self.rows[-1].head if self.rows else None

    def oldest(self) -> datetime | None:
        return self.rows[0].at if self.rows else None

    def entries(
        self, realm: str | None = None, limit: int = 100, before: int | None = None
    ) -> list[AuditEntry]:
        found = [
            entry
            for entry in reversed(self.rows)
            if realm in (None, entry.realm) and (before is None or entry.sequence < before)
        ]
        return found[:limit]

    def walk(self) -> Iterator[AuditEntry]:
        yield from list(self.rows)

    def newest(self, action: str) -> AuditEntry | None:
        return next((entry for entry in reversed(self.rows) if entry.action == action), None)

    def forget(self, before: datetime, link: LinkErased) -> int:
        stays = next((i for i, e in enumerate(self.rows) if e.at >= before), len(self.rows) - 1)
        if stays <= 0:
            return 0
        upto = self.rows[stays - 1].head
        self.rows.append(link(self.rows[-1].head, upto))
        del self.rows[:stays]
        return stays


class MemoryBuckets:
    """`Allowances` in a dict."""

    def __init__(self) -> None:
        self.until: dict[bytes, datetime] = {}

    def take(self, bucket: bytes, rate: Rate, now: datetime) -> timedelta:
        wait = self.wait(bucket, rate, now)
        if not wait:
            self.until[bucket] = max(self.until.get(bucket, now), now) + rate.interval
        return wait

    def wait(self, bucket: bytes, rate: Rate, now: datetime) -> timedelta:
        full = max(self.until.get(bucket, now), now)
        return max(timedelta(0), full + rate.interval - now - rate.period)

    def forget(self, now: datetime) -> int:
        gone = [bucket for bucket, until in self.until.items() if until < now]
        for bucket in gone:
            del self.until[bucket]
        return len(gone)


@dataclass
class Staff:
    """A registrar's people, on one clock that is moved by hand."""

    clock: SimClock = field(default_factory=lambda: SimClock(NOW))
    people: UserStore = field(default_factory=MemoryAccounts)
    entries: AuditStore = field(default_factory=MemoryAudit)
    buckets: Allowances = field(default_factory=MemoryBuckets)
    entropy: Entropy = field(default_factory=seeded)
    hasher: PasswordHasher = QUICK
    realms: Collection[str] = ("01", "79")
    keep: timedelta = timedelta(days=730)

    def __post_init__(self) -> None:
        self.trail = ChainedTrail(self.entries, self.clock, self.keep, secret=b"c" * 32)
        self.passwords = Passwords(self.entropy, self.hasher)
        self.accounts = Accounts(
            self.people,
            self.trail,
            self.buckets,
            self.clock,
            self.entropy,
            secret=b"c" * 32,
            passwords=self.passwords,
            realms=self.realms,
            issuer="bluezone-registrar",
        )

    def pass_time(self, **duration: float) -> None:
        self.clock.advance(timedelta(**duration).total_seconds())

    def add(self, name: str = "an", realm: str = "79", role: str = "issuer") -> Enrolment:
        """Add a person who has not signed in yet."""
        return self.accounts.add(OPERATOR, name, realm, role)

    def code(self, enrolment: Enrolment) -> str:
        """Return what the person's authenticator app shows now."""
        secret = parse_qs(urlsplit(enrolment.otpauth).query)["secret"][0]
        return pyotp.TOTP(secret).at(self.clock.now())

    def sign_in(
        self, enrolment: Enrolment, password: str | None = None, *, address: str = ""
    ) -> SignedIn:
        """Sign in with the next code; None: with the first password."""
        self.pass_time(seconds=30)
        given = enrolment.password if password is None else password
        code = self.code(enrolment)
        return self.accounts.sign_in(enrolment.name, given, code, address=address)

    def settle(self, enrolment: Enrolment) -> SignedIn:
        """Sign in for the first time and choose `PASSWORD`."""
        signed = self.sign_in(enrolment)
        self.accounts.change_password(signed.token, enrolment.password, PASSWORD)
        return signed

    def done(self) -> list[tuple[str, str, str]]:
        """Return (actor, action, subject) of all that was written down, oldest first."""
        return [(e.actor, e.action, e.subject) for e in self.entries.walk()]
