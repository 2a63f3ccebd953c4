"""What goes when an owner forgets a visit: all that tells that they were there."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.alerts import AlertKind, Presence
from bluezone_node.ports import NodeStore, StoredVisit
from bluezone_node.store.node import open_node_store
from bluezone_node.venues.visits import Seen, Visit, arrive, leave
from tests.contract.test_node_store import NOON, alert
from tests.stores import MemoryNodeStore

HOUR = timedelta(hours=1)
CLINIC, PAGODA = "Phòng khám Hoa Sen", "Chùa Láng"


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NodeStore]:
    if request.param == "memory":
        yield MemoryNodeStore()
        return
    with open_node_store(tmp_path / "state" / "node.db") as opened:
        yield opened


def visit(place: str, hour: int) -> Visit:
    [(_, began)] = arrive((), Seen(NOON + hour * HOUR, place))
    return leave(began, NOON + (hour + 1) * HOUR)


def test_a_code_shown_at_the_door_is_forgotten_with_its_visit(store: NodeStore) -> None:
    """And the news that its row was opened, which names the place; another visit's stay."""
    first, second = visit(CLINIC, 0), visit(PAGODA, 3)
    kept = store.change_visits(lambda _: [StoredVisit(0, first), StoredVisit(0, second)])
    store.add_shown_pass(b"clinic's", NOON - timedelta(minutes=5))
    store.add_shown_pass(b"pagoda's", NOON + 3 * HOUR)
    told = [
        replace(
            alert(),
            kind=AlertKind.REGISTER,
            start=NOON + hours * HOUR,
            end=NOON + 9 * HOUR,
            subject=f"7-{place}",
            presence=Presence(place, 0, "none", proved=False),
        )
        for place, hours in ((CLINIC, 0), (PAGODA, 3))
    ]
    store.put_alerts(told, NOON, "register")
    assert store.forget_visits([kept[0].id]) == 1
    assert [*store.shown_passes()] == [b"pagoda's"]
    assert [entry.alert.subject for entry in store.alerts()] == [f"7-{PAGODA}"]
    assert store.forget_visits() == 1
    assert store.shown_passes() == {}
    assert [*store.alerts()] == []
