"""Tells the stories that were asked for, one after the other, and says how they came out."""

import os
import sys
from pathlib import Path
from shutil import which
from time import monotonic

import click

from bluezone_node.commands.demo.market import MarketStory
from bluezone_node.commands.demo.stage import Stage
from bluezone_node.commands.demo.story import Story
from bluezone_node.errors import BluezoneError


async def tell(folder: Path, which_story: str = "all") -> bool:
    """Tell *which_story* (``proximity``, ``market`` or ``all``) in *folder*.

    The second one goes on with the authority of the first, days later.  Returns whether every line
    came true; after one that did not, nothing more is told.
    """
    started = monotonic()
    commands: list[str] = []
    true, made = True, None
    if which_story != "market":
        first = Story(folder)
        true = await _told(first)
        commands += first.commands()
        made = first.made
    if which_story != "proximity" and true:
        if made is not None:
            click.echo()
        second = MarketStory(folder / "places", folder / "authority", made)
        true = await _told(second)
        commands += second.commands()
    click.echo()
    took = f"in {monotonic() - started:.0f} s"
    if not true:
        click.echo(f"NOT every line came true, {took}. See the .log files in {folder}.")
        return False
    click.echo(f"Every line came true, {took}. Look around:")
    for command in commands:
        click.echo(f"  {_program()} {command}")
    click.echo(f"Logs and databases are in {folder}; delete it when you are done.")
    return True


async def _told(story: Stage) -> bool:
    try:
        await story.run()
    except BluezoneError as error:
        story.check(False, f"the story broke off: {error}")
    finally:
        await story.end()
    return story.true


def _program() -> str:
    """Return what to type for this program: from a clone, it is not on the PATH."""
    installed = Path(sys.executable).with_name("bluezone-node")
    return "bluezone-node" if which("bluezone-node") else os.path.relpath(installed)
