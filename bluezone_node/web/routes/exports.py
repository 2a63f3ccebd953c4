"""The export files as plain static files: any web server or mirror can do the same."""

import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from bluezone_node.authority.exporter import INDEX, ROOT
from bluezone_node.authority.ports.shelf import FILE_SECONDS, INDEX_SECONDS

_SERVED = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_-]{0,63}/)?(?:index\.txt|\d+-\d+-\d{5}\.zip)")
"""One's own series, and beside it one for each authority whose keys are handed out."""


def export_routes(folder: Path) -> list[Mount]:
    """Return the route of the index and the files in *folder*."""
    return [Mount(f"/{ROOT}", ExportFiles(directory=folder))]


class ExportFiles(StaticFiles):
    """Serves finished files only, with what a cache needs to know (ETag, age)."""

    served = _SERVED
    """What the path of a finished file is like."""

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
