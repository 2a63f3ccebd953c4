"""``trust``: whose signatures count for places, and the change of those keys."""

from base64 import b64decode, b64encode
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from bluezone_node.commands.authority.keys import tell_trail
from bluezone_node.commands.authority.options import clock_option, dir_option, time_of
from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.errors import BadConfig, BadInput
from bluezone_node.venues.trust import PUBLIC_KEY_BYTES, Role, TrustedKey, TrustList

OWN = ("cards", "notices", "register")
ROLES = {role.name.lower().replace("_", "-"): role for role in Role}

_root_option = click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="The root's private key, where it is kept; otherwise the folder's, while it is there.",
)


@click.group()
def trust() -> None:
    """The keys that sign cards and notices of places, and the root that vouches for them."""
    if find_spec("sqlalchemy") is None:
        raise BadConfig(
            "the server's packages are not installed: these keys are the authority's",
            hint="sudo apt install ./bluezone-authority_*.deb, or pip install '.[authority]'",
        )


@trust.command()
@click.option("--province", default="*", show_default=True, help="What the keys may sign for.")
@dir_option
@clock_option
@json_option
def init(folder: Any, province: str, clock_spec: str, as_json: bool) -> None:
    """Make the keys of places in an authority's folder that has none."""
    keys = folder.place_keys()
    made = keys.make(time_of(clock_spec), province)
    _tell(folder, made, as_json)
    note(f"Move {keys.root_file} to a safe place, away from this machine.")


@trust.command()
@dir_option
@json_option
def show(folder: Any, as_json: bool) -> None:
    """Tell the root's public key, and which keys count for what and until when."""
    _tell(folder, folder.place_keys().trust_list(), as_json)


@trust.command()
@click.argument("key")
@click.option("--role", type=click.Choice(list(ROLES)), required=True)
@click.option("--province", default="*", show_default=True, help="What it may sign for.")
@click.option("--days", type=click.IntRange(1, 3650), default=730, show_default=True)
@_root_option
@dir_option
@clock_option
@json_option
def add(
    folder: Any,
    key: str,
    role: str,
    province: str,
    days: int,
    root: Path | None,
    clock_spec: str,
    as_json: bool,
) -> None:
    """Let somebody else's KEY count: base64 of an Ed25519 public key, 32 bytes."""
    try:
        public = b64decode(key, validate=True)
    except ValueError:
        public = b""
    if len(public) != PUBLIC_KEY_BYTES:
        raise BadInput(
            "That is no base64 of an Ed25519 public key of 32 bytes.", reason="public_key_malformed"
        )
    keys, now = folder.place_keys(), time_of(clock_spec).replace(microsecond=0)
    new = TrustedKey(public, ROLES[role], province, now, now + timedelta(days=days))
    listed = keys.add(new, keys.root(root), now)
    tell_trail(folder, "trust_added", new.key_id.hex(), {"role": role, "realm": province})
    _tell(folder, listed, as_json)


@trust.command()
@click.argument("key_id")
@_root_option
@dir_option
@clock_option
@json_option
def revoke(folder: Any, key_id: str, root: Path | None, clock_spec: str, as_json: bool) -> None:
    """Let nothing count any more that the key of KEY_ID (16 hex digits) signed."""
    try:
        wanted = bytes.fromhex(key_id)
    except ValueError:
        raise BadInput("A key's id is 16 hexadecimal digits.", reason="key_unknown") from None
    keys = folder.place_keys()
    listed = keys.revoke(wanted, keys.root(root), time_of(clock_spec))
    tell_trail(folder, "trust_revoked", key_id, {})
    _tell(folder, listed, as_json)


@trust.command()
@click.argument("use", type=click.Choice(OWN))
@_root_option
@dir_option
@clock_option
@json_option
def rotate(folder: Any, use: str, root: Path | None, clock_spec: str, as_json: bool) -> None:
    """Make a new key for cards, notices or the register; what the old one signed stays good."""
    keys = folder.place_keys()
    new = keys.rotate(use, keys.root(root), time_of(clock_spec))
    tell_trail(folder, "key_rotated", new.key_id.hex(), {"key": use})
    _tell(folder, keys.trust_list(), as_json)


def _tell(folder: Any, listed: TrustList, as_json: bool) -> None:
    root = b64encode(folder.place_keys().root_public()).decode()
    told = [
        {
            "key": each.key_id.hex(),
            "role": each.role.name.lower().replace("_", "-"),
            "province": each.province,
            "from": each.start,
            "to": each.end,
            "revoked": each.revoked,
            "public_key": b64encode(each.public_key).decode(),
        }
        for each in listed.keys
    ]
    if as_json:
        print_json(
            {
                "root": root,
                "sequence": listed.sequence,
                "created": listed.created,
                "keys": told,
            }
        )
        return
    click.echo(f"root = {root}")
    click.echo(f"sequence = {listed.sequence}")
    columns(
        ("key", "role", "province", "until", "state"),
        (
            (
                each["key"],
                each["role"],
                each["province"],
                f"{each['to']:%Y-%m-%d}",
                "revoked" if each["revoked"] else "counts",
            )
            for each in told
        ),
    )
