"""The export files as plain static files: any web server or mirror can do the same."""

import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from bluezone_node.authority.distribution.exporter import INDEX, ROOT
from bluezone_node.authority.ports.shelf import FILE_SECONDS, INDEX_SECONDS

_SERVED = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_-]{0,63}/)?(?:index\.txt|\d+-\d+-\d{5}\.zip)")
"""One's own series, and beside it one for each authority whose keys are handed out."""

_RESUMED = re.compile(rb"bytes=\d{1,12}-")
"""The one range that a download which broke off asks for. Any other may be answered with the whole
(RFC 9110, 14.2), and one of an unknown kind must be."""


def export_routes(folder: Path) -> list[Mount]:
    """Return the route of the index and the files in *folder*."""
    return [Mount(f"/{ROOT}", ExportFiles(directory=folder))]


class ExportFiles(StaticFiles):
    """Serves finished files only, with what a cache needs to know (ETag, age)."""

    served = _SERVED
    """What the path of a finished file is like."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (name, value)
            for name, value in scope["headers"]
            if name != b"range" or _RESUMED.fullmatch(value)
        ]
        await super().__call__({**scope, "headers": headers}, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        if not self.served.fullmatch(path):
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        if path.endswith(INDEX):
            response.headers["Cache-Control"] = f"public, max-age={INDEX_SECONDS}"
            if response.status_code == 200:
                response.headers["Content-Type"] = "text/plain; charset=us-ascii"
        else:
            response.headers["Cache-Control"] = f"public, max-age={FILE_SECONDS}, immutable"
            if response.status_code == 200:
                response.headers["Content-Type"] = "application/zip"
        return response
