"""``bluezone-node doctor``: look at everything a node needs; name each fault with its cure."""

import asyncio
import platform
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.console import json_option, note
from bluezone_node.commands.doctor import bluetooth, hearing, machine, receiver
from bluezone_node.commands.doctor.bluez import installed_version
from bluezone_node.commands.doctor.finding import Finding, show
from bluezone_node.commands.options import config_option
from bluezone_node.config import Settings
from bluezone_node.control import ask
from bluezone_node.errors import BluezoneError, RadioUnavailable

if TYPE_CHECKING:
    from bluezone_node.ble.bluez_adapter import Adapter


@click.command()
@config_option
@json_option
def doctor(config: Path | None, as_json: bool) -> None:
    """Check this device; exit 1 if anything is wrong."""
    document: dict[str, object] = {}
    show(examine(config, document), document, as_json=as_json)


def examine(config: Path | None, document: dict[str, object]) -> Iterator[Finding]:
    """Yield one finding for each thing a node needs; put what --json has more into *document*."""
    try:
        settings = settings_file.load(config)
    except BluezoneError as error:
        yield Finding("settings", False, str(error), error.hint)
        return
    yield machine.rules(settings)
    yield from machine.store(settings)
    node = ask(settings.state_dir(), "status")
    yield machine.time_of_node(node) if node else machine.time_of_machine(settings)
    name = node["radio_name"] if node else settings.node.radio
    adapter = None
    if name.startswith("air:"):
        yield Finding("radio", True, "simulated; this node hears no real device")
    else:
        adapter = yield from _bluetooth(name, settings, node)
    if node:
        yield from hearing.of_node(node)
        neighbours = ask(settings.state_dir(), "neighbours") or {}
        document["neighbours"] = neighbours
        yield from hearing.of_neighbours(neighbours)
    else:
        yield _not_running(settings)
        if adapter is not None:
            yield _overhear(adapter)
    yield from receiver.calibrated(settings, node)
    yield from machine.sources(settings)


def _bluetooth(
    name: str, settings: Settings, node: hearing.Document | None
) -> Generator[Finding, None, "Adapter | None"]:
    """Yield findings of the real radio *name*; return its adapter where that is switched on."""
    from bluezone_node.ble.bluez_look import examine as examine_adapters

    wanted = None if name == "auto" else name.removeprefix("bluez:")
    try:
        adapters = asyncio.run(examine_adapters())
    except RadioUnavailable as error:
        yield Finding("radio", False, str(error), error.hint)
        return None
    version = installed_version()
    yield bluetooth.service(version)
    yield from bluetooth.adapter(adapters, wanted)
    chosen = bluetooth.adapter_of(adapters, wanted)
    if chosen is None or not chosen.powered:
        return None
    on_air = node is not None and bool(node["radio"]["advertising"])
    yield bluetooth.advertising(chosen, version, platform.release(), on_air=on_air)
    if settings.kiosk.venue:
        yield bluetooth.place(chosen, node["place_problem"] if node else "")
    yield bluetooth.listening(chosen, wearable=settings.node.scan == "wearable")
    return chosen


def _not_running(settings: Settings) -> Finding:
    if machine.belongs_to_another(settings):
        return Finding("node", False, "cannot be asked by this user", machine.as_owner(settings))
    return Finding(
        "node", False, "not running", "bluezone-node run, or: sudo systemctl start bluezone-node"
    )


def _overhear(adapter: "Adapter") -> Finding:
    from bluezone_node.ble.bluez_look import overhear
    from bluezone_node.clock import SystemClock

    note(f"listening with {adapter.name} for {hearing.LISTEN:.0f} s …")
    try:
        overheard = asyncio.run(overhear(adapter.name, hearing.LISTEN, SystemClock()))
    except RadioUnavailable as error:
        return Finding("hearing", False, str(error), error.hint)
    return hearing.of_adapter(adapter.name, overheard)
