"""Two nodes and a phone hear each other, as strong as the air between them lets them."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from bluezone_node.ble.frame import decode
from tests.vm.guest.bus import bluez_objects
from tests.vm.guest.node import Node
from tests.vm.guest.process import until
from tests.vm.judge import Sent
from tests.vm.lab import OUT, PATIENCE, Lab, now

CHECKS: Mapping[str, str] = {
    "nodes hear each other": "each node logged the identifier that the other had on the air",
    "nodes hear the phone": "each node logged the identifier of an independent host stack",
    "the phone hears the nodes": "that stack received both nodes, byte for byte as sent",
    "nothing invented": "every level that a node logged was received on the air, as often",
    "levels follow the path": "when the phone moved away, what the node logged fell as far",
    "enough samples": "at least 15 samples a minute of each neighbour",
    "way said": "status tells how it listens, and how many samples that brings",
}

PEER_ADDRESS = "12:34:56:78:9A:BC"
PEER_DATA = bytes(range(0x40, 0x54))
NEAR, FAR = 55.0, 80.0
"""dB between the phone and the first node, before and after it moved."""
TOGETHER = 15.0
"""Seconds at each distance: a node that listens in bursts has a sample every two."""

TOLERANCE = 4
"""dB, for a mean of several samples with 2 dB of noise."""


def play(lab: Lab) -> None:
    socket = "/run/peer.sock"
    lab.radio("an:vhci:legacy", "binh:vhci:extended", f"phone:{socket}:legacy")
    lab.desk("loss", a="an", b="phone", db=NEAR)
    # For whoever wonders where a packet was lost: btmon -r hci.btsnoop.
    lab.start("btmon", "btmon", "-w", str(OUT / "hci.btsnoop"))
    lab.bluetoothd()
    peer = lab.python("peer", "tests.vm.guest.peer", socket, PEER_ADDRESS, PEER_DATA.hex())
    nodes = [lab.node(name, name) for name in ("an", "binh")]
    for node in nodes:
        until(node.on_air, PATIENCE, f"{node.name} on the air")
    until(lambda: "advertising" in peer.words(), PATIENCE, "the phone on the air")
    began = now()
    time.sleep(TOGETHER)
    moved = now()
    lab.desk("loss", a="an", b="phone", db=FAR)
    time.sleep(TOGETHER)
    said = {node.name: node.condition() for node in nodes}
    lab.note("in the end", objects=list(bluez_objects()), radio=lab.desk("status"), said=said)
    for name in ("an", "binh", "peer"):
        lab.end(name)

    log = lab.air()
    levels = {node.name: logged_levels(node) for node in nodes}
    identifiers = {name: identifiers_of(log.of(name)) for name in ("an", "binh", "phone")}
    lab.check(
        "nodes hear each other",
        identifiers["binh"] & levels["an"].keys() and identifiers["an"] & levels["binh"].keys(),
        logged={name: len(heard) for name, heard in levels.items()},
    )
    phone = PEER_DATA[:16]
    lab.check("nodes hear the phone", all(phone in heard for heard in levels.values()))
    received = {
        (line["addr"], bytes.fromhex(line["data"]))
        for line in map(json.loads, peer.words().splitlines())
        if line["ev"] == "heard"
    }
    sent = {name: {(one.address, one.data) for one in log.of(name)} for name in ("an", "binh")}
    lab.check(
        "the phone hears the nodes",
        all(pairs & received for pairs in sent.values())
        and received <= set().union(*sent.values()),
        received=len(received),
    )
    invented = {name: surplus(heard, arrived(log.sent, name)) for name, heard in levels.items()}
    lab.check("nothing invented", not any(invented.values()), surplus=invented)

    on_air = [one for one in log.of("phone") if "an" in one.heard]
    logged = levels["an"].get(phone, Counter())
    near, far = split(logged, -65)
    lab.check(
        "levels follow the path",
        near and far and abs(near - (4 - NEAR)) < TOLERANCE and abs(far - (4 - FAR)) < TOLERANCE,
        logged={"near": near, "far": far, "samples": logged.total()},
        on_air={
            "near": mean(one.heard["an"] for one in on_air if began <= one.t < moved),
            "far": mean(one.heard["an"] for one in on_air if one.t >= moved),
        },
    )
    minutes = 2 * TOGETHER / 60
    lab.check(
        "enough samples",
        logged.total() / minutes >= 15,
        per_minute={
            name: {
                other: round(sum(heard[one].total() for one in identifiers[other] if one in heard)
                             / minutes)
                for other in identifiers
                if other != name
            }
            for name, heard in levels.items()
        },
    )  # fmt: skip
    details = {name: (told or {}).get("radio", {}) for name, told in said.items()}
    lab.check(
        "way said",
        all("listening" in radio.get("detail", "") for radio in details.values()),
        said={
            name: [radio.get("detail"), radio.get("samples_per_minute")]
            for name, radio in details.items()
        },
    )


def identifiers_of(sent: Iterable[Sent]) -> set[bytes]:
    return {decode(one.data).identifier for one in sent}


def logged_levels(node: Node) -> dict[bytes, "Counter[int]"]:
    """Return what *node* wrote down: identifier → how often each level."""
    levels: dict[bytes, Counter[int]] = {}
    with node.store() as store:
        for encounter in store.encounters(
            datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
        ):
            counts = levels.setdefault(encounter.identifier, Counter())
            for scan in encounter.scans:
                counts.update(dict(scan.rssi.counts))
    return levels


def arrived(sent: Iterable[Sent], receiver: str) -> dict[bytes, "Counter[int]"]:
    """Return what reached *receiver* on the air, in the same form."""
    levels: dict[bytes, Counter[int]] = {}
    for one in sent:
        if receiver in one.heard:
            levels.setdefault(decode(one.data).identifier, Counter())[one.heard[receiver]] += 1
    return levels


def surplus(logged: dict[bytes, "Counter[int]"], there: dict[bytes, "Counter[int]"]) -> int:
    """Return how many samples were logged that were never received."""
    return sum(
        (counts - there.get(identifier, Counter())).total() for identifier, counts in logged.items()
    )


def split(levels: "Counter[int]", at: int) -> tuple[float | None, float | None]:
    """Return the means of the levels above and below *at* dBm."""
    return (
        mean(level for level in levels.elements() if level > at),
        mean(level for level in levels.elements() if level <= at),
    )


def mean(levels: Iterable[int]) -> float | None:
    found = list(levels)
    return round(sum(found) / len(found), 1) if found else None
