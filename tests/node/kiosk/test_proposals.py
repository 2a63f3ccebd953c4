"""A place proposes when somebody was there, never who; once, until the authority has it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.client import HttpPlaces
from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import AuthorityRefused, Unreachable
from bluezone_node.intervals import interval_at
from bluezone_node.node.kiosk.proposals import Proposing
from bluezone_node.ports import ExportRecord, ExportState, MatchedKey, NodeStore, Result
from bluezone_node.proximity.model import (
    DiagnosisKey,
    Encounter,
    HeardScan,
    ReportType,
    RssiHistogram,
    Scan,
)
from bluezone_node.store.node import SqliteNodeStore, open_node_store
from bluezone_node.venues.proposals import Nearness, Proposal, proposals_of
from tests.kiosks import market
from tests.test_client import OK, answering

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CARD = market()
KEY = TemporaryExposureKey(b"a key that is 16", interval_at(NOON.replace(hour=0)), 144)
OTHER = TemporaryExposureKey(b"another key, 16.", interval_at(NOON.replace(hour=0)), 144)


class Office:
    """An authority that takes proposals, or does what a test says."""

    def __init__(self) -> None:
        self.taken: list[Proposal] = []
        self.error: Exception | None = None

    async def propose(self, proposal: Proposal) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append(proposal)

    async def decoy(self) -> None:
        """Nothing is kept of it."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteNodeStore]:
    with open_node_store(tmp_path / "state" / "node.db") as opened:
        yield opened


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def proposing(store: SqliteNodeStore, office: Office) -> Proposing:
    async def on_store(work: Callable[[NodeStore], Result]) -> Result:
        return work(store)

    return Proposing(CARD, on_store, lambda _: store, office)


def hear(
    store: SqliteNodeStore,
    *minutes: int,
    key: TemporaryExposureKey = KEY,
    rssi: int = -60,
    packets: int = 40,
    late: int = 0,
) -> None:
    """Log the identifiers of *key*, as sent *late* hours before, in these minutes after noon."""
    for minute in minutes:
        at = NOON + minute * MINUTE
        sent = interval_at(at - timedelta(hours=late)) - key.rolling_start
        scan = HeardScan(at, 60, RssiHistogram(((rssi, packets),)))
        store.log(
            [Encounter(all_identifiers(key)[sent], b"meta", (scan,))], [Scan(at, 60, 60, 40, 0)]
        )


def publish(
    store: SqliteNodeStore,
    key: TemporaryExposureKey = KEY,
    report_type: ReportType = ReportType.CONFIRMED_TEST,
) -> None:
    """Let *key* be matched."""
    told = DiagnosisKey(key.key, key.rolling_start, key.rolling_period, report_type)
    line = ExportRecord("vn", key.key.hex(), ExportState.MATCHED, NOON)
    store.record_export(line, [MatchedKey(told, "vn", "x")], [])


async def test_who_was_near_is_proposed_as_a_time(
    store: SqliteNodeStore, office: Office, proposing: Proposing
) -> None:
    """Coming and going at the door is one visit; the evidence is figures."""
    hear(store, 0, 1, 2, 45, 46)
    publish(store)
    assert await proposing(NOON + 90 * MINUTE) == []
    (proposal,) = office.taken
    assert (proposal.start, proposal.end) == (NOON, NOON + 47 * MINUTE)
    assert (proposal.minutes, proposal.packets, proposal.keys) == (5, 200, 1)
    assert proposal.expected == 5 * 222
    assert len(proposal.id) == 16


async def test_two_people_at_one_time_are_one_proposal(
    store: SqliteNodeStore, office: Office, proposing: Proposing
) -> None:
    """With two keys as its evidence; another time of the day is another."""
    hear(store, 0, 1)
    hear(store, 3, 4, key=OTHER)
    hear(store, 200, 201)
    publish(store)
    publish(store, OTHER)
    await proposing(NOON + timedelta(hours=5))
    assert [proposal.keys for proposal in office.taken] == [2, 1]
    assert office.taken[1].start == NOON + 200 * MINUTE


async def test_a_proposal_is_sent_once(
    store: SqliteNodeStore, office: Office, proposing: Proposing
) -> None:
    """However often it is found; with more evidence, again under the same name."""
    hear(store, 0)
    publish(store)
    for hour in range(3):
        await proposing(NOON + timedelta(hours=hour))
    assert len(office.taken) == 1
    hear(store, 1)
    await proposing(NOON + timedelta(hours=4))
    assert len({proposal.id for proposal in office.taken}) == 1
    assert [proposal.minutes for proposal in office.taken] == [1, 2]


