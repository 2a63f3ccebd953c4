"""What became of a file that was sent: a page with totals and rejected rows, and files to save.

It waits in `shown` between the form and its page, for the session that sent the file.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.routing import BaseRoute

from bluezone_node.authority.ports.accounts import SUPERVISOR
from bluezone_node.authority.sheets import Rejected
from bluezone_node.errors import BadInput
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.shown import Shown
from bluezone_node.web.console.visit import (
    WAITING,
    Answer,
    Download,
    NotHere,
    Page,
    Visit,
    file_of,
)

MOST_SHOWN = 200
"""Rejected rows on the page; the file has them all."""


def made_once(visit: Visit, shown: Shown, make: Callable[[bytes], Mapping[str, Any]]) -> str:
    """Keep what *make* returns of the file that was sent, once; return the name of its page.

    Raises:
        BadInput: reason ``no_file`` or ``unparsable``.
        Refused: as *make*.
    """
    data, nonce = file_of(visit), visit.form["nonce"]
    if not nonce.isalnum():
        raise BadInput("The form has no number.", reason="unparsable")
    shown.once(visit.token, nonce, lambda: make(data))
    return nonce


def told(rejected: Iterable[Rejected]) -> list[dict[str, Any]]:
    """Return the first of the rejected rows, as a page shows them."""
    return [
        {
            "line": each.line,
            "cells": list(each.cells),
            "reason": each.reason,
            "sentence": each.sentence,
        }
        for each, _ in zip(rejected, range(MOST_SHOWN), strict=False)
    ]


def result_routes(
    frame: Frame,
    shown: Shown,
    path: str,
    template: str,
    files: Mapping[str, str],
    *,
    section: str = "",
) -> list[BaseRoute]:
    """Return the routes of the page below *path*, and of its *files*: the names' keys.

    *section*: the page that stands in the menu, if not *path*.
    """
    one, section = f"{path}/{{name}}", section or path

    def kept(visit: Visit) -> dict[str, Any]:
        found = shown.get(visit.token, visit.params["name"])
        if found is None:
            raise NotHere
        return found

    def result(visit: Visit) -> Answer:
        found = kept(visit)
        if not found:
            return WAITING
        rejected = [
            each | {"why": visit.wording.reason(each["reason"], each["sentence"])}
            for each in found["rejected"]
        ]
        values = found | {"rejected": rejected, "name": visit.params["name"], "path": path}
        return Page(template, values)

    def file(visit: Visit) -> Answer:
        found, name = kept(visit), visit.path.rpartition("/")[2]
        if not found:
            raise NotHere
        return Download(name, found[files[name]])

    return [
        frame.get(one, result, role=SUPERVISOR, section=section),
        *(frame.get(f"{one}/{name}", file, role=SUPERVISOR, section=section) for name in files),
    ]
