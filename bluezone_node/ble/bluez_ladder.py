"""What to do about a radio that does not work, and when to give up: decided without any radio.

A fault is found by looking; each has a plan, a list of steps with the seconds after which it is
due.  The radio's own loops retry by themselves every few seconds, so the first step of a plan is
for what retrying does not mend.  The last is to give up: the node exits, and systemd restarts it
and, through ``OnFailure=``, bluetoothd.  A plan without that end is for a fault that no restart
would mend.
"""

from collections import Counter
from dataclasses import dataclass
from enum import Enum

DEAF_AFTER = 90.0
"""Seconds without a report of any kind, ours or foreign, after which a receiver is taken for deaf
(the same as Home Assistant's Bluetooth stack takes: bluetoothd loses scans silently)."""

LONGEST_TROUBLE = 300.0
"""Seconds after which the node gives up, whatever mixture of faults it saw: one that swings
between two of them must not begin a new plan each time."""


class Fault(Enum):
    """Found by a look. The value is what a person reads."""

    NOT_RUNNING = "bluetoothd does not run"
    SILENT = "bluetoothd does not answer"
    NO_ADAPTER = "the adapter is gone"
    OFF = "the adapter is switched off"
    BLOCKED = "the adapter is switched off by rfkill"
    CANNOT_SCAN = "listening cannot be started"
    NOT_ON_AIR = "the identifier cannot be put on the air"
    CROWDED_OUT = "another program scans, so the identifier cannot be put on the air"
    DROWNED = "nothing is heard, because another program scans in a way of its own"
    DEAF = "nothing at all was heard for a while"
    QUIET = "nothing at all was ever heard: no Bluetooth device is near, or the receiver is deaf"


class Step(Enum):
    """What can be done. The value is what a person reads, and the name it is counted under."""

    RESTART_SCAN = "scan restarted"
    REGISTER_AGAIN = "advertisement registered again"
    POWER_ON = "adapter switched on"
    POWER_CYCLE = "adapter switched off and on"
    GIVE_UP = "given up"


@dataclass(frozen=True, slots=True)
class Plan:
    steps: tuple[tuple[float, Step], ...]
    """Seconds since the fault was first seen, ascending, and what is due then."""
    again: float | None = None
    """Seconds after which it is begun anew; None: its last step is the end."""


PLANS = {
    # Whoever asks for it, D-Bus starts it, and the looks ask.
    Fault.NOT_RUNNING: Plan(((45, Step.GIVE_UP),)),
    # Two looks, each of which waited: killing it is root's, and takes its time as well.
    Fault.SILENT: Plan(((15, Step.GIVE_UP),)),
    # Time to plug it in again; after that the unit's state should say that something is wrong.
    Fault.NO_ADAPTER: Plan(((45, Step.GIVE_UP),)),
    Fault.OFF: Plan(
        (
            (0, Step.POWER_ON),
            (10, Step.POWER_ON),
            (20, Step.POWER_ON),
            (45, Step.GIVE_UP),
        )
    ),
    # Whoever blocked it meant it. When it is unblocked nobody else switches it on.
    Fault.BLOCKED: Plan(((0, Step.POWER_ON),), again=10),
    Fault.CANNOT_SCAN: Plan(
        (
            (0, Step.RESTART_SCAN),
            (10, Step.REGISTER_AGAIN),
            (20, Step.POWER_CYCLE),
            (45, Step.GIVE_UP),
        )
    ),
    Fault.NOT_ON_AIR: Plan(
        (
            (0, Step.REGISTER_AGAIN),
            (20, Step.POWER_CYCLE),
            (45, Step.GIVE_UP),
        )
    ),
    # Restarting the node would not stop the other program; switching off and on once may.
    Fault.CROWDED_OUT: Plan(((30, Step.POWER_CYCLE),), again=3600),
    # A program that asks bluetoothd for every device makes it keep a known one's packets to itself,
    # for everybody. Switching off and on ends its scan; if it comes back, it is somebody's wish.
    Fault.DROWNED: Plan(((0, Step.RESTART_SCAN), (10, Step.POWER_CYCLE)), again=3600),
    Fault.DEAF: Plan(
        (
            (0, Step.RESTART_SCAN),
            (10, Step.REGISTER_AGAIN),
            (20, Step.POWER_CYCLE),
            (50, Step.GIVE_UP),
        )
    ),
    # An empty house is no fault: look twice, then seldom.
    Fault.QUIET: Plan(((0, Step.RESTART_SCAN), (10, Step.POWER_CYCLE)), again=3600),
}

_PATIENT = {Fault.BLOCKED, Fault.CROWDED_OUT, Fault.DROWNED, Fault.QUIET}


class Ladder:
    """Remembers which fault there is, since when, and what was done."""

    def __init__(self) -> None:
        self.taken: Counter[Step] = Counter()
        self._fault: Fault | None = None
        self._since = 0.0
        self._done = 0
        """Steps of the plan that were taken."""
        self._trouble: float | None = None
        """When it last was well, before all the faults since."""

    @property
    def fault(self) -> Fault | None:
        return self._fault

    def next(self, fault: Fault | None, now: float) -> Step | None:
        """Return the step that is due at *now* (monotonic seconds) for what a look has found."""
        if fault is not self._fault:
            self._fault, self._since, self._done = fault, now, 0
        if fault is None or fault in _PATIENT:
            self._trouble = None
        elif self._trouble is None:
            self._trouble = now
        if fault is None:
            return None
        step = self._due(PLANS[fault], now)
        if self._trouble is not None and now - self._trouble >= LONGEST_TROUBLE:
            step = Step.GIVE_UP
        if step is not None:
            self.taken[step] += 1
        return step

    def _due(self, plan: Plan, now: float) -> Step | None:
        if self._done == len(plan.steps):
            if plan.again is None or now - self._since < plan.again:
                return None
            self._since, self._done = now, 0
        after, step = plan.steps[self._done]
        if now - self._since < after:
            return None
        self._done += 1
        return step
