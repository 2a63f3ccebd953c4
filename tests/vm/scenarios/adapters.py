"""What can befall an adapter, each to another one at the same time; neighbours are heard by all.

For every fault: the node says what is wrong, and hears and is heard again within a minute of the
cause being over.  Where nothing ends the cause but the node itself, the minute counts from when
the node noticed.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.vm.guest.process import Process, until
from tests.vm.guest.watch import Watch
from tests.vm.judge import AirLog, back_for_good, first_after
from tests.vm.lab import OUT, PATIENCE, Lab, now, set_wall_clock

WITHIN = 60.0 + 30.0
"""Seconds: a minute (the issue), and what a machine that shares two cores with others may take
longer than one of its own, to start a node for example.  The minute itself is measured by the
radio's own clock, in ``tests/ble``."""

PAUSE = 8.0
"""Seconds without a sign that are too long: the slowest advertisements are 1.3 s apart, and a node
that listens every other second hears its three neighbours in each turn."""

HALF_AN_HOUR = 1800.0

LONGEST = 150.0
"""Seconds that are watched: 90 until silence is called deafness, and a ladder of 30."""


@dataclass(frozen=True, slots=True)
class Case:
    what: str
    """As a person would tell it."""
    says: str
    """Part of what the node says is wrong; empty: too short or too silent to be noticed."""
    ends: float | None
    """Second at which the cause is over; None: the node ends it."""
    kind: str = "legacy"
    heard_again: bool = True
    """Whether it must be heard again by itself; else only after the next rotation."""


CASES: Mapping[str, Case] = {
    "pulled": Case("the adapter was pulled out for 20 s", "adapter is gone", 20),
    "error": Case("the controller reported a hardware error", "", 0),
    "off": Case("somebody switched the adapter off", "switched off", 0),
    "blocked": Case("rfkill blocked the adapter for 20 s", "rfkill", 20),
    "hung": Case("the controller answered nothing for 20 s", "", 20, "extended"),
    "slow": Case("the controller took 0.4 s for each answer, for 30 s", "", 30),
    "deaf": Case("the receiver fell silent until it is power-cycled", "nothing at all", None),
    "drowsy": Case("the receiver fell silent until the scan is restarted", "", 0),
    # Not named for certain: bluetoothd renews its scan every 10 s, and that pause may do.
    "crowded": Case("another program scanned for 30 s with a strict chip", "", 30),
    # Neither the kernel nor bluetoothd can know it: heard again only after the next rotation.
    "brownout": Case("the controller forgot everything, silently", "", 0, heard_again=False),
}

CHECKS: Mapping[str, str] = {
    **{f"{name}: said": f"{case.what}: status names it" for name, case in CASES.items()},
    **{f"{name}: hears": f"{case.what}: the node hears again" for name, case in CASES.items()},
    **{f"{name}: heard": f"{case.what}: the node is heard again" for name, case in CASES.items()},
    "own adapter": "each node was on its own adapter only, and no two shared an identifier",
    "all ran on": "no node had to be restarted",
}


def play(lab: Lab) -> None:
    lab.radio(*(f"{name}:vhci:{case.kind}" for name, case in CASES.items()))
    lab.bluetoothd()
    lab.desk("crowd", name="neighbours", size=3, logged=False)
    stranger = Stranger(lab)
    # On the air already when the other program begins, the node would not notice it for a quarter
    # of an hour: until its next rotation.
    stranger.scans("crowded", on=True)
    nodes = [lab.node(name, name) for name in CASES]
    for node in nodes:
        if node.name != "crowded":
            until(node.on_air, PATIENCE, f"{node.name} on the air")
    until(lambda: all(node.heard() for node in nodes), PATIENCE, "every node hears")
    watch = Watch(nodes, OUT)
    began = now()
    watch.run(
        LONGEST,
        [
            (second, action)
            for name, case in CASES.items()
            for second, action in actions(lab, stranger, name, case)
        ],
        enough=lambda: all(over(watch, began, name) for name in CASES),
    )
    log = lab.air()
    for name in CASES:
        judge(lab, watch, log, began, name)
    identifiers = {name: {one.data for one in log.of(name)} for name in CASES}
    different = len(set().union(*identifiers.values()))
    shared = sum(len(seen) for seen in identifiers.values()) - different
    lab.check("own adapter", not shared and all(identifiers.values()), shared=shared)
    rotate_all(lab, "brownout")
    ended = [name for name in CASES if not lab[name].running()]
    lab.check("all ran on", not ended, ended=ended)


