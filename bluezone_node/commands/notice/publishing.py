"""``notice publish`` and ``breaker``."""

from typing import Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import clock_option, dir_option
from bluezone_node.commands.console import json_option, note, print_json
from bluezone_node.commands.notice.options import with_notices
from bluezone_node.commands.vietnam_time import in_vietnam


@click.command()
@click.option(
    "--anew",
    is_flag=True,
    help="Begin another chain: the bundles that devices know are lost, or their key was stolen.",
)
@dir_option
@clock_option
@json_option
def publish(folder: Any, anew: bool, clock_spec: str, as_json: bool) -> None:
    """Write the next bundle now, if there is anything to tell; safe beside a running server."""
    run = with_notices(
        folder,
        clock_spec,
        lambda parts: parts.bundles.begin_anew() if anew else parts.bundles.run(),
    )
    if as_json:
        print_json(run)
    elif run.busy:
        note("another process is at it")
    elif run.drawn is None:
        click.echo(f"nothing to tell; {run.written} files mended")
    else:
        click.echo(f"bundle {run.drawn}: {run.notices} notices, one for each card")


@click.command()
@click.argument("state", type=click.Choice(["on", "off", "show"]), default="show")
@click.option("--reason", default="", help="Why: it stands in the audit trail.")
@dir_option
@clock_option
@json_option
def breaker(folder: Any, state: str, reason: str, clock_spec: str, as_json: bool) -> None:
    """Stop all alerts from notices everywhere (on), let them go on (off), or say how it stands."""
    stands = with_notices(
        folder,
        clock_spec,
        lambda parts: (
            parts.notices.breaker()
            if state == "show"
            else parts.notices.set_breaker(state == "on", reason, OPERATOR)
        ),
    )
    if as_json:
        print_json(stands)
    elif stands.since is None:
        click.echo("off")
    else:
        by = stands.by or "the operator"
        click.echo(
            f"{'on' if stands.on else 'off'} since {in_vietnam(stands.since)}, Vietnam, by {by}"
        )
