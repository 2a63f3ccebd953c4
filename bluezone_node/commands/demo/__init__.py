"""``bluezone-node demo``: the main jobs as real processes on a simulated air, in a minute."""

import asyncio
import os
import tempfile
import time
from pathlib import Path

import click

from bluezone_node.errors import BadInput

LONGEST_FOLDER = 80
"""Bytes of its path: Linux allows a socket 107, and the longest in it is
``places/minh/control.sock``."""
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

    chosen = folder or Path(tempfile.mkdtemp(prefix="bluezone-demo-"))
    _prepare(chosen)
    os.environ["TZ"] = TIME_ZONE
    time.tzset()
    if not asyncio.run(tell(chosen, story)):
        raise SystemExit(1)


def _prepare(folder: Path) -> None:
    """Make *folder*, or find it empty.

    Raises:
        BadInput: a story could not be told in it.
    """
    if len(os.fsencode(folder)) > LONGEST_FOLDER:
        raise BadInput(
            f"{folder} is too long a path for the sockets of the demo's processes.",
            reason="path_too_long",
            hint=f"name a folder of at most {LONGEST_FOLDER} bytes, as /tmp/demo",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        holds_something = any(folder.iterdir())
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}", reason="not_writable") from error
    if holds_something:
        # What an earlier demo left there would be taken for the beginning of this one.
        raise BadInput(
            f"{folder} is not empty, and a demo begins from nothing.",
            reason="not_empty",
            hint="delete it if it is an earlier demo's, or name another --dir",
        )
