"""Public keys as people give them: as files, or as the text itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bluezone_node.errors import BadConfig

if TYPE_CHECKING:
    from bluezone_node.crypto.signing import PublicKey


def read_public_keys(texts: Sequence[str], folder: Path = Path()) -> tuple["PublicKey", ...]:
    """Read public keys given as PEM files, whose paths start at *folder*, or as base64.

    Raises:
        BadConfig: a file is missing.
        BadInput: a key is malformed.
    """
    from bluezone_node.crypto.signing import load_public_key

    return tuple(load_public_key(_file_or_text(text, folder)) for text in texts)


def _file_or_text(text: str, folder: Path) -> bytes:
    path = folder / Path(text).expanduser()
    if not text.endswith((".pem", ".pub")) and not path.is_file():
        return text.encode()
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadConfig(f"public key {path}: {error.strerror}") from error