def actions(
    lab: Lab, stranger: "Stranger", name: str, case: Case
) -> list[tuple[float, Callable[[], object]]]:
    """Return what is to be done at which second."""
    fault = partial(lab.desk, "fault", node=name)
    end = case.ends or 0.0
    what: dict[str, list[tuple[float, Callable[[], object]]]] = {
        "pulled": [(0, lambda: fault(what="unplug")), (end, lambda: fault(what="plug"))],
        "error": [(0, lambda: fault(what="error"))],
        "off": [(0, lambda: stranger.switches_off(name))],
        "blocked": [(0, lambda: rfkill(lab, name, 1)), (end, lambda: rfkill(lab, name, 0))],
        "hung": [(0, lambda: fault(what="hang")), (end, lambda: fault(what="heal"))],
        "slow": [(0, lambda: fault(what="slow")), (end, lambda: fault(what="heal"))],
        "deaf": [(0, lambda: fault(what="deaf", until="reset"))],
        "drowsy": [(0, lambda: fault(what="deaf", until="scan"))],
        "crowded": [(end, lambda: stranger.scans(name, on=False))],
        "brownout": [(0, lambda: fault(what="brownout"))],
    }
    return what[name]


def over(watch: Watch, began: float, name: str) -> bool:
    """Tell whether there is nothing more to see of a case."""
    moment = counted_from(watch, began, name)
    return (
        moment is not None
        and now() > moment + 2 * PAUSE
        and watch.hears_after(name, moment, PAUSE) is not None
        and not watch.looks[name][-1].fault
    )


def counted_from(watch: Watch, began: float, name: str) -> float | None:
    """Return the moment from which recovery is counted; None while it is not known."""
    ends = CASES[name].ends
    return min(watch.faults(name).values(), default=None) if ends is None else began + ends


def judge(lab: Lab, watch: Watch, log: AirLog, began: float, name: str) -> None:
    case = CASES[name]
    moment, end = counted_from(watch, began, name), now()
    named = {fault: round(t - began, 1) for fault, t in watch.faults(name).items()}
    status = watch.status(name)
    lab.check(
        f"{name}: said",
        not case.says or (any(case.says in fault for fault in named) and case.says in status),
        named=named,
        repairs=watch.repairs(name),
    )
    hears = None if moment is None else watch.hears_after(name, moment, PAUSE)
    lab.check(f"{name}: hears", hears is not None and hears <= WITHIN, seconds=hears)
    if case.heard_again:
        heard = None if moment is None else back_for_good(log.of(name), moment, end, PAUSE)
        lab.check(f"{name}: heard", heard is not None and heard <= WITHIN, seconds=heard)


def rotate_all(lab: Lab, name: str) -> None:
    """Let all nodes rotate: half an hour passes at once. Judge the one that only this can mend."""
    began = now()
    set_wall_clock(time.time() + HALF_AN_HOUR)
    heard = until(lambda: first_after(lab.air().of(name), began), PATIENCE, f"{name} heard again")
    lab.check(f"{name}: heard", heard, seconds=heard)


def rfkill(lab: Lab, name: str, soft: int) -> None:
    """Block or unblock an adapter, as the switch of a laptop does."""
    adapter = Path("/sys/class/bluetooth") / lab.reached[name]
    switch = next(adapter.glob("rfkill*")) / "soft"
    switch.write_text(str(soft))


class Stranger:
    """Another program that uses Bluetooth: bluetoothctl, a terminal of it for each adapter."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._terminals: dict[str, Process] = {}

    def scans(self, name: str, *, on: bool) -> None:
        self._terminal(name).type(f"scan {'on' if on else 'off'}")

    def switches_off(self, name: str) -> None:
        self._terminal(name).type("power off")

    def _terminal(self, name: str) -> Process:
        if name not in self._terminals:
            terminal = self._lab.start(f"bluetoothctl-{name}", "bluetoothctl")
            until(lambda: "Agent registered" in terminal.words(), PATIENCE, "bluetoothctl ready")
            terminal.type(f"select {controller_address(self._lab, name)}")
            # As other LE programs do; by default it would look for the older Bluetooth, too.
            for line in ("menu scan", "transport le", "back"):
                terminal.type(line)
            self._terminals[name] = terminal
        return self._terminals[name]


def controller_address(lab: Lab, name: str) -> str:
    """Return the public address of a controller: they are numbered as they were asked for."""
    return f"00:A1:7B:00:00:{list(lab.reached).index(name):02X}"
