"""An officer's own signing key, in a file under a passphrase that only they know.

Whoever runs the server has none of these, and so cannot open a register.
"""

from pathlib import Path

import click
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from bluezone_node.commands.private_file import write_private
from bluezone_node.errors import BadConfig, BadInput
from bluezone_node.masterkey import SHORTEST, read_secret

MAX_BYTES = 4096

passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the key's passphrase stands, for scripts; else it is asked for.",
)


def make_officer_key(path: Path, passphrase_file: Path | None) -> Ed25519PrivateKey:
    """Write a new key to *path*, which must not exist.

    Raises:
        BadInput: there is a file, it cannot be written, or the passphrase is too short.
    """
    passphrase = _passphrase(passphrase_file, new=True)
    key = Ed25519PrivateKey.generate()
    sealed = BestAvailableEncryption(passphrase)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)
    write_private(pem, path, replace=False)
    return key


def read_officer_key(path: Path, passphrase_file: Path | None) -> Ed25519PrivateKey:
    """Return the key in the file *path*.

    Raises:
        BadConfig: it cannot be read, is no such key, or the passphrase is another one.
    """
    try:
        with path.open("rb") as file:
            pem = file.read(MAX_BYTES)
    except OSError as error:
        raise BadConfig(f"the key {path} cannot be read: {error.strerror}") from error
    try:
        key = load_pem_private_key(pem, _passphrase(passphrase_file, new=False))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None  # what a parser says of a private key is not for a log
    if not isinstance(key, Ed25519PrivateKey):
        raise BadConfig(
            f"{path} does not open: another passphrase, or no officer's key.",
            hint="`bluezone-node warrant key FILE` makes such a key",
        )
    return key


def _passphrase(file: Path | None, *, new: bool) -> bytes:
    if file is not None:
        return read_secret(file)
    typed: str = click.prompt(
        "Mật khẩu của khóa / passphrase of the key",
        hide_input=True,
        confirmation_prompt=new,
        err=True,
    )
    if new and len(typed.encode()) < SHORTEST:
        raise BadInput(
            f"A passphrase has {SHORTEST} characters or more: a thief tries at home.",
            reason="passphrase_short",
            hint="four or five words drawn by chance",
        )
    return typed.encode()
