"""What signing in costs, and checking the audit trail.

``python -m bench.accounts``

Attempts are timed on the wall, on an embedded SQLite, with the parameters of earnest.
"""

import os
import resource
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp

from bluezone_node.authority.people.accounts import Accounts
from bluezone_node.authority.people.audit import ChainedTrail, check, link
from bluezone_node.authority.people.passwords import AT_ONCE, WAITING, Passwords
from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.clock import SimClock
from bluezone_node.errors import AuthorityRefused
from bluezone_node.store.authority import registry_tables
from bluezone_node.store.authority.accounts import SqlAccounts
from bluezone_node.store.authority.allowances import SqlAllowances
from bluezone_node.store.authority.audit import SqlAudit
from bluezone_node.store.authority.database import Database

ATTEMPTS = 20
"""Of each kind: three seconds."""
ENTRIES = 100_000
"""A year of a province's hundred workers with four actions a working day each."""
NOW = datetime(2026, 3, 20, tzinfo=UTC)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = Database(registry_tables.LAYOUT, Path(folder) / "registry.db").open()
        clock, trail = SimClock(NOW), SqlAudit(engine)
        accounts = Accounts(
            SqlAccounts(engine),
            ChainedTrail(trail, clock, timedelta(days=730), secret=os.urandom(32)),
            SqlAllowances(engine),
            clock,
            os.urandom,
            secret=os.urandom(32),
            passwords=Passwords(os.urandom),
            realms=["VN"],
            issuer="bench",
        )
        made = accounts.add(OPERATOR, "an", "VN", "issuer")
        totp = pyotp.parse_uri(made.otpauth)
        assert isinstance(totp, pyotp.TOTP)

        def attempt(name: str, password: str, code: str) -> tuple[float, str]:
            began, end = time.perf_counter(), "in"
            try:
                accounts.sign_in(name, password, code)
            except AuthorityRefused as refused:
                end = refused.reason
            return time.perf_counter() - began, end

        times: dict[str, list[float]] = {"right": [], "wrong password": [], "unknown name": []}
        for _ in range(ATTEMPTS):
            # In turns, so that what else the machine does colours all alike.
            clock.advance(30)
            code = totp.at(clock.now())
            times["wrong password"].append(attempt("an", "wrong", code)[0])
            times["right"].append(attempt("an", made.password, code)[0])
            times["unknown name"].append(attempt("binh", made.password, code)[0])
        for kind, each in times.items():
            first, middle, third = (1000 * each for each in statistics.quantiles(each))
            print(f"{kind:15} {middle:4.0f} ms (quartiles {first:.0f} and {third:.0f})")

        began = time.perf_counter()
        with ThreadPoolExecutor(40) as pool:
            ends = list(pool.map(lambda n: attempt(f"guess{n}", "wrong", "0")[1], range(200)))
        took = time.perf_counter() - began
        judged = sum(end != "busy" for end in ends)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"a flood of 200 from 40 threads: {judged} judged at {judged / took:.0f} a second, "
            f"{200 - judged} told to come back ({AT_ONCE} at once, {WAITING} waiting); "
            f"the process's peak {peak} MB, 128 of it for them"
        )

        rows = []
        for _ in range(ENTRIES):
            last = rows[-1].head if rows else trail.head()
            rows.append(link(last, NOW, "an", "VN", "issue_code", "00" * 16, "{}"))
        names = registry_tables.audit.c.keys()
        with engine.begin() as db:
            db.execute(
                registry_tables.audit.insert(),
                [
                    dict(zip(names, (getattr(row, f) for f in row.__slots__), strict=True))
                    for row in rows
                ],
            )
        began = time.perf_counter()
        verdict = check(trail.walk())
        took = time.perf_counter() - began
        assert verdict.intact
        print(
            f"the audit trail: {verdict.entries} entries checked "
            f"at {verdict.entries / took:,.0f} a second"
        )
        engine.dispose()


if __name__ == "__main__":
    main()
