"""Sightings become encounters: nothing is lost but what capacity refuses, and that is counted."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.proximity.encounters import (
    LONGEST_SCAN_SECONDS,
    Fold,
    fold_all,
    stands_for,
)
from bluezone_node.proximity.model import (
    SCAN_SECONDS,
    Encounter,
    IdentifierProtocol,
    RssiHistogram,
    Sighting,
)

NOON = datetime(2021, 8, 1, 12, tzinfo=UTC)
AN, BINH = b"A" * 16, b"B" * 16


def sighting(
    seconds: float = 0, identifier: bytes = AN, rssi: int = -60, metadata: bytes | None = b"meta"
) -> Sighting:
    return Sighting(NOON + timedelta(seconds=seconds), identifier, metadata, rssi)


sightings = st.lists(
    st.builds(
        sighting,
        seconds=st.floats(0, 3600),
        identifier=st.sampled_from([AN, BINH, b"C" * 16]),
        rssi=st.integers(-126, 20),
        metadata=st.sampled_from([b"meta", b"atem", None]),
    ),
    max_size=40,
)


def test_one_minute_of_packets_is_one_scan() -> None:
    """The packets of a minute become one encounter with one scan and their exact histogram."""
    fold = Fold()
    for seconds, rssi in [(3, -60), (4.5, -60), (59.9, -48)]:
        fold.hear(sighting(seconds, rssi=rssi))
    [encounter] = fold.close(NOON, SCAN_SECONDS)
    [scan] = encounter.scans
    assert (encounter.identifier, encounter.metadata) == (AN, b"meta")
    assert scan.start == NOON + timedelta(seconds=3)
    assert scan.seconds == SCAN_SECONDS
    assert scan.rssi == RssiHistogram(((-60, 2), (-48, 1)))


def test_close_leaves_later_minutes_open() -> None:
    """Closing a minute takes it and those before it, and nothing after."""
    fold = Fold()
    for minute in range(3):
        fold.hear(sighting(60 * minute))
    assert len(fold.close(NOON + timedelta(minutes=1), 60)) == 2
    assert len(fold) == 1
    assert len(fold.close(NOON + timedelta(minutes=2), 60)) == 1
    assert fold.close(NOON + timedelta(hours=1), 60) == []


def test_a_late_close_shares_its_time_between_the_minutes_heard() -> None:
    """Three minutes closed at once stand for three minutes in all, not for nine."""
    fold = Fold()
    for minute in range(3):
        fold.hear(sighting(60 * minute))
    closed = fold.close(NOON + timedelta(minutes=2), 180)
    assert [encounter.scans[0].seconds for encounter in closed] == [60, 60, 60]


def test_a_sighting_of_a_closed_minute_comes_out_with_the_next_close() -> None:
    """A packet that was late on its way is kept, under its own time."""
    fold = Fold()
    fold.close(NOON + timedelta(minutes=1), 60)
    fold.hear(sighting(5))
    [encounter] = fold.close(NOON + timedelta(minutes=2), 60)
    assert encounter.scans[0].start == NOON + timedelta(seconds=5)


def test_newcomers_beyond_capacity_are_counted_and_the_known_still_heard() -> None:
    """Random identifiers cannot fill the memory, nor silence who is already there."""
    fold = Fold(capacity=2)
    fold.hear(sighting(0, AN))
    fold.hear(sighting(0, BINH))
    for number in range(1000):
        fold.hear(sighting(1, number.to_bytes(16)))
    fold.hear(sighting(2, AN))
    assert len(fold) == 2
    assert fold.dropped == 1000
    assert sum(encounter.scans[0].rssi.total for encounter in fold.close(NOON, 60)) == 3


def test_capacity_is_given_back_at_close() -> None:
    """A flood costs the minute it happens in, not the ones after."""
    fold = Fold(capacity=1)
    fold.hear(sighting(0, AN))
    fold.close(NOON, 60)
    fold.hear(sighting(60, BINH))
    assert fold.dropped == 0


def test_the_same_identifier_with_other_metadata_is_another_encounter() -> None:
    """Metadata is not authenticated: a flipped bit must not change what was honestly heard."""
    encounters, _ = fold_all([sighting(0), sighting(1, metadata=b"flip"), sighting(2)])
    assert Counter(e.metadata for e in encounters for _ in e.scans) == {b"meta": 1, b"flip": 1}


def test_protocols_are_kept_apart() -> None:
    """A Bluezone identifier keeps its protocol on the way through."""
    heard = Sighting(NOON, b"b" * 12, None, -70, IdentifierProtocol.BLUEZONE)
    [encounter], _ = fold_all([heard])
    assert encounter.protocol is IdentifierProtocol.BLUEZONE


def test_what_a_scan_stands_for() -> None:
    """Time since the last scan, at most five minutes; one minute where there is no telling."""
    minute = timedelta(minutes=1)
    assert stands_for(None, NOON) == SCAN_SECONDS
    assert stands_for(NOON - minute, NOON) == 60
    assert stands_for(NOON - 4 * minute, NOON) == 240
    assert stands_for(NOON - 60 * minute, NOON) == LONGEST_SCAN_SECONDS
    assert stands_for(NOON + minute, NOON) == SCAN_SECONDS
    assert stands_for(NOON, NOON) == SCAN_SECONDS


def test_a_recording_of_sparse_looks_stands_for_the_time_between_them() -> None:
    """A look every four minutes counts four minutes each, for everyone heard in it."""
    looks = [sighting(240 * look + packet, AN) for look in range(4) for packet in range(4)]
    [encounter], scans = fold_all(looks)
    assert [scan.seconds for scan in encounter.scans] == [60, 240, 240, 240]
    assert [scan.seconds for scan in scans] == [60, 240, 240, 240]
    assert [scan.sightings for scan in scans] == [4, 4, 4, 4]


@given(sightings)
def test_every_sighting_is_in_exactly_one_scan(heard: list[Sighting]) -> None:
    """Folding neither loses nor invents a packet, in whatever order they come."""
    encounters, scans = fold_all(heard)
    folded = Counter(
        (e.identifier, e.metadata, rssi, int(scan.start.timestamp()) // SCAN_SECONDS)
        for e in encounters
        for scan in e.scans
        for rssi, count in scan.rssi.counts
        for _ in range(count)
    )
    assert folded == Counter(
        (s.identifier, s.metadata, s.rssi, int(s.at.timestamp()) // SCAN_SECONDS) for s in heard
    )
    assert sum(scan.sightings for scan in scans) == len(heard)


@given(sightings, st.randoms(use_true_random=False))
def test_order_does_not_matter(heard: list[Sighting], random: object) -> None:
    """Out-of-order sightings fold to what the sorted ones fold to."""
    shuffled = list(heard)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    def told(encounters: list[Encounter]) -> set[Encounter]:
        assert all(
            [scan.start for scan in e.scans] == sorted(scan.start for scan in e.scans)
            for e in encounters
        )
        return set(encounters)

    assert told(fold_all(heard)[0]) == told(fold_all(shuffled)[0])
