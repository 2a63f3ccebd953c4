"""What a person is told: one value for every system that can raise an alert."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum, IntEnum


class AlertKind(Enum):
    PROXIMITY = "proximity"
    VENUE = "venue"
    REGISTER = "register"
    """No exposure: an authority opened what the owner told a place's register of names."""


class AlertLevel(IntEnum):
    NONE = 0
    LOW = 1
    HIGH = 2


@dataclass(frozen=True, slots=True)
class Expected:
    """An estimate: what is expected, and the bounds that hold in nine cases of ten."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Moment:
    """How near somebody was for a while: one mark in the picture of an encounter."""

    start: datetime
    seconds: float
    metres: float
    """The median of what the distance may have been."""
    nearest: float
    """Metres; nine times in ten the distance was between this and `farthest`."""
    farthest: float


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near people were on one day, for how long, and how sure that is."""

    minutes_heard: float
    within_1m: Expected
    """Minutes, likewise below."""
    within_2m: Expected
    within_3m: Expected
    dose: Expected
    """∫ min(1, 1/d²) dt: minutes at one metre or nearer that would have weighed as much."""
    contact_metres: float
    """The nearness that makes a contact by the rules …"""
    contact_minutes: float
    """… and its time."""
    chance: float
    """Probability that at least `contact_minutes` were spent within `contact_metres`."""
    course: tuple[Moment, ...]
    """The day minute by minute, ascending; of two people near at once the nearer."""

    @property
    def minutes_near(self) -> float:
        """Expected minutes within 1 m."""
        return self.within_1m.value

    @property
    def minutes_middle(self) -> float:
        """Expected minutes from 1 to 2 m."""
        return self.within_2m.value - self.within_1m.value

    @property
    def minutes_far(self) -> float:
        """Expected minutes beyond 2 m."""
        return self.minutes_heard - self.within_2m.value


@dataclass(frozen=True, slots=True)
class Presence:
    """What an alert about a place rests on: a visit, and the authority's notice."""

    place: str = field(repr=False)
    """Empty where the device did not keep it."""
    minutes: float
    """Spent there while the place counts as infectious."""
    advice: str
    """'none', 'watch', 'test' or 'stay_home'; the sentences are in ``venues/advice.json``."""
    proved: bool
    """Whether a code of the place's screen vouches for the visit."""
    party: int = 1
    """People that the visit stands for."""
    phone: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What the officer added, by language: vi, en."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An exposure of one day, with the evidence that decided it.

    ``(kind, day, rules, subject)`` is its identity: raising it again with other evidence replaces
    it, raising it again with the same evidence tells nobody twice.
    """

    kind: AlertKind
    day: date
    """The UTC day of the exposure."""
    start: datetime
    end: datetime
    """The exposure lies within [start, end)."""
    level: AlertLevel
    score: float
    """In the unit of the rules that decided (see the preset)."""
    minutes_near: float
    """Expected minutes within 1 m …"""
    minutes_middle: float
    """… from 1 to 2 m …"""
    minutes_far: float
    """… and beyond."""
    confidence: str
    """'low', 'medium' or 'high': how sure, see proximity.risk."""
    packets: int
    """How many packets the judgement rests on."""
    rules: str
    """Name of the preset that decided."""
    report_type: str
    """Kind of diagnosis behind it: the most serious report type of the day, lower case; of an
    alert about a place the level of the notice: 'inform', 'monitor' or 'contact'; 'opened'."""
    nearness: Nearness | None = None
    """None for alerts that no distance decided, and for those stored before it was estimated."""
    subject: str = ""
    """Tells alerts of one day apart: the number of the visit; empty where a day has one alert."""
    presence: Presence | None = None
    """Of alerts about places."""

    @property
    def identity(self) -> tuple[AlertKind, date, str, str]:
        return self.kind, self.day, self.rules, self.subject
