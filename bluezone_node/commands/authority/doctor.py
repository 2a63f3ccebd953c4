"""``authority doctor``: look at all that an authority needs; name each fault with its cure."""

import os
import shutil
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from bluezone_node.clock import SystemClock
from bluezone_node.commands.authority.options import ROLES
from bluezone_node.commands.console import json_option
from bluezone_node.commands.doctor.finding import Finding, show
from bluezone_node.errors import BluezoneError

if TYPE_CHECKING:
    from bluezone_node.store.authority.database import Database
    from bluezone_node.store.authority.folder import AuthorityFolder
    from bluezone_node.wiring.authority import AuthorityParts

LEAST_FREE = 2 << 30
"""Bytes beside folder and databases: two weeks of a million people's worst days are 1 GB, and a
database needs as much again to tidy up."""
PLACE_KEY_LEFT = timedelta(days=365)
"""A key of places with less is to be rotated: a card should live a year, and never longer than the
key that signed it."""
CLOCKS_APART = 5.0
"""Seconds between this machine and the database's: beyond, several machines do not agree on which
codes are over and which windows are due."""
CLOCK_CURE = "let the network set the clock: timedatectl set-ntp true"


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    envvar="BLUEZONE_AUTHORITY_DIR",
    required=True,
    help="The authority's folder.",
)
@click.option("--role", type=click.Choice(list(ROLES)), default="all", show_default=True)
@json_option
def doctor(directory: Path, role: str, as_json: bool) -> None:
    """Check an authority, running or not; exit 1 if anything is wrong."""
    show(examine(directory, ROLES[role]), {}, as_json=as_json)


def examine(directory: Path, roles: Collection[str]) -> Iterator[Finding]:
    """Yield one finding for each thing that an authority with *roles* needs."""
    from bluezone_node.store.authority.folder import open_folder

    try:
        folder = open_folder(directory)
    except BluezoneError as error:
        yield Finding("folder", False, str(error), error.hint)
        return
    yield from _folder(folder)
    yield _address(folder)
    yield _time()
    now = datetime.now(UTC)
    for role in roles:
        yield from _keys(folder, role, now)
    if "registrar" in roles:
        yield from _place_keys(folder, now)
    if "publisher" in roles:
        yield from _registrars(folder)
    for role in roles:
        yield from _role(folder, role, now)


def _folder(folder: "AuthorityFolder") -> Iterator[Finding]:
    owner = folder.path.stat().st_uid
    if os.geteuid() not in (0, owner):
        yield Finding(
            "folder",
            False,
            f"{folder.path} is another user's",
            f"ask as that user: sudo -u {folder.path.owner()} bluezone-node authority doctor …",
        )
    open_ones = [
        path
        for path in (folder.path / "keys").rglob("*")
        if path.is_file() and path.stat().st_mode & 0o077
    ]
    if open_ones:
        yield Finding(
            "folder", False, f"others can read {open_ones[0]}", f"chmod 600 {open_ones[0]}"
        )
    free = shutil.disk_usage(folder.path).free
    yield Finding(
        "room",
        free >= LEAST_FREE,
        f"{free / 1e9:.1f} GB are free beside {folder.path}",
        "" if free >= LEAST_FREE else "make room: the server refuses reports when the disk is full",
    )


