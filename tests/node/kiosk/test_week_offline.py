"""Seven days without a network: everybody is entered, and what waited goes when it is back."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from bluezone_node.clock import SimClock
from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import Unreachable
from bluezone_node.intervals import interval_at
from bluezone_node.node.kiosk.ledger import Movement
from bluezone_node.node.kiosk.proposals import Proposing
from bluezone_node.ports import ExportRecord, ExportState, MatchedKey, NodeStore, Result
from bluezone_node.proximity.model import DiagnosisKey, Encounter, HeardScan, RssiHistogram, Scan
from bluezone_node.store.node import open_node_store
from bluezone_node.venues.card import day_number
from bluezone_node.venues.proposals import Proposal
from tests.kiosks import ID_CARD, INSURANCE, MORNING, desk_at, market, pass_of

DAYS = 7
HOUR = 3600.0


class Line:
    """A connection that is there or not."""

    def __init__(self) -> None:
        self.up = False
        self.sent: list[Proposal] = []

    async def propose(self, proposal: Proposal) -> None:
        if not self.up:
            raise Unreachable("no network")
        self.sent.append(proposal)

    async def decoy(self) -> None:
        """Nothing is kept of it."""


async def test_a_week_without_a_network(tmp_path: Path) -> None:
    """Two families and a device a day, an infectious visitor on the third; then the network."""
    clock, line, card = SimClock(MORNING), Line(), market()
    with open_node_store(tmp_path / "state" / "node.db") as store:

        async def on_store(work: Callable[[NodeStore], Result]) -> Result:
            return work(store)

        proposing = Proposing(card, on_store, lambda _: store, line)
        desk = desk_at(store, clock, card)
        for day in range(DAYS):
            assert desk.scan(ID_CARD, 4).movement is Movement.IN
            assert desk.scan(pass_of(day + 1, clock.now()), 1).movement is Movement.IN
            if day == 2:
                at = clock.now()
                key = TemporaryExposureKey(b"a key that is 16", interval_at(at) // 144 * 144, 144)
                rpi = all_identifiers(key)[interval_at(at) - key.rolling_start]
                heard = HeardScan(at, 60, RssiHistogram(((-60, 40),)))
                store.log([Encounter(rpi, b"meta", (heard,))], [Scan(at, 60, 60, 40, 0)])
            clock.advance(HOUR / 2)
            assert desk.scan(ID_CARD, 1).movement is Movement.OUT
            assert desk.inside == 1
            clock.advance(23.5 * HOUR)
            desk.settle()
            assert desk.inside == 0
            assert await proposing(clock.now()) == []
        line.up = True
        told = DiagnosisKey(key.key, key.rolling_start, key.rolling_period)
        line_of_ledger = ExportRecord("vn", "1.zip", ExportState.MATCHED, clock.now())
        store.record_export(line_of_ledger, [MatchedKey(told, "vn", "1.zip")], [])
        for _ in range(2):
            await proposing(clock.now())
        assert [proposal.start for proposal in line.sent] == [MORNING + timedelta(days=2)]
        entries = desk.history(MORNING, clock.now())
        assert [day_number(entry.came) - day_number(MORNING) for entry in entries] == [
            day for day in range(DAYS) for _ in range(2)
        ]
        assert not any(entry.digest for entry in entries)
        assert desk.scan(INSURANCE, 1).inside == 1
