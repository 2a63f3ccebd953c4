"""``bluezone-node run``: the daemon, until SIGTERM or Ctrl-C."""

import asyncio
import logging
import os
import signal
from pathlib import Path
from typing import Any, ClassVar

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.options import config_option
from bluezone_node.errors import BluezoneError

log = logging.getLogger(__name__)


@click.command()
@config_option
@click.option("--radio", help="auto, bluez:hci0, or air:ADDRESS#DEVICE (simulated).")
@click.option("--verbose", is_flag=True, help="Log more.")
def run(config: Path | None, radio: str | None, verbose: bool) -> None:
    """Advertise, listen, and warn: the node itself."""
    set_up_logging(verbose)
    settings = settings_file.load(config)
    try:
        asyncio.run(_until_told(settings, radio))
    except BaseExceptionGroup as group:
        ours, others = group.split(BluezoneError)
        if ours is None or others is not None:
            raise
        # One reason is enough for a person; the tasks beside it fell because of it.
        raise _first(ours) from None


def set_up_logging(verbose: bool) -> None:
    """Log to stderr; under systemd with the level that its journal reads (sd-daemon(3))."""
    handler = logging.StreamHandler()
    in_journal = "JOURNAL_STREAM" in os.environ
    handler.setFormatter(
        _JournalFormatter() if in_journal else logging.Formatter("%(asctime)s %(message)s")
    )
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler])
    # These log every request with its address, or every D-Bus message.
    for chatty in ("httpx2", "httpcore2", "asyncio", "bleak"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _JournalFormatter(logging.Formatter):
    _PRIORITY: ClassVar = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}

    def format(self, record: logging.LogRecord) -> str:
        return f"<{self._PRIORITY.get(record.levelno, 3)}>{super().format(record)}"


async def _until_told(settings: settings_file.Settings, radio: str | None) -> None:
    from bluezone_node.wiring.node import open_node

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_quiet_about_sockets)
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with open_node(settings, radio) as node:
        await node.run(stop)


def _quiet_about_sockets(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep to oneself what a library forgot on a socket that is gone.

    When D-Bus dies, a message that dbus-fast was still writing fails where nobody waits for it;
    the radio says in a sentence that the bus is gone.
    """
    if isinstance(context.get("exception"), OSError):
        log.debug("%s: %r", context["message"], context["exception"])
    else:
        loop.default_exception_handler(context)


def _first(group: BaseExceptionGroup[BluezoneError]) -> BluezoneError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, BluezoneError)  # noqa: S101 - `except*` sorted them
    return error
