"""What is said of a place on the command line, at `venue register` and `venue edit` alike."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from bluezone_node.venues.card import CardFlag
from bluezone_node.venues.kinds import VenueKind

if TYPE_CHECKING:
    from bluezone_node.authority.places.communes import CommuneBook

KINDS = [kind.name.lower().replace("_", "-") for kind in VenueKind]
MARKS = {
    "register": CardFlag.REGISTER_REQUIRED,
    "declaration": CardFlag.DECLARATION_REQUIRED,
    "radio": CardFlag.BLE_NODE,
    "check-out": CardFlag.CHECK_OUT_CODE,
    "staff": CardFlag.STAFF_CODE,
    "dual-control": CardFlag.DUAL_CONTROL,
}


def kind_of(name: str) -> VenueKind:
    """Return the kind of place that one of `KINDS` stands for."""
    return VenueKind[name.upper().replace("-", "_")]


def flags_of(marks: Iterable[str]) -> CardFlag:
    """Return the flags that some of `MARKS` stand for."""
    flags = CardFlag(0)
    for mark in marks:
        flags |= MARKS[mark]
    return flags


def commune_of(text: str, book: "CommuneBook") -> int:
    """Return the number of the commune that was typed, and say which one a name was."""
    code = book.code(text)
    if not text.strip().isdigit():
        click.echo(f"commune: {book.label(code)}", err=True)
    return code
