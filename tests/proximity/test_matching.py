"""Published keys meet the log: what was heard is found, and nothing else."""

import random
import tracemalloc
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_node.crypto import bluezone
from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.proximity.matching import (
    HeardIndex,
    match,
    match_batches,
    match_bluezone,
)
from bluezone_node.proximity.model import DiagnosisKey, HeardIdentifier

DAY = 2642976
"""The first interval of 2020-04-02."""
PUBLISHED = DiagnosisKey(bytes.fromhex("75c734c6dd1a782de7a965da5eb93125"), DAY, 144)
FIRST = bytes.fromhex("8be6cd371c5c891604bfbe49df845096")
LAST = bytes.fromhex("f431b62ecf443102ce4ed0407de54bd4")


def identifiers(key: DiagnosisKey) -> list[bytes]:
    return all_identifiers(TemporaryExposureKey(key.key, key.rolling_start, key.rolling_period))


def heard(identifier: bytes, interval: int, until: int | None = None) -> HeardIdentifier:
    """Heard from the first second of *interval* to the last of *until*, or only once."""
    last = interval * 600 if until is None else until * 600 + 599
    return HeardIdentifier(identifier, interval * 600, last)


def found(
    log: Iterable[HeardIdentifier], *keys: DiagnosisKey
) -> list[tuple[DiagnosisKey, tuple[tuple[int, bytes], ...]]]:
    return [(one.key, one.identifiers) for one in match(HeardIndex(log), keys)]


def test_the_published_key_is_found_by_its_published_identifiers() -> None:
    """First and last identifier of the day match in their own intervals."""
    log = [heard(LAST, DAY + 143), heard(bytes(16), DAY), heard(FIRST, DAY)]
    assert found(log, PUBLISHED) == [(PUBLISHED, ((DAY, FIRST), (DAY + 143, LAST)))]


@pytest.mark.parametrize(("off", "matches"), [(-13, False), (-12, True), (12, True), (13, False)])
@pytest.mark.parametrize("j", [0, 1, 70, 142, 143])
def test_clocks_may_disagree_by_twelve_intervals(j: int, off: int, matches: bool) -> None:
    """A sighting counts from 12 intervals before its identifier's own to 12 after, not 13."""
    identifier = identifiers(PUBLISHED)[j]
    assert bool(found([heard(identifier, DAY + j + off)], PUBLISHED)) is matches


@pytest.mark.parametrize(("first", "last"), [(-40, -12), (12, 40), (-40, 40)])
def test_a_long_sighting_counts_if_any_of_it_is_timely(first: int, last: int) -> None:
    """An identifier heard for hours matches when its time touches the tolerance."""
    log = [heard(FIRST, DAY + first, DAY + last)]
    assert found(log, PUBLISHED) == [(PUBLISHED, ((DAY, FIRST),))]


def test_identifiers_beyond_the_rolling_period_do_not_match() -> None:
    """A key that was cut short vouches for its own intervals only."""
    rpis = identifiers(PUBLISHED)
    log = [heard(rpis[9], DAY + 9), heard(rpis[10], DAY + 10)]
    cut = DiagnosisKey(PUBLISHED.key, DAY, 10)
    assert found(log, cut) == [(cut, ((DAY + 9, rpis[9]),))]
    assert found(log[1:], cut) == []


def test_a_start_that_is_not_midnight() -> None:
    """Keys of test servers start anywhere; over midnight both days are looked at."""
    key = DiagnosisKey(bytes(range(16)), DAY + 100, 144)
    rpis = identifiers(key)
    log = [heard(rpis[0], DAY + 100), heard(rpis[143], DAY + 243)]
    assert found(log, key) == [(key, ((DAY + 100, rpis[0]), (DAY + 243, rpis[143])))]


def test_an_empty_log_matches_nothing_and_still_reads_the_keys() -> None:
    """Whoever counts the keys as they stream by counts them all."""
    keys = iter([PUBLISHED] * 3)
    assert list(match(HeardIndex([]), keys)) == []
    assert next(keys, None) is None


def test_the_same_identifier_many_times_is_one_match() -> None:
    """The log may hold an identifier in several rows, untimely ones among them."""
    log = [heard(FIRST, DAY - 500), heard(FIRST, DAY), heard(FIRST, DAY), heard(FIRST, DAY + 1)]
    assert found(log, PUBLISHED) == [(PUBLISHED, ((DAY, FIRST),))]


def test_the_same_key_twice_is_found_twice() -> None:
    """Primary and revised keys are the same bytes, and each is told of."""
    assert len(found([heard(FIRST, DAY)], PUBLISHED, PUBLISHED)) == 2


def test_half_an_identifier_is_not_a_match() -> None:
    """Eight equal bytes are no match, whichever eight."""
    log = [heard(FIRST[:8] + bytes(8), DAY), heard(bytes(8) + FIRST[8:], DAY)]
    assert found(log, PUBLISHED) == []


def test_a_replay_weeks_later_is_not_a_match() -> None:
    """Sixteen days on, where the table of days begins again, the time still decides."""
    assert found([heard(FIRST, DAY + 16 * 144)], PUBLISHED) == []
    assert found([heard(FIRST, DAY), heard(LAST, DAY + 16 * 144 + 143)], PUBLISHED) == [
        (PUBLISHED, ((DAY, FIRST),))
    ]


