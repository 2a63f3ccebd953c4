"""Figures of the real radio: what is heard of what was sent, and what it costs.

Not part of the suite: ``python -m bench.bluez`` plays it.
"""

import json
import time
from collections.abc import Mapping

from tests.vm.guest.node import Node
from tests.vm.guest.process import until
from tests.vm.judge import gaps
from tests.vm.lab import PATIENCE, Lab, now

CHECKS: Mapping[str, str] = {}

NEIGHBOURS = 30
INTERVAL = 0.27
SENT_PER_MINUTE = 60 / (INTERVAL + 0.005)
"""With the specification's random delay of 0 to 10 ms."""

WARMING_UP = 8.0


def play(lab: Lab, kind: str, experimental: str, seconds: str, crowd: str) -> None:
    lasting = float(seconds)
    lab.radio(f"node:vhci:{kind}", f"other:vhci:{kind}")
    lab.bluetoothd(experimental=experimental == "experimental")
    lab.desk("crowd", name="neighbours", size=NEIGHBOURS, interval=INTERVAL, logged=False)
    ways = ("active", "passive", "both") if experimental == "experimental" else ("active",)
    for way in ways:
        bare(lab, way, lasting)
    node(lab, "node", lasting, NEIGHBOURS, 0.0)
    lab.end("node")
    if int(crowd):
        lab.desk("crowd", name="neighbours", size=0)
        lab.desk("crowd", name="hall", size=int(crowd), rotation=60.0, logged=False)
        node(lab, "hall", 2 * lasting, int(crowd), 60.0)


def bare(lab: Lab, way: str, seconds: float) -> None:
    """Measure bleak alone, on the other adapter."""
    bluetoothd = lab["bluetoothd"].cpu_seconds()
    listener = lab.python(way, "tests.vm.guest.listen", lab.reached["other"], way, f"{seconds:.0f}")
    listener.ended(seconds + 60)
    told = json.loads(listener.words().strip().splitlines()[-1])
    each = told["reports"] / NEIGHBOURS / seconds * 60
    lab.note(
        f"bleak alone, {way}",
        samples_per_minute=round(each, 1),
        share_of_sent=round(each / SENT_PER_MINUTE, 3),
        bluetoothd_cpu_percent=round(
            (lab["bluetoothd"].cpu_seconds() - bluetoothd) / seconds * 100, 1
        ),
        **told,
    )


def node(lab: Lab, name: str, seconds: float, neighbours: int, rotation: float) -> None:
    """Measure a whole node."""
    began = now()
    one = lab.node(name, "node")
    until(one.on_air, PATIENCE, "the node on the air")
    time.sleep(WARMING_UP)
    daemon, bluetoothd = lab[name], lab["bluetoothd"]
    first = (one.heard(), daemon.cpu_seconds(), bluetoothd.cpu_seconds(), now(), listened(one))
    memory = (daemon.resident_kib(), bluetoothd.resident_kib())
    time.sleep(seconds)
    last = (one.heard(), daemon.cpu_seconds(), bluetoothd.cpu_seconds(), now(), listened(one))
    heard, own, theirs, passed, on = (b - a for a, b in zip(first, last, strict=True))
    each = heard / neighbours / passed * 60
    hundreds = heard / passed / 100
    said = one.condition() or {}
    lab.note(
        f"{name}: {neighbours} neighbours",
        way=said.get("radio", {}).get("detail"),
        rotation_s=rotation,
        sightings_per_second=round(heard / passed, 1),
        samples_per_minute=round(each, 1),
        share_of_sent=round(each / SENT_PER_MINUTE, 3),
        receiver_on=round(on / passed, 3),
        node_cpu_percent=round(own / passed * 100, 2),
        bluetoothd_cpu_percent=round(theirs / passed * 100, 2),
        node_cpu_percent_per_100=round(own / passed * 100 / hundreds, 2),
        bluetoothd_cpu_percent_per_100=round(theirs / passed * 100 / hundreds, 2),
        memory_kib={"node": (memory[0], daemon.resident_kib()),
                    "bluetoothd": (memory[1], bluetoothd.resident_kib())},
        own_advertisements=str(gaps(lab.air(began).of("node"))),
        fault=said.get("radio", {}).get("fault"),
    )  # fmt: skip


def listened(one: Node) -> float:
    said = one.condition() or {}
    return float(said.get("radio", {}).get("listened_seconds", 0.0))
