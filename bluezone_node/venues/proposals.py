"""What a kiosk tells its authority when somebody who was near it turned out to be infectious.

When, and how strong the evidence is; never an identifier, a key, or anything else of the person.
An officer decides whether a notice follows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from bluezone_node.intervals import to_unix
from bluezone_node.venues.card import day_number

PROPOSAL_ID_BYTES = 16
GAP = timedelta(minutes=30)
"""Between two times near that count as one, at least: at a door nobody is heard in between."""


@dataclass(frozen=True, slots=True)
class Nearness:
    """One time in which a published key was near the kiosk."""

    start: datetime
    end: datetime
    packets: int
    expected: int
    """Packets that a device held beside the kiosk would have been heard with meanwhile."""
    key: int
    """Number that tells two keys apart, and nothing else."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One time at the place that an officer is asked to look at."""

    id: bytes
    """16 bytes that follow from place and time: sent twice, it is one."""
    start: datetime
    end: datetime
    minutes: int
    """In which anybody was near the kiosk."""
    packets: int
    keys: int
    """How many published keys were near."""
    expected: int
    """See `Nearness`."""
    made: datetime


def proposals_of(
    nearnesses: Iterable[Nearness], location_id: bytes, made: datetime, gap: timedelta = GAP
) -> list[Proposal]:
    """Return a proposal for each time of one day in Vietnam without a longer *gap*.

    Whole minutes, outwards: the very second of a packet is nobody's business.
    """
    groups: list[list[Nearness]] = []
    for each in sorted(nearnesses, key=lambda each: each.start):
        if groups and _belongs(each, groups[-1], gap):
            groups[-1].append(each)
        else:
            groups.append([each])
    return [_proposal(group, location_id, made) for group in groups]


def _belongs(each: Nearness, group: list[Nearness], gap: timedelta) -> bool:
    near = each.start - max(known.end for known in group) <= gap
    return near and day_number(each.start) == day_number(group[0].start)


def _covered(group: list[Nearness]) -> float:
    """Return how many minutes somebody was near; two at once count once."""
    total, until = timedelta(0), group[0].start
    for each in group:
        total += max(timedelta(0), each.end - max(each.start, until))
        until = max(until, each.end)
    return total.total_seconds() / 60


def _proposal(group: list[Nearness], location_id: bytes, made: datetime) -> Proposal:
    start = min(each.start for each in group).replace(second=0, microsecond=0)
    end = max(each.end for each in group)
    if end.second or end.microsecond:
        end = end.replace(second=0, microsecond=0) + timedelta(minutes=1)
    told = b"VNP1-PROPOSAL" + location_id + to_unix(start).to_bytes(8)
    return Proposal(
        sha256(told).digest()[:PROPOSAL_ID_BYTES],
        start,
        end,
        max(1, round(_covered(group))),
        sum(each.packets for each in group),
        len({each.key for each in group}),
        sum(each.expected for each in group),
        made,
    )
