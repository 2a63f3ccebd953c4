"""What kinds of places there are, and what follows from the kind: numbers as data, with reasons."""

from dataclasses import dataclass
from enum import IntEnum


class VenueKind(IntEnum):
    """Field 5 of a venue card. A number that is not here is refused: a later version names it."""

    OTHER = 0
    OFFICE = 1
    HEALTH_FACILITY = 2
    SCHOOL = 3
    SUPERMARKET = 4
    MARKET = 5
    LODGING = 6
    RESTAURANT = 7
    TRANSPORT = 8
    WORSHIP = 9
    EVENT = 10
    CONTROL_POST = 11
    RESIDENTIAL_BLOCK = 12
    FACTORY = 13


@dataclass(frozen=True, slots=True)
class KindRule:
    """What is assumed of a kind of place, where its card or an officer says nothing."""

    name_vi: str
    name_en: str
    stay_minutes: int
    """How long a visit is taken to last where nothing tells its end."""
    tail_minutes: int
    """How long the air of the place counts as infectious after a case has left: the
    Corona-Warn-App's half hour indoors; none where the air is that of the street."""


RULES: dict[VenueKind, KindRule] = {
    VenueKind.OTHER: KindRule("Địa điểm khác", "Other place", 60, 30),
    VenueKind.OFFICE: KindRule("Cơ quan, văn phòng", "Office", 540, 30),
    VenueKind.HEALTH_FACILITY: KindRule("Cơ sở y tế", "Health facility", 180, 30),
    VenueKind.SCHOOL: KindRule("Trường học", "School", 480, 30),
    VenueKind.SUPERMARKET: KindRule("Siêu thị", "Supermarket", 60, 30),
    VenueKind.MARKET: KindRule("Chợ", "Market", 60, 15),
    VenueKind.LODGING: KindRule("Cơ sở lưu trú", "Lodging", 720, 30),
    VenueKind.RESTAURANT: KindRule("Nhà hàng, quán ăn", "Restaurant", 90, 30),
    VenueKind.TRANSPORT: KindRule("Phương tiện, bến xe", "Transport", 120, 30),
    VenueKind.WORSHIP: KindRule("Cơ sở thờ tự", "Place of worship", 90, 30),
    VenueKind.EVENT: KindRule("Sự kiện", "Event", 240, 30),
    VenueKind.CONTROL_POST: KindRule("Chốt kiểm soát", "Control post", 15, 0),
    VenueKind.RESIDENTIAL_BLOCK: KindRule("Chung cư, khu nhà ở", "Residential block", 720, 30),
    VenueKind.FACTORY: KindRule("Nhà máy", "Factory", 540, 30),
}
"""Stays are ours: the usual length of a visit, rounded; an owner sets another on the card. Tails:
the Corona-Warn-App adds min(duration, 30 min) everywhere; a market hall's doors stand open and a
control post is out of doors."""
