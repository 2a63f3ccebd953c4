"""``authority audit``: who did what, and whether what is written about it is whole."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bluezone_node.commands.authority.options import ROLES, clock_of, dir_option
from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.errors import AuthorityRefused

if TYPE_CHECKING:
    from bluezone_node.authority.ports.audit import AuditEntry, AuditTrail


@click.group()
def audit() -> None:
    """The audit trail of the registrar."""


@audit.command("list")
@dir_option
@click.option("--realm", help="Only what was done in this province.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--before", type=click.IntRange(1), help="Only entries below this number.")
@json_option
def list_entries(
    folder: Any, realm: str | None, limit: int, before: int | None, as_json: bool
) -> None:
    """Print the newest entries, the newest first."""
    if realm is not None and not realm.isprintable():
        raise click.BadParameter("this is no province's id", param_hint="--realm")
    found = _asked(folder, lambda trail: trail.entries(realm, limit, before))
    if as_json:
        print_json([_document(entry) for entry in found])
        return
    columns(
        ("entry", "time (UTC)", "who", "province", "what", "whom", "detail"),
        (
            (
                entry.sequence,
                f"{entry.at:%Y-%m-%d %H:%M:%S}",
                entry.actor or "command line",
                entry.realm,
                entry.action,
                entry.subject or "-",
                " ".join(f"{name}={value}" for name, value in entry.detail.items()),
            )
            for entry in found
        ),
    )


@audit.command()
@dir_option
@json_option
def head(folder: Any, as_json: bool) -> None:
    """Print number and hash of the newest entry, to be noted down elsewhere."""
    found = _asked(folder, lambda trail: trail.head())
    if as_json:
        print_json({"head": str(found) if found is not None else None})
    elif found is None:
        note("There is no entry yet.")
    else:
        click.echo(found)


@audit.command()
@dir_option
@click.option(
    "--head",
    "noted",
    metavar="SEQUENCE:HASH",
    help="What `authority audit head` printed earlier: see that it is still there.",
)
@json_option
def verify(folder: Any, noted: str | None, as_json: bool) -> None:
    """Check every entry; the exit status is 1 where one was changed or is missing."""
    from bluezone_node.authority.people.audit import parse_head

    expected = parse_head(noted) if noted is not None else None
    verdict = _asked(folder, lambda trail: trail.verify(expected))
    if as_json:
        print_json(
            {
                "intact": verdict.intact,
                "entries": verdict.entries,
                "head": str(verdict.head) if verdict.head is not None else None,
                "broken": verdict.broken,
                "reason": verdict.reason,
            }
        )
    if not verdict.intact:
        raise AuthorityRefused(
            f"The audit trail is broken at entry {verdict.broken}: {verdict.reason} "
            f"{verdict.entries} before it are right.",
            reason="audit_broken",
            hint="compare with a backup, and with heads that were noted down earlier",
        )
    if not as_json:
        click.echo(f"{verdict.entries} entries are whole")
        if verdict.head is not None:
            click.echo(verdict.head)
        if expected is None:
            note("That the end was not cut off is seen by --head with one noted down earlier.")


def _asked(folder: Any, ask: "Callable[[AuditTrail], Any]") -> Any:
    async def run() -> Any:
        from bluezone_node.wiring.authority import open_authority

        async with clock_of("system") as clock:
            with open_authority(folder, clock, ROLES["registrar"]) as parts:
                assert parts.audit is not None  # noqa: S101 - the role was asked for
                return ask(parts.audit)

    return asyncio.run(run())


def _document(entry: "AuditEntry") -> dict[str, Any]:
    return {
        "sequence": entry.sequence,
        "at": entry.at,
        "actor": entry.actor,
        "realm": entry.realm,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
        "hash": entry.hash.hex(),
    }
