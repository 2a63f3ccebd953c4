"""The command line: click parses, a command calls one function, the console tells.

Commands are imported only when called: ``bluezone-node status`` must answer at once on a
Raspberry Pi, and most of the packages behind the other commands take longer to import than it
takes to run.
"""

import sys
from importlib import import_module

import click

from bluezone_node import __version__
from bluezone_node.errors import BluezoneError


class LazyGroup(click.Group):
    """A group whose commands are named by ``module:attribute`` and imported on first use."""

    def __init__(self, *args: object, lazy: dict[str, str] | None = None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._lazy = lazy or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module, attribute = self._lazy[cmd_name].split(":")
        command = getattr(import_module(f"bluezone_node.commands.{module}"), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is ours
        return command


@click.group(
    cls=LazyGroup,
    lazy={
        "air": "air:air",
        "alerts": "alerts:alerts",
        "authority": "authority:authority",
        "calibrate": "calibrate:command",
        "demo": "demo:demo",
        "diagnosis": "diagnosis:diagnosis",
        "doctor": "doctor:doctor",
        "encounters": "encounters:encounters",
        "erase": "erase:erase",
        "keys": "sync:keys",
        "kiosk": "kiosk:kiosk",
        "lab": "lab:lab",
        "notice": "notice:notice",
        "run": "run:run",
        "seal": "seal:seal",
        "status": "status:status",
        "sync": "sync:sync",
        "trust": "trust:trust",
        "venue": "venue:venue",
        "visit": "visit:visit",
        "warrant": "warrant:warrant",
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="bluezone-node")
def cli() -> None:
    """Proximity tracing over Bluetooth LE: private, open, for Linux and Raspberry Pi."""


def main() -> None:
    """Run the command line; every error of ours is one sentence, and its exit status."""
    try:
        # Not standalone, click returns the status of `--help` or `Context.exit`, or what the
        # command returned, which is nothing.
        sys.exit(cli.main(standalone_mode=False))
    except click.Abort as abort:
        # A question was answered with no; or it is click's word for Ctrl-C, at any moment.
        midway = isinstance(abort.__cause__, KeyboardInterrupt)
        said = "interrupted; what was done by then stays" if midway else "aborted; nothing was done"
        click.echo(said, err=True)
        sys.exit(1)
    except click.ClickException as misuse:
        misuse.show()
        sys.exit(misuse.exit_code)
    except BluezoneError as error:
        click.echo(f"error: {error}", err=True)
        if error.hint:
            click.echo(f"hint: {error.hint}", err=True)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        # The reader (`| head`) has gone: not an error, and stdout must not complain at exit.
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        click.echo(f"error: {error.strerror or error}{where}", err=True)
        sys.exit(1)
