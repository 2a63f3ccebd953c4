"""Whether the radio does its work: what the running node says, or what can be heard without one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bluezone_node.commands.doctor.finding import Finding

if TYPE_CHECKING:
    from bluezone_node.ble.bluez_look import Overheard

Document = dict[str, Any]

LISTEN = 5.0
"""Seconds of listening where no node runs: most devices send every second or oftener."""

PROVEN_AFTER = 90.0
"""Seconds of listening after which silence says something: the node itself gives it as many."""

SHOWN = 10
"""Neighbours named on a screen; ``--json`` has all."""

_SOMEBODY_NEAR = "switch on Bluetooth on a telephone or headphones beside it and try again"


def of_node(node: Document) -> Iterator[Finding]:
    """Judge what the daemon answered to ``status``."""
    radio = node["radio"]
    mended = ", ".join(f"{step} {count} times" for step, count in radio["repairs"].items())
    since = f"; since it started {mended}" if mended else ""
    running = f"running with {node['radio_name']}"
    if radio["fault"]:
        yield Finding(
            "node",
            False,
            f"{running}, which is being mended: {radio['fault']}{since}",
            "the findings above may have the cause; journalctl -u bluezone-node has the steps",
        )
    else:
        detail = f": {radio['detail']}" if radio["detail"] else ""
        yield Finding("node", True, f"{running}{detail}{since}")
    if node["time"]["known"]:
        on_air = radio["advertising"]
        yield Finding(
            "on the air",
            on_air,
            f"{radio['rotations']} identifiers so far" if on_air else "no identifier is",
            "" if on_air else "journalctl -u bluezone-node -u bluetooth says why",
        )
    yield _receiving(radio)


def _receiving(radio: Document) -> Finding:
    if not radio["listening"]:
        return Finding(
            "hearing", False, "the receiver is off", "journalctl -u bluezone-node says why"
        )
    listened = radio["listened_seconds"]
    counts = f"{radio['heard']} of our frames and {radio['foreign']} of others"
    found = f"{counts} in {_duration(listened)} of listening"
    if radio["samples_per_minute"] is not None:
        found += f"; each neighbour {radio['samples_per_minute']:.0f} times in the last minute"
    if radio["heard"] or radio["foreign"]:
        return Finding("hearing", True, found)
    if listened < PROVEN_AFTER:
        return Finding("hearing", True, f"{found}: too early to tell")
    return Finding("hearing", False, found, _SOMEBODY_NEAR)


def of_neighbours(answer: Document) -> Iterator[Finding]:
    """Tell the marks that the daemon answered to ``neighbours``; of an older one there are none."""
    if "near" not in answer:
        return
    mark, near = answer["mark"], answer["near"]
    if not mark:
        return
    others = ", ".join(
        f"{each['mark']} ({each['rssi']} dBm, {each['seconds_ago']:.0f} s ago)"
        for each in near[:SHOWN]
    )
    more = f" and {len(near) - SHOWN} more" if len(near) > SHOWN else ""
    yield Finding(
        "neighbours",
        True,
        f"this node is {mark} just now; near it in the last minute: {others or 'nobody'}{more}",
        f"whether it is heard, another node's doctor shows: look for {mark} there",
    )


def of_adapter(adapter: str, overheard: "Overheard") -> Finding:
    """Judge what was heard without a node."""
    everything = overheard.ours + overheard.foreign + overheard.refused
    found = (
        f"listened for {LISTEN:.0f} s with {adapter}, as no node runs: {overheard.ours} of our "
        f"frames and {everything - overheard.ours} of others"
    )
    return Finding("hearing", everything > 0, found, "" if everything else _SOMEBODY_NEAR)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
