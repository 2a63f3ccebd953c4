"""``bluezone-node air``: a simulated radio that the nodes of one machine share."""

import asyncio
import contextlib
import signal
from pathlib import Path

import click

from bluezone_node.ble.air import open_air
from bluezone_node.ble.airlog import AirLog
from bluezone_node.ble.airwire import address_of
from bluezone_node.ble.scenario import Scenario, parse_scenario
from bluezone_node.commands.console import note
from bluezone_node.errors import BadInput


@click.group()
def air() -> None:
    """Simulate the radio: nodes hear each other without Bluetooth."""


@air.command()
@click.argument("scenario", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--listen",
    default="air.sock",
    show_default=True,
    help="Path of a socket, or 127.0.0.1:PORT (0: any free port).",
)
@click.option(
    "--log",
    "log_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what was on the air, one JSON line for each identifier.",
)
def serve(scenario: Path, listen: str, log_file: Path | None) -> None:
    """Run the air of SCENARIO (a TOML file) until told to stop.

    Prints the address that nodes connect to, as in --radio air:ADDRESS#DEVICE, once it is ready.
    """
    asyncio.run(_serve(_read(scenario), listen, log_file))


def _read(path: Path) -> Scenario:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not a text file in UTF-8", reason="scenario_syntax") from None
    return parse_scenario(text, str(path))


async def _serve(scenario: Scenario, listen: str, log_file: Path | None) -> None:
    told_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    with contextlib.ExitStack() as files:
        ended = None
        if log_file is not None:
            ended = AirLog(files.enter_context(log_file.open("w", encoding="utf-8"))).ended
        async with open_air(scenario, address_of(listen), ended) as address:
            click.echo(address)
            devices = ", ".join(device.name for device in scenario.devices)
            note(f"simulating {devices}; nodes connect with --radio {address}#DEVICE")
            await told_to_stop.wait()
    note("the air is closed")
