"""Killed while somebody checks in: what was acknowledged is there, and nobody is at two places."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.ports import StoredVisit
from bluezone_node.store.node import SqliteNodeStore, open_node_store
from bluezone_node.venues.visits import OutKind, Seen, arrive
from tests.cuts import last_acknowledged
from tests.venues.places import card_of

START = datetime(2026, 11, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLACES = [card_of(seed=seed) for seed in range(3)]
ROUNDS = 10


def check_in(store: SqliteNodeStore, number: int) -> None:
    """Come to the next of three places: one visit ends and one begins, in one step."""
    seen = Seen(START + number * MINUTE, f"place {number}", PLACES[number % 3])

    def change(stored: list[StoredVisit]) -> list[StoredVisit]:
        ids = [*(entry.id for entry in stored), 0]
        visits = [entry.visit for entry in stored]
        return [StoredVisit(ids[index], visit) for index, visit in arrive(visits, seen)]

    store.change_visits(change)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_no_check_in(tmp_path: Path) -> None:
    """Ten times killed in the middle: every acknowledged scan is there, and all ends are known."""
    path = tmp_path / "state" / "node.db"
    chance = random.Random(1)
    following = 0
    for _ in range(ROUNDS):
        acknowledged = last_acknowledged(check_in, path, following, chance.randint(1, 25))
        with open_node_store(path) as store:
            assert store._database.rows("PRAGMA integrity_check") == [("ok",)]
            visits = [entry.visit for entry in store.visits()]
        came = [visit.came for visit in visits]
        # The one that was being written may be there already.
        assert len(came) - 1 - acknowledged in (0, 1)
        assert came == [START + number * MINUTE for number in range(len(came))]
        assert [visit.left for visit in visits] == [*came[1:], None]
        assert {visit.out for visit in visits[:-1]} <= {OutKind.NEXT}
        following = len(came)
