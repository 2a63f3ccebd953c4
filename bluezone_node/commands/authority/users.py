"""``authority users``: the people who work with the registrar, from the server's own shell."""

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bluezone_node.authority.ports.accounts import ISSUER, OPERATOR
from bluezone_node.authority.ports.accounts import ROLES as RIGHTS
from bluezone_node.commands.authority.options import ROLES, clock_of, clock_option, dir_option
from bluezone_node.commands.console import columns, json_option, note, print_json

if TYPE_CHECKING:
    from bluezone_node.authority.people.accounts import Accounts
    from bluezone_node.authority.ports.accounts import Enrolment

_place_options = (
    click.option("--realm", required=True, help="Province, by its id in the settings; * is all."),
    click.option("--role", type=click.Choice(RIGHTS), default=ISSUER, show_default=True),
)
_show_option = click.option(
    "--show",
    is_flag=True,
    help="Print password and otpauth address also where standard output is no terminal.",
)


@click.group()
def users() -> None:
    """The people who issue codes and look after those who do."""


@users.command("list")
@dir_option
@clock_option
@json_option
def list_users(folder: Any, clock_spec: str, as_json: bool) -> None:
    """Say who there is, where, in which role, and who is locked or disabled."""
    found = _done(folder, clock_spec, lambda accounts: accounts.users(OPERATOR))
    if as_json:
        print_json(found)
        return
    columns(
        ("name", "province", "role", "state"),
        ((user.name, user.realm, user.role, _state(user)) for user in found),
    )


@users.command()
@click.argument("name")
@_place_options[0]
@_place_options[1]
@_show_option
@dir_option
@clock_option
@json_option
def add(
    folder: Any, name: str, realm: str, role: str, show: bool, clock_spec: str, as_json: bool
) -> None:
    """Let a new person sign in; the first password and the QR code are shown once."""
    _check_shown(show, as_json)
    _hand_over(
        _done(folder, clock_spec, lambda accounts: accounts.add(OPERATOR, name, realm, role)),
        as_json,
    )


@users.command()
@click.argument("name")
@_show_option
@dir_option
@clock_option
@json_option
def reset(folder: Any, name: str, show: bool, clock_spec: str, as_json: bool) -> None:
    """Give a person a new first password and a new QR code; who is signed in is signed out."""
    _check_shown(show, as_json)
    _hand_over(_done(folder, clock_spec, lambda accounts: accounts.reset(OPERATOR, name)), as_json)


@users.command()
@click.argument("name")
@dir_option
@clock_option
def disable(folder: Any, name: str, clock_spec: str) -> None:
    """Let a person sign in no more; who is signed in is signed out."""
    _done(folder, clock_spec, lambda accounts: accounts.disable(OPERATOR, name))
    note(f"{name} is disabled, and signed out everywhere")


@users.command()
@click.argument("name")
@dir_option
@clock_option
def enable(folder: Any, name: str, clock_spec: str) -> None:
    """Let a person sign in again, with the password and the codes of before."""
    _done(folder, clock_spec, lambda accounts: accounts.enable(OPERATOR, name))
    note(f"{name} may sign in")


@users.command()
@click.argument("name")
@dir_option
@clock_option
def unlock(folder: Any, name: str, clock_spec: str) -> None:
    """Forget the wrong attempts for which a name is locked."""
    _done(folder, clock_spec, lambda accounts: accounts.unlock(OPERATOR, name))
    note(f"{name} is not locked")


@users.command("role")
@click.argument("name")
@_place_options[0]
@click.option("--role", type=click.Choice(RIGHTS), required=True)
@dir_option
@clock_option
def change_role(folder: Any, name: str, realm: str, role: str, clock_spec: str) -> None:
    """Give a person another role or province; who is signed in is signed out."""
    _done(folder, clock_spec, lambda accounts: accounts.set_role(OPERATOR, name, role, realm))
    note(f"{name} is {role} of {realm}")


def _done(folder: Any, clock_spec: str, act: "Callable[[Accounts], Any]") -> Any:
    async def run() -> Any:
        from bluezone_node.wiring.authority import open_authority

        async with clock_of(clock_spec) as clock:
            with open_authority(folder, clock, ROLES["registrar"]) as parts:
                assert parts.accounts is not None  # noqa: S101 - the role was asked for
                return act(parts.accounts)

    return asyncio.run(run())


def _state(user: Any) -> str:
    if user.disabled is not None:
        return f"disabled since {user.disabled:%Y-%m-%d}"
    if user.locked_until is not None:
        return f"locked until {user.locked_until:%H:%M} UTC"
    return "has not signed in yet" if user.password_due else "active"


def _check_shown(show: bool, as_json: bool) -> None:
    """See that what is shown once will be seen, before anything is done."""
    if not (show or as_json or sys.stdout.isatty()):
        raise click.UsageError(
            "standard output is no terminal: the first password would be written somewhere. "
            "To have it printed all the same: --show, or --json"
        )


def _hand_over(enrolment: "Enrolment", as_json: bool) -> None:
    if as_json:
        print_json(enrolment)
        return
    click.echo(f"name            {enrolment.name}")
    click.echo(f"first password  {enrolment.password}")
    if sys.stdout.isatty():
        from bluezone_node.authority.people.one_time import qr_terminal

        click.echo(qr_terminal(enrolment.otpauth))
    else:
        click.echo(f"authenticator   {enrolment.otpauth}")
    note("Shown this once. The password is good for 72 hours and is replaced at the first sign-in;")
    note("the authenticator app reads the code. Hand both over in person, and clear the screen.")