async def test_a_proposal_waits_for_the_network(
    store: SqliteNodeStore, office: Office, proposing: Proposing
) -> None:
    """Days, if it must; and for a kiosk that is known again, or a day with room."""
    hear(store, 0)
    publish(store)
    for error in (
        Unreachable("no network"),
        AuthorityRefused("unknown", reason="unauthorized"),
        AuthorityRefused("enough", reason="quota_exceeded"),
    ):
        office.error = error
        await proposing(NOON + timedelta(hours=1))
    office.error = None
    await proposing(NOON + timedelta(days=7))
    assert [proposal.start for proposal in office.taken] == [NOON]


async def test_a_proposal_that_is_refused_is_not_sent_for_ever(
    store: SqliteNodeStore, office: Office, proposing: Proposing
) -> None:
    """What the authority cannot use, it cannot use tomorrow."""
    hear(store, 0)
    publish(store)
    office.error = AuthorityRefused("too old", reason="proposal_invalid")
    await proposing(NOON + timedelta(hours=1))
    assert store.waiting_proposals() == []


@pytest.mark.parametrize(
    "heard",
    [{"rssi": -90}, {"packets": 2}, {"late": 3}],
    ids=["far away", "an echo", "recorded and sent again"],
)
async def test_what_is_no_evidence_is_not_proposed(
    store: SqliteNodeStore, office: Office, proposing: Proposing, heard: dict[str, int]
) -> None:
    """Somebody across the street, a car that passes, an identifier of three hours ago."""
    hear(store, 0, 1, 2, **heard)
    publish(store)
    await proposing(NOON + timedelta(hours=1))
    assert office.taken == []


@pytest.mark.parametrize("kind", [ReportType.REVOKED, ReportType.SELF_REPORT])
async def test_only_what_was_confirmed_is_proposed(
    store: SqliteNodeStore, office: Office, proposing: Proposing, kind: ReportType
) -> None:
    """Neither a diagnosis that was withdrawn nor one that nobody vouches for."""
    hear(store, 0, 1)
    publish(store, report_type=kind)
    await proposing(NOON + timedelta(hours=1))
    assert office.taken == []


def test_seconds_are_nobodys_business() -> None:
    """Times are told in whole minutes, outwards."""
    start = NOON + timedelta(seconds=17)
    near = Nearness(start, start + timedelta(seconds=30), 9, 99, 0)
    (proposal,) = proposals_of([near], CARD.location_id, NOON)
    assert (proposal.start, proposal.end, proposal.minutes) == (NOON, NOON + MINUTE, 1)
    (elsewhere,) = proposals_of([near], market(seed=2).location_id, NOON)
    assert elsewhere.id != proposal.id


def test_a_day_ends_at_midnight() -> None:
    """A ward in which somebody is near all night long is two days, and two proposals."""
    midnight = NOON + timedelta(hours=12)
    starts = [midnight + minute * 10 * MINUTE for minute in range(-6, 6)]
    near = [Nearness(start, start + 10 * MINUTE, 9, 99, 0) for start in starts]
    found = proposals_of(near, CARD.location_id, NOON)
    assert [(each.start, each.end, each.minutes) for each in found] == [
        (midnight - 60 * MINUTE, midnight, 60),
        (midnight, midnight + 60 * MINUTE, 60),
    ]


def test_minutes_of_two_at_once_count_once() -> None:
    """What is told is for how long anybody was near, not how many were."""
    near = [Nearness(NOON, NOON + 5 * MINUTE, 9, 99, key) for key in range(50)]
    (proposal,) = proposals_of(near, CARD.location_id, NOON)
    assert (proposal.minutes, proposal.keys, proposal.packets) == (5, 50, 450)


async def test_nothing_else_is_sent() -> None:
    """Over HTTP: the fields of the door, a bearer token, and nothing of a person."""
    near = Nearness(NOON, NOON + MINUTE, 40, 222, 0)
    (proposal,) = proposals_of([near], CARD.location_id, NOON)
    body = json.dumps({"id": "x", "state": "waiting", "padding": ""}).encode()
    answer = OK + b"content-length: %d\r\n\r\n" % len(body) + body
    refusal = b'{"error": "no", "code": "unauthorized"}'
    no = b"HTTP/1.1 401 No\r\ncontent-length: %d\r\n\r\n" % len(refusal) + refusal
    async with answering(answer, no) as (url, requests), HttpPlaces(url, "the-bearer") as places:
        await places.propose(proposal)
        with pytest.raises(AuthorityRefused) as refused:
            await places.propose(proposal)
    assert refused.value.reason == "unauthorized"
    assert b"POST /v1/places/proposals " in requests[0]
    assert b"authorization: bearer the-bearer" in requests[0].lower()
