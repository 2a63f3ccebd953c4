"""A node among fifty neighbours who change all the time: does anything grow?

    python -m tests.vm.soak --minutes 60

plays it for longer than the suite does.
"""

import time
from collections.abc import Mapping
from typing import Any

from tests.vm.guest.bus import bluez_objects, call
from tests.vm.guest.node import Node
from tests.vm.guest.process import Process, until
from tests.vm.judge import grows, pairs
from tests.vm.lab import PATIENCE, Lab, now

CHECKS: Mapping[str, str] = {
    "node: descriptors": "the node's open files do not grow",
    "node: memory": "the node's memory does not grow",
    "bluetoothd: descriptors": "bluetoothd's open files do not grow",
    "bluetoothd: memory": "bluetoothd's memory does not grow",
    "bus: objects": "the objects that bluetoothd keeps do not grow",
    "bus: memory": "the bus's memory does not grow",
    "heard": "neighbours were heard to the end, and nothing was lost",
    "on the air": "the node was on the air to the end, and never mixed",
}

NEIGHBOURS = 50
ROTATION = 20.0
"""Seconds until a neighbour takes a new address and identifier, on average; in earnest 900."""
HEADPHONES = 10
"""Foreign devices."""

SAMPLES_AT_LEAST = 24
LONGEST_STEP = 30.0
WARMING_UP = 20.0
"""Seconds before the first sample: caches fill, and the first turns of listening go by."""

TOLERANCE = {
    # (growth that is none, unit)
    "descriptors": 1.0,
    "memory": 1024.0,
    # A turn of listening knows those it heard; one neighbour may be there under two addresses.
    "objects": 2.0 * NEIGHBOURS,
}
"""From the second to the last quarter of the samples; memory in KiB. A leak of one KiB for each of
the 150 new neighbours a minute would pass it within seven minutes."""


def play(lab: Lab, minutes: str, kind: str = "legacy") -> None:
    seconds = float(minutes) * 60
    lab.radio(f"node:vhci:{kind}")
    lab.bluetoothd(experimental=kind == "extended")
    lab.desk("crowd", name="neighbours", size=NEIGHBOURS, rotation=ROTATION, logged=False)
    lab.desk("crowd", name="headphones", size=HEADPHONES, foreign=True, logged=False)
    node = lab.node("node", "node")
    until(node.on_air, PATIENCE, "the node on the air")
    until(node.heard, PATIENCE, "the node hears")
    time.sleep(WARMING_UP)
    samples = measure(lab, node, seconds)
    judge(lab, samples)
    last = samples[-1]
    first = samples[0]
    half = samples[len(samples) // 2]
    lab.check(
        "heard",
        last["heard"] > half["heard"] > first["heard"] and not last["flooded"],
        heard=[first["heard"], half["heard"], last["heard"]],
    )
    mixed = pairs(lab.air().of("node")).mixed
    lab.check("on the air", last["advertising"] and not mixed, mixed=mixed)
    elapsed = last["t"] - first["t"]
    lab.note(
        "soak",
        kind=kind,
        minutes=round(elapsed / 60, 1),
        neighbours_in_all=lab.desk("status")["crowds"]["neighbours"] + NEIGHBOURS,
        sightings_per_second=round((last["heard"] - first["heard"]) / elapsed, 1),
        cpu_percent={
            who: round((last[f"{who}: cpu"] - first[f"{who}: cpu"]) / elapsed * 100, 1)
            for who in ("node", "bluetoothd", "bus", "radio")
        },
        first={key: value for key, value in first.items() if ":" in key},
        last={key: value for key, value in last.items() if ":" in key},
        condition=(node.condition() or {}).get("radio"),
    )


def measure(lab: Lab, node: Node, seconds: float) -> list[dict[str, Any]]:
    """Take samples at a steady pace for so many *seconds*."""
    step = min(LONGEST_STEP, seconds / SAMPLES_AT_LEAST)
    samples: list[dict[str, Any]] = []
    began = now()
    while now() < began + seconds:
        due = began + step * (len(samples) + 1)
        time.sleep(max(0.0, due - now()))
        sample = sample_of(lab, node)
        samples.append(sample)
        lab.note("sample", **sample)
    return samples


def sample_of(lab: Lab, node: Node) -> dict[str, Any]:
    said = node.condition() or {}
    radio, listener = said.get("radio", {}), said.get("listener", {})
    sample: dict[str, Any] = {
        "t": now(),
        "heard": radio.get("heard", 0),
        "advertising": radio.get("advertising", False),
        "flooded": listener.get("flooded", 0),
        "bus: objects": len(bluez_objects()),
        "bus: connections": len(call(*BUS, "ListNames")[0]),
    }
    watched: dict[str, Process] = {
        "node": lab["node"], "bluetoothd": lab["bluetoothd"], "bus": lab["dbus"],
        "radio": lab["radio"],
    }  # fmt: skip
    for who, process in watched.items():
        sample[f"{who}: descriptors"] = process.descriptors()
        sample[f"{who}: memory"] = process.resident_kib()
        sample[f"{who}: cpu"] = process.cpu_seconds()
    return sample


BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")


def judge(lab: Lab, samples: list[dict[str, Any]]) -> None:
    for check in CHECKS:
        who, _, what = check.partition(": ")
        if what not in TOLERANCE:
            continue
        values = [float(sample[f"{who}: {what}"]) for sample in samples]
        growth = grows(values, TOLERANCE[what])
        lab.check(
            check, growth is None, growth=growth, first=values[0], last=values[-1], most=max(values)
        )
