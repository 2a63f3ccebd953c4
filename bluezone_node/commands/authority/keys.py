"""``authority keys``: the keys that an authority signs with, and their change with overlap."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.clock import SystemClock
from bluezone_node.commands.authority.options import clock_option, dir_option, time_of
from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.errors import BluezoneError

REGISTRAR_OVERLAP_DAYS = 7
"""A publisher that reads a copied file needs a person, who is there on working days."""
EXPORT_OVERLAP_DAYS = 14
"""Nodes are given the new key by people, one by one. Longer where files are kept longer: then
none is left that the old key alone has signed."""

_key_option = click.option(
    "--key",
    "use",
    type=click.Choice(["registrar", "export"]),
    default="registrar",
    show_default=True,
    help="Which: what signs certificates, or what signs export files.",
)


@click.group()
def keys() -> None:
    """The keys that the authority signs with."""


@keys.command("list")
@dir_option
@_key_option
@clock_option
@json_option
def list_keys(folder: Any, use: str, clock_spec: str, as_json: bool) -> None:
    """Say which key signs, which is next, and until when the one before is published."""
    from bluezone_node.crypto.signing import public_base64

    kept, now = _kept(folder, use), time_of(clock_spec)
    ring, public = kept.ring(), kept.published(now)
    found = [
        {
            **asdict(key),
            "state": ring.state(key, now),
            "published_until": ring.retires(key),
            "public_key": public_base64(public[key.key_id]),
        }
        for key in ring.published(now)
    ]
    if as_json:
        print_json(found)
        return
    columns(
        ("key", "state", "made", "signs from", "published until", "public key"),
        (
            (
                key["key_id"],
                key["state"],
                _minute(key["made"]),
                _minute(key["signs_from"]),
                _minute(key["published_until"]),
                key["public_key"],
            )
            for key in found
        ),
    )


@keys.command()
@dir_option
@_key_option
@click.option(
    "--overlap",
    type=click.IntRange(0, 90),
    metavar="DAYS",
    help="So long the new key is published before it takes over. Default: 7 for the registrar's; "
    "14 for the export's, or as long as files are kept.",
)
@click.option("--force", is_flag=True, help="Even while the last rotation is under way.")
@clock_option
@json_option
def rotate(
    folder: Any, use: str, overlap: int | None, force: bool, clock_spec: str, as_json: bool
) -> None:
    """Make a new key, publish it, and let it take over after the overlap."""
    if overlap is None:
        overlap = (
            REGISTRAR_OVERLAP_DAYS
            if use == "registrar"
            else max(EXPORT_OVERLAP_DAYS, folder.settings.export.retention_days)
        )
    now = time_of(clock_spec)
    new = _kept(folder, use).rotate(now, timedelta(days=overlap), force=force)
    tell_trail(folder, "key_rotated", new.key_id, {"key": use})
    if as_json:
        print_json(asdict(new))
        return
    click.echo(new.key_id)
    if use == "registrar":
        note(f"published now, signs from {_minute(new.signs_from)}; a running server follows")
        note("Copy registrar.jwks.json to every publisher that reads a file, before that time.")
    else:
        note(f"signs beside the old one now, alone from {_minute(new.signs_from)}")
        note("Give every node export-public.pem before that time, beside the key that it has.")


def _kept(folder: Any, use: str) -> Any:
    kept: dict[str, Callable[[], Any]] = {
        "registrar": folder.registrar_keys,
        "export": folder.export_keys,
    }
    return kept[use]()


def tell_trail(folder: Any, action: str, key_id: str, detail: dict[str, str | int]) -> None:
    """Record a change of keys where there is a trail; without one a stolen key must go, too."""
    from bluezone_node.wiring.authority import databases_of, open_authority

    try:
        if not databases_of(folder)["registrar"].exists():
            return
        with open_authority(folder, SystemClock(), ["registrar"]) as parts:
            assert parts.audit is not None  # noqa: S101 - the role was asked for
            parts.audit.record(OPERATOR, action, key_id, detail)
    except BluezoneError as error:
        note(f"The audit trail does not tell of this: {error}")


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant is not None else "-"
