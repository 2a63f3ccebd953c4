"""``authority serve``: the server, until it is told to stop."""

import asyncio
import logging
import os
import sys
from typing import Any

import click

from bluezone_node.commands.authority.options import ROLES, clock_of, clock_option, dir_option
from bluezone_node.commands.console import json_option, note, print_json


@click.command()
@dir_option
@click.option("--role", type=click.Choice(list(ROLES)), default="all", show_default=True)
@click.option("--listen", metavar="HOST:PORT", help="Port 0 lets the system choose.")
@click.option(
    "--workers",
    type=click.IntRange(0, 256),
    metavar="N",
    help="Serve with N processes (0: one for each core) and one more for exports; else with one.",
)
@clock_option
@json_option
def serve(
    folder: Any,
    role: str,
    listen: str | None,
    workers: int | None,
    clock_spec: str,
    as_json: bool,
) -> None:
    """Serve, and export every period, until told to stop."""
    import uvloop

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    # An HTTP server's word for every refused byte is noise to whoever runs this.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Each message to a gateway would leave a line with its time.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    count = len(os.sched_getaffinity(0)) if workers == 0 else workers
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        listen = listen or folder.settings.serve.listen
        runner.run(_serve(folder, role, listen, count, clock_spec, as_json))


async def _serve(
    folder: Any, role: str, listen: str, workers: int | None, clock_spec: str, as_json: bool
) -> None:
    from bluezone_node.wiring.serving import serve_authority

    def ready(address: str) -> None:
        note(f"listening on {address}")
        if as_json:
            print_json({"listening": address})

    async with clock_of(clock_spec) as clock:
        await serve_authority(folder, clock, ROLES[role], listen, ready, workers)
