"""A whole day of Germany's peak through everything: published, exported, and matched by a node.

    python -m bench.peak_day

23 000 uploads of 14 keys, as Corona-Warn-App's server had on its busiest days, each with a
certificate of the registrar's, go through the HTTP door of `authority serve --workers 2` onto a
PostgreSQL that keeps its promises; the exporter writes what is due a day later; and a node's
matcher looks for all of it among 200 000 identifiers heard in two weeks.  Load and server share
this machine.  Making the uploads is the phones' work, and is not counted.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from bench.load import closed
from bench.publish import CONNECTIONS, KEYS, uploads
from bluezone_node.clock import SimClock
from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.crypto.signing import load_public_key
from bluezone_node.export.container import open_verified
from bluezone_node.proximity.matching import HeardIndex, match_batches
from bluezone_node.proximity.model import HeardIdentifier
from bluezone_node.store.authority.folder import AuthorityFolder, make_folder
from bluezone_node.wiring.authority import DATABASE_VARIABLE, databases_of, open_authority
from tests import postgres

UPLOADS = 23_000
WORKERS = 2
AT_ONCE = 1_000
"""Uploads made, then sent: their certificates live fifteen minutes."""
HEARD = 200_000
MET = 20
"""Of those who report, that many were met."""

chance = random.Random(2021)


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = make_folder(Path(temporary) / "authority", ("registrar", "publisher"))
        with (
            postgres.running(**postgres.DURABLE) as server,
            server.database() as url,
        ):
            os.environ[DATABASE_VARIABLE] = url
            for database in databases_of(folder).values():
                database.migrate()
            met, published = publish(folder)
            exported = export(folder)
        matched = match(folder, met)
    print(f"from the first upload to the last match: {published + exported + matched:.1f} s")


def publish(folder: AuthorityFolder) -> tuple[list[TemporaryExposureKey], float]:
    """Send the day's uploads; return a key of some of them, and the seconds it took."""
    met: list[TemporaryExposureKey] = []
    spent = 0.0
    with serving(folder) as address:
        for first in range(0, UPLOADS, AT_ONCE):
            made = uploads(folder, min(AT_ONCE, UPLOADS - first))
            if len(met) < MET:
                met.append(_key_of(made[0]))
            load = uvloop.run(closed(address, CONNECTIONS, made))
            if load.refused:
                sys.exit(f"{load.refused} uploads were refused")
            spent += load.ended - load.began
    print(
        f"published: {UPLOADS:,} uploads, {UPLOADS * KEYS:,} keys in {spent:.1f} s "
        f"({UPLOADS / spent:,.0f} uploads/s, {UPLOADS * KEYS / spent:,.0f} keys/s)"
    )
    return met, spent


@contextmanager
def serving(folder: AuthorityFolder) -> Iterator[tuple[str, int]]:
    """Run the server as a ministry would; yield its address."""
    command = [*(sys.executable, "-m", "bluezone_node", "authority", "serve", "--json")]
    command += ["--dir", str(folder.path), "--role", "publisher", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, "--workers", str(WORKERS)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        url = urlsplit(json.loads(process.stdout.readline())["listening"])
        try:
            yield url.hostname or "", url.port or 0
        finally:
            process.send_signal(signal.SIGTERM)


def export(folder: AuthorityFolder) -> float:
    """Export the day once it is over; return the seconds it took."""
    tomorrow = SimClock(datetime.now(UTC) + timedelta(days=1))
    with open_authority(folder, tomorrow, ("publisher",)) as parts:
        assert parts.exporter is not None
        began = time.perf_counter()
        parts.exporter.run()
        spent = time.perf_counter() - began
    files = list(folder.exports.glob("**/*.zip"))
    size = sum(path.stat().st_size for path in files)
    print(
        f"exported: {len(files)} files, {size / 1e6:.2f} MB in {spent:.1f} s "
        f"({UPLOADS * KEYS / spent:,.0f} keys/s, {size / (UPLOADS * KEYS):.1f} bytes a key)"
    )
    return spent


def match(folder: AuthorityFolder, met: list[TemporaryExposureKey]) -> float:
    """Verify and match all files as a node does; return the seconds it took."""
    public = load_public_key(folder.export_public_key.read_bytes())
    index = HeardIndex(list(_heard(met)))
    began, found, keys = time.perf_counter(), set(), 0
    for path in sorted(folder.exports.glob("**/*.zip")):
        opened = open_verified(path.read_bytes(), [public])
        keys += opened.key_count
        found |= {match.key.key for match in match_batches(index, opened.key_batches())}
    spent = time.perf_counter() - began
    if found != {key.key for key in met}:
        sys.exit("matching did not find exactly those who were met")
    print(
        f"matched: {keys:,} keys against {HEARD:,} heard in {spent:.1f} s "
        f"({keys / spent:,.0f} keys/s); all {len(met)} who were met were found, and nobody else"
    )
    return spent


def _key_of(upload: bytes) -> TemporaryExposureKey:
    """Return one key of an upload as it was sent."""
    sent = json.loads(upload.partition(b"\r\n\r\n")[2])["temporaryExposureKeys"]
    key = chance.choice(sent)
    return TemporaryExposureKey(b64decode(key["key"]), key["rollingStartNumber"])


def _heard(met: list[TemporaryExposureKey]) -> Iterator[HeardIdentifier]:
    start = min(key.rolling_start for key in met) * 600
    for _ in range(HEARD - len(met)):
        first = start + chance.randrange(14 * 86_400)
        yield HeardIdentifier(chance.randbytes(16), first, first + chance.randrange(900))
    for key in met:
        interval = chance.randrange(144)
        first = (key.rolling_start + interval) * 600
        yield HeardIdentifier(all_identifiers(key)[interval], first, first + 600)


if __name__ == "__main__":
    main()
