"""What the air log proves. Pure: lines in, verdicts out; nothing here believes what a node says."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Sent:
    """One advertisement that was on the air."""

    t: float
    node: str
    pdu: str
    address: str
    kind: str
    """``public``, ``non-resolvable``, …"""
    data: bytes
    heard: dict[str, int]
    """Receiver → dBm."""


@dataclass(frozen=True, slots=True)
class AirLog:
    sent: tuple[Sent, ...]
    events: tuple[dict[str, Any], ...]
    """Everything else, as it was written."""

    def of(self, node: str) -> tuple[Sent, ...]:
        """Return what *node* sent."""
        return tuple(one for one in self.sent if one.node == node)

    def noted(self, event: str, node: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["ev"] == event and e.get("node") == node]


def read_air(lines: Iterable[str], since: float = 0.0) -> AirLog:
    """Read the lines of an air log from *since* on; a last line that is not whole yet is left."""
    sent, events = [], []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event["t"] < since:
            continue
        if event["ev"] != "pdu":
            events.append(event)
            continue
        sent.append(
            Sent(
                event["t"],
                event["node"],
                event["pdu"],
                event["addr"],
                event["kind"],
                bytes.fromhex(event["data"]),
                event["heard"],
            )
        )
    return AirLog(tuple(sent), tuple(events))


@dataclass(frozen=True, slots=True)
class Pairs:
    """How addresses and payloads of one sender went together."""

    addresses: int
    payloads: int
    mixed: tuple[str, ...]
    """A sentence for each address that carried two payloads, and each payload under two."""


def pairs(sent: Iterable[Sent]) -> Pairs:
    """Tell whether every address carried one payload only, and every payload had one address."""
    payloads_of: dict[str, dict[bytes, float]] = defaultdict(dict)
    addresses_of: dict[bytes, dict[str, float]] = defaultdict(dict)
    for one in sent:
        payloads_of[one.address].setdefault(one.data, one.t)
        addresses_of[one.data].setdefault(one.address, one.t)
    mixed = [
        f"{address} carried {len(seen)} payloads, the second from {sorted(seen.values())[1]:.3f} s"
        for address, seen in payloads_of.items()
        if len(seen) > 1
    ]
    mixed += [
        f"one payload went under {len(under)} addresses, from {sorted(under.values())[1]:.3f} s"
        for under in addresses_of.values()
        if len(under) > 1
    ]
    return Pairs(len(payloads_of), len(addresses_of), tuple(mixed))


@dataclass(frozen=True, slots=True)
class Gaps:
    """Milliseconds from one advertisement to the next."""

    count: int
    shortest: int
    median: int
    longest: int


def gaps(sent: Sequence[Sent]) -> Gaps | None:
    """Measure the intervals; None of fewer than two advertisements."""
    between = [round((b.t - a.t) * 1000) for a, b in pairwise(sent)]
    if not between:
        return None
    return Gaps(len(between), min(between), round(median(between)), max(between))


def silence(sent: Iterable[Sent], start: float, end: float) -> float:
    """Return the longest time within [start, end] without an advertisement, seconds."""
    times = [start, *sorted(one.t for one in sent if start <= one.t <= end), end]
    return max(b - a for a, b in pairwise(times))


def back_for_good(sent: Iterable[Sent], moment: float, end: float, pause: float) -> float | None:
    """Return the seconds from *moment* until there was no silence of *pause* any more up to *end*.

    None where it was silent at the end.
    """
    back = moment
    previous = moment
    for t in sorted(one.t for one in sent if moment <= one.t <= end):
        if t - previous > pause or back == moment:
            back = t
        previous = t
    return None if end - previous > pause else back - moment


def first_after(sent: Iterable[Sent], moment: float, by: str = "") -> float | None:
    """Return the seconds from *moment* to the first advertisement, heard *by* that receiver."""
    after = (one.t for one in sent if one.t >= moment and (not by or by in one.heard))
    first = min(after, default=None)
    return None if first is None else first - moment


def scanning_share(log: AirLog, node: str, start: float, end: float) -> float:
    """Return the share of [start, end] in which the receiver of *node* was switched on.

    What went before the log counts as off.
    """
    on_since: float | None = None
    total = 0.0
    for event in log.events:
        if event.get("node") != node:
            continue
        if event["ev"] == "scan_start" and on_since is None:
            on_since = event["t"]
        elif event["ev"] == "scan_stop" and on_since is not None:
            total += _overlap(on_since, event["t"], start, end)
            on_since = None
    if on_since is not None:
        total += _overlap(on_since, end, start, end)
    return total / (end - start)


def _overlap(a: float, b: float, start: float, end: float) -> float:
    return max(0.0, min(b, end) - max(a, start))


def grows(samples: Sequence[float], tolerance: float) -> float | None:
    """Return by how much *samples*, taken at a steady pace, grew; None where they did not.

    The medians of the second and of the last quarter are compared: the first quarter is warming
    up, and single readings jump.  Growth of up to *tolerance* is none.
    """
    if len(samples) < 8:
        raise ValueError("too few samples to see a trend")
    quarter = len(samples) // 4
    growth = median(samples[-quarter:]) - median(samples[quarter : 2 * quarter])
    return growth if growth > tolerance else None
