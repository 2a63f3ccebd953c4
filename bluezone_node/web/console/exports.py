"""Health of the exports: are keys handed out, in time and whole."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from starlette.routing import BaseRoute

from bluezone_node.authority.distribution.exporter import ExportHealth
from bluezone_node.authority.keyring import KeyRing, KeyState
from bluezone_node.authority.ports.accounts import SUPERVISOR
from bluezone_node.authority.settings import ExportSettings
from bluezone_node.ports import Clock
from bluezone_node.web.console import menu
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.visit import Answer, Page, Visit


@dataclass(frozen=True, slots=True)
class Publication:
    """What of the publisher can be looked at, where it runs in this process."""

    health: Callable[[], ExportHealth]
    ring: Callable[[], KeyRing]
    """Of the keys that exports are signed with."""
    settings: ExportSettings


def export_routes(frame: Frame, publication: Publication | None, clock: Clock) -> list[BaseRoute]:
    """Return the route of the exports' health; None: the publisher runs elsewhere."""

    def show(visit: Visit) -> Answer:
        if publication is None:
            return Page("exports.html", {"health": None})
        now, ring, health = clock.now(), publication.ring(), publication.health()
        period = timedelta(minutes=publication.settings.period_minutes)
        delay = timedelta(minutes=publication.settings.min_age_minutes)
        newest = health.newest_end
        values = {
            "health": health,
            "start": newest and newest - period,
            "due": newest and newest + period + delay,
            "keys": [
                (key, str(ring.state(key, now)), ring.retires(key))
                for key in ring.keys
                if ring.state(key, now) is not KeyState.GONE
            ],
            "now": now,
        }
        return Page("exports.html", values)

    return [frame.get(menu.EXPORTS, show, role=SUPERVISOR)]
