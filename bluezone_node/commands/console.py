"""How commands talk: one JSON document or plain lines on stdout, everything else on stderr."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
import msgspec

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Add ``--json``: one JSON document on stdout, for scripts."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def print_json(document: object) -> None:
    """Print *document* (built-ins, dataclasses, enums, datetimes) as one line of JSON."""
    click.echo(msgspec.json.encode(document).decode())


def note(text: str) -> None:
    """Say something to the person that is not the result."""
    click.echo(text, err=True)


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal and nothing in a pipe; yield ``advance(steps)``."""
    if not sys.stderr.isatty():
        yield lambda _steps: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda steps: bar.advance(task, steps)


def columns(header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a plain table: readable, and easy for awk."""
    table = [[*map(str, header)], *([*map(str, row)] for row in rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        click.echo("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())
