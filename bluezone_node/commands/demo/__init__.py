"""``bluezone-node demo``: the main job as real processes on a simulated air, in under a minute."""

import asyncio
import os
import tempfile
import time
from pathlib import Path

import click

TIME_ZONE = "ICT-7"
"""Hà Nội's, in the form that needs no time zone database on the machine."""


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where everything is kept. Default: a new temporary folder.",
)
def demo(folder: Path | None) -> None:
    """Tell the whole story: a meeting, a diagnosis, an alert. Exit 1 if any of it is not so."""
    from bluezone_node.commands.demo.story import tell

    os.environ["TZ"] = TIME_ZONE
    time.tzset()
    chosen = folder or Path(tempfile.mkdtemp(prefix="bluezone-demo-"))
    chosen.mkdir(parents=True, exist_ok=True)
    if not asyncio.run(tell(chosen)):
        raise SystemExit(1)
