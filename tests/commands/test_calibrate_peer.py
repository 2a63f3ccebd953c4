"""Keeping one neighbour in sight while its mark changes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from bluezone_node.commands.calibrate.peer import FOLLOWED_WITHIN, PeerWatch
from bluezone_node.errors import CalibrationRefused
from bluezone_node.node.neighbours import RECENT, Neighbour, Neighbours
from bluezone_node.proximity.calibration import Batch

STEP = 1.0


@dataclass
class Room:
    """Who sends two packets a second, and what a watch makes of it."""

    watch: PeerWatch
    now: float = 0.0
    senders: dict[str, int] = field(default_factory=dict)
    """Level of who sends now, by mark."""
    _heard: dict[str, Neighbour] = field(default_factory=dict)
    _at: dict[str, float] = field(default_factory=dict)

    def pass_(self, seconds: float) -> list[Batch]:
        """Let time pass, looking each second; return what was heard of the peer."""
        found: list[Batch] = []
        for _ in range(round(seconds / STEP)):
            self.skip(STEP)
            found += self.watch.look(self.answer())
        return found

    def skip(self, seconds: float) -> None:
        """Let time pass without looking."""
        self.now += seconds
        for mark, level in self.senders.items():
            packets = round(2 * seconds)
            before = self._heard.get(mark, Neighbour(mark, level, 0, 0, 0, 0))
            self._heard[mark] = Neighbour(
                mark,
                level,
                0.0,
                before.packets + packets,
                before.level_sum + packets * level,
                before.level_squares + packets * level**2,
            )
            self._at[mark] = self.now

    def answer(self) -> Neighbours:
        return Neighbours("0000", self.now, tuple(self._near()))

    def _near(self) -> Iterable[Neighbour]:
        for mark, last in self._heard.items():
            if self.now - self._at[mark] <= RECENT:
                ago = self.now - self._at[mark]
                yield Neighbour(
                    mark, last.rssi, ago, last.packets, last.level_sum, last.level_squares
                )


def room(**senders: int) -> Room:
    """A room in which a1a1 is the peer, and everybody in it was heard before the first look."""
    opened = Room(PeerWatch("a1a1"), senders=senders)
    opened.skip(30)
    opened.watch.look(opened.answer())
    return opened


def packets(batches: Iterable[Batch]) -> int:
    return sum(batch.packets for batch in batches)


def test_no_packet_between_two_looks_is_lost() -> None:
    """Sums grow; what one look brings is what they grew by."""
    home = room(a1a1=-57, b2b2=-70)
    home.skip(10)
    assert home.watch.look(home.answer()) == [Batch(40.0, 20, 20 * -57, 20 * 57**2)]
    assert home.watch.look(home.answer()) == []


def test_a_mark_that_changes_is_followed() -> None:
    """Everything that the newcomer was heard with is the peer's."""
    home = room(a1a1=-57, b2b2=-58)
    heard = packets(home.pass_(60))
    home.senders = {"c3c3": -57, "b2b2": -58}
    heard += packets(home.pass_(60))
    assert home.watch.mark == "c3c3"
    assert heard == 240


def test_between_slow_looks_a_mark_is_followed_too() -> None:
    """A simulated air may run so fast that half a minute passes from look to look."""
    home = room(a1a1=-57)
    heard = 0
    for mark in ("a1a1", "a1a1", "c3c3", "c3c3", "c3c3"):
        home.senders = {mark: -57}
        home.skip(30)
        heard += packets(home.watch.look(home.answer()))
    assert home.watch.mark == "c3c3"
    assert heard == 300


def test_who_was_there_before_is_not_the_peer() -> None:
    """The peer stopped, and its neighbour is as strong: gone."""
    home = room(a1a1=-57, b2b2=-57)
    home.senders = {"b2b2": -57}
    with pytest.raises(CalibrationRefused) as lost:
        home.pass_(2 * RECENT)
    assert lost.value.reason == "peer_gone"
    assert home.watch.mark == "a1a1"


def test_who_comes_far_weaker_or_later_is_somebody_else() -> None:
    """Somebody at the other end of the hall; somebody who enters half a minute after."""
    home = room(a1a1=-57)
    home.senders = {"far0": -75}
    home.pass_(FOLLOWED_WITHIN + 5)
    home.senders = {"far0": -75, "1a7e": -57}
    with pytest.raises(CalibrationRefused) as lost:
        home.pass_(2 * RECENT)
    assert lost.value.reason == "peer_gone"


def test_of_two_who_came_a_person_must_say_which() -> None:
    """Two nodes changed their marks at once; named, the peer is heard from the change on."""
    home = room(a1a1=-57, b2b2=-59)
    home.pass_(10)
    home.senders = {"c3c3": -57, "d4d4": -59}
    with pytest.raises(CalibrationRefused) as lost:
        home.pass_(30)
    assert lost.value.reason == "peer_ambiguous"
    assert "c3c3" in str(lost.value)
    assert "d4d4" in str(lost.value)
    waited = home.now
    home.watch.name("d4d4")
    home.skip(30)
    heard = home.watch.look(home.answer())
    assert packets(heard) == 2 * (home.now - 40)
    assert heard[-1].at == home.now > waited


def test_a_mark_that_changed_while_nobody_looked_is_followed() -> None:
    """A person carries the peer from 1 m to 2 m for three minutes before pressing Enter."""
    home = room(a1a1=-57, b2b2=-80)
    home.pass_(10)
    home.skip(60)
    home.senders = {"c3c3": -63, "b2b2": -80}
    home.skip(120)
    home.pass_(FOLLOWED_WITHIN + 2)
    assert home.watch.mark == "c3c3"


def test_a_silence_that_nobody_watched_is_no_silence() -> None:
    """After a long pause the peer is given time to be heard again."""
    home = room(a1a1=-57)
    home.senders = {}
    home.skip(300)
    assert home.watch.look(home.answer()) == []
    home.pass_(RECENT - 1)
    home.senders = {"a1a1": -57}
    assert packets(home.pass_(5)) == 10


def test_a_peer_that_was_away_for_a_minute_is_counted_anew() -> None:
    """The daemon has forgotten how often it was heard before."""
    home = room(a1a1=-57)
    home.senders = {}
    home.pass_(30)
    home.senders = {"a1a1": -57}
    home._heard.clear()
    assert packets(home.pass_(5)) == 10
