"""The authority's folder on disk: settings, keys, databases and export files.

Everything secret is a file that only its owner can read, made once by ``authority init``.
"""

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bluezone_node.authority.certificate import write_jwks
from bluezone_node.authority.keyring import KEEP_CERTIFICATE_KEY, KEEP_EXPORT_KEY
from bluezone_node.authority.settings import AuthoritySettings, parse_settings
from bluezone_node.crypto.signing import (
    ENTROPY_BYTES,
    PrivateKey,
    PublicKey,
    generate_private_key,
    private_pem,
    public_pem,
)
from bluezone_node.errors import BadConfig
from bluezone_node.store.authority.keys import SigningKeys
from bluezone_node.store.authority.place_keys import PlaceKeys
from bluezone_node.store.authority.private import check_private, read_private

SETTINGS = "authority.toml"
EXPORT_PUBLIC_KEY = "export-public.pem"
REGISTRAR_JWKS = "registrar.jwks.json"
SECRET_BYTES = 32

_REGISTRAR_KEY = "keys/registrar.pem"
_CODE_SECRET = "keys/codes.secret"  # noqa: S105 - a file's name
_API_KEY = "keys/api.key"
_EXPORT_KEY = "keys/export.pem"
_PUBLISHER_SECRET = "keys/publisher.secret"  # noqa: S105 - a file's name

_SETTINGS_TEXT = """\
# The health authority's server. Every setting and its reason: docs/operate.md

[serve]
listen = "127.0.0.1:8600"

[export]
region = "VN"
# One file of keys for each period, in minutes; min_age_minutes after it has ended.
period_minutes = 240
min_age_minutes = 120
# A smaller file is filled up with made-up keys.
min_records = 1000

[[publisher.health_authorities]]
id = "vn.moh"
# The registrar's public keys: a file beside this one, or the address of its /jwks.
jwks = "registrar.jwks.json"
"""


@dataclass(frozen=True, slots=True)
class AuthorityFolder:
    """An authority's folder, opened."""

    path: Path
    settings: AuthoritySettings

    @property
    def registry_db(self) -> Path:
        return self.path / "registry.db"

    @property
    def authority_db(self) -> Path:
        return self.path / "authority.db"

    @property
    def exports(self) -> Path:
        return self.path / "exports"

    @property
    def export_public_key(self) -> Path:
        return self.path / EXPORT_PUBLIC_KEY

    def registrar_keys(self) -> SigningKeys:
        """Return the keys that sign certificates."""
        return SigningKeys(
            self.path,
            "registrar",
            first_id=self.settings.registrar.key_id,
            keep=KEEP_CERTIFICATE_KEY,
            public_file=REGISTRAR_JWKS,
            publish=write_jwks,
        )

    def code_secret(self) -> bytes:
        """Return the secret under which codes and tokens are kept."""
        return bytes.fromhex(self._secret(_CODE_SECRET).decode())

    def api_keys(self) -> dict[str, str]:
        """Return what programs of health workers must send, and the province of each.

        Raises:
            BadConfig: a key is missing, or others can read it; or two provinces have the same.
        """
        keys: dict[str, str] = {}
        for number, realm in enumerate(self.settings.registrar.realms):
            name = realm.api_key_file or (_API_KEY if number == 0 else "")
            key = self._text(name) if name else ""
            if key in keys or (name and not key):
                raise BadConfig(f"{self.path / name} is empty, or another province's key too.")
            if key:
                keys[key] = realm.id
        return keys

    def sms_secret(self) -> str:
        """Return what the SMS gateway is sent; empty: nothing."""
        name = self.settings.registrar.sms.secret_file
        return self._text(name) if name else ""

    def export_keys(self) -> SigningKeys:
        """Return the keys that sign exports."""
        return SigningKeys(
            self.path,
            "export",
            first_id=self.settings.export.key_version,
            keep=KEEP_EXPORT_KEY,
            public_file=EXPORT_PUBLIC_KEY,
            publish=_newest,
        )

    def place_keys(self) -> PlaceKeys:
        """Return the keys that sign for places."""
        return PlaceKeys(self.path)

    def publisher_secret(self) -> bytes:
        """Return the secret behind revision tokens."""
        return bytes.fromhex(self._secret(_PUBLISHER_SECRET).decode())

    def _text(self, name: str) -> str:
        return self._secret(name).decode().strip()

    def _secret(self, name: str) -> bytes:
        return read_private(self.path / name)


def make_folder(path: Path, roles: Collection[str], now: datetime | None = None) -> AuthorityFolder:
    """Make the folder of a new authority with fresh keys for *roles* (registrar, publisher).

    *now*: when keys that are good for a time begin; None: by this machine's clock.

    Raises:
        BadConfig: there is something already. Nothing is ever overwritten.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise BadConfig(
            f"{path} is not empty; nothing was changed.", hint="name a folder that does not exist"
        )
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    (path / "keys").mkdir(mode=0o700)
    settings = parse_settings(_SETTINGS_TEXT, SETTINGS)
    if "registrar" in roles:
        key = _new_key()
        _write(path / _REGISTRAR_KEY, private_pem(key))
        _write(path / _CODE_SECRET, secrets.token_hex(SECRET_BYTES).encode())
        api_key = urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=")
        _write(path / _API_KEY, api_key + b"\n")
        _write(path / REGISTRAR_JWKS, write_jwks({settings.registrar.key_id: key.public_key()}))
        PlaceKeys(path).make(now or datetime.now(UTC))
    if "publisher" in roles:
        key = _new_key()
        _write(path / _EXPORT_KEY, private_pem(key))
        _write(path / _PUBLISHER_SECRET, secrets.token_hex(SECRET_BYTES).encode())
        _write(path / EXPORT_PUBLIC_KEY, public_pem(key.public_key()))
    # Last: a folder without settings is not taken for an authority's.
    _write(path / SETTINGS, _SETTINGS_TEXT.encode())
    return AuthorityFolder(path, settings)


def open_folder(path: Path, settings_file: Path | None = None) -> AuthorityFolder:
    """Open an authority's folder; *settings_file* takes the place of its own settings.

    Raises:
        BadConfig: it is missing, others can read it, or its settings are wrong.
    """
    file = settings_file or path / SETTINGS
    try:
        check_private(path, "700")
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadConfig(
            f"{error.filename} cannot be read: {error.strerror}",
            hint=f"`bluezone-node authority init {path}` makes a new authority",
        ) from error
    except UnicodeDecodeError as error:
        raise BadConfig(f"{file} is not valid TOML: it is not UTF-8") from error
    return AuthorityFolder(path, parse_settings(text, str(file)))


def _newest(keys: Mapping[str, PublicKey]) -> bytes:
    """Return what nodes are to be given: the key that they will need longest."""
    return public_pem([*keys.values()][-1])


def _new_key() -> PrivateKey:
    return generate_private_key(secrets.token_bytes(ENTROPY_BYTES))


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
