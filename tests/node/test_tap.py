"""Which device is held against the kiosk: the loudest by far, and only now."""

from datetime import UTC, datetime

import pytest

from bluezone_node.clock import SimClock
from bluezone_node.node.tap import (
    CLEARLY,
    MOST_DEVICES,
    MOST_PACKETS,
    TAP_DBM,
    WINDOW,
    NoTap,
    TapWatch,
)
from bluezone_node.proximity.model import Sighting
from bluezone_node.venues.sighting import VenueSighting
from bluezone_node.venues.tags import AirTag

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
AN, BINH = bytes(range(16)), bytes(range(16, 32))


class Door:
    """A kiosk's ears, and the packets that reach them."""

    def __init__(self, key: int = 1) -> None:
        self.clock = SimClock(START)
        self.watch = TapWatch(self.clock, lambda size: bytes([key]) * size)

    def heard(self, identifier: bytes, *levels: int) -> None:
        for level in levels:
            self.watch.hear(Sighting(self.clock.now(), identifier, None, level))

    def why(self) -> str:
        assert self.watch.tap().tap == ""
        return self.watch.tap().why


def test_the_loudest_by_far_is_held_against_the_kiosk() -> None:
    """Others may stand by."""
    door = Door()
    door.heard(AN, TAP_DBM, TAP_DBM + 3)
    door.heard(BINH, TAP_DBM - CLEARLY, TAP_DBM - CLEARLY)
    tap = door.watch.tap()
    assert tap.tap
    assert tap.why == ""


def test_nobody_is_near_enough() -> None:
    """An empty hall, one who stands a metre away, one packet alone, one reading that jumps."""
    door = Door()
    assert door.why() == NoTap.NOBODY.value
    door.heard(AN, -50, -49, -51)
    assert door.why() == NoTap.NOBODY.value
    door.heard(BINH, -30)
    assert door.why() == NoTap.NOBODY.value
    door.heard(BINH, -50)
    assert door.why() == NoTap.NOBODY.value


def test_of_two_that_are_held_up_neither_is_taken() -> None:
    """The kiosk asks for one at a time rather than guess."""
    door = Door()
    door.heard(AN, -35, -35)
    door.heard(BINH, -44, -44)
    assert door.why() == NoTap.TWO.value


async def test_who_went_away_is_not_held_any_more() -> None:
    """Only the last seconds count, and nothing of before is kept."""
    door = Door()
    door.heard(AN, -35, -35)
    assert door.watch.tap().tap
    await door.clock.sleep(WINDOW + 0.1)
    assert door.why() == NoTap.NOBODY.value
    assert AN not in door.watch._levels


def test_a_mark_is_the_same_for_one_identifier_and_tells_nothing_of_it() -> None:
    """Twice the same, of another one different, and another in each process."""
    first, again, other = Door(), Door(), Door(key=2)
    for door in (first, again, other):
        door.heard(AN, -35, -35)
    marks = [door.watch.tap().tap for door in (first, again, other)]
    assert marks[0] == marks[1] != marks[2]
    assert marks[0] not in AN.hex()
    fresh = Door()
    fresh.heard(BINH, -35, -35)
    assert fresh.watch.tap().tap != marks[0]


def test_a_flood_takes_no_more_room_than_a_full_hall() -> None:
    """Devices and packets are bounded; who is there already stays."""
    door = Door()
    door.heard(AN, -35, -35)
    for number in range(2 * MOST_DEVICES):
        door.heard(number.to_bytes(16, "little") + b"x", -60, -60)
    door.heard(AN, *[-35] * 10_000)
    assert len(door.watch._levels) == MOST_DEVICES
    assert len(door.watch._levels[AN]) == MOST_PACKETS
    assert door.watch.tap().tap


@pytest.mark.parametrize("level", [-20, -35])
def test_a_place_is_never_held_against_another(level: int) -> None:
    """The tag of a kiosk next to this one is no visitor."""
    door = Door()
    for _ in range(3):
        door.watch.hear(VenueSighting(START, AirTag(bytes(12), bytes(10)), level))
    assert door.why() == NoTap.NOBODY.value
