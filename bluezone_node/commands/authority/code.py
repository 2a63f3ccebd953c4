"""``authority code``: a health worker's desk on the command line."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from threading import Event
from typing import Any, TypeVar
from uuid import UUID

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import ROLES, clock_of, clock_option, dir_option
from bluezone_node.commands.console import json_option, note, print_json
from bluezone_node.commands.sheet_results import REJECTED, folder_for, tell_result, write_result

Result = TypeVar("Result")

ISSUED = "issued.csv"

handle_argument = click.argument("handle", metavar="UUID", type=click.UUID)


def _typed(_context: click.Context, _option: click.Parameter, given: str) -> str:
    return click.prompt("telephone number", err=True) if given == "-" else given


phone_option = click.option(
    "--phone",
    default="",
    callback=_typed,
    help="Send it there, as a link in an SMS; -: the number is asked for, so that it stands in no "
    "list of processes.",
)


@click.group()
def code() -> None:
    """Verification codes."""


@code.command()
@dir_option
@click.option(
    "--type",
    "test_type",
    type=click.Choice(["confirmed", "likely", "negative"]),
    default="confirmed",
    show_default=True,
)
@click.option("--symptom-date", type=click.DateTime(["%Y-%m-%d"]), help="First day of symptoms.")
@click.option("--test-date", type=click.DateTime(["%Y-%m-%d"]), help="Day of the test.")
@click.option("--long", "long_", is_flag=True, help="16 characters, good for a day, for a link.")
@phone_option
@click.option("--realm", default="", help="Province, where there is more than one.")
@clock_option
@json_option
def issue(
    folder: Any,
    test_type: str,
    symptom_date: datetime | None,
    test_date: datetime | None,
    long_: bool,
    phone: str,
    realm: str,
    clock_spec: str,
    as_json: bool,
) -> None:
    """Make a code for one person, to be read out to them or sent."""
    from bluezone_node.authority.registrar.orders import CodeOrder

    order = CodeOrder(
        test_type,
        _day(symptom_date),
        _day(test_date),
        "long" if long_ else "short",
        phone,
        realm,
    )
    with _breaking_off():
        issued = _with_issuing(folder, clock_spec, lambda issuing: issuing.issue(order, OPERATOR))
        _show(issued, as_json)


@code.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help=f"Folder to be made for {ISSUED} and {REJECTED}.",
)
@click.option("--realm", default="", help="Province, where there is more than one.")
@click.option("--force", is_flag=True, help="Although the same file was taken within a day.")
@dir_option
@clock_option
@json_option
def bulk(
    folder: Any,
    file: Path,
    out: Path,
    realm: str,
    force: bool,
    clock_spec: str,
    as_json: bool,
) -> None:
    """Make a long code for each row of a CSV FILE; those with a telephone number are sent.

    Columns: test_type, and if wanted test_date, symptom_date, phone. No names.
    """
    from bluezone_node.authority.registrar.bulk import MAX_BYTES

    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    with _breaking_off() as stopped:
        with folder_for(out):
            result = _with_issuing(
                folder,
                clock_spec,
                lambda issuing: issuing.issue_many(
                    data, OPERATOR, realm=realm, force=force, stopped=stopped
                ),
            )
        write_result(out, ISSUED, result.issued_csv(), result)
    tell_result(out, result, as_json=as_json)


@code.command()
@handle_argument
@dir_option
@clock_option
def revoke(folder: Any, handle: UUID, clock_spec: str) -> None:
    """Take a code back: its holder will be told that it has expired."""
    _with_issuing(folder, clock_spec, lambda issuing: issuing.revoke(handle.bytes, OPERATOR))
    note("the code is void")


@code.command()
@handle_argument
@phone_option
@dir_option
@clock_option
@json_option
def reissue(folder: Any, handle: UUID, phone: str, clock_spec: str, as_json: bool) -> None:
    """Make a new code with what was said for the old one, which is over."""
    with _breaking_off():
        issued = _with_issuing(
            folder, clock_spec, lambda issuing: issuing.reissue(handle.bytes, OPERATOR, phone)
        )
        _show(issued, as_json)


@code.command("status")
@handle_argument
@dir_option
@clock_option
@json_option
def code_status(folder: Any, handle: UUID, clock_spec: str, as_json: bool) -> None:
    """Say what became of a code: open, claimed, expired or revoked."""
    found = _with_issuing(
        folder, clock_spec, lambda issuing: issuing.status(handle.bytes, OPERATOR)
    )
    if as_json:
        print_json(
            {
                "uuid": str(handle),
                "state": found.state,
                "kind": found.kind,
                "test_type": found.report_type,
                "realm": found.realm,
                "issuer": found.issuer,
                "created": found.created,
                "expires": found.expires,
            }
        )
        return
    click.echo(f"{found.state}, {found.kind}, until {found.expires:%Y-%m-%d %H:%M} UTC")


@contextmanager
def _breaking_off() -> Iterator[Callable[[], bool]]:
    """Yield what tells that the work is to be ended, which no signal does by itself meanwhile.

    What was issued and sent until then is told: nobody could find it out afterwards.
    """
    asked = Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, lambda *_: asked.set()) for each in signals]
    try:
        yield asked.is_set
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


def _with_issuing(folder: Any, clock_spec: str, work: Callable[[Any], Result]) -> Result:
    from bluezone_node.wiring.authority import open_authority

    async def run() -> Result:
        async with clock_of(clock_spec) as clock:
            with open_authority(folder, clock, ROLES["registrar"]) as parts:
                return work(parts.issuing)

    return asyncio.run(run())


def _show(issued: Any, as_json: bool) -> None:
    handle = str(UUID(bytes=issued.handle))
    if as_json:
        print_json(
            {"code": issued.code, "expires": issued.expires, "uuid": handle, "sent": issued.sent}
        )
        return
    click.echo(issued.code)
    note(f"valid until {issued.expires:%Y-%m-%d %H:%M} UTC, for one report")
    note(f"{'sent; ' if issued.sent else ''}its uuid is {handle}")


def _day(given: datetime | None) -> date | None:
    return given.date() if given is not None else None
