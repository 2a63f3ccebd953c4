"""``bluezone-node kiosk``: the page at a place's door, until SIGTERM or Ctrl-C."""

import asyncio
from pathlib import Path

import click

from bluezone_node import config as settings_file
from bluezone_node.commands import LazyGroup
from bluezone_node.commands.console import note
from bluezone_node.commands.options import config_option
from bluezone_node.commands.run import set_up_logging


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    lazy={
        "key": "kiosk_register:key",
        "openings": "kiosk_register:openings",
        "warrant": "kiosk_register:warrant",
    },
)
@click.pass_context
@config_option
@click.option(
    "--venue",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The registrar's file of the place. Default: kiosk.venue of the settings.",
)
@click.option("--listen", metavar="HOST:PORT", help="Default: kiosk.listen of the settings.")
@click.option("--set-pin", is_flag=True, help="Ask for the staff's PIN, keep it, and end.")
@click.option("--verbose", is_flag=True, help="Log more.")
def kiosk(
    context: click.Context,
    config: Path | None,
    venue: Path | None,
    listen: str | None,
    set_pin: bool,
    verbose: bool,
) -> None:
    """Let people check in and out at a place's door."""
    if context.invoked_subcommand is not None:
        return
    set_up_logging(verbose)
    settings = settings_file.load(config)
    if set_pin:
        from bluezone_node.wiring.kiosk import write_pin

        write_pin(settings, click.prompt("PIN", hide_input=True, confirmation_prompt=True))
        note("the PIN holds from now on, also for a kiosk that is running")
        return
    asyncio.run(_serve(settings, venue, listen or settings.kiosk.listen))


async def _serve(settings: settings_file.Settings, venue: Path | None, listen: str) -> None:
    from bluezone_node.web.server import bind, stop_on_signals
    from bluezone_node.wiring.kiosk import is_loopback, open_kiosk
    from bluezone_node.wiring.venue import venue_of

    stop = stop_on_signals()
    place = venue_of(settings, venue)
    with bind(listen) as bound:
        async with open_kiosk(settings, place, loopback=is_loopback(bound)) as opened:
            condition = opened.surroundings.condition
            if not condition.daemon:
                note("the node does not run beside it: no tapping and no tag; all else works")
            if condition.objection:
                note(
                    f"visitors' devices refuse the place's card ({condition.objection}): "
                    "nobody new is let in"
                )
            if not condition.clock_known:
                note("nothing vouches for the clock: entries are marked until something does")
            await opened.serve(bound, lambda address: note(f"the page is at {address}/"), stop)
