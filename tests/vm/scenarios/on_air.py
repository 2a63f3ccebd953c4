"""What a node sends, to the byte, on each kind of adapter and with each setting of bluetoothd."""

import json
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from bluezone_node.ble.bluez_mgmt import br_edr
from tests.vm.guest.bus import powered_adapters
from tests.vm.guest.process import until
from tests.vm.judge import AirLog, Gaps, Sent, gaps
from tests.vm.lab import Lab, now

CHECKS: Mapping[str, str] = {
    "legacy bytes": "28 bytes: the UUID list, the service data, no Flags",
    "extended bytes": "the same 28 bytes on an adapter of Bluetooth 5",
    "single bytes": "31 bytes on an LE-only adapter, whose kernel puts Flags before them",
    "kind of PDU": "ADV_NONCONN_IND: nobody can connect",
    "kind of address": "a non-resolvable private address, never the adapter's own",
    "legacy interval": "100 to 160 ms: the kernel's choice for a chip of Bluetooth 4",
    "extended interval": "about 1280 ms without --experimental",
    "extended interval, experimental": "200 to 285 ms, as GAEN asks, with --experimental",
    "experimental bytes": "with --experimental the bytes are the same",
    "two at a time": "a tag of the place goes out beside the identifier, under its own address",
    "two by turns": "a chip of Bluetooth 4 sends both, and no address survives their change",
    "two in bursts": "the same without --experimental",
    "tag bytes": "31 bytes: the UUID list, the service data, no Flags, on both kinds of chips",
    "tag heard": "bluetoothd's filters let the tag through to a radio that listens in short bursts",
    "kernel asked": "the kernel tells a user without rights which adapter is for LE alone",
    "kernel asked, ControllerMode": "and with ControllerMode = le it tells so of every adapter",
    "too long": "on that one the tag would be cut: the identifier goes out alone, and it is said",
    "silence afterwards": "a radio that is closed leaves nothing on the air",
    "every command known": "the controllers knew every command that the kernel gave them",
}

PREFIX = bytes.fromhex("03036ffd17166ffd")
FLAGS = bytes.fromhex("020104")
TAG_PREFIX = bytes.fromhex("0303514e1a16514e10")
NOBODY = 65534
"""A user without any rights."""
WATCHED = 6.0
"""Seconds: four advertisements at the slowest interval."""
PAIR_WATCHED = 15.0
"""Seconds: several turns of a chip that sends one advertisement at a time."""


def play(lab: Lab) -> None:
    lab.radio("legacy:vhci:legacy", "extended:vhci:extended", "single:vhci:legacy:single")
    lab.bluetoothd(experimental=False)
    told = as_nobody(lab)
    lab.check("kernel asked", told == {"legacy": True, "extended": True, "single": False}, **told)
    plain = watch(lab, "legacy", "extended", "single")
    lab.check("legacy bytes", of_length(plain.of("legacy"), 28, PREFIX), **shown(plain, "legacy"))
    lab.check(
        "extended bytes", of_length(plain.of("extended"), 28, PREFIX), **shown(plain, "extended")
    )
    lab.check(
        "single bytes", of_length(plain.of("single"), 31, FLAGS + PREFIX), **shown(plain, "single")
    )
    between(lab, "legacy interval", gaps(plain.of("legacy")), 100, 160)
    between(lab, "extended interval", gaps(plain.of("extended")), 1200, 1350)

    bursts = Pair(lab, "two in bursts", "legacy")
    alone(lab, "too long", "single")
    in_bursts = bursts.judged()
    heard(lab, "tag heard", "extended", "legacy")

    lab.end("bluetoothd")
    le_mode(lab, "kernel asked, ControllerMode")
    lab.bluetoothd(experimental=True)
    lively = watch(lab, "extended", "legacy")
    between(lab, "extended interval, experimental", gaps(lively.of("extended")), 200, 285)
    lab.check(
        "experimental bytes",
        all(of_length(lively.of(node), 28, PREFIX) for node in ("extended", "legacy")),
        **shown(lively, "extended"),
    )

    at_a_time = Pair(lab, "two at a time", "extended")
    by_turns = Pair(lab, "two by turns", "legacy")
    pairs = (in_bursts, at_a_time.judged(), by_turns.judged())
    tags = [one.data for sent in pairs for one in sent if not one.data.startswith(PREFIX)]
    lab.check(
        "tag bytes",
        bool(tags) and all(len(one) == 31 and one.startswith(TAG_PREFIX) for one in tags),
        heads=sorted({one[:9].hex() for one in tags}),
        lengths=sorted({len(one) for one in tags}),
    )

    sent = [*plain.sent, *lively.sent]
    pdus, kinds = {one.pdu for one in sent}, {one.kind for one in sent}
    lab.check("kind of PDU", pdus == {"ADV_NONCONN_IND"}, pdus=sorted(pdus))
    lab.check("kind of address", kinds == {"non-resolvable"}, kinds=sorted(kinds))
    nodes = lab.desk("status")["nodes"]
    lab.check(
        "silence afterwards",
        not any(node["advertises"] for node in nodes.values()),
        advertises={name: node["advertises"] for name, node in nodes.items()},
    )
    unknown = {name: node["unknown"] for name, node in nodes.items() if node["unknown"]}
    lab.check("every command known", not unknown, unknown=unknown)