keys = st.builds(
    DiagnosisKey,
    st.binary(min_size=16, max_size=16),
    st.integers(DAY, DAY + 400),
    st.integers(1, 144),
)


@settings(max_examples=40)
@given(
    published=st.lists(keys, min_size=1, max_size=20, unique_by=lambda key: key.key),
    data=st.data(),
)
def test_matching_is_the_plain_definition(
    published: list[DiagnosisKey], data: st.DataObject
) -> None:
    """The same answer as comparing every identifier with every row of the log."""
    real = [
        (key.rolling_start + j, rpi) for key in published for j, rpi in enumerate(identifiers(key))
    ]
    row = st.tuples(st.sampled_from(real), st.integers(-16, 16), st.integers(0, 30))
    log = [
        heard(rpi, interval + off, interval + off + longer)
        for (interval, rpi), off, longer in data.draw(st.lists(row, max_size=20))
    ]
    expected = []
    for key in published:
        timely = tuple(
            (interval, rpi)
            for interval, rpi in zip(
                range(key.rolling_start, key.rolling_end), identifiers(key), strict=True
            )
            if any(
                one.identifier == rpi
                and one.first // 600 <= interval + 12
                and one.last // 600 >= interval - 12
                for one in log
            )
        )
        if timely:
            expected.append((key, timely))
    assert found(log, *published) == expected


def test_a_busy_kiosk_of_two_weeks() -> None:
    """Among 200,000 heard identifiers the five planted keys are found, and no other of 3,000."""
    chance = random.Random(14)
    log = [heard(chance.randbytes(16), DAY + chance.randrange(14 * 144)) for _ in range(200_000)]
    published = [
        DiagnosisKey(chance.randbytes(16), DAY + 144 * chance.randrange(14), 144)
        for _ in range(3000)
    ]
    planted = published[::600]
    for key in planted:
        j = chance.randrange(144)
        log.append(heard(identifiers(key)[j], key.rolling_start + j))
    assert [key for key, _ in found(log, *published)] == planted


def test_memory_does_not_grow_with_the_number_of_keys() -> None:
    """Twenty thousand keys need no more memory than two thousand."""
    index = HeardIndex(heard(bytes([n, 0] * 8), DAY + n) for n in range(100))

    def stream(count: int) -> Iterator[DiagnosisKey]:
        chance = random.Random(count)
        for _ in range(count):
            yield DiagnosisKey(chance.randbytes(16), DAY, 144)

    peaks = []
    for count in (2_100, 21_000):
        tracemalloc.start()
        assert list(match(index, stream(count))) == []
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


@pytest.mark.parametrize(
    ("data", "start", "period"),
    [(bytes(15), DAY, 144), (bytes(16), DAY, 0), (bytes(16), DAY, 145), (bytes(16), -1, 1)],
)
def test_what_is_not_a_key_is_a_mistake_of_the_caller(data: bytes, start: int, period: int) -> None:
    """What is not a key raises instead of shifting every key after it."""
    with pytest.raises(ValueError, match=r"bytes|period|start"):
        found([], DiagnosisKey(data, start, period))


def test_batches_of_any_size_match_like_a_stream() -> None:
    """Empty batches, one key, and more than fit into one round of work."""
    other = DiagnosisKey(bytes(16), DAY, 144)
    batches = [[], [PUBLISHED], [other] * 600 + [PUBLISHED]]
    index = HeardIndex([heard(FIRST, DAY)])
    assert [one.key for one in match_batches(index, batches)] == [PUBLISHED, PUBLISHED]


PHONE = bytes.fromhex("4C5224B397F8AB3896781D5AA0F3119F280513F1B592CA280EBDED6357E21084")
PHONE_DAY = 1596844800
SLOT_24 = bytes.fromhex("3AA8DFC0A15682B27216FC31")
"""A real Bluezone phone and what was captured of it on 2020-08-08."""


def bluezone_slots(*log: HeardIdentifier, days: int = 1) -> list[int]:
    end = PHONE_DAY + days * 86_400
    return [slot.slot for slot in match_bluezone(HeardIndex(log), PHONE, PHONE_DAY, end)]


def test_a_bluezone_phone_is_found_by_its_day_key() -> None:
    """The identifier captured in slot 24 is recognised in the log."""
    assert bluezone_slots(HeardIdentifier(SLOT_24, 1596866588, 1596866588)) == [24]
    assert bluezone_slots() == []


@pytest.mark.parametrize(
    ("second", "matches"), [(-901, False), (-900, True), (1799, True), (1800, False)]
)
def test_a_bluezone_identifier_counts_one_slot_either_side(second: int, matches: bool) -> None:
    """From 15 minutes before its slot begins to 15 minutes after it ends."""
    at = PHONE_DAY + 24 * 900 + second
    assert bool(bluezone_slots(HeardIdentifier(SLOT_24, at, at))) is matches


def test_the_bluezone_chain_is_followed_into_the_next_days() -> None:
    """A key pushed for two weeks finds the phone on the second day too."""
    tomorrow = bluezone.identifiers(bluezone.day_key_after(PHONE, 1), PHONE_DAY + 86_400)[0]
    at = PHONE_DAY + 86_400
    log = HeardIdentifier(tomorrow.identifier, at, at)
    assert bluezone_slots(log, days=14) == [0]
