"""``authority backup`` and ``authority restore``."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.authority.options import dir_option
from bluezone_node.commands.console import json_option, note, print_json
from bluezone_node.errors import BadInput

NAME = "bluezone-authority-{:%Y%m%dT%H%M%SZ}.backup"
PATTERN = "bluezone-authority-????????T??????Z.backup"

key_file_option = click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="BLUEZONE_BACKUP_KEY_FILE",
    required=True,
    help="The key or passphrase of the backup, as made by `bluezone-node seal make-key`.",
)


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@dir_option
@key_file_option
@click.option(
    "--keep",
    type=click.IntRange(1),
    help="With a folder as TARGET: delete all but the newest so many of its backups.",
)
@json_option
def backup(folder: Any, target: Path, key_file: Path, keep: int | None, as_json: bool) -> None:
    """Write folder and databases to TARGET, encrypted; safe beside a running server.

    TARGET is a new file, or a folder, in which the file is named by the time.
    """
    from bluezone_node.masterkey import read_secret
    from bluezone_node.store.authority.backup import write_backup
    from bluezone_node.wiring.authority import databases_of

    if keep is not None and not target.is_dir():
        raise click.UsageError("--keep is for a folder, which TARGET is not")
    secret, now = read_secret(key_file), datetime.now(UTC)
    path = target / NAME.format(now) if target.is_dir() else target
    there = {role: each for role, each in databases_of(folder).items() if each.exists()}
    manifest = write_backup(path, folder, there, secret, now, os.urandom)
    removed = _delete_old(target, keep) if keep is not None else 0
    size = path.stat().st_size
    if as_json:
        print_json(
            {
                "file": str(path),
                "bytes": size,
                "rows": manifest.rows,
                "removed": removed,
                "layouts": {role: each.revision for role, each in manifest.databases.items()},
            }
        )
        return
    click.echo(f"{path}: {manifest.rows} rows, {len(manifest.files)} files, {size} bytes")
    if removed:
        click.echo(f"{removed} older backups deleted")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("directory", type=click.Path(path_type=Path))
@key_file_option
@click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings instead of the backup's own, for instance with another database.url.",
)
@json_option
def restore(
    file: Path, directory: Path, key_file: Path, settings: Path | None, as_json: bool
) -> None:
    """Make the authority of the backup FILE in DIRECTORY; with other settings, or elsewhere.

    Folder and databases must be empty. Codes, tokens and sessions of the backup are over.
    """
    from bluezone_node.clock import SystemClock
    from bluezone_node.masterkey import read_secret
    from bluezone_node.store.authority.folder import open_folder
    from bluezone_node.store.authority.restore import restore_backup
    from bluezone_node.wiring.authority import databases_of, open_authority

    secret = read_secret(key_file)
    try:
        text = None if settings is None else settings.read_bytes()
        with file.open("rb") as opened:
            manifest = restore_backup(opened, directory, secret, databases_of, text)
    except OSError as error:
        raise BadInput(
            f"{error.filename} cannot be read: {error.strerror}", reason="unreadable"
        ) from error
    folder = open_folder(directory)
    if "registrar" in manifest.databases:
        with open_authority(folder, SystemClock(), ["registrar"]) as parts:
            assert parts.audit is not None  # noqa: S101 - the role was asked for
            parts.audit.record(OPERATOR, "restored", "", {"taken": f"{manifest.taken:%FT%TZ}"})
    databases = {role: databases_of(folder)[role].label for role in manifest.databases}
    if as_json:
        print_json({"dir": str(directory), "taken": manifest.taken, "databases": databases})
        return
    click.echo(f"{directory}: as it was at {manifest.taken:%Y-%m-%d %H:%M:%S} UTC")
    for role, label in databases.items():
        click.echo(f"{role}  database: {label}, {_rows(manifest, role)} rows")
    note("All codes, tokens and sessions are over. Look through `authority users list`: passwords")
    note("and rights are those of that time. Keys made since are not there: see docs/operate.md.")


def _rows(manifest: Any, role: str) -> int:
    return sum(table.rows for table in manifest.databases[role].tables.values())


def _delete_old(folder: Path, keep: int) -> int:
    old = sorted(folder.glob(PATTERN))[:-keep]
    for path in old:
        path.unlink()
    return len(old)
