"""Hearing through BlueZ: enough of each neighbour, and of nobody else, whatever BlueZ offers."""

import pytest

from bluezone_node.ble.frame import encode
from bluezone_node.proximity.model import Beacon, IdentifierProtocol
from tests.bluez.stage import Stage, host
from tests.bluez.watched import watched

PEER = Beacon(bytes(range(16)), b"\1\2\3\4")
PAYLOAD = encode(PEER).hex()
PHONE = "02011a" + PAYLOAD
"""As an iPhone sends it: flags first."""
HEADPHONES = "0201060303aafe" + "06ff4c00071901"
BLUEZONE = "03035 64e".replace(" ", "") + "0fffb522" + "0102030405060708090a0b0c"


@pytest.mark.parametrize("payload", [PAYLOAD, PHONE], ids=["android", "iphone"])
async def test_a_phone_is_heard(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, payload: str
) -> None:
    """Identifier, metadata and strength come through, with flags and without."""
    await host(stage, monkeypatch)
    await stage("beacon", name="peer", payload=payload, ms=50)
    await stage("level", sender="peer", receiver="an/hci0", dbm=-77)
    async with watched() as node:
        await node.hears(PEER)
        assert (node.sightings[0].metadata, node.sightings[0].rssi) == (PEER.aem, -77)
        assert node.condition.refused == {}


async def test_bluezone_of_2020_is_heard(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its identifier lies in manufacturer data, under a UUID of its own."""
    await host(stage, monkeypatch)
    await stage("beacon", name="peer", payload=BLUEZONE, ms=50)
    async with watched() as node:
        await node.until(lambda: node.sightings)
        assert node.sightings[0].protocol is IdentifierProtocol.BLUEZONE
        assert node.sightings[0].identifier == bytes(range(1, 13))


async def test_bursts_bring_a_sample_each(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anything special, each turn of listening reports a neighbour anew."""
    await host(stage, monkeypatch)
    await stage("beacon", name="peer", payload=PAYLOAD, ms=20)
    async with watched() as node:
        await node.until(lambda: len(node.sightings) >= 5)
        starts = len(await stage.calls("an", "StartDiscovery"))
        assert len(node.sightings) <= starts
        assert "in bursts" in node.condition.detail


async def test_a_monitor_brings_every_packet(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bluetoothd offers monitors, one is registered before the scan begins."""
    await host(stage, monkeypatch, experimental=True)
    await stage("beacon", name="peer", payload=PAYLOAD, ms=20)
    async with watched() as node:
        await node.until(lambda: len(node.sightings) >= 10)
        members = await stage.calls("an", "RegisterMonitor", "StartDiscovery")
        assert members[:2] == ["RegisterMonitor", "StartDiscovery"]
        assert len(node.sightings) > len(members)
        assert "with a monitor" in node.condition.detail


@pytest.mark.parametrize("version", ["5.66", "5.82", "5.88"])
async def test_small_changes_of_strength_are_told(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """A decibel more or less is a sample, in every version of BlueZ."""
    await host(stage, monkeypatch, experimental=True, version=version)
    await stage("beacon", name="peer", payload=PAYLOAD, ms=20)
    async with watched() as node:
        for dbm in (-60, -61, -62):
            await stage("level", sender="peer", receiver="an/hci0", dbm=dbm)
            await node.until(
                lambda level=dbm: node.sightings[-1:] and node.sightings[-1].rssi == level
            )


async def test_a_monitor_that_is_refused_is_done_without(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offered and yet refused: the node listens in bursts."""
    await host(stage, monkeypatch, experimental=True)
    await stage("fail", host="an", member="RegisterMonitor", error="Failed", times=100)
    await stage("beacon", name="peer", payload=PAYLOAD, ms=20)
    async with watched() as node:
        await node.hears(PEER)
        assert "in bursts" in node.condition.detail
        await node.until(lambda: not node.condition.fault)


async def test_a_street_of_headphones_costs_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bluetoothd keeps to itself whoever names no service of ours, while there are neighbours."""
    await host(stage, monkeypatch)
    for number in range(20):
        await stage("beacon", name=f"headphones {number}", payload=HEADPHONES, ms=30)
    await stage("beacon", name="peer", payload=PAYLOAD, ms=30)
    async with watched() as node:
        await node.hears(PEER)
        before = len(node.sightings)
        await node.until(lambda: len(node.sightings) >= before + 3)
        assert node.condition.foreign == 0
        await stage.until("an/hci0", lambda state: state["devices"] == 1)


@pytest.mark.slow
async def test_headphones_prove_that_the_receiver_works(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no neighbour of ours the node listens to everyone, and is not taken for deaf."""
    await host(stage, monkeypatch)
    await stage("beacon", name="headphones", payload=HEADPHONES, ms=30)
    async with watched(pace=50) as node:
        await node.until(lambda: node.condition.foreign, 90)
        await node.clock.sleep(200)
        assert node.condition.heard == 0
        assert node.faults == []


@pytest.mark.parametrize(
    ("service_data", "reason"),
    [(bytes(15), "no_identifier"), (bytes(21), "oversized")],
    ids=["short", "long"],
)
async def test_malformed_frames_are_counted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, service_data: bytes, reason: str
) -> None:
    """What says that it is ours and is not whole is refused, by reason."""
    await host(stage, monkeypatch)
    payload = b"\x03\x03\x6f\xfd" + bytes([len(service_data) + 3]) + b"\x16\x6f\xfd" + service_data
    await stage("beacon", name="broken", payload=payload.hex(), ms=30)
    async with watched() as node:
        await node.until(lambda: node.condition.refused.get(reason))
        assert node.sightings == []


async def test_a_strength_taken_back_is_no_sighting(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bleak says -127 dBm of a device that BlueZ no longer hears: dropped, and counted."""
    await host(stage, monkeypatch, experimental=True)
    await stage("beacon", name="peer", payload=PAYLOAD, ms=20)
    async with watched() as node:
        await node.hears(PEER)
        await stage("fade", adapter="an/hci0")
        await node.until(lambda: node.condition.refused)
        assert all(sighting.rssi == -60 for sighting in node.sightings)


async def test_a_peer_that_rotates_is_heard_under_each_identifier(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each identifier once it is on the air, none after it has left."""
    await host(stage, monkeypatch)
    async with watched() as node:
        for number in range(1, 6):
            peer = Beacon(bytes([number]) * 16, bytes(4))
            await stage("beacon", name="peer", payload=encode(peer).hex(), ms=20)
            await node.hears(peer)
            await stage("silence", name="peer")
        heard = [sighting.identifier[0] for sighting in node.sightings]
        assert heard == sorted(heard)


@pytest.mark.slow
async def test_samples_are_measured(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a whole minute the condition says how often a neighbour was heard in it."""
    await host(stage, monkeypatch)
    for name in ("peer", "other"):
        payload = encode(Beacon(name.encode().ljust(16), bytes(4))).hex()
        await stage("beacon", name=name, payload=payload, ms=20)
    async with watched() as node:
        assert node.condition.samples_per_minute is None
        await node.until(lambda: node.condition.samples_per_minute, 130)
        assert 5 <= (node.condition.samples_per_minute or 0) <= 60
