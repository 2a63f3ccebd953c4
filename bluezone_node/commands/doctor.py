"""``bluezone-node doctor``: look at everything a node needs; name each fault with its cure."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.console import json_option, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.config import Settings
from bluezone_node.control import ask
from bluezone_node.errors import BluezoneError

LEAST_FREE = 200 << 20
"""Bytes: two weeks of a busy place with room to spare (docs/operate.md has the arithmetic)."""

BLUETOOTH = Path("/sys/class/bluetooth")
SYNCHRONISED = Path("/run/systemd/timesync/synchronized")


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    good: bool
    found: str
    cure: str = ""


@click.command()
@config_option
@json_option
def doctor(config: Path | None, as_json: bool) -> None:
    """Check this device; exit 1 if anything is wrong."""
    findings = list(examine(config))
    if as_json:
        print_json({"findings": findings})
    else:
        for finding in findings:
            mark = "ok   " if finding.good else "FAULT"
            click.echo(f"{mark}  {finding.subject}: {finding.found}")
            if finding.cure:
                click.echo(f"       → {finding.cure}")
    if not all(finding.good for finding in findings):
        raise SystemExit(1)


def examine(config: Path | None) -> Iterator[Finding]:
    """Yield one finding for each thing a node needs."""
    try:
        settings = settings_file.load(config)
    except BluezoneError as error:
        yield Finding("settings", False, str(error), error.hint)
        return
    yield _rules(settings)
    yield from _store(settings)
    yield _radio(settings)
    yield _time()
    yield _running(settings)
    yield from _sources(settings)


def _rules(settings: Settings) -> Finding:
    from bluezone_node.presets import load_preset

    try:
        preset = load_preset(settings.node.rules)
    except BluezoneError as error:
        return Finding("settings", False, str(error), error.hint)
    return Finding("settings", True, f"read; rules {preset.name}: {preset.title}")


def _store(settings: Settings) -> Iterator[Finding]:
    from bluezone_node.wiring.node import check_store

    folder = settings.state_dir()
    try:
        yield Finding("database", True, check_store(settings))
    except BluezoneError as error:
        yield Finding("database", False, str(error), error.hint)
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    yield Finding(
        "disk",
        free >= LEAST_FREE,
        f"{free >> 20} MB free at {existing}",
        "" if free >= LEAST_FREE else f"free at least {LEAST_FREE >> 20} MB",
    )


def _radio(settings: Settings) -> Finding:
    radio = settings.node.radio
    if radio.startswith("air:"):
        return Finding("radio", True, "simulated; this node hears no real device")
    adapters = sorted(path.name for path in BLUETOOTH.glob("hci*")) if BLUETOOTH.is_dir() else []
    if adapters:
        return Finding(
            "radio",
            False,
            f"{', '.join(adapters)} is there, but this version has no BlueZ radio yet",
            "use the simulated radio: docs/operate.md",
        )
    return Finding(
        "radio",
        False,
        "no Bluetooth adapter",
        "plug one in, or on a Raspberry Pi remove dtoverlay=disable-bt; "
        "without one, use the simulated radio: docs/operate.md",
    )


def _time() -> Finding:
    if SYNCHRONISED.exists() or not Path("/run/systemd/system").is_dir():
        return Finding("time", True, "set by the network, or not managed by systemd here")
    return Finding("time", False, "the clock is not synchronised", "sudo timedatectl set-ntp true")


def _running(settings: Settings) -> Finding:
    if ask(settings.state_dir(), "status"):
        return Finding("node", True, "running")
    return Finding("node", False, "not running", "bluezone-node run, or systemctl start")


def _sources(settings: Settings) -> Iterator[Finding]:
    from bluezone_node.wiring.node import check_source

    if not settings.sources:
        yield Finding(
            "sources", False, "none configured", "add a [[sources]] section: docs/operate.md"
        )
    for source in settings.sources:
        try:
            count = asyncio.run(check_source(source))
            yield Finding(f"source {source.name}", True, f"{count} exports on offer")
        except BluezoneError as error:
            yield Finding(f"source {source.name}", False, str(error), error.hint)
