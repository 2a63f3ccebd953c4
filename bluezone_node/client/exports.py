"""The files that an authority hands out: an index, and what it names beside itself."""

import re
import ssl
from urllib.parse import urljoin, urlsplit

from bluezone_node.client.connection import (
    ANSWER_SECONDS,
    Connection,
    TooLarge,
    checked,
    same_origin,
)
from bluezone_node.errors import BadExport, Unreachable

MAX_INDEX_BYTES = 1 << 20
MAX_EXPORT_BYTES = 20 << 20
"""Google's mirror takes no larger ones (internal/mirror/config.go); neither do we."""
EXPORT_SECONDS = 300.0
"""20 MiB at 70 kB/s: a whole file must come within this, however steadily it drips."""

_NAME = re.compile(r"[A-Za-z0-9._~+=,@:/-]{1,512}")
"""What a line of the index may be made of: no blank, no control character, no %, ? or #."""

_VERSION = re.compile(r'(?:W/)?"[!#-~]{0,256}"')
"""An ETag that may be sent back."""


class HttpExports(Connection):
    """`KeySource`: the export files of one authority."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        tls: ssl.SSLContext | None = None,
        conditional: bool = False,
    ) -> None:
        """*url*: the folder with ``index.txt``. Lines of the index start from the folder above.

        *conditional*: the index is fetched only where it has changed. Not for a device: what a
        server names its answer comes back to it, and knows the device again as a cookie would.

        Raises:
            BadConfig: *url* is no http(s) address.
        """
        super().__init__(tls)
        self._name = name
        self._folder = checked(url) + "/"
        self._root = urljoin(self._folder, "../" if urlsplit(self._folder).path != "/" else "")
        self._conditional = conditional
        self._version = ""
        self._listed: list[str] = []

    @property
    def name(self) -> str:
        return self._name

    async def index(self) -> list[str]:
        condition = {"If-None-Match": self._version} if self._version else {}
        try:
            status, headers, body = await self.follow(
                self._folder + "index.txt", MAX_INDEX_BYTES, ANSWER_SECONDS, condition
            )
        except TooLarge:
            raise Unreachable(f"The index of {self._name} is larger than 1 MiB.") from None
        if status == 304:
            return list(self._listed)
        try:
            names = body.decode("ascii").split()
        except UnicodeDecodeError:
            raise Unreachable(f"The index of {self._name} is not plain text.") from None
        for name in names:
            self._resolve(name)
        # Only an index that was taken whole is known the next time.
        version = headers.get("etag", "") if self._conditional else ""
        self._version = version if _VERSION.fullmatch(version) else ""
        self._listed = names
        return list(names)

    async def fetch(self, name: str) -> bytes:
        try:
            return await self.get(self._resolve(name), MAX_EXPORT_BYTES, EXPORT_SECONDS)
        except TooLarge:
            raise BadExport(
                "The export is larger than 20 MiB, which no honest one is.", reason="oversized"
            ) from None

    def _resolve(self, name: str) -> str:
        """Return the address of the export *name*, which must lie on the index's own host."""
        legal = _NAME.fullmatch(name) and not {".", ".."} & set(name.split("/"))
        base = self._root if "/" in name else self._folder
        try:
            url = urljoin(base, name) if legal else ""
        except ValueError:
            url = ""
        if not same_origin(url, self._folder):
            raise Unreachable(f"The index of {self._name} names a file that is not beside it.")
        return url
