"""Marks on two screens: who hears whom, and nothing else."""

import asyncio
import random
from datetime import UTC, datetime

import pytest

from bluezone_node.clock import SimClock
from bluezone_node.node.neighbours import MOST_NEIGHBOURS, RECENT, AttentiveRadio, mark
from bluezone_node.proximity.model import Beacon
from tests.radios import LoopbackAir

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
AN = Beacon(bytes(range(16)), b"an01")
AN_LATER = Beacon(bytes(range(16, 32)), b"an02")
BINH = Beacon(bytes(range(32, 48)), b"bn01")


class Pair:
    """An and Bình, a metre apart, each with a radio that pays attention."""

    def __init__(self) -> None:
        self.clock = SimClock(START)
        self.air = LoopbackAir(self.clock, every=1.0)
        self.an, self.binh = self._attentive("an", 0.0), self._attentive("binh", 1.0)
        self.heard = {"an": 0, "binh": 0}
        self._tasks = [
            asyncio.create_task(self._listen("an", self.an)),
            asyncio.create_task(self._listen("binh", self.binh)),
        ]

    def _attentive(self, name: str, x: float) -> AttentiveRadio:
        return AttentiveRadio(self.air.radio(name, x), self.clock)

    async def _listen(self, name: str, radio: AttentiveRadio) -> None:
        async for _ in radio.hear():
            self.heard[name] += 1

    async def end(self) -> None:
        await self.an.close()
        await self.binh.close()
        await asyncio.gather(*self._tasks)


async def test_two_people_find_their_marks_on_each_others_screen() -> None:
    """What one shows as its own, the other shows as heard, with strength and age."""
    pair = Pair()
    await pair.an.advertise(AN)
    await pair.binh.advertise(BINH)
    await pair.clock.sleep(10.5)
    an, binh = pair.an.neighbours(), pair.binh.neighbours()
    assert [neighbour.mark for neighbour in an.near] == [binh.mark] == [mark(BINH.rpi)]
    (heard,) = binh.near
    assert heard.mark == an.mark
    assert -126 <= heard.rssi < 0
    assert heard.seconds_ago == pytest.approx(0.5, abs=0.01)
    assert heard.packets == pair.heard["binh"] == 10
    await pair.end()


async def test_the_mark_changes_with_the_identifier() -> None:
    """It ties nothing together that the identifier does not."""
    pair = Pair()
    await pair.an.advertise(AN)
    before = pair.an.neighbours().mark
    await pair.an.advertise(AN_LATER)
    assert pair.an.neighbours().mark == mark(AN_LATER.rpi) != before
    await pair.end()


async def test_off_the_air_there_is_no_mark() -> None:
    """A node that nobody can hear does not offer one to look for."""
    pair = Pair()
    assert pair.an.neighbours().mark == ""
    await pair.an.advertise(AN)
    await pair.an.advertise(None)
    assert pair.an.neighbours().mark == ""
    await pair.end()


async def test_who_left_is_forgotten_after_a_minute() -> None:
    """Marks are of now; no list of who was there grows."""
    pair = Pair()
    await pair.an.advertise(AN)
    await pair.clock.sleep(3.5)
    await pair.an.advertise(None)
    await pair.clock.sleep(RECENT - 2)
    assert pair.binh.neighbours().near
    await pair.clock.sleep(4)
    assert pair.binh.neighbours().near == ()
    await pair.an.advertise(AN)
    await pair.clock.sleep(2)
    assert [neighbour.packets for neighbour in pair.binh.neighbours().near] == [2]
    await pair.end()


async def test_a_flood_takes_no_more_room_than_a_full_hall() -> None:
    """Those already near stay; newcomers find a place when others have left."""
    pair = Pair()
    await pair.binh.advertise(BINH)
    await pair.clock.sleep(1.5)
    entropy = random.Random(1).randbytes
    crowd = [pair.air.radio(f"{number}", 2.0) for number in range(MOST_NEIGHBOURS + 50)]
    for radio in crowd:
        await radio.advertise(Beacon(entropy(16), bytes(4)))
    await pair.clock.sleep(1)
    near = pair.an.neighbours().near
    assert len(near) == MOST_NEIGHBOURS
    assert mark(BINH.rpi) in {neighbour.mark for neighbour in near}
    for radio in crowd:
        await radio.close()
    await pair.clock.sleep(RECENT + 2)
    assert len(pair.an.neighbours().near) == 1
    await pair.end()


def test_a_mark_is_short_and_not_the_identifier() -> None:
    """Sixteen bits of a labelled hash: the digits of the identifier are not among them."""
    marks = {mark(random.Random(seed).randbytes(16)) for seed in range(1000)}
    assert all(len(each) == 4 and int(each, 16) >= 0 for each in marks)
    assert len(marks) > 980
    assert mark(AN.rpi) != AN.rpi.hex()[:4]


async def test_no_identifier_in_what_is_shown() -> None:
    """Neither the answer nor its text carries more than the mark."""
    pair = Pair()
    await pair.an.advertise(AN)
    await pair.clock.sleep(2)
    shown = repr(pair.binh.neighbours()) + repr(pair.an.neighbours()) + repr(vars(pair.binh))
    assert AN.rpi.hex() not in shown
    assert repr(AN.rpi) not in shown
    await pair.end()


async def test_two_answers_tell_the_mean_of_what_was_heard_between() -> None:
    """Whoever asks seldom loses no packet: sums of levels and of their squares grow with them."""
    pair = Pair()
    await pair.an.advertise(AN)
    await pair.clock.sleep(3.5)
    ((before,), asked) = pair.binh.neighbours().near, pair.binh.neighbours().at
    await pair.clock.sleep(20)
    ((after,), now) = pair.binh.neighbours().near, pair.binh.neighbours().at
    packets = after.packets - before.packets
    mean = (after.level_sum - before.level_sum) / packets
    square = (after.level_squares - before.level_squares) / packets
    assert now - asked == pytest.approx(20)
    assert packets == 20
    assert -126 <= mean < 0
    assert square >= mean**2 - 1e-9
    await pair.end()
