"""Which radio a specification names."""

from pathlib import Path

import pytest

from bluezone_node.ble import air
from bluezone_node.ble.radio import open_radio
from bluezone_node.ble.scenario import parse_scenario
from bluezone_node.errors import RadioUnavailable

SCENARIO = """
start = 2026-03-02T08:00:00Z
devices = [{ name = "an", path = [{ at = "0s", x = 0, y = 0 }] }]
"""


async def test_an_air_brings_its_clock(tmp_path: Path) -> None:
    """A simulated radio and simulated time come from one connection."""
    async with air.open_air(parse_scenario(SCENARIO), tmp_path / "air.sock") as spec:
        radio, clock = await open_radio(f"{spec}#an")
        assert radio.condition().listening
        assert clock.now().year == 2026
        await radio.close()


@pytest.mark.parametrize("spec", ["", "wifi:0", "air:", "bluez:", "auto:x", "hci0"])
async def test_what_names_no_radio_is_refused(spec: str) -> None:
    """The hint shows what would."""
    with pytest.raises(RadioUnavailable, match="names no radio") as refused:
        await open_radio(spec)
    assert "bluez:hci0" in refused.value.hint


async def test_without_an_adapter_auto_tells_of_the_air(tmp_path: Path) -> None:
    """A machine without Bluetooth is told how to go on without it."""
    for adapters in (tmp_path, tmp_path / "absent"):
        with pytest.raises(RadioUnavailable, match="no Bluetooth adapter") as refused:
            await open_radio("auto", adapters)
        assert "air serve" in refused.value.hint


async def test_a_real_adapter_is_not_served_yet(tmp_path: Path) -> None:
    """Until this version has a BlueZ radio it says so, rather than pretend."""
    (tmp_path / "hci0").mkdir()
    for spec in ("auto", "bluez:hci0"):
        with pytest.raises(RadioUnavailable, match="cannot use hci0"):
            await open_radio(spec, tmp_path)