def watch(lab: Lab, *names: str) -> AirLog:
    """Have each controller send one identifier for a while, and return what was on the air."""
    began = now()
    running = [
        lab.python(
            f"drive-{name}", "tests.vm.guest.drive", f"bluez:{lab.reached[name]}",
            *("--dwell", str(WATCHED)),
        )
        for name in names
    ]  # fmt: skip
    until(lambda: all(lab.air(began).of(name) for name in names), 60, "every node on the air")
    for process in running:
        process.ended(WATCHED + 30)
    return lab.air(began)


class Pair:
    """An identifier and a tag on the air at once, and changed once."""

    def __init__(self, lab: Lab, check: str, node: str) -> None:
        self._lab, self._check, self._node = lab, check, node
        self._began = now()
        self._driver = lab.python(
            f"{check} {node}".replace(" ", "-"),
            *("tests.vm.guest.pair", lab.reached[node], "--dwell", str(PAIR_WATCHED)),
        )

    def judged(self) -> tuple[Sent, ...]:
        """Wait for its end, judge it, and return what was sent."""
        status = self._driver.ended(2 * PAIR_WATCHED + 30)
        sent = self._lab.air(self._began).of(self._node)
        # In the order of their first packet: two of the first change, two of the second.  Taking
        # turns, a kernel writes the bytes of the tag before its address: a packet of it may slip
        # out under the identifier's, which is of the same node at the same moment.
        payloads = list(dict.fromkeys(one.data for one in sent))
        before = {one.address for one in sent if one.data in payloads[:2]}
        after = {one.address for one in sent if one.data in payloads[2:]}
        often = min((sum(one.data == data for one in sent) for data in payloads), default=0)
        self._lab.check(
            self._check,
            status == 0 and len(payloads) == 4 and before.isdisjoint(after) and often >= 3,
            payloads=len(payloads),
            addresses=(len(before), len(after)),
            least_often=often,
        )
        return sent


def heard(lab: Lab, name: str, place: str, visitor: str) -> None:
    """Let *visitor* listen while *place* sends an identifier and a tag."""
    sender = lab.python(
        "heard-place", "tests.vm.guest.pair", lab.reached[place], "--dwell", str(PAIR_WATCHED)
    )
    listener = lab.python(
        "heard-visitor", "tests.vm.guest.drive", f"bluez:{lab.reached[visitor]}",
        *("--dwell", str(PAIR_WATCHED)),
    )  # fmt: skip
    listener.ended(PAIR_WATCHED + 30)
    sender.stop()
    told = json.loads(listener.words().strip().splitlines()[-1])["condition"]
    lab.check(
        name,
        told["tags"] > 0 and told["heard"] > 0 and not told["refused"],
        tags=told["tags"],
        identifiers=told["heard"],
        refused=told["refused"],
    )


def as_nobody(lab: Lab) -> dict[str, bool | None]:
    """Ask the kernel of each controller whether it has BR/EDR, without the rights of root."""
    alike = get_context("fork")
    with ProcessPoolExecutor(1, alike, os.setuid, (NOBODY,)) as asking:
        return dict(zip(lab.reached, asking.map(br_edr, lab.reached.values()), strict=True))


def le_mode(lab: Lab, name: str) -> None:
    """Ask once more while bluetoothd has BR/EDR switched off, also where there is some."""
    settings = Path("/run/le.conf")
    settings.write_text("[General]\nControllerMode = le\n")
    lab.start("bluetoothd", "bluetoothd", "-n", "-f", str(settings))
    until(lambda: set(lab.reached.values()) <= powered_adapters(), 60, "every adapter powered")
    told = as_nobody(lab)
    lab.end("bluetoothd")
    lab.check(name, set(told.values()) == {False}, **told)


def alone(lab: Lab, name: str, node: str) -> None:
    """Wish for both where three bytes of Flags leave no room for the whole tag."""
    began = now()
    driver = lab.python("alone", "tests.vm.guest.pair", lab.reached[node], "--dwell", "6")
    status = driver.ended(45)
    sent = lab.air(began).of(node)
    told = json.loads(driver.words().strip().splitlines()[-1])
    lab.check(
        name,
        status == 0
        and of_length(sent, 31, FLAGS + PREFIX)
        and (told["advertising"], told["announcing"]) == (True, False)
        and "ControllerMode = dual" in told["detail"],
        heads=sorted({one.data[: len(FLAGS + PREFIX)].hex() for one in sent}),
        announcing=told["announcing"],
        detail=told["detail"],
    )


def of_length(sent: tuple[Sent, ...], length: int, prefix: bytes) -> bool:
    return bool(sent) and all(
        len(one.data) == length and one.data.startswith(prefix) for one in sent
    )


def shown(log: AirLog, node: str) -> dict[str, object]:
    """Return evidence without the identifier itself."""
    data = {one.data for one in log.of(node)}
    heads = sorted({one[: len(one) - 20].hex() for one in data})
    return {"sent": len(log.of(node)), "lengths": sorted({len(d) for d in data}), "heads": heads}


def between(lab: Lab, name: str, measured: Gaps | None, low: int, high: int) -> None:
    lab.check(name, measured and low <= measured.median <= high, measured=str(measured))
