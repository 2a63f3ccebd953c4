"""Mirrors of other authorities, as plain static files: what `authority mirror` put there."""

import re
from pathlib import Path

from starlette.routing import Mount

from bluezone_node.web.routes.exports import ExportFiles

MIRRORS = "mirror"
"""The folder beside the authority's own exports, and where it is served."""


def mirror_routes(folder: Path) -> list[Mount]:
    """Return the route of the mirrors in *folder*: NAME/exports is one."""
    return [Mount(f"/{MIRRORS}", _MirroredFiles(directory=folder))]


class _MirroredFiles(ExportFiles):
    """Other authorities name their files as they like; hidden ones are not finished."""

    served = re.compile(
        r"(?:[A-Za-z0-9][A-Za-z0-9_.-]{0,63}/){1,2}(?:index\.txt|[A-Za-z0-9_~+=,@][A-Za-z0-9._~+=,@-]*)"
    )
