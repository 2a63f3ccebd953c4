"""Where the publisher reads a registrar's public keys: a file, or the registrar's address."""

from collections.abc import Mapping
from pathlib import Path

import httpx2 as httpx

from bluezone_node.authority.certificate import read_jwks
from bluezone_node.crypto.signing import PublicKey
from bluezone_node.errors import BadConfig, BadInput, Unreachable
from bluezone_node.ports import Clock

TIMEOUT_SECONDS = 10.0
MAX_JWKS_BYTES = 65_536
REFRESH_SECONDS = 60.0
"""Between two fetches: whoever sends unknown key names must not make us hammer the registrar."""


class FileKeys:
    """`KeyDirectory` on a JSON Web Key Set in a file, read once."""

    def __init__(self, path: Path) -> None:
        try:
            self._keys: Mapping[str, PublicKey] = read_jwks(path.read_bytes())
        except OSError as error:
            raise BadConfig(
                f"The registrar's public keys cannot be read: {path}: {error.strerror}",
                hint="copy registrar.jwks.json from the registrar, or name the address of /jwks",
            ) from error
        except BadInput as error:
            raise BadConfig(f"{path}: {error}") from error

    def key(self, key_id: str) -> PublicKey | None:
        return self._keys.get(key_id)


class HttpKeys:
    """`KeyDirectory` on a registrar's ``/jwks``, fetched when a key is missing."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._keys: Mapping[str, PublicKey] = {}
        self._fetched: float | None = None

    def key(self, key_id: str) -> PublicKey | None:
        now = self._clock.monotonic()
        recent = self._fetched is not None and now - self._fetched < REFRESH_SECONDS
        if key_id not in self._keys and not recent:
            self._keys = self._fetch()
            self._fetched = now
        return self._keys.get(key_id)

    def _fetch(self) -> Mapping[str, PublicKey]:
        try:
            headers = {"Accept-Encoding": "identity"}
            body = bytearray()
            with (
                httpx.Client(timeout=TIMEOUT_SECONDS) as client,
                client.stream("GET", self._url, headers=headers) as response,
            ):
                response.raise_for_status()
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > MAX_JWKS_BYTES:
                        raise Unreachable("The registrar's public keys are too large to be true.")
            return read_jwks(bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL, BadInput) as error:
            raise Unreachable("The registrar's public keys could not be fetched.") from error
