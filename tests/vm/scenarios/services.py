"""What can befall bluetoothd and the bus, one after the other, to two nodes at once.

The machine's stand-in for systemd starts again what ends.  For every fault both nodes hear and are
heard again within a minute of its beginning.
"""

import signal
from collections.abc import Callable, Mapping

from tests.vm.guest.keeper import Keeper
from tests.vm.guest.process import until
from tests.vm.guest.watch import Watch
from tests.vm.judge import back_for_good
from tests.vm.lab import OUT, PATIENCE, Lab, now

WITHIN = 60.0 + 30.0
"""Seconds: a minute (the issue), and what a machine that shares two cores with others may take
longer than one of its own, to start a node for example.  The minute itself is measured by the
radio's own clock, in ``tests/ble``."""

PAUSE = 8.0
"""Seconds without a sign that are too long, as in ``adapters``."""

STOPPED = 15.0
"""Seconds for which bluetoothd hangs before it goes on, or is replaced."""


CASES: Mapping[str, str] = {
    "killed": "bluetoothd was killed, and started again 2 s later",
    "hung a while": "bluetoothd hung for 15 s and went on",
    "replaced": "bluetoothd hung for 15 s and was killed then",
    "hung for good": "bluetoothd hung until a node gave up and had it restarted",
    "no bus": "the bus was killed",
}

CHECKS: Mapping[str, str] = {
    **{f"{name}: hear": f"{what}: both nodes hear again" for name, what in CASES.items()},
    **{f"{name}: heard": f"{what}: both are heard again" for name, what in CASES.items()},
    "hung for good: said": "status says that bluetoothd does not answer",
    "hung for good: given up": "the node ends with the status that has bluetoothd restarted",
    "no bus: given up": "the nodes end with a sentence that names the bus, and without a trace",
}


def play(lab: Lab) -> None:
    lab.radio("strict:vhci:legacy", "modern:vhci:extended")
    lab.bluetoothd()
    lab.desk("crowd", name="neighbours", size=3, logged=False)
    nodes = [lab.node(name, name) for name in lab.reached]
    for node in nodes:
        until(node.on_air, PATIENCE, f"{node.name} on the air")
    until(lambda: all(node.heard() for node in nodes), PATIENCE, "both nodes hear")
    keeper = Keeper(lab, nodes)
    for name in CASES:
        suffer(lab, keeper, name)
    keeper.stop()


def suffer(lab: Lab, keeper: Keeper, name: str) -> None:
    """Let one fault happen, watch until it is over, and judge it."""
    nodes = list(lab.nodes.values())
    known = len(keeper.diary)
    words = {node.name: len(lab[node.name].words()) for node in nodes}
    watch = Watch(nodes, OUT)
    actions: dict[str, list[tuple[float, Callable[[], object]]]] = {
        "killed": [(0, lambda: lab.kill("bluetoothd"))],
        "hung a while": [
            (0, lambda: stop(lab)),
            (STOPPED, lambda: lab["bluetoothd"].signal(signal.SIGCONT)),
        ],
        "replaced": [(0, lambda: stop(lab)), (STOPPED, lambda: lab.kill("bluetoothd"))],
        "hung for good": [(0, lambda: stop(lab))],
        "no bus": [(0, lambda: lab.kill("dbus"))],
    }
    began = now()

    def over() -> bool:
        return now() > began + 2 * PAUSE and all(
            watch.hears_after(node.name, began, PAUSE) is not None
            and not watch.looks[node.name][-1].fault
            for node in nodes
        )

    watch.run(WITHIN + 3 * PAUSE, actions[name], enough=over)
    end = now()
    ended = [entry for entry in keeper.diary[known:] if entry["name"] in words]
    evidence = {
        "named": {n.name: list(watch.faults(n.name)) for n in nodes},
        "ended": [{**entry, "t": round(entry["t"] - began, 1)} for entry in keeper.diary[known:]],
    }
    log = lab.air()
    hear = {n.name: watch.hears_after(n.name, began, PAUSE) for n in nodes}
    heard = {n.name: back_for_good(log.of(n.name), began, end, PAUSE) for n in nodes}
    lab.check(f"{name}: hear", in_time(hear), seconds=hear, **evidence)
    lab.check(f"{name}: heard", in_time(heard), seconds=heard)
    named = " ".join(fault for n in nodes for fault in watch.faults(n.name))
    said = {n.name: lab[n.name].words()[words[n.name] :] for n in nodes}
    if name == "hung for good":
        status = " ".join(watch.status(n.name) for n in nodes)
        lab.check("hung for good: said", "does not answer" in status, named=named)
        lab.check("hung for good: given up", any(e["status"] == 69 for e in ended), ended=ended)
    if name == "no bus":
        told = [text for text in said.values() if "error:" in text and "Traceback" not in text]
        lab.check(
            "no bus: given up",
            len(told) == len(nodes) and all("bus" in text.lower() for text in told),
            said={n: text[-300:] for n, text in said.items()},
        )


def stop(lab: Lab) -> None:
    lab["bluetoothd"].signal(signal.SIGSTOP)


def in_time(seconds: Mapping[str, float | None]) -> bool:
    return all(value is not None and value <= WITHIN for value in seconds.values())
