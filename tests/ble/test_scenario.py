"""Scenario files: what they mean, and what is said of a wrong one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.ble.scenario import parse_scenario
from bluezone_node.errors import BadInput

MARKET = """\
start = 2026-03-02T08:00:00Z
pace = 60
seed = 7

[air]
exponent = 1.35

[[devices]]
name = "an"
body = true
path = [
    { at = "0m", x = 0, y = 0 },
    { at = "1h30m", x = 0, y = 2.5 },
]

[[devices]]
name = "kiosk"
tx_power = 4
scan = { window = "4s", period = "150s" }
path = [{ at = "0m", x = 2, y = 1 }]

[[noise]]
name = "headphones"
path = [{ at = "500ms", x = 5, y = 5 }]
"""


def test_a_scenario_says_who_is_where_and_when() -> None:
    """Durations are text with units, numbers may be whole, the rest has defaults."""
    scenario = parse_scenario(MARKET)
    an, kiosk = scenario.devices
    assert scenario.start == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert scenario.paces() == ((0.0, 60.0),)
    assert [(point.at, point.x, point.y) for point in an.path] == [(0, 0, 0), (5400, 0, 2.5)]
    assert (an.tx_power, an.body, kiosk.tx_power, kiosk.body) == (12.0, True, 4.0, False)
    assert scenario.noise[0].path[0].at == 0.5
    assert scenario.air.propagation().exponent == 1.35


def test_a_device_that_scans_now_and_then_has_a_phase_of_its_own() -> None:
    """Two devices of one period do not look at the same moments."""
    an, kiosk = parse_scenario(MARKET).devices
    assert an.duty(7).share == 1.0
    assert kiosk.duty(7).share == pytest.approx(4 / 150)
    assert kiosk.duty(7) == kiosk.duty(7) != kiosk.duty(8)


def test_the_pace_may_be_planned() -> None:
    """A list of changes instead of one number."""
    planned = MARKET.replace(
        "pace = 60", 'pace = [{ at = "0s", pace = 60 }, { at = "30m", pace = 20000 }]'
    )
    assert parse_scenario(planned).paces() == ((0.0, 60.0), (1800.0, 20000.0))


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("seed = 7", "sead = 7", "line 3: sead: there is no such key"),
        ("seed = 7", "seed = -7", "line 3: seed: Expected `int` >= 0"),
        ("pace = 60", "pace = 0", "line 2: pace: Expected `float` > 0"),
        ("pace = 60", "pace = []", "line 2: pace: the first change of pace must be"),
        ("start = 2026-03-02T08:00:00Z", "start = 2026-03-02T08:00:00", "line 1: start: "),
        ("exponent = 1.35", "exponent = 99", "line 6: air.exponent: Expected `float` <= 6"),
        ('name = "an"', 'name = "a n"', "line 9: devices[0].name: "),
        ('name = "kiosk"', 'name = "an"', "line 17: devices[1].name: this name is taken"),
        ('name = "headphones"', 'name = "an"', "line 23: noise[0].name: this name is taken"),
        ("tx_power = 4", 'tx_power = "4"', "line 18: devices[1].tx_power: Expected `float`"),
        ('"150s"', '"3s"', "line 19: devices[1].scan: the window must be above 0s"),
        ('"150s"', '"soon"', "line 19: devices[1].scan.period: Expected a duration"),
        ('"150s"', "150", "line 19: devices[1].scan.period: Expected a duration"),
        ('"1h30m"', '"0s"', "line 11: devices[0].path: the points must be in order"),
        ("seed = 7", "seed =", "not TOML: Invalid value (at line 3, column 7)"),
    ],
)
def test_a_wrong_scenario_is_refused_with_the_line_and_the_key(
    right: str, wrong: str, complaint: str
) -> None:
    """The message says where, what, and what was expected."""
    with pytest.raises(BadInput) as refused:
        parse_scenario(MARKET.replace(right, wrong), "market.toml")
    assert str(refused.value).startswith(f"market.toml: {complaint}")
    assert refused.value.reason in {"scenario_syntax", "scenario_invalid"}


def test_a_payload_too_long_for_the_air_is_refused() -> None:
    """Noise has 31 bytes, like everyone."""
    with pytest.raises(BadInput, match="at most 31 bytes fit"):
        parse_scenario(MARKET + f'payload = "{"00" * 32}"\n')


@given(st.text(max_size=200))
def test_no_text_raises_anything_but_the_refusal(text: str) -> None:
    """Any file is answered in one sentence."""
    with pytest.raises(BadInput):
        parse_scenario(text)


@given(st.data())
def test_no_damage_to_a_good_scenario_raises_anything_but_the_refusal(data: st.DataObject) -> None:
    """The same for a file that is nearly right."""
    start = data.draw(st.integers(0, len(MARKET)))
    end = data.draw(st.integers(start, min(len(MARKET), start + 20)))
    damaged = MARKET[:start] + data.draw(st.text(max_size=5)) + MARKET[end:]
    try:
        parse_scenario(damaged)
    except BadInput as bad:
        assert str(bad)  # noqa: PT017 - whether it is refused depends on the damage
