"""Where the secret comes from under which the node's data are encrypted at rest.

The point is that it need not lie on the card that holds the data: systemd hands a service its
credentials in memory, having opened them with the machine's TPM if it has one; a key file may
lie on a USB stick that is drawn after the start, on another disk, or in memory, put there from a
passphrase by whoever starts the machine.

Commands beside a running service find its credential where systemd keeps it: in memory, readable
by the service's own user and nobody else.  So nothing here copies a secret, and none is ever asked
for on a terminal or passed in the environment.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from bluezone_node.crypto.wrapping import new_secret
from bluezone_node.errors import BadConfig, BadInput

CREDENTIAL_NAME = "bluezone-node.key"

SERVICE_CREDENTIALS = Path("/run/credentials/bluezone-node.service")
"""Where systemd keeps the running service's credentials (systemd.exec(5), Credentials)."""

SHORTEST = 16
"""Bytes of a passphrase.  A thief tries at home and in peace: what people remember in less does
not hold.  Six words drawn by dice have some thirty."""

LONGEST = 4096
"""Bytes: nobody's key is longer, and /dev/zero named by mistake has an end."""


class KeySourceKind(Enum):
    """Where a secret was found."""

    CREDENTIAL = "systemd_credential"
    KEY_FILE = "key_file"


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A secret, and where it was found."""

    secret: bytes = field(repr=False)
    kind: KeySourceKind
    path: Path


def find_master_key(
    key_file: str,
    environ: Mapping[str, str] = os.environ,
    service_credentials: Path = SERVICE_CREDENTIALS,
) -> MasterKey | None:
    """Return the secret of this node; None where it has no source of one.

    Looked for in this order: the file *key_file* (a setting, may be empty), the credential of this
    process, the credential of the running service.  What is set explicitly comes first, so that
    the service and a command beside it, which has no credential of its own, find the same.

    Raises:
        BadConfig: a source is there, yet cannot be read or is too weak.  It is never passed over:
            who named a key means to be protected.
    """
    if key_file:
        path = Path(key_file).expanduser()
        return MasterKey(read_secret(path), KeySourceKind.KEY_FILE, path)
    folders = [service_credentials]
    if own := environ.get("CREDENTIALS_DIRECTORY"):
        folders.insert(0, Path(own))
    for folder in folders:
        path = folder / CREDENTIAL_NAME
        # Of another user's service nothing can be seen, and nothing is wanted: its data, too, are
        # another's.
        if os.access(path, os.R_OK):
            return MasterKey(read_secret(path), KeySourceKind.CREDENTIAL, path)
    return None


def read_secret(path: Path) -> bytes:
    """Return the secret in the file *path*, without the white space around it.

    Raises:
        BadConfig: it cannot be read, or is too short or too long to be one.
    """
    try:
        with path.open("rb") as file:
            secret = file.read(LONGEST + 1).strip()
    except OSError as error:
        raise BadConfig(
            f"the key file {path} cannot be read: {error.strerror}",
            hint="attach what it lies on, or check its owner and rights; the data stay encrypted",
        ) from error
    if not SHORTEST <= len(secret) <= LONGEST:
        raise BadConfig(
            f"{path} holds no key: a passphrase has {SHORTEST} to {LONGEST} bytes",
            hint="`bluezone-node seal make-key FILE` makes a good one",
        )
    return secret


def make_key_file(path: Path, entropy: Callable[[int], bytes]) -> None:
    """Write a new random secret to *path*, for its owner only.

    Raises:
        BadInput: there is a file already, or it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(new_secret(entropy) + b"\n")
            file.flush()
            os.fsync(descriptor)
    except FileExistsError:
        raise BadInput(
            f"{path} exists and is not overwritten: whatever it opens would be lost",
            reason="exists",
            hint="choose another name",
        ) from None
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error.strerror}", reason="unwritable"
        ) from error


def on_one_disk(one: Path, other: Path) -> bool:
    """Return whether two files are known to lie on one disk: whoever takes it has both.

    Partitions of one card count as one.  Where the system does not tell (a network, memory, a
    file system over several disks), they do not.
    """
    first, second = one.stat().st_dev, other.stat().st_dev
    return first == second or _disk(first) == _disk(second) != ""


def _disk(device: int) -> str:
    """Return the disk of which *device* is a partition, by sysfs; empty where it tells none."""
    entry = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if not entry.exists():
        return ""
    place = entry.resolve()
    return str(place.parent if (place / "partition").exists() else place)
