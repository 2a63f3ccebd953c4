"""``python -m tests.vm.radio``: controllers that share one air.

  --node NAME:vhci:KIND        for the kernel; KIND is legacy or extended, then any of
                               :lax (a legacy chip that takes a new address while it scans)
                               :single (LE only, no BR/EDR)
  --node NAME:PATH:KIND        on a Unix socket, for another host stack

Prints one JSON object, ``{NAME: "hciN" or PATH}``, when everything is there.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from tests.vm.radio.air import Air
from tests.vm.radio.controller import Controller, Model
from tests.vm.radio.desk import Desk
from tests.vm.radio.host import KernelHost, serve_host

_MAKER = bytes.fromhex("7BA100")
"""Least significant first: addresses read 00:A1:7B:00:00:NN."""


def parse_node(text: str) -> tuple[str, str, Model]:
    """Return name, host and model of a ``--node``."""
    name, host, kind, *extras = text.split(":")
    if kind not in ("legacy", "extended") or set(extras) - {"lax", "single"}:
        raise argparse.ArgumentTypeError(f"{text!r} is no controller")
    return (
        name,
        host,
        Model(kind == "extended", strict="lax" not in extras, dual="single" not in extras),
    )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", action="append", type=parse_node, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--desk", type=Path, required=True)
    parser.add_argument("--noise", type=float, default=2.0)
    options = parser.parse_args()
    # A line at a time, so that whoever reads along sees whole ones.
    with options.log.open("w", buffering=1) as log:
        air = Air(log, options.noise)
        hosts: dict[str, KernelHost] = {}
        reached: dict[str, str] = {}
        for number, (name, host, model) in enumerate(options.node):
            chip = Controller(air, name, bytes([number, 0, 0]) + _MAKER, model)
            air.controllers[name] = chip
            if host == "vhci":
                hosts[name] = KernelHost(chip)
                reached[name] = f"hci{await hosts[name].plug()}"
            else:
                await serve_host(chip, Path(host))
                reached[name] = host
        await Desk(air, hosts).serve(options.desk)
        sys.stdout.write(json.dumps(reached) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
