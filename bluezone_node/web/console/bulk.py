"""Issuing many codes: a CSV file goes in, totals, rejects and two CSV files come out."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from starlette.routing import BaseRoute

from bluezone_node.authority.ports.accounts import SUPERVISOR
from bluezone_node.authority.registrar.bulk import MAX_ROWS
from bluezone_node.authority.registrar.issuing import Issuing
from bluezone_node.errors import Refused
from bluezone_node.ports import Clock
from bluezone_node.web.console import menu
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.sheet_result import made_once, result_routes, told
from bluezone_node.web.console.shown import Shown
from bluezone_node.web.console.visit import Answer, Away, Page, Visit


def sample(today: date) -> str:
    """Return a file that would be taken *today*."""
    yesterday, before = today - timedelta(days=1), today - timedelta(days=3)
    return (
        "test_type,test_date,symptom_date,phone\n"
        f"confirmed,{yesterday},{before},0912345678\n"
        f"likely,{today},,\n"
    )


def bulk_routes(frame: Frame, issuing: Issuing, shown: Shown, clock: Clock) -> list[BaseRoute]:
    """Return the routes of the bulk issue."""

    def show(visit: Visit) -> Answer:
        return form(visit, {})

    def issue(visit: Visit) -> Answer:
        try:
            name = made_once(visit, shown, lambda data: made(visit, data))
        except Refused as refused:
            errors = {"file": visit.wording.refusal(refused)}
            return form(visit, errors, 422, repeated=refused.reason == "file_repeated")
        return Away(f"{menu.BULK}/{name}")

    def form(
        visit: Visit, errors: dict[str, str], status: int = 200, *, repeated: bool = False
    ) -> Page:
        realms = [
            (realm.id, visit.wording.realm(realm.id)) for realm in issuing.realms(visit.actor)
        ]
        values = {
            "sample": sample(clock.now().date()),
            "rows": MAX_ROWS,
            "realms": realms,
            "realm": visit.form["realm"],
            "errors": errors,
            "repeated": repeated,
        }
        return Page("bulk.html", values, status)

    def made(visit: Visit, data: bytes) -> Mapping[str, Any]:
        result = issuing.issue_many(
            data, visit.actor, realm=visit.form["realm"], force=visit.form["force"] == "yes"
        )
        return {
            "totals": result.totals,
            "heading": list(result.sheet.heading),
            "rejected": told(result.rejected),
            "codes": result.issued_csv(),
            "rejects": result.rejected_csv(),
        }

    return [
        frame.get(menu.BULK, show, role=SUPERVISOR),
        frame.post(menu.BULK, issue, role=SUPERVISOR, with_file=True),
        *result_routes(
            frame,
            shown,
            menu.BULK,
            "bulk_result.html",
            {"codes.csv": "codes", "rejected.csv": "rejects"},
        ),
    ]
