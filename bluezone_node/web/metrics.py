"""What is counted of requests, in Prometheus' words: routes, status and reasons, nothing else.

Several workers count into files of one folder, which any of them adds up; a single process counts
in its memory.  Whoever takes the place of a worker that ended goes on in its files: one more for
each process that ever was, as the library has it, makes adding up slower from day to day (some
0.1 s after a hundred).
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import IO

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from bluezone_node.web.observe import Seen
from bluezone_node.web.watch import Finding

PREFIX = "bluezone_"
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The library looks at it when it is imported: it is for workers, from their parent."""

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds. A publication takes some milliseconds, and is promised within 0.25 s."""


class Meters:
    """Counts what an `Observer` tells."""

    def __init__(self) -> None:
        if folder := os.environ.get(FOLDER_VARIABLE):
            number, self._held = _free_place(Path(folder))
            values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._requests = Counter(
            PREFIX + "http_requests",
            "Requests answered.",
            ["route", "status"],
            registry=self._registry,
        )
        self._outcomes = Counter(
            PREFIX + "http_outcomes",
            "Requests of the API, and sign-ins: ok, chaff, or the reason of a refusal.",
            ["route", "outcome"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            PREFIX + "http_request_seconds",
            "Time from the header to the answer.",
            ["route"],
            buckets=BUCKETS,
            registry=self._registry,
        )

    def tell(self, seen: Seen) -> None:
        """Count one request."""
        self._requests.labels(seen.route, str(seen.status)).inc()
        self._seconds.labels(seen.route).observe(seen.seconds)
        if seen.outcome:
            self._outcomes.labels(seen.route, seen.outcome).inc()

    def exposition(self, findings: Mapping[str, Finding]) -> bytes:
        """Return everything as text: what was counted, by all workers, and what was found."""
        registry = self._registry
        if FOLDER_VARIABLE in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        state = CollectorRegistry()
        state.register(_State(findings))
        return generate_latest(registry) + generate_latest(state)


class _State(Collector):
    def __init__(self, findings: Mapping[str, Finding]) -> None:
        self._findings = findings

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily(PREFIX + "up", "1: the part is in order.", labels=["part"])
        families = {up.name: up}
        for part, finding in self._findings.items():
            up.add_metric([part], not finding.wrong)
            for gauge in finding.gauges:
                name = PREFIX + gauge.name
                family = families.setdefault(
                    name, GaugeMetricFamily(name, gauge.meaning, labels=list(gauge.labels))
                )
                family.add_metric(list(gauge.labels.values()), gauge.value)
        return families.values()


def _free_place(folder: Path) -> tuple[int, IO[bytes]]:
    """Return the first number that no living process has, and what holds it while it is open."""
    number = 0
    while True:
        held = (folder / f"{number}.lock").open("wb")
        try:
            flock(held, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            held.close()
            number += 1
        else:
            return number, held


@contextmanager
def counted_together(environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield *environ* for workers that count together, until all of them have ended."""
    # Under systemd in memory, and taken away with the service however it ends.
    with tempfile.TemporaryDirectory(
        prefix="bluezone-metrics-", dir=environ.get("RUNTIME_DIRECTORY")
    ) as folder:
        yield {**environ, FOLDER_VARIABLE: str(Path(folder))}
