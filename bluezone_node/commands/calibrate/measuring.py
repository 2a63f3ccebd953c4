"""Listening to the peer for some minutes, through what the running node answers."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bluezone_node.commands.calibrate.peer import PeerWatch
from bluezone_node.control import ask
from bluezone_node.errors import CalibrationRefused
from bluezone_node.node.neighbours import Neighbours
from bluezone_node.proximity.calibration import Batch

LOOK_EVERY = 0.5
"""Seconds of the wall between two questions. No packet is lost between them; this is how fast the
figures on the screen follow."""

FOUND_WITHIN = 40.0
"""Seconds of the node's clock for a peer that was near before: its mark may have changed while it
was carried, and its successor must be known for certain."""

SHOWN = 5
"""Neighbours named to one who must choose."""

Look = Callable[[], Neighbours]
Show = Callable[[float, Sequence[Batch]], None]


def looking_at(folder: Path) -> Look:
    """Return what asks the daemon that runs on *folder* who is near.

    Asking raises:
        CalibrationRefused: reason ``node_gone``: nobody answers, or an older version.
    """

    def look() -> Neighbours:
        answer = ask(folder, "neighbours")
        try:
            return msgspec.convert(answer, Neighbours)
        except msgspec.ValidationError:
            raise CalibrationRefused(
                "the node stopped" if answer is None else "the running node is an older version",
                reason="node_gone",
                hint="start it again, and then this: bluezone-node run, or systemctl",
            ) from None

    return look


def find(look: Look, watch: PeerWatch) -> None:
    """Look for the peer for the first time.

    Raises:
        CalibrationRefused: reason ``peer_unknown``; the message says who is near.
    """
    seen = look()
    watch.look(seen)
    if watch.mark == seen.mark:
        raise CalibrationRefused(
            f"{watch.mark} is this node itself", reason="peer_unknown", hint=_WHERE_TO_LOOK
        )
    if all(neighbour.mark != watch.mark for neighbour in seen.near):
        others = ", ".join(f"{each.mark} ({each.rssi} dBm)" for each in seen.near[:SHOWN])
        raise CalibrationRefused(
            f"{watch.mark} was not heard in the last minute; near are: {others or 'none'}",
            reason="peer_unknown",
            hint=_WHERE_TO_LOOK,
        )


_WHERE_TO_LOOK = (
    "on the other node: bluezone-node doctor; take the mark after 'this node is'. "
    "It changes every 10 to 20 minutes"
)


class Listening:
    """To the peer, at one distance, for *seconds* of the node's clock."""

    def __init__(self, look: Look, watch: PeerWatch, seconds: float) -> None:
        self._look = look
        self._watch = watch
        self._seconds = seconds
        self._began: float | None = None
        self.batches: list[Batch] = []

    def go_on(self, show: Show) -> None:
        """Listen until the time is over; may be called again after the peer was lost and named.

        Raises:
            CalibrationRefused: reason ``peer_gone``, ``peer_ambiguous`` or ``node_gone``.
        """
        if self._began is None:
            self._began = self._until_heard()
        elapsed = 0.0
        while elapsed < self._seconds:
            time.sleep(LOOK_EVERY)
            seen = self._look()
            elapsed = seen.at - self._began
            # What was heard on the way here says nothing about this place.
            news = self._watch.look(seen)
            self.batches += [batch for batch in news if batch.at > self._began]
            show(elapsed, self.batches)

    def _until_heard(self) -> float:
        """Return when the peer was heard, looking for it where it is now."""
        seen = self._look()
        began = seen.at
        self._watch.look(seen)
        while not self._watch.look(seen := self._look()):
            if seen.at - began > FOUND_WITHIN:
                raise CalibrationRefused(
                    f"{self._watch.mark} was not heard for {FOUND_WITHIN:.0f} s",
                    reason="peer_gone",
                    hint=_WHERE_TO_LOOK,
                )
            time.sleep(LOOK_EVERY)
        return seen.at


def pause(look: Look, watch: PeerWatch, seconds: float) -> None:
    """Let *seconds* of the node's clock pass, the peer being carried, without losing it."""
    began = look().at
    while (seen := look()).at - began < seconds:
        watch.look(seen)
        time.sleep(LOOK_EVERY)


@contextmanager
def meter(label: str, seconds: float) -> Iterator[Show]:
    """Show on a terminal how long it takes still, and what is heard; in a pipe nothing."""
    if not sys.stderr.isatty():
        yield lambda _elapsed, _batches: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    shown = (TextColumn(label), BarColumn(), TextColumn("{task.fields[heard]}"))
    with Progress(*shown, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=seconds, heard="")

        def show(elapsed: float, batches: Sequence[Batch]) -> None:
            minutes, left = divmod(round(max(seconds - elapsed, 0)), 60)
            bar.update(task, completed=elapsed, heard=f"{minutes}:{left:02}  {_summary(batches)}")

        yield show


def _summary(batches: Sequence[Batch]) -> str:
    packets = sum(batch.packets for batch in batches)
    if not packets:
        return "0 gói tin / packets"
    mean = sum(batch.level_sum for batch in batches) / packets
    return f"{packets} gói tin / packets, {mean:.0f} dBm"
