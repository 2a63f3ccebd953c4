"""From an officer's order to what a visitor reads."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.places.notice_views import NoticeState
from bluezone_node.store.authority import registry_tables
from bluezone_node.store.authority.database import Database
from bluezone_node.venues.bundle import follow
from tests.outbreaks import HOUR, LAN, NOW, Outbreaks, order, told


@pytest.fixture
def outbreaks(tmp_path: Path) -> Iterator[Outbreaks]:
    engine = Database(registry_tables.LAYOUT, tmp_path / "registry.db").open()
    yield Outbreaks(engine, tmp_path / "places")
    engine.dispose()


def test_an_order_becomes_a_file_that_the_visitor_reads(outbreaks: Outbreaks) -> None:
    """Who was there reads it; who was next door, or there the day before, finds nothing."""
    market, other = outbreaks.place(), outbreaks.place("Chợ Tân Định")
    issued = outbreaks.notices.issue(order(market), LAN)
    assert issued.state is NoticeState.PENDING
    run = outbreaks.bundles.run()
    assert (run.drawn, run.notices) == (1, 1)
    bundle = outbreaks.bundle(1)
    assert len(bundle.notices) == 16
    (card,), (elsewhere,) = outbreaks.cards(market), outbreaks.cards(other)
    came, left = NOW - 2.5 * HOUR, NOW - 2.2 * HOUR
    (text,) = told(bundle, card, came, left)
    assert (text.start, text.end) == (NOW - 3 * HOUR, NOW - 2 * HOUR + timedelta(minutes=15))
    assert not told(bundle, elsewhere, came, left)
    assert not told(bundle, card, came - 24 * HOUR, left - 24 * HOUR)
    assert outbreaks.notices.show(issued.notice.number, LAN).published_in == 1
    assert outbreaks.files()["index.txt"] == b"exports/places/00000001.cose\n"


def test_the_chain_goes_on(outbreaks: Outbreaks) -> None:
    """A retraction follows in the next bundle, which names the one before."""
    market = outbreaks.place()
    number = outbreaks.notices.issue(order(market), LAN).notice.number
    outbreaks.bundles.run()
    outbreaks.notices.retract(number, LAN)
    assert outbreaks.bundles.run().drawn == 2
    first, second = outbreaks.bundle(1), outbreaks.bundle(2)
    head = follow(None, first, outbreaks.files()["00000001.cose"])
    assert follow(head, second, outbreaks.files()["00000002.cose"]).sequence == 2
    assert len(second.retracted) == 4
    assert {*second.retracted} <= {notice.notice_id for notice in first.notices}
    assert outbreaks.bundles.run().drawn is None
