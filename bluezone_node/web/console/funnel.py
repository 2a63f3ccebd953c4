"""From code to published key: how many get how far, by day and province."""

import logging
from collections.abc import Sequence
from datetime import UTC, date, timedelta

from markupsafe import Markup
from starlette.routing import BaseRoute

from bluezone_node.authority.ports.accounts import EVERYWHERE, SUPERVISOR
from bluezone_node.authority.ports.tally import DayCount, PublicationStats, Tally
from bluezone_node.errors import BluezoneError
from bluezone_node.ports import Clock
from bluezone_node.web.console import funnel_chart, menu
from bluezone_node.web.console.funnel_figures import PUBLISHER, Figures, Total, figures
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.visit import Answer, Page, Visit

DAYS = 14
"""Shown unless others are asked for: as long as keys are kept."""
MOST_DAYS = 92
"""A bar of the chart is as thin as a line of it then."""
_YEARS = range(2020, 2100)
"""Others are mistyped; arithmetic with days ends somewhere, too."""

_log = logging.getLogger(__name__)


def funnel_routes(
    frame: Frame,
    tally: Tally,
    published: PublicationStats | None,
    clock: Clock,
    realms: Sequence[str],
) -> list[BaseRoute]:
    """Return the route of the figures. *realms*: ids of the settings."""

    def show(visit: Visit) -> Answer:
        today, own, errors = clock.now().astimezone(UTC).date(), visit.actor.realm, dict[str, str]()
        last = _day(visit, "to", today, errors)
        first = _day(visit, "from", last - timedelta(days=DAYS - 1), errors)
        if not errors and not 0 <= (last - first).days < MOST_DAYS:
            errors["from"] = visit.language.gettext(
                "The first day must not lie after the last, and at most %(num)d days are shown."
            ) % {"num": MOST_DAYS}
        if errors:
            last, first = today, today - timedelta(days=DAYS - 1)
        asked = visit.query.get("realm", "")
        realm: str | None = asked if asked in realms else None
        if own != EVERYWHERE:
            realm = own
        released = _released(published, first, last)
        found = figures(first, last, tally.days(first, last, realm), released, realm)
        return Page("funnel.html", _values(visit, found, realm, first, last, errors))

    def _values(
        visit: Visit,
        found: Figures,
        realm: str | None,
        first: date,
        last: date,
        errors: dict[str, str],
    ) -> dict[str, object]:
        say = visit.wording
        places = [("", say.realm(EVERYWHERE)), *((it, say.realm(it)) for it in realms)]
        return {
            "figures": found,
            "events": list(found.by_day),
            "late": PUBLISHER,
            "funnel": Markup(_funnel(visit, found)),  # noqa: S704 - made by ElementTree
            "chart": Markup(_days(visit, found)),  # noqa: S704 - made by ElementTree
            "realms": places if visit.actor.realm == EVERYWHERE else [],
            "realm": realm or "",
            "first": visit.query.get("from") if errors else first.isoformat(),
            "last": visit.query.get("to") if errors else last.isoformat(),
            "errors": errors,
        }

    return [frame.get(menu.FUNNEL, show, role=SUPERVISOR)]


def written(visit: Visit, total: Total) -> str:
    """Return a sum as it is shown: with a mark where there may be more."""
    number = visit.language.number(total.count)
    if total.withheld:
        return f"≥ {number}" if total.count else "–"
    return number


def _funnel(visit: Visit, found: Figures) -> str:
    lang, say = visit.language, visit.wording
    people = [event for event in found.totals if event != "keys"]
    highest = max((found.totals[event].count for event in people), default=0) or 1
    issued = found.totals["codes_issued"].count
    stages = []
    for event in people:
        total = found.totals[event]
        share = total.count / issued if issued and event != "codes_issued" else None
        note = "" if share is None or total.withheld else lang.percent(share)
        stages.append(
            funnel_chart.Stage(
                say.events[event],
                written(visit, total),
                total.count / highest,
                note,
                total.withheld,
            )
        )
    return funnel_chart.funnel(
        stages,
        lang.gettext("From code to publication"),
        "; ".join(f"{stage.name}: {stage.value}" for stage in stages),
    )


def _days(visit: Visit, found: Figures) -> str:
    lang = visit.language
    return funnel_chart.days(
        [
            funnel_chart.Series(
                visit.wording.events[event],
                [each.count for each in totals],
                [each.withheld for each in totals],
            )
            for event, totals in found.by_day.items()
        ],
        [lang.short_day(day) for day in found.days],
        lang.gettext("By day"),
        lang.gettext("The numbers stand in the table below."),
    )


def _released(published: PublicationStats | None, first: date, last: date) -> list[DayCount] | None:
    if published is None:
        return None
    try:
        return published.days(first, last)
    except BluezoneError as error:
        _log.warning("the publisher's statistics: %s", error)
        return None


def _day(visit: Visit, name: str, default: date, errors: dict[str, str]) -> date:
    text = visit.query.get(name, "").strip()
    try:
        day = date.fromisoformat(text) if text else default
        if day.year not in _YEARS:
            raise ValueError
    except ValueError:
        errors[name] = visit.language.gettext("This is no date: for example 22/11/2026.")
        return default
    return day
