"""What encryption at rest costs: the same log with and without it, in one run.

``python -m bench.rest``

Times are of the processor, the best of some rounds that alternate between the two; each ratio is
of one run on one machine.  Sealing a database that lay open is timed by the clock on the wall,
since it mostly waits for the disk.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.disk import hours_of
from bluezone_node.crypto.wrapping import new_data_key, new_secret, unwrap, wrap
from bluezone_node.proximity.model import (
    Encounter,
    HeardScan,
    IdentifierProtocol,
    RssiHistogram,
    Scan,
)
from bluezone_node.store.node import SqliteNodeStore, open_node_store, seal_database

ROWS = 200_000
"""Two weeks of six hundred new identifiers an hour: near 150 people, day and night."""
AT_ONCE = 800
"""New identifiers in a quarter of an hour, as near 200 people in an hour."""
ROUNDS = 5
NOW = datetime(2026, 3, 20, tzinfo=UTC)
GAEN = IdentifierProtocol.GAEN
LIMIT = 3.0
"""How many times longer anything may take sealed: a promise that this run checks."""


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def fill(store: SqliteNodeStore) -> list[bytes]:
    """Log ROWS identifiers, each heard in two minutes; return some of them."""
    chance = random.Random(1)
    level = RssiHistogram(tuple((level, 9) for level in range(-80, -60)))
    some = []
    for quarter in range(ROWS // AT_ONCE):
        people = [(chance.randbytes(16), chance.randbytes(4)) for _ in range(AT_ONCE)]
        some.append(people[0][0])
        for minute in (0, 7):
            at = NOW + timedelta(minutes=15 * quarter + minute)
            heard = (HeardScan(at, 60, level),)
            store.log(
                [Encounter(identifier, metadata, heard) for identifier, metadata in people],
                [Scan(at, 60, 60.0, 1, 1)],
            )
    return some


def minutes(stores: dict[str, SqliteNodeStore]) -> dict[str, float]:
    """CPU seconds of one `log` of a busy minute, the stores taking turns."""
    spent = dict.fromkeys(stores, 0.0)
    hour = hours_of(1, NOW - timedelta(days=1))
    for encounters, scan in hour:
        for name, store in stores.items():
            spent[name] += seconds(lambda store=store: store.log(encounters, [scan]))  # noqa: B023
    return {name: total / len(hour) for name, total in spent.items()}


def read(store: SqliteNodeStore) -> None:
    if sum(1 for _ in store.heard_identifiers(GAEN)) < ROWS:
        raise SystemExit("identifiers are missing from the log")


def look_up(store: SqliteNodeStore, some: list[bytes]) -> None:
    if len(store.encounters_with(GAEN, some)) != len(some):
        raise SystemExit("encounters are missing from the log")


def best(
    work: Callable[[SqliteNodeStore], None], stores: dict[str, SqliteNodeStore]
) -> dict[str, float]:
    found = dict.fromkeys(stores, float("inf"))
    for _ in range(ROUNDS):
        for name, store in stores.items():
            found[name] = min(found[name], seconds(lambda store=store: work(store)))
    return found


def row(what: str, found: dict[str, float]) -> float:
    ratio = found["sealed"] / found["open"]
    print(
        f"{what:36}  open {found['open'] * 1e3:8.1f} ms   sealed {found['sealed'] * 1e3:8.1f} ms"
        f"   ratio {ratio:.2f}"
    )
    return ratio


def keys() -> None:
    """What opening the database costs each command."""
    key_id, data_key = new_data_key(os.urandom)
    for name, secret in (("key file", new_secret(os.urandom)), ("passphrase", b"x" * 30)):
        wrapped = wrap(key_id, data_key, secret, os.urandom)
        spent = min(seconds(lambda w=wrapped, s=secret: unwrap(w, s)) for _ in range(ROUNDS))
        print(f"{'unwrapping, ' + name:36}  {spent * 1e3:.2f} ms for each command")


def main() -> None:
    place = sys.argv[1] if len(sys.argv) > 1 else "/var/tmp"
    secret = new_secret(os.urandom)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        paths = {name: Path(folder) / name / "node.db" for name in ("open", "sealed")}
        with (
            open_node_store(paths["open"]) as plain,
            open_node_store(paths["sealed"], secret) as sealed,
        ):
            stores = {"open": plain, "sealed": sealed}
            ratios = [row("log(), a minute near 200 people", minutes(stores))]
            for store in stores.values():
                some = fill(store)
            ratios.append(row(f"heard_identifiers(), {ROWS:,} rows", best(read, stores)))
            ratios.append(
                row(
                    f"encounters_with(), {len(some)} of them",
                    best(lambda store: look_up(store, some), stores),
                )
            )
        sizes = {name: path.stat().st_size for name, path in paths.items()}
        print(
            f"{'bytes on disk':36}  open {sizes['open'] / 1e6:8.1f} MB   "
            f"sealed {sizes['sealed'] / 1e6:8.1f} MB   ratio {sizes['sealed'] / sizes['open']:.2f}"
        )
        keys()
        began = time.perf_counter()
        seal_database(paths["open"], secret, lambda: None)
        print(f"{'sealing what lay open, once':36}  {time.perf_counter() - began:.1f} s")
    if max(ratios) > LIMIT:
        raise SystemExit(f"sealed, something takes more than {LIMIT} times as long")


if __name__ == "__main__":
    main()
