"""``notice publish`` and ``breaker``."""

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.console import note, print_json
from bluezone_node.commands.notice.options import Desk, at_the_desk
from bluezone_node.commands.vietnam_time import in_vietnam


@click.command()
@click.option(
    "--anew",
    is_flag=True,
    help="Begin another chain: the bundles that devices know are lost, or their key was stolen.",
)
@at_the_desk
def publish(desk: Desk, anew: bool) -> None:
    """Write the next bundle now, if there is anything to tell; safe beside a running server."""
    run = desk.done(lambda parts: parts.bundles.begin_anew() if anew else parts.bundles.run())
    if desk.as_json:
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
@at_the_desk
def breaker(desk: Desk, state: str, reason: str) -> None:
    """Stop all alerts from notices everywhere (on), let them go on (off), or say how it stands."""
    stands = desk.done(
        lambda parts: (
            parts.breaker.stands()
            if state == "show"
            else parts.breaker.turn(state == "on", reason, OPERATOR)
        )
    )
    if desk.as_json:
        print_json(stands)
    elif stands.since is None:
        click.echo("off")
    else:
        by = stands.by or "the operator"
        click.echo(
            f"{'on' if stands.on else 'off'} since {in_vietnam(stands.since)}, Vietnam, by {by}"
        )