def _address(folder: "AuthorityFolder") -> Finding:
    serve = folder.settings.serve
    local = _is_this_machine(serve.listen.rpartition(":")[0].strip("[]"))
    if serve.trusted_proxies:
        return Finding("address", True, f"{serve.listen}, for a reverse proxy with TLS before it")
    if local:
        return Finding(
            "address",
            True,
            f"{serve.listen}, for this machine alone",
            "before a reverse proxy passes requests on, name it in serve.trusted_proxies: "
            "all who come through it would share one limit of attempts",
        )
    return Finding(
        "address",
        False,
        f"{serve.listen} is open to others, and no proxy is named: without TLS, codes can be read",
        "listen on 127.0.0.1 behind a proxy, or name the proxy in serve.trusted_proxies",
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _time() -> Finding:
    from bluezone_node import __released__
    from bluezone_node.node.trust import objection
    from bluezone_node.witness import SystemWitness

    now = datetime.now(UTC)
    voucher = SystemWitness(owner_vouches=False)(now)
    if problem := objection(now, voucher, __released__, None):
        return Finding("time", False, f"nobody vouches for it: {problem}", CLOCK_CURE)
    return Finding("time", True, f"known, by {voucher.value}")


def _keys(folder: "AuthorityFolder", role: str, now: datetime) -> Iterator[Finding]:
    """Say which key signs; and look whether secrets are there."""
    try:
        if role == "registrar":
            keys = folder.registrar_keys()
            folder.code_secret()
        else:
            keys = folder.export_keys()
            folder.publisher_secret()
        ring = keys.ring()
    except BluezoneError as error:
        yield Finding(f"{role} keys", False, str(error), error.hint)
        return
    signing, newest = ring.signing(now), ring.keys[-1]
    found = f"{signing.key_id} signs, of {signing.made:%Y-%m-%d}"
    if newest != signing:
        found += f"; {newest.key_id} takes over on {newest.signs_from:%Y-%m-%d %H:%M} UTC"
    future = signing.made > now + timedelta(minutes=5)
    cure = "the clock was set back, or the key made by a wrong one" if future else ""
    yield Finding(f"{role} keys", not future, found, cure)


def _place_keys(folder: "AuthorityFolder", now: datetime) -> Iterator[Finding]:
    """Say how long the keys of places are good, and whether their root lies where it should not."""
    from bluezone_node.crypto.cose import public_bytes
    from bluezone_node.store.authority.place_keys import ROLES as ROLES_OF_PLACES
    from bluezone_node.wiring.venues import address_of

    keys = folder.place_keys()
    if not keys.exist:
        cure = f"bluezone-node trust init --dir {folder.path}"
        yield Finding("place keys", True, "none: no place can be registered", cure)
        return
    try:
        signing = {"cards": keys.cards(), "notices": keys.notices(), "register": keys.register()}
        keys.secret()
        listed = {(each.public_key, each.role): each for each in keys.trust_list().keys}
    except BluezoneError as error:
        yield Finding("place keys", False, str(error), error.hint)
        return
    for name, key in signing.items():
        entry = listed.get((public_bytes(key), ROLES_OF_PLACES[name]))
        good = entry is not None and entry.revoked is None and entry.start <= now < entry.end
        if entry is None or not good:
            found = "it is not on the trust list, is revoked, or is over"
            cure = f"bluezone-node trust rotate {name} --dir {folder.path} --root FILE"
        else:
            found = f"good until {entry.end:%Y-%m-%d}"
            soon = entry.end - now < PLACE_KEY_LEFT
            cure = f"bluezone-node trust rotate {name}: new cards end with it" if soon else ""
        yield Finding(f"key of {name}", good, found, cure)
    kiosks_find_us_at = urlsplit(address_of(folder))
    if kiosks_find_us_at.scheme != "https":
        yield Finding(
            "kiosks",
            _is_this_machine(kiosks_find_us_at.hostname or ""),
            "they ask without TLS: whoever is on the line could speak in a kiosk's name",
            "give places.url an address with https://, and write the kiosks' files anew",
        )
    if keys.root_file.exists():
        yield Finding(
            "place root",
            True,
            "the root's private key lies beside the keys that it vouches for",
            f"move {keys.root_file} to a safe place, and name it by --root when it is needed",
        )


def _registrars(folder: "AuthorityFolder") -> Iterator[Finding]:
    """Fetch the public keys of each registrar whose certificates are believed."""
    from bluezone_node.store.authority.directory import FileKeys, HttpKeys

    for entry in folder.settings.publisher.health_authorities:
        try:
            if entry.jwks.startswith(("http://", "https://")):
                HttpKeys(entry.jwks, SystemClock()).key("")
            else:
                FileKeys(folder.path / entry.jwks, SystemClock())
        except BluezoneError as error:
            cure = error.hint or "is the registrar running, and may this machine call it?"
            yield Finding(f"registrar {entry.id}", False, f"{entry.jwks}: {error}", cure)
        else:
            yield Finding(f"registrar {entry.id}", True, f"its public keys are at {entry.jwks}")


def _role(folder: "AuthorityFolder", role: str, now: datetime) -> Iterator[Finding]:
    """Look into the database of *role*, and at what hangs on it."""
    from sqlalchemy.exc import SQLAlchemyError

    from bluezone_node.wiring.authority import databases_of, open_authority

    try:
        database = databases_of(folder)[role]
        if not database.exists():
            yield Finding(
                f"{role} database", True, f"{database.label}: empty; the first start fills it"
            )
            return
        if database.url is not None:
            yield _clocks(role, database, now)
        with open_authority(folder, SystemClock(), [role]) as parts:
            layout = database.layout.revision
            yield Finding(f"{role} database", True, f"{database.label}, layout {layout}")
            if role == "registrar":
                yield _admins(parts)
                yield _messages(folder)
            else:
                yield _exports(folder, parts)
                yield from _imports(folder, parts)
    except BluezoneError as error:
        yield Finding(f"{role} database", False, str(error), error.hint)
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or type(error).__name__)
        yield Finding(
            f"{role} database", False, f"cannot be read: {cause}", "restore it from a backup"
        )


