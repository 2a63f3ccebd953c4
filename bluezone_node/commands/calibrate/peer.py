"""One neighbour kept in sight while its mark changes with its identifier.

Pure: fed with what the daemon answers to ``neighbours``, it gives back the packets that were heard
of the peer since.  A mark that falls silent is followed to the one newcomer that came in its place
at a similar strength; where there is none, or more than one, a person must say which it is.
"""

from dataclasses import dataclass, field

from bluezone_node.errors import CalibrationRefused
from bluezone_node.node.neighbours import RECENT, Neighbour, Neighbours
from bluezone_node.proximity.calibration import Batch

FOLLOWED_WITHIN = 20.0
"""Seconds between the last packet of the old mark and the coming of the new one: a radio that
listens in bursts and sends every 1.3 s needs ten, and who comes later is somebody else."""

KNOWN_AFTER = 10
"""Packets before the strength of a newcomer is compared: their mean is known to 2.4 dB where
packets scatter by 7.6."""

SIMILAR = 10.0
"""dB between the means of the two marks: 6 if the peer was carried from 1 m to 2 m meanwhile, and
some for chance."""


@dataclass(slots=True)
class _Track:
    """What is known of one mark."""

    not_before: float
    """When it was looked for last without being there; minus infinity: it was there first."""
    first_seen: float
    """When it first was there."""
    heard: float = float("-inf")
    """When its last packet came."""
    packets: int = 0
    level_sum: int = 0
    level_squares: int = 0
    news: list[Batch] = field(default_factory=list)
    """Heard, and not given out yet."""

    def note(self, seen: Neighbour, at: float) -> None:
        if seen.packets < self.packets:
            # It was away for a minute, and the daemon counts anew.
            self.packets = self.level_sum = self.level_squares = 0
        if seen.packets > self.packets:
            self.news.append(
                Batch(
                    at,
                    seen.packets - self.packets,
                    seen.level_sum - self.level_sum,
                    seen.level_squares - self.level_squares,
                )
            )
            self.packets, self.level_sum = seen.packets, seen.level_sum
            self.level_squares = seen.level_squares
        self.heard = at - seen.seconds_ago

    @property
    def mean(self) -> float:
        return self.level_sum / self.packets


class PeerWatch:
    """Follows one neighbour from answer to answer."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        """Of the peer just now."""
        self._tracks: dict[str, _Track] = {}
        self._looked = float("-inf")
        self._watching_since = 0.0

    def look(self, seen: Neighbours) -> list[Batch]:
        """Return what was heard of the peer since the last look.

        Raises:
            CalibrationRefused: reason ``peer_gone`` or ``peer_ambiguous``. It may be looked on
                after `name` was told which mark is the peer's now.
        """
        if seen.at - self._looked > RECENT:
            # Nobody looked for a while: that time says nothing about the peer's silence.
            self._watching_since = seen.at
        for neighbour in seen.near:
            track = self._tracks.setdefault(neighbour.mark, _Track(self._looked, seen.at))
            track.note(neighbour, seen.at)
        self._looked = seen.at
        news = self._news()
        self._follow(seen.at)
        return news + self._news()

    def name(self, mark: str) -> None:
        """Take *mark* for the peer's from now on; what it was heard with since is the peer's."""
        self.mark = mark

    def _news(self) -> list[Batch]:
        peer = self._tracks.get(self.mark)
        if peer is None:
            return []
        news, peer.news = peer.news, []
        return news

    def _follow(self, now: float) -> None:
        peer = self._tracks.get(self.mark)
        heard = self._watching_since if peer is None else peer.heard
        waited = now - max(heard, self._watching_since)
        if waited <= FOLLOWED_WITHIN:
            return
        successors = [] if peer is None else self._successors(peer, now)
        if len(successors) == 1:
            self.mark = successors[0]
        elif successors:
            raise CalibrationRefused(
                f"the mark {self.mark} was given up, and {len(successors)} came in its place: "
                f"{', '.join(successors)}",
                reason="peer_ambiguous",
                hint="the peer's doctor shows its mark of now: begin again with that",
            )
        elif waited > RECENT:
            raise CalibrationRefused(
                f"{self.mark} was not heard for {waited:.0f} s",
                reason="peer_gone",
                hint="does it run, and is it near? its doctor shows its mark of now",
            )

    def _successors(self, peer: _Track, now: float) -> list[str]:
        return [
            mark
            for mark, track in self._tracks.items()
            if track.first_seen > peer.heard
            and now - track.heard <= FOLLOWED_WITHIN
            and float("-inf") < track.not_before <= peer.heard + FOLLOWED_WITHIN
            and track.packets >= KNOWN_AFTER
            and abs(track.mean - peer.mean) <= SIMILAR
        ]
