"""More than one advertisement at a time: an identifier, and a tag of the place beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bluezone_node.ble.bluez_adapter import read_adapter
from bluezone_node.ble.bluez_advertiser import BluezAdvertiser, ServiceData
from bluezone_node.ble.bluez_bus import BluezRefused, connect
from bluezone_node.ble.frame import GAEN_SERVICE
from tests.bluez.stage import Sent, Stage, host

PLACE_SERVICE = "0000fd70-0000-1000-8000-00805f9b34fb"


def of(number: int) -> list[ServiceData]:
    """Return identifier and tag of turn *number*."""
    return [
        ServiceData(GAEN_SERVICE, bytes([number]) * 20),
        ServiceData(PLACE_SERVICE, bytes([100 + number]) * 16),
    ]


@asynccontextmanager
async def advertiser(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, kind: str
) -> AsyncIterator[BluezAdvertiser]:
    await host(stage, monkeypatch, hci0=kind)
    bus = await connect()
    adapter = await read_adapter(bus, "hci0")
    assert adapter is not None
    yield BluezAdvertiser(bus, adapter, dropped=lambda: None)
    bus.close()


def on_air(sent: list[Sent]) -> dict[bytes, str]:
    """Return what is sent now: the last bytes of each payload, and its address."""
    return {each.payload[-16:]: each.address for each in sent if each.end is None}


async def test_two_are_on_the_air_and_change_together(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has an address of its own, and nothing of the first pair is left beside the second.

    On a chip of Bluetooth 5; one of Bluetooth 4 sends them by turns, see ``tests/vm``.
    """
    async with advertiser(stage, monkeypatch, "ext") as node:
        await node.replace(of(1))
        first = on_air(await stage.sent("an/hci0"))
        await node.replace(of(2))
        second = on_air(await stage.sent("an/hci0"))
        await node.take_off()
        assert not on_air(await stage.sent("an/hci0"))
    assert set(first) == {one.data[-16:] for one in of(1)}
    assert set(second) == {one.data[-16:] for one in of(2)}
    assert len({*first.values(), *second.values()}) == 4


async def test_where_one_is_refused_none_is_on_the_air(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of what was wished is not left behind, and the next attempt finds room."""
    async with advertiser(stage, monkeypatch, "ext") as node:
        many = [ServiceData(PLACE_SERVICE, bytes([number]) * 16) for number in range(40)]
        with pytest.raises(BluezRefused):
            await node.replace(many)
        assert not on_air(await stage.sent("an/hci0"))
        await node.replace(of(1))
        assert len(on_air(await stage.sent("an/hci0"))) == 2