def _clocks(role: str, database: "Database", now: datetime) -> Finding:
    apart = abs((database.now() - now).total_seconds())
    good = apart <= CLOCKS_APART
    found = f"{apart:.1f} s from this machine's"
    return Finding(f"{role} database's clock", good, found, "" if good else CLOCK_CURE)


def _admins(parts: "AuthorityParts") -> Finding:
    from bluezone_node.authority.ports.accounts import ADMIN, OPERATOR

    assert parts.accounts is not None  # noqa: S101 - the registrar's
    users = parts.accounts.users(OPERATOR)
    admins = [user for user in users if user.role == ADMIN and user.disabled is None]
    if admins:
        return Finding("users", True, f"{len(users)}, of whom {len(admins)} may manage the others")
    return Finding(
        "users",
        True,
        "nobody may manage the others from the console",
        "bluezone-node authority users add NAME --role admin; codes can be issued without",
    )


def _messages(folder: "AuthorityFolder") -> Finding:
    registrar = folder.settings.registrar
    if not registrar.public_url:
        cure = "registrar.public_url, which links begin with; codes to be read out need none"
        return Finding("messages", True, "none can be sent", cure)
    if registrar.sms.gateway:
        return Finding("messages", True, f"are sent through {registrar.sms.gateway}")
    waiting = folder.path / registrar.sms.outbox
    count = sum(1 for _ in waiting.iterdir()) if waiting.is_dir() else 0
    return Finding("messages", True, f"{count} wait in {waiting} for a modem's program")


def _exports(folder: "AuthorityFolder", parts: "AuthorityParts") -> Finding:
    """Judge how far exports have come, and whether every file of the index is there."""
    from bluezone_node.commands.authority.export import PROBLEMS
    from bluezone_node.wiring.shelves import place_of

    assert parts.exporter is not None  # noqa: S101 - the publisher's
    place = place_of(folder)
    try:
        health = parts.exporter.health()
    except BluezoneError as error:
        return Finding("exports", False, f"{place}: {error}", error.hint)
    if health.problems:
        found = "; ".join(PROBLEMS[each] for each in health.problems)
        return Finding("exports", False, found, f"authority export run --dir {folder.path}")
    if health.newest_end is None:
        return Finding("exports", True, f"none yet in {place}")
    newest = f"{health.newest_end:%Y-%m-%d %H:%M} UTC"
    return Finding("exports", True, f"{health.files} files in {place}, up to {newest}")


def _imports(folder: "AuthorityFolder", parts: "AuthorityParts") -> Iterator[Finding]:
    from bluezone_node.commands.authority.imports import standing

    assert parts.federation is not None  # noqa: S101 - the publisher's
    named = [each.name for each in folder.settings.imports]
    known: dict[str, Any]
    for known in standing(parts.federation.store, named):
        if known["origin"] not in named:
            continue
        good = not known["problem"] and not known["failed"]
        tried = known["tried"]
        found = known["problem"] or (
            f"{known['failed']} files failed" if known["failed"] else f"{known['keys']} keys"
        )
        cure = "" if good else "bluezone-node authority imports status"
        at = f"asked {tried:%Y-%m-%d %H:%M} UTC" if tried else "not asked yet"
        yield Finding(f"import {known['origin']}", good, f"{found}, {at}", cure)
