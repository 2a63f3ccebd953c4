"""What is typed of a place: by an officer, or by its owner; and how it is shown to be corrected."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from bluezone_node.authority.places.communes import Communes, NoCommune
from bluezone_node.authority.places.orders import EDITION, VenueOrder, order_of, parse_hours
from bluezone_node.authority.ports.venues import Venue
from bluezone_node.authority.settings import RealmSettings
from bluezone_node.errors import AuthorityRefused, Refused
from bluezone_node.venues.card import CardFlag
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.web.console.visit import Visit

FIELDS = (
    *("name", "kind", "realm", "commune", "address", "opens", "closes"),
    *("rooms", "phone", "register"),
)
FIELD_OF = {
    "venue_known": "name",
    "text_malformed": "name",
    "venue_kind": "kind",
    "unknown_realm": "realm",
    "venue_commune": "commune",
    "commune_unknown": "commune",
    "commune_ambiguous": "commune",
    "venue_hours": "opens",
    "venue_rooms": "rooms",
    "invalid_phone": "phone",
}
"""The field that a refusal is about."""
MOST_OFFERED = 1000
"""Names of communes in a form: a province has 168 at most. All 3321 would be 140 kB of a page that
owners load with a telephone; a name that is typed is understood without."""

_BETWEEN = re.compile(r"[,;|\n]")


def new_order(visit: Visit, communes: Communes, realm: str) -> VenueOrder:
    """Return the place that the form tells of, in the province *realm*.

    Raises:
        AuthorityRefused: reason ``venue_kind``, ``venue_hours``, or one of `CommuneBook.code`.
    """
    form = visit.form
    opens, closes = _hours(visit)
    return VenueOrder(
        form["name"],
        _kind(visit),
        communes.book(realm, EDITION).code(form["commune"]),
        realm,
        EDITION,
        form["address"],
        opens,
        closes,
        flags=_flags(visit, CardFlag.CHECK_OUT_CODE),
        rooms=tuple(each.strip() for each in _BETWEEN.split(form["rooms"]) if each.strip()),
        contact=form["phone"],
    )


def edited_order(visit: Visit, venue: Venue, communes: Communes) -> VenueOrder:
    """Return what the form says of *venue*; what stands there as it was shown stays as it is.

    Raises:
        AuthorityRefused: as `new_order`.
    """
    form, before = visit.form, shown(venue, communes)
    order = replace(
        order_of(venue),
        name=form["name"],
        kind=_kind(visit),
        address=form["address"],
        flags=_flags(visit, CardFlag(venue.flags)),
        rooms=tuple(line.strip() for line in form["rooms"].splitlines() if line.strip()),
        contact=form["phone"],
    )
    if (form["opens"], form["closes"]) != (before["opens"], before["closes"]):
        opens, closes = _hours(visit)
        order = replace(order, opens=opens, closes=closes)
    if form["commune"] != before["commune"]:
        code = communes.book(venue.realm, EDITION).code(form["commune"])
        order = replace(order, commune=code, edition=EDITION)
    return order


def shown(venue: Venue, communes: Communes) -> dict[str, str]:
    """Return what the form shows of *venue*, to be corrected."""
    return {
        "name": venue.name,
        "kind": str(venue.kind),
        "realm": venue.realm,
        "commune": communes.book(venue.realm, venue.edition).label(venue.commune),
        "address": venue.address,
        "opens": _clock(venue.opens),
        "closes": _clock(venue.closes),
        "rooms": "\n".join(venue.rooms),
        "phone": venue.contact,
        "register": "yes" if venue.flags & CardFlag.REGISTER_REQUIRED else "",
    }


def typed(visit: Visit) -> dict[str, str]:
    """Return what stands in the form, to be shown again."""
    return {name: visit.form[name] for name in FIELDS}


def choices(
    visit: Visit, realms: Iterable[RealmSettings], communes: Communes, asked: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what there is to choose from, for ``place_fields.html``.

    *asked*: labels of communes one of which was probably meant.
    """
    realms = list(realms)
    labels = communes.labels([each.id for each in realms], EDITION)
    listed = sorted(VenueKind, key=lambda kind: (kind is VenueKind.OTHER, kind))
    return {
        "realms": [(each.id, visit.wording.realm(each.id)) for each in realms],
        "kinds": [(str(int(kind)), visit.wording.kind_of_place(kind)) for kind in listed],
        "by_name": bool(labels),
        "communes": labels if len(labels) <= MOST_OFFERED else asked,
    }


def errors_of(visit: Visit, refused: Refused, sentence: str) -> dict[str, Any]:
    """Return the sentence by its field, with the communes that may be meant."""
    if names := candidates(refused):
        asked = visit.language.gettext("Is it %(names)s?") % {"names": ", ".join(names)}
        sentence = f"{sentence} {asked}"
    return {FIELD_OF.get(refused.reason, ""): sentence}


def candidates(refused: Refused) -> Sequence[str]:
    """Return the labels of communes that may be meant by what was refused."""
    return refused.candidates if isinstance(refused, NoCommune) else ()


def _kind(visit: Visit) -> int:
    kind = visit.form["kind"]
    if not (kind.isascii() and kind.isdigit() and int(kind[:3]) in {*VenueKind}):
        raise AuthorityRefused("There is no such kind of place.", reason="venue_kind")
    return int(kind)


def _hours(visit: Visit) -> tuple[int | None, int | None]:
    opens, closes = visit.form["opens"], visit.form["closes"]
    return parse_hours(f"{opens}-{closes}") if opens or closes else (None, None)


def _flags(visit: Visit, flags: CardFlag) -> CardFlag:
    if visit.form["register"] == "yes":
        return flags | CardFlag.REGISTER_REQUIRED
    return flags & ~CardFlag.REGISTER_REQUIRED


def _clock(minutes: int | None) -> str:
    # A field for a time knows no 24:00; closing at midnight is 00:00 of the next day as well.
    return "" if minutes is None else f"{minutes // 60 % 24:02}:{minutes % 60:02}"
