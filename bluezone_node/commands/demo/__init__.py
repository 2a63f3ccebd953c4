"""``bluezone-node demo``: the main jobs as real processes on a simulated air, in a minute."""

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
@click.option(
    "--story",
    type=click.Choice(["proximity", "market", "all"]),
    default="all",
    show_default=True,
    help="People who meet, or a market that many come to.",
)
def demo(folder: Path | None, story: str) -> None:
    """Tell two stories, from a visit or a meeting to a warning. Exit 1 if any line is not so."""
    from bluezone_node.commands.demo.telling import tell

    os.environ["TZ"] = TIME_ZONE
    time.tzset()
    chosen = folder or Path(tempfile.mkdtemp(prefix="bluezone-demo-"))
    chosen.mkdir(parents=True, exist_ok=True)
    if not asyncio.run(tell(chosen, story)):
        raise SystemExit(1)
