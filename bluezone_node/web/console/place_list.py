"""Registering the places of a file: each row is answered, and the same file may come again.

All of a file is kept in one transaction, beside which nobody else writes: a request takes so many
lines that this is over in two seconds. `venue import` takes the lists of a whole city.
"""

from collections.abc import Mapping
from typing import Any

from starlette.routing import BaseRoute

from bluezone_node.authority.places.bulk import BulkVenues
from bluezone_node.authority.places.directory import Directory
from bluezone_node.authority.ports.accounts import SUPERVISOR
from bluezone_node.authority.sheets import write_csv
from bluezone_node.errors import BadInput, Refused
from bluezone_node.web.console import menu
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.sheet_result import made_once, result_routes, told
from bluezone_node.web.console.shown import Shown
from bluezone_node.web.console.visit import Answer, Away, Download, Page, Visit

MOST_LINES = 10_000
"""Of one file: 5 s of work and 70 MB. The file of a whole city, of some 100,000 lines, has the
database to itself for 5 s, for which other writers wait and no longer."""

HEADINGS = {
    "vi": (
        "tên địa điểm",
        "loại",
        "mã xã",
        "địa chỉ",
        "giờ mở cửa",
        "phút lưu lại",
        "phòng",
        "điện thoại",
    ),
    "en": ("name", "kind", "commune", "address", "hours", "stay", "rooms", "phone"),
}
"""Of the file to fill in, by language; the reader knows both."""
_EXAMPLES = (
    ("Chợ Mẫu", "chợ", "26740", "12 Lê Lợi", "05:00-18:00", "", "Khu A|Khu B", ""),
    ("Nhà hàng Mẫu", "nhà hàng", "26743", "3 Phạm Ngọc Thạch", "10:00-22:00", "90", "", ""),
)


def example(language: str) -> bytes:
    """Return a file that would be taken, for people to write theirs over it."""
    return write_csv(HEADINGS[language], _EXAMPLES)


def place_list_routes(
    frame: Frame, bulk: BulkVenues, directory: Directory, shown: Shown
) -> list[BaseRoute]:
    """Return the routes of the file of places."""

    def show(visit: Visit) -> Answer:
        return form(visit, {})

    def register(visit: Visit) -> Answer:
        try:
            name = made_once(visit, shown, lambda data: made(visit, data))
        except Refused as refused:
            return form(visit, {"file": _refusal(visit, refused)}, 422)
        return Away(f"{menu.PLACE_LIST}/{name}")

    def form(visit: Visit, errors: dict[str, str], status: int = 200) -> Page:
        realms = [(each.id, visit.wording.realm(each.id)) for each in directory.realms(visit.actor)]
        values = {
            "realms": realms,
            "realm": visit.form["realm"],
            "most": MOST_LINES,
            "columns": _columns(visit),
            "errors": errors,
        }
        return Page("place_list.html", values, status)

    def made(visit: Visit, data: bytes) -> Mapping[str, Any]:
        if data.count(b"\n") > MOST_LINES + 1:
            raise BadInput("The file has too many lines.", reason="file_too_large")
        result = bulk.register(data, visit.actor, realm=visit.form["realm"])
        return {
            "totals": result.totals,
            "rejected": told(result.rejected),
            "places": result.registered_csv(),
            "rejects": result.rejected_csv(),
        }

    def empty(visit: Visit) -> Answer:
        return Download("places.csv", example(visit.language.name))

    section = menu.PLACE_LIST
    return [
        frame.get(section, show, role=SUPERVISOR, section=menu.PLACES),
        frame.post(section, register, role=SUPERVISOR, section=menu.PLACES, with_file=True),
        frame.get(f"{section}/template.csv", empty, role=SUPERVISOR, section=menu.PLACES),
        *result_routes(
            frame,
            shown,
            section,
            "place_list_result.html",
            {"places.csv": "places", "rejected.csv": "rejects"},
            section=menu.PLACES,
        ),
    ]


def _columns(visit: Visit) -> list[tuple[str, str]]:
    """Return the heading of each column, and what is written below it."""
    _ = visit.language.gettext
    meanings = (
        _("must be filled in"),
        _("such as market, school or restaurant, in either language; empty: another kind"),
        _(
            "must be filled in: the commune or ward, by its number or, once there is a list, "
            "its name"
        ),
        "",
        _("as 07:00-22:30; empty: not known"),
        _("minutes that people usually stay; empty: as for its kind"),
        _("with | between them: each gets a poster of its own"),
        _("of who answers for the place"),
    )
    return list(zip(HEADINGS[visit.language.name], meanings, strict=True))


def _refusal(visit: Visit, refused: Refused) -> str:
    _ = visit.language.gettext
    own = {
        "file_too_large": _(
            "The file has more than 10,000 lines. Nothing was registered; send it in parts."
        ),
        "file_columns": _(
            "The first line must name the columns of the template, each at most once and no "
            "others. Nothing was registered."
        ),
        "file_encoding": _(
            "The file is neither UTF-8 nor UTF-16. Nothing was registered; save it as “CSV UTF-8”."
        ),
        "file_malformed": _(
            "The file is no CSV: a quotation mark is not closed. Nothing was registered."
        ),
    }
    return own.get(refused.reason) or visit.wording.refusal(refused)
