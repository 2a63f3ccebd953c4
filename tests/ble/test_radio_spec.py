"""Which radio a specification names."""

from pathlib import Path

import pytest

from bluezone_node.ble import air
from bluezone_node.ble.radio import open_radio
from bluezone_node.ble.scenario import parse_scenario
from bluezone_node.clock import SystemClock
from bluezone_node.errors import RadioUnavailable

SCENARIO = """
start = 2026-03-02T08:00:00Z
devices = [{ name = "an", path = [{ at = "0s", x = 0, y = 0 }] }]
"""


async def test_an_air_brings_its_clock(tmp_path: Path) -> None:
    """A simulated radio and simulated time come from one connection."""
    async with air.open_air(parse_scenario(SCENARIO), tmp_path / "air.sock") as spec:
        radio, clock, _ = await open_radio(f"{spec}#an", SystemClock())
        assert radio.condition().listening
        assert clock.now().year == 2026
        await radio.close()


@pytest.mark.parametrize("spec", ["", "wifi:0", "air:", "bluez:", "auto:x", "hci0"])
async def test_what_names_no_radio_is_refused(spec: str) -> None:
    """The hint shows what would."""
    with pytest.raises(RadioUnavailable, match="names no radio") as refused:
        await open_radio(spec, SystemClock())
    assert "bluez:hci0" in refused.value.hint


async def test_without_a_bus_there_is_no_real_radio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without D-Bus is told what to install."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'absent'}")
    for spec in ("auto", "bluez:hci0"):
        with pytest.raises(RadioUnavailable, match="system bus") as refused:
            await open_radio(spec, SystemClock())
        assert "apt install" in refused.value.hint
