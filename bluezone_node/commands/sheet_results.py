"""What became of a CSV file: a private folder with what was done, what was rejected, and totals."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import click

from bluezone_node.commands.console import note, print_json
from bluezone_node.commands.private_file import write_private
from bluezone_node.errors import BadInput

REJECTED = "rejected.csv"


class SheetResult(Protocol):
    """What is told of any file."""

    @property
    def totals(self) -> Mapping[str, int]: ...

    @property
    def rejected(self) -> object:
        """The rows that were refused; false where there are none."""

    def rejected_csv(self) -> bytes: ...


@contextmanager
def folder_for(out: Path) -> Iterator[None]:
    """Make the folder *out*, and take it away again where the block fails.

    Made first: results that could not be written down would be lost.

    Raises:
        BadInput: reason ``exists``.
    """
    try:
        out.mkdir(mode=0o700)
    except FileExistsError:
        raise BadInput(
            f"{out} exists and is not overwritten", reason="exists", hint="choose another name"
        ) from None
    try:
        yield
    except BaseException:
        out.rmdir()
        raise


def write_result(out: Path, name: str, done: bytes, result: SheetResult) -> None:
    """Write what was *done* to the file *name* of the folder, and beside it what was rejected."""
    write_private(done, out / name, replace=False)
    if result.rejected:
        write_private(result.rejected_csv(), out / REJECTED, replace=False)


def tell_result(out: Path, result: SheetResult, *, as_json: bool) -> None:
    """Print the totals, and end with status 1 where anything was rejected."""
    if as_json:
        print_json(dict(result.totals))
    else:
        for name, number in result.totals.items():
            click.echo(f"{name.replace('_', ' ')}: {number}")
    if result.rejected:
        note(f"what was rejected, and why: {out / REJECTED}")
        raise SystemExit(1)
