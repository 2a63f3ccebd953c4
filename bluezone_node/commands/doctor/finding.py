"""What a ``doctor`` says of one thing that it looked at, and how it is shown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import click

from bluezone_node.commands.console import print_json


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    good: bool
    """False where the work cannot be done as it is."""
    found: str
    cure: str = ""
    """What to do about it; of a good one, what would make it better."""


def show(findings: Iterable[Finding], document: Mapping[str, object], *, as_json: bool) -> None:
    """Print *findings* as they come, or with what *document* then has; exit 1 if one is bad."""
    seen = []
    for finding in findings:
        seen.append(finding)
        if not as_json:
            click.echo(
                f"{'ok   ' if finding.good else 'FAULT'}  {finding.subject}: {finding.found}"
            )
            if finding.cure:
                click.echo(f"       → {finding.cure}")
    if as_json:
        print_json({"findings": seen, **document})
    if not all(finding.good for finding in seen):
        raise SystemExit(1)
