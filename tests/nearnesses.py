"""Encounters with their distances estimated, as the node estimates them, and any that could be."""

import random
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from math import log10

import pytest
from hypothesis import strategies as st

from bluezone_node.alerts import Alert, AlertKind, AlertLevel, Expected, Moment, Nearness
from bluezone_node.presets import load_profile
from bluezone_node.proximity.distance import estimate
from bluezone_node.proximity.model import ScanInstance
from bluezone_node.proximity.risk import nearness
from bluezone_node.proximity.rules.verdict import USUAL_CONTACT, Contact

START = datetime(2026, 3, 2, 1, 2, tzinfo=UTC)
"""08:02 in Vietnam."""

_PEOPLE = load_profile("people")


def met(*meetings: dict[int, float], contact: Contact = USUAL_CONTACT) -> Nearness:
    """Estimate how near people were who stood, in each of the meetings, so many metres apart.

    A meeting maps minutes since `START` to metres; each is a link of its own.
    """
    noise = random.Random(7)
    estimates = [
        one
        for meeting in meetings
        for one in estimate(
            [_scan(minute, metres, noise) for minute, metres in meeting.items()], _PEOPLE
        )
    ]
    return nearness(sorted(estimates, key=lambda one: one.start), contact)


def _scan(minute: int, metres: float, noise: random.Random) -> ScanInstance:
    loss = _PEOPLE.loss_at_1m + 10 * _PEOPLE.exponent * log10(metres) + noise.gauss(0, 3)
    return ScanInstance(START + timedelta(minutes=minute), 60, 20, loss, round(loss) - 6, 4.0)


def alert_of(found: Nearness | None, level: AlertLevel = AlertLevel.HIGH) -> Alert:
    """Return an alert as raised on what was *found*, from the first moment to the last."""
    course = found.course if found else ()
    end = course[-1].start + timedelta(minutes=1) if course else START + timedelta(hours=1)
    return Alert(
        kind=AlertKind.PROXIMITY,
        day=START.date(),
        start=course[0].start if course else START,
        end=end,
        level=level,
        score=12.0,
        minutes_near=found.minutes_near if found else 8,
        minutes_middle=found.minutes_middle if found else 9,
        minutes_far=found.minutes_far if found else 3,
        confidence="medium",
        packets=412,
        rules="vn-f1-2m",
        report_type="confirmed_test",
        nearness=found,
    )


SAT = met(dict.fromkeys(range(20), 1.0))
"""At a table, a metre apart, for 20 minutes."""
TWICE = met(dict.fromkeys(range(14), 1.2), dict.fromkeys(range(372, 397), 2.0))
"""In the morning from 08:02, and again from 14:14."""

_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_EXPECTED = st.builds(Expected, _FINITE, _FINITE, _FINITE)
_MOMENTS = st.builds(
    Moment,
    st.integers(946_684_800, 4_102_444_800).map(lambda unix: datetime.fromtimestamp(unix, UTC)),
    _FINITE,
    _FINITE,
    _FINITE,
    _FINITE,
)
ANY_NEARNESS = st.builds(
    Nearness,
    *(_FINITE, _EXPECTED, _EXPECTED, _EXPECTED, _EXPECTED, _FINITE, _FINITE, _FINITE),
    st.lists(_MOMENTS, max_size=20).map(tuple),
)
"""Whatever a database could hold, absurd or not."""


@contextmanager
def on_a_device_in(zone: str) -> Iterator[None]:
    """Set the machine's own time zone for as long as this lasts, wherever the tests are run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        try:
            yield
        finally:
            patch.undo()
            time.tzset()


def in_vietnam() -> AbstractContextManager[None]:
    """Show times as in Vietnam for as long as this lasts."""
    return on_a_device_in("Asia/Ho_Chi_Minh")
