"""What is typed of a place: by an officer, or by its owner."""

import re
from typing import Any

from bluezone_node.authority.places.orders import EDITION, VenueOrder, parse_hours
from bluezone_node.errors import AuthorityRefused
from bluezone_node.venues.card import CardFlag
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.web.console.visit import Visit

FIELDS = ("name", "kind", "realm", "commune", "address", "opens", "closes", "rooms", "phone")
FIELD_OF = {
    "venue_known": "name",
    "text_malformed": "name",
    "venue_kind": "kind",
    "unknown_realm": "realm",
    "venue_commune": "commune",
    "venue_hours": "opens",
    "venue_rooms": "rooms",
    "invalid_phone": "phone",
}
"""The field that a refusal is about."""

_BETWEEN = re.compile(r"[,;|\n]")


def order_of(visit: Visit) -> VenueOrder:
    """Return the place that the form tells of.

    Raises:
        AuthorityRefused: reason ``venue_commune``, ``venue_kind`` or ``venue_hours``.
    """
    form = visit.form
    kind, commune = form["kind"], form["commune"]
    if not (kind.isascii() and kind.isdigit() and int(kind[:3]) in {*VenueKind}):
        raise AuthorityRefused("There is no such kind of place.", reason="venue_kind")
    if not (commune.isascii() and commune.isdigit() and len(commune) < 9):
        raise AuthorityRefused("The commune is a number.", reason="venue_commune")
    opens, closes = form["opens"], form["closes"]
    hours = parse_hours(f"{opens}-{closes}") if opens or closes else (None, None)
    flags = CardFlag.CHECK_OUT_CODE
    if form["register"] == "yes":
        flags |= CardFlag.REGISTER_REQUIRED
    return VenueOrder(
        form["name"],
        int(kind),
        int(commune),
        form["realm"],
        EDITION,
        form["address"],
        *hours,
        flags=flags,
        rooms=tuple(each.strip() for each in _BETWEEN.split(form["rooms"]) if each.strip()),
        contact=form["phone"],
    )


def typed(visit: Visit) -> dict[str, str]:
    """Return what stands in the form, to be shown again."""
    return {name: visit.form[name] for name in (*FIELDS, "register")}


def kinds(visit: Visit) -> list[tuple[str, str]]:
    """Return the kinds of places to choose from; the one for all others last."""
    listed = sorted(VenueKind, key=lambda kind: (kind is VenueKind.OTHER, kind))
    return [(str(int(kind)), visit.wording.kind_of_place(kind)) for kind in listed]


def errors_of(visit: Visit, reason: str, sentence: str) -> dict[str, Any]:
    """Return the sentence by its field."""
    return {FIELD_OF.get(reason, ""): sentence}
