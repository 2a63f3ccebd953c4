"""What the stores of notices, bundles and proposals promise, on both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from threading import Barrier

import pytest

from bluezone_node.authority.places.notice_views import NoticeState
from bluezone_node.authority.ports.notices import (
    DrawnBundle,
    Due,
    Evidence,
    NoticePart,
    Proposal,
    StoredNotice,
)
from bluezone_node.errors import AuthorityRefused
from bluezone_node.store.authority.bundles import SqlBundles
from bluezone_node.store.authority.notices import SqlNotices
from bluezone_node.store.authority.proposals import SqlProposals
from bluezone_node.venues.bundle import ChainHead, follow
from tests.kept import HOUR, NOON, SQL, Kept, kept_in
from tests.outbreaks import LAN, NOW, Outbreaks, order

NOTICE = StoredNotice(
    0,
    b"v" * 16,
    "Tầng 2",
    "79",
    NOON - 3 * HOUR,
    NOON - 2 * HOUR,
    15,
    3,
    2,
    10,
    "19009095",
    {"vi": "Gọi trạm y tế.", "en": "Call."},
    NOON,
    "lan",
    NOON + timedelta(days=14),
    NOON,
    "lan",
    None,
    "",
    None,
    None,
)
PROPOSAL = Proposal(
    b"p" * 16,
    b"v" * 16,
    "",
    "79",
    NOON - 2 * HOUR,
    NOON - HOUR,
    Evidence(42, 97, 1, 140, 0.8),
    NOON,
)


@pytest.fixture(params=SQL)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    yield from kept_in(request, tmp_path)


@pytest.fixture
def notices(kept: Kept) -> SqlNotices:
    return SqlNotices(kept.registry_engine())


@pytest.fixture
def bundles(kept: Kept) -> SqlBundles:
    return SqlBundles(kept.registry_engine())


@pytest.fixture
def proposals(kept: Kept) -> SqlProposals:
    return SqlProposals(kept.registry_engine())


def part(number: int) -> NoticePart:
    return NoticePart(bytes([number]) * 16, 0, b"l" * 32, b"sealed")


def due(bundles: SqlBundles, most: int = 100) -> Due:
    """Return what waits, and write nothing."""
    seen: list[Due] = []

    def look(what: Due) -> None:
        seen.append(what)

    assert bundles.draw(NOON, most, look) is None
    return seen[0]


def test_a_notice_comes_back_as_it_was_kept(notices: SqlNotices) -> None:
    """Under a number of its own, and with nothing lost."""
    number = notices.add(NOTICE, [part(1), part(2)])
    assert number is not None
    found = notices.notice(number)
    assert found is not None
    assert found.notice == replace(NOTICE, number=number)
    assert (found.published_in, found.retracted_in) == (None, None)
    assert notices.notices("79") == notices.notices() == [found]
    assert notices.notices("01") == []
    assert notices.notice(number + 1) is None


def test_what_touches_a_time_is_found_with_its_tail(notices: SqlNotices) -> None:
    """Half-open: a visit that begins when the air is clean again is none."""
    notices.add(NOTICE, [])
    until = NOTICE.until
    second = timedelta(seconds=1)
    assert notices.touching(NOTICE.venue_id, until - second, until)
    assert not notices.touching(NOTICE.venue_id, until, until + HOUR)
    assert not notices.touching(NOTICE.venue_id, NOTICE.start - HOUR, NOTICE.start)
    assert not notices.touching(b"w" * 16, NOTICE.start, until)


def test_a_retraction_is_told_only_of_what_was_told(
    notices: SqlNotices, bundles: SqlBundles
) -> None:
    """One that no bundle had yet just never comes."""
    number = notices.add(NOTICE, [part(1)])
    assert number is not None
    assert [each.notice_id for each in due(bundles).parts] == [part(1).notice_id]
    assert notices.retract(number, NOON, "lan")
    assert not notices.retract(number, NOON, "lan")
    assert due(bundles).parts == due(bundles).retracted == ()


def test_a_notice_that_waits_for_release_is_not_due(
    notices: SqlNotices, bundles: SqlBundles
) -> None:
    """And once released it is, once."""
    number = notices.add(replace(NOTICE, released=None, released_by=""), [])
    assert number is not None
    assert due(bundles).parts == ()
    assert notices.release(number, NOON + HOUR, "chi", [part(1)])
    assert not notices.release(number, NOON + HOUR, "chi", [part(2)])
    assert [each.notice_id for each in due(bundles).parts] == [part(1).notice_id]
    found = notices.notice(number)
    assert found is not None
    assert (found.notice.released, found.notice.released_by) == (NOON + HOUR, "chi")


def test_an_update_of_what_is_over_changes_nothing(
    notices: SqlNotices, bundles: SqlBundles
) -> None:
    """Neither its successor nor its parts are kept."""
    number = notices.add(NOTICE, [part(1)])
    assert number is not None
    notices.retract(number, NOON, "lan")
    assert notices.add(replace(NOTICE, replaces=number), [part(2)]) is None
    assert len(notices.notices()) == 1
    assert due(bundles).parts == ()


def test_an_update_that_does_not_fit_waits_whole(notices: SqlNotices, bundles: SqlBundles) -> None:
    """Its retraction goes with its first half nowhere: people would be told that it is over."""
    first = notices.add(NOTICE, [part(1)])
    _publish(bundles)
    other = notices.add(NOTICE, [part(2)])
    assert other is not None
    notices.add(replace(NOTICE, replaces=first), [part(3), part(4)])
    crowded = due(bundles, most=2)
    assert [each.notice_id for each in crowded.parts] == [part(2).notice_id]
    assert crowded.retracted == ()
    roomy = due(bundles, most=3)
    assert len(roomy.parts) == 3
    assert roomy.retracted == (part(1).notice_id,)


def test_what_has_expired_is_not_published(notices: SqlNotices, bundles: SqlBundles) -> None:
    """A server that stood still for a fortnight does not warn of what is over."""
    notices.add(replace(NOTICE, expires=NOON), [part(1)])
    assert due(bundles).parts == ()


def test_the_breaker_says_who_and_since_when(notices: SqlNotices) -> None:
    """Off at first; setting it twice changes nothing."""
    assert not notices.breaker().on
    assert not notices.set_breaker(False, NOON, "lan")
    assert notices.set_breaker(True, NOON, "lan")
    assert not notices.set_breaker(True, NOON + HOUR, "chi")
    assert (notices.breaker().since, notices.breaker().by) == (NOON, "lan")
    assert notices.set_breaker(False, NOON + HOUR, "chi")
    assert not notices.breaker().on


def test_what_is_long_over_is_forgotten(
    notices: SqlNotices, bundles: SqlBundles, proposals: SqlProposals
) -> None:
    """Notices with their parts, and proposals; nothing younger."""
    notices.add(replace(NOTICE, expires=NOON), [part(1)])
    young = notices.add(replace(NOTICE, expires=NOON + HOUR), [part(2)])
    proposals.add(replace(PROPOSAL, received=NOON - HOUR), NOON - 24 * HOUR, 9)
    assert notices.forget(NOON + HOUR / 2) == 1
    assert [each.notice.number for each in notices.notices()] == [young]
    assert [each.notice_id for each in due(bundles).parts] == [part(2).notice_id]
    assert proposals.proposals() == []


def test_a_proposal_comes_back_and_is_kept_once(proposals: SqlProposals) -> None:
    """Sent again it is answered as it stands, however much was said already."""
    since = NOON - 24 * HOUR
    assert proposals.add(PROPOSAL, since, 1) == PROPOSAL
    assert proposals.add(PROPOSAL, since, 1) == PROPOSAL
    assert proposals.add(replace(PROPOSAL, proposal_id=b"q" * 16), since, 1) is None
    elsewhere = replace(PROPOSAL, proposal_id=b"r" * 16, venue_id=b"w" * 16)
    assert proposals.add(elsewhere, since, 1) == elsewhere
    assert proposals.proposal(PROPOSAL.proposal_id) == PROPOSAL
    assert proposals.dismiss(PROPOSAL.proposal_id, NOON, "lan", "bảo trì")
    assert not proposals.dismiss(PROPOSAL.proposal_id, NOON, "chi", "khác")
    assert proposals.proposals("79") == [elsewhere]
    assert len(proposals.proposals("79", waiting=False)) == 2


def test_a_proposal_is_answered_by_one_notice(notices: SqlNotices, proposals: SqlProposals) -> None:
    """A second one is refused; an update of the first is not."""
    proposals.add(PROPOSAL, NOON - 24 * HOUR, 9)
    answer = replace(NOTICE, proposal=PROPOSAL.proposal_id)
    number = notices.add(answer, [part(1)])
    assert number is not None
    assert notices.add(answer, [part(2)]) is None
    assert notices.add(replace(answer, replaces=number), [part(3)]) is not None
    found = proposals.proposal(PROPOSAL.proposal_id)
    assert found is not None
    assert (found.accepted, found.decided_by) == (True, "lan")


def test_officers_and_rounds_race(kept: Kept, tmp_path: Path) -> None:
    """Four officers issue and take back while two servers write bundles: the chain is whole."""
    engines = [kept.registry_engine() for _ in range(6)]
    desks = [Outbreaks(engine, tmp_path / "places") for engine in engines]
    market, barrier = desks[0].place(), Barrier(6)
    for number, desk in enumerate(desks):
        desk.entropy.__self__.seed(number)  # type: ignore[attr-defined]

    def work(desk: Outbreaks, writes: bool) -> None:
        barrier.wait()
        for round_ in range(4):
            if writes:
                desk.bundles.run()
                continue
            number = desk.notices.issue(order(market), LAN).notice.number
            if round_ % 2:
                desk.notices.retract(number, LAN)

    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(work, desk, number < 2) for number, desk in enumerate(desks)]
        for job in jobs:
            job.result()
    desks[0].bundles.run()
    numbers = [*desks[0].kept.bundles()]
    assert numbers == [*range(1, len(numbers) + 1)]
    head: ChainHead | None = None
    alive: set[bytes] = set()
    for number in numbers:
        bundle = desks[0].bundle(number)
        head = follow(head, bundle, desks[0].kept.content(number))
        assert number == 1 or set(bundle.retracted) <= alive
        alive |= {notice.notice_id for notice in bundle.notices}
        alive -= set(bundle.retracted)
    listed = desks[0].notices.newest(LAN)
    states = [each.state for each in listed]
    assert states.count(NoticeState.PUBLISHED) == 8
    assert states.count(NoticeState.RETRACTED) == 8
    assert all(
        (each.published_in is None) == (each.retracted_in is None)
        for each in listed
        if each.state is NoticeState.RETRACTED
    )


def test_two_updates_of_one_notice_race(kept: Kept, tmp_path: Path) -> None:
    """One wins; the other is told that the notice is over, and leaves nothing behind."""
    desks = [Outbreaks(kept.registry_engine(), tmp_path / "places") for _ in range(2)]
    market, barrier = desks[0].place(), Barrier(2)
    number = desks[0].notices.issue(order(market), LAN).notice.number
    desks[1].entropy.__self__.seed(99)  # type: ignore[attr-defined]

    def update(desk: Outbreaks) -> str:
        barrier.wait()
        try:
            desk.notices.update(number, order(market, min_overlap=5), LAN)
        except AuthorityRefused as refused:
            return refused.reason
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(update, desks)) == ["done", "notice_retracted"]
    assert len(desks[0].notices.newest(LAN)) == 2


def test_old_bundles_go_and_the_chain_goes_on(kept: Kept, tmp_path: Path) -> None:
    """Weeks of quiet days: three weeks are on offer, and each names the one before."""
    outbreaks = Outbreaks(kept.registry_engine(), tmp_path / "places")
    for _ in range(24):
        outbreaks.bundles.run()
        outbreaks.clock.advance(24 * 3600)
    numbers = [*outbreaks.kept.bundles()]
    assert numbers == [*range(24 - 21, 25)]
    assert outbreaks.files()["index.txt"].decode().split() == [
        f"exports/places/{number:08}.cose" for number in numbers
    ]
    assert set(outbreaks.files()) == {
        "index.txt",
        "trust.cose",
        "days.cose",
        *(f"{number:08}.cose" for number in numbers),
    }
    for one, two in pairwise(numbers):
        head = ChainHead(one, outbreaks.bundle(two).previous)
        assert follow(head, outbreaks.bundle(two), outbreaks.kept.content(two)).sequence == two


def _publish(bundles: SqlBundles) -> None:

    def draw(what: Due) -> DrawnBundle:
        last = what.last.sequence if what.last else 0
        published = tuple(each.notice_id for each in what.parts)
        return DrawnBundle(last + 1, NOW, False, (), b"content", published, what.retracted)

    assert bundles.draw(NOON, 100, draw) is not None
