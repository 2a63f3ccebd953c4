"""Where the publisher reads a registrar's public keys: a file, or the registrar's address.

Keys change while the publisher runs: both follow.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

import httpx2 as httpx

from bluezone_node.authority.certificate import read_jwks
from bluezone_node.crypto.signing import PublicKey
from bluezone_node.errors import BadConfig, BadInput, Unreachable
from bluezone_node.ports import Clock
from bluezone_node.store.authority.stamp import stamp

TIMEOUT_SECONDS = 10.0
MAX_JWKS_BYTES = 65_536
RETRY_SECONDS = 60.0
"""Between two fetches: whoever sends unknown key names must not make us hammer the registrar."""
FRESH_SECONDS = 300.0
"""A key is believed so long without asking again, as the registrar's /jwks says of itself. So one
to come is known before it signs, and one that is gone is forgotten."""
STALE_SECONDS = 86_400.0
"""Where the registrar cannot be asked, a key is believed so long: reports must not wait for the
repair of a road that they do not take."""

LOOK_SECONDS = 1.0
"""Between two looks at a file for a key that is known: under load each costs a publication some
20 µs, because another thread may run meanwhile. For an unknown one it is looked at each time."""

log = logging.getLogger(__name__)


class FileKeys:
    """`KeyDirectory` on a JSON Web Key Set in a file, read again when it was changed."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Read *path* now.

        Raises:
            BadConfig: it cannot be read, or is none.
        """
        self._path = path
        self._clock = clock
        self._looked = clock.monotonic()
        self._stamp = stamp(path)
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
        now = self._clock.monotonic()
        if (key := self._keys.get(key_id)) is not None and now - self._looked < LOOK_SECONDS:
            return key
        self._looked, found = now, stamp(self._path)
        if found != self._stamp:
            # Before it is read: what is still being copied has another stamp when it is whole.
            self._stamp = found
            try:
                self._keys = read_jwks(self._path.read_bytes())
            except (OSError, BadInput):
                log.warning("%s was changed and is no key set: the keys stay as before", self._path)
        return self._keys.get(key_id)

    def at_hand(self, key_id: str) -> bool:
        return True


class HttpKeys:
    """`KeyDirectory` on a registrar's ``/jwks``, fetched when a key is missing or old."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._keys: Mapping[str, PublicKey] = {}
        self._fetched = self._tried = float("-inf")
        self._failed = False
        self._fetching = Lock()

    def key(self, key_id: str) -> PublicKey | None:
        # One fetches; who has a key that will do goes on with it meanwhile.
        if self._known(key_id, FRESH_SECONDS) is None and self._fetching.acquire(
            blocking=self._known(key_id, STALE_SECONDS) is None
        ):
            try:
                # Asked again: somebody else may have fetched it while we waited.
                if self._known(key_id, FRESH_SECONDS) is None:
                    self._refresh()
            finally:
                self._fetching.release()
        known = self._known(key_id, STALE_SECONDS)
        if known is None and self._failed:
            # Whether there is such a key is not known: the report may come again.
            raise Unreachable("The registrar's public keys could not be fetched.")
        return known

    def at_hand(self, key_id: str) -> bool:
        return self._known(key_id, FRESH_SECONDS) is not None

    def _known(self, key_id: str, within: float) -> PublicKey | None:
        """Return the key, if the keys were fetched less than *within* seconds ago."""
        recent = self._clock.monotonic() - self._fetched < within
        return self._keys.get(key_id) if recent else None

    def _refresh(self) -> None:
        now = self._clock.monotonic()
        if now - self._tried < RETRY_SECONDS:
            return
        self._tried = now
        try:
            self._keys = self._fetch()
        except Unreachable as error:
            self._failed = True
            log.warning("%s", error)
        else:
            self._fetched, self._failed = now, False

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
