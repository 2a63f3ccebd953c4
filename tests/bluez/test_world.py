"""The played BlueZ itself, met by bleak as it is and by a client on dbus-fast.

What it must do is what bluetoothd 5.66 and 5.82 did on a real kernel (``tests/vm`` has one).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from bleak import BleakScanner
from bleak.args.bluez import OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDBusError, BleakError
from dbus_fast import Variant

from tests.bluez.client import ADAPTER, ADVERTISING, FD6F, Client, Refused, connect
from tests.bluez.stage import Sent, Stage
from tests.patience import PATIENCE

pytestmark = pytest.mark.slow

DATA = bytes(range(20))
PREFIX = bytes.fromhex("03036ffd17166ffd")
OTHER = bytes(range(20, 40))
STRANGER = "0201061aff4c000215" + "00" * 21

Connect = Callable[..., Awaitable[Client]]
OURS = [OrPattern(0, AdvertisementDataType.SERVICE_DATA_UUID16, b"\x6f\xfd")]


@pytest.fixture
async def host(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """Start a host of a test's choice; return a client of it. bleak uses its bus."""
    clients = []

    async def start(name: str = "an", **options: object) -> Client:
        address = await stage.host(name, **({"hci0": "legacy"} | options))  # type: ignore[arg-type]
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        clients.append(await connect(address))
        return clients[-1]

    yield start
    for client in clients:
        client.bus.disconnect()


class Heard:
    """A bleak scanner, and what it brought."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[BLEDevice, AdvertisementData]] = asyncio.Queue()

    def scanner(self, mode: str = "active", **bluez: object) -> AbstractAsyncContextManager:  # type: ignore[type-arg]
        return BleakScanner(
            lambda device, data: self.queue.put_nowait((device, data)),
            scanning_mode=mode,  # type: ignore[arg-type]
            bluez={"adapter": "hci0"} | bluez,  # type: ignore[operator]
        )

    async def next(self) -> tuple[BLEDevice, AdvertisementData]:
        return await asyncio.wait_for(self.queue.get(), PATIENCE)


# Advertising


async def test_what_is_registered_is_on_the_air_byte_for_byte(stage: Stage, host: Connect) -> None:
    """A broadcast has GAEN's 28 bytes, no flags, and a non-resolvable private address."""
    client = await host()
    await client.register(DATA)
    assert await client.read(ADVERTISING, "ActiveInstances") == 1
    assert await client.read(ADVERTISING, "SupportedInstances") == 4
    (sent,) = await stage.sent("an/hci0")
    assert sent.payload == PREFIX + DATA
    assert int(sent.address[:2], 16) >> 6 == 0
    assert sent.end is None
    await client.unregister()
    (sent,) = await stage.sent("an/hci0")
    assert sent.end is not None


async def test_every_registration_takes_a_fresh_address(stage: Stage, host: Connect) -> None:
    """Unregister and register: the old pair ends before the new one begins, none is mixed."""
    client = await host()
    await client.register(DATA)
    await client.unregister()
    await client.register(OTHER)
    first, second = await stage.sent("an/hci0")
    assert (first.payload, second.payload) == (PREFIX + DATA, PREFIX + OTHER)
    assert first.address != second.address
    assert first.end is not None
    assert first.end <= second.start


@pytest.mark.parametrize(("kind", "pairs"), [("legacy", 3), ("ext", 2)])
async def test_a_change_in_place_mixes_pairs_on_old_chips(
    stage: Stage, host: Connect, kind: str, pairs: int
) -> None:
    """Bluetooth 4: new data goes out once under the old address. Bluetooth 5: it does not."""
    client = await host(hci0=kind)
    advertised = await client.register(DATA)
    advertised.replace(OTHER)
    sent = await stage.until_sent("an/hci0", lambda sent: len(sent) == pairs)
    assert [each.payload for each in sent[1:]] == [PREFIX + OTHER] * (pairs - 1)
    assert (sent[0].address == sent[1].address) is (kind == "legacy")
    assert sent[-1].address != sent[0].address


async def test_two_at_a_time_take_turns_on_old_chips(stage: Stage, host: Connect) -> None:
    """Registering a second one is a switch too, with the same mixed pair."""
    client = await host()
    await client.register(DATA)
    await client.register(OTHER, "/b")
    first, mixed, second = await stage.sent("an/hci0")
    assert mixed.address == first.address
    assert mixed.payload == second.payload == PREFIX + OTHER
    await client.unregister("/b")
    assert (await stage.sent("an/hci0"))[-1].payload == PREFIX + DATA


async def test_two_at_a_time_are_two_sets_on_new_chips(stage: Stage, host: Connect) -> None:
    """Bluetooth 5: both are on the air, each under an address of its own."""
    client = await host(hci0="ext")
    assert await client.read(ADVERTISING, "SupportedSecondaryChannels")
    await client.register(DATA)
    await client.register(OTHER, "/b")
    first, second = await stage.sent("an/hci0")
    assert first.end is second.end is None
    assert first.address != second.address


async def test_a_strict_chip_refuses_while_it_scans(stage: Stage, host: Connect) -> None:
    """Bluetooth 4 to the letter: no registration during a scan, also one of another program."""
    client = await host()
    await stage("stranger", adapter="an/hci0", scans=True)
    with pytest.raises(Refused, match="Failed to register advertisement"):
        await client.register(DATA)
    assert await stage.sent("an/hci0") == []
    await stage("stranger", adapter="an/hci0", scans=False)
    await stage.until("an/hci0", lambda state: not state["discovering"])
    await client.register(DATA)


@pytest.mark.parametrize("kind", ["lax", "ext"])
async def test_others_advertise_while_they_scan(stage: Stage, host: Connect, kind: str) -> None:
    """A chip that does not mind, and one of Bluetooth 5."""
    client = await host(hci0=kind)
    await client(ADAPTER, "StartDiscovery")
    await client.register(DATA)
    assert (await stage.sent("an/hci0"))[0].end is None


@pytest.mark.parametrize(
    ("experimental", "least", "most"), [(False, 1.28, 3.0), (True, 0.2, 1.2)], ids=str
)
async def test_new_chips_take_intervals_with_experimental_features_only(
    stage: Stage, host: Connect, experimental: bool, least: float, most: float
) -> None:
    """200 ms are asked for; without ``--experimental`` it is the kernel's 1280 ms."""
    client = await host(hci0="ext", experimental=experimental)
    await client.register(DATA)

    def interval(sent: Sent) -> float:
        return (time.monotonic() - sent.start) / (sent.packets - 1)

    # A machine may hold up some of them: not all.
    (sent,) = await stage.until_sent(
        "an/hci0", lambda sent: sent[0].packets > 1 and interval(sent[0]) < most
    )
    assert least < interval(sent)


async def test_what_bluez_cannot_parse_is_refused(stage: Stage, host: Connect) -> None:
    """Too long, of no known type, or absent: nothing goes on the air."""
    client = await host()
    with pytest.raises(Refused, match="Failed to parse"):
        await client.register(bytes(24))
    with pytest.raises(Refused, match="Failed to parse"):
        await client.register(DATA, kind="observer")
    with pytest.raises(Refused, match="No object"):
        await client(ADVERTISING, "RegisterAdvertisement", "oa{sv}", "/nothing", {})
    assert await client.read(ADVERTISING, "ActiveInstances") == 0
    assert await stage.sent("an/hci0") == []


async def test_registrations_are_counted(host: Connect) -> None:
    """Once per path, five at most on an old chip, and only what is registered is unregistered."""
    client = await host()
    for path in ("/a", "/b", "/c", "/d", "/e"):
        await client.register(DATA, path)
    with pytest.raises(Refused, match="AlreadyExists"):
        await client(ADVERTISING, "RegisterAdvertisement", "oa{sv}", "/a", {})
    with pytest.raises(Refused, match="NotPermitted"):
        await client.register(DATA, "/f")
    with pytest.raises(Refused, match="DoesNotExist"):
        await client(ADVERTISING, "UnregisterAdvertisement", "o", "/g")


async def test_a_client_that_leaves_takes_everything_along(stage: Stage, host: Connect) -> None:
    """Advertisement and discovery end with the connection that asked for them."""
    client = await host(hci0="lax")
    await client.register(DATA)
    await client(ADAPTER, "StartDiscovery")
    client.bus.disconnect()
    await stage.until(
        "an/hci0", lambda state: not state["advertisements"] and state["scan"] == "off"
    )


async def test_type_peripheral_shows_the_public_address(stage: Stage, host: Connect) -> None:
    """The mistake that a node must not make is one here too."""
    client = await host()
    await client.register(DATA, kind="peripheral")
    (sent,) = await stage.sent("an/hci0")
    assert sent.address == await client.read(ADAPTER, "Address")


# Scanning


async def test_bleak_hears_a_beacon(stage: Stage, host: Connect) -> None:
    """Address, strength, UUIDs and service data arrive as from BlueZ, and go when the scan ends."""
    await host()
    address = await stage("beacon", name="b", payload=(PREFIX + DATA).hex())
    await stage("level", sender="b", receiver="an/hci0", dbm=-71)
    heard = Heard()
    async with heard.scanner():
        device, data = await heard.next()
        assert (await stage("state", adapter="an/hci0"))["devices"] == 1
    assert device.address == address
    assert data.rssi == -71
    assert data.service_uuids == [FD6F]
    assert data.service_data == {FD6F: DATA}
    assert data.tx_power is None
    assert data.platform_data[1]["AddressType"] == "random"
    assert (await stage("state", adapter="an/hci0"))["devices"] == 0


async def test_other_kinds_of_data_arrive_too(stage: Stage, host: Connect) -> None:
    """Manufacturer data, name, transmission power and flags of a stranger."""
    await host()
    payload = "02011a" + "05ffb5220102" + "0309416e" + "020af4"
    await stage("beacon", name="b", payload=payload, connectable=True)
    heard = Heard()
    async with heard.scanner():
        _, data = await heard.next()
    assert data.manufacturer_data == {0x22B5: b"\1\2"}
    assert data.local_name == "An"
    assert data.tx_power == -12
    assert data.platform_data[1]["AdvertisingFlags"] == b"\x1a"
    assert (await stage("state", adapter="an/hci0"))["devices"] == 1, "kept: it can be connected to"


async def test_an_active_scan_alone_reports_a_neighbour_once(stage: Stage, host: Connect) -> None:
    """The chip filters duplicates until the scan is started again: bursts bring more samples."""
    await host()
    await stage("beacon", name="b", payload=(PREFIX + DATA).hex(), ms=20)
    heard = Heard()
    async with heard.scanner():
        await heard.next()
        await stage.more("b")
    assert heard.queue.empty()
    async with heard.scanner():
        await heard.next()


async def test_a_monitor_before_the_scan_reports_every_packet(stage: Stage, host: Connect) -> None:
    """With a monitor set first, the kernel leaves the duplicate filter off."""
    await host(experimental=True)
    await stage("beacon", name="b", payload=(PREFIX + DATA).hex(), ms=20)
    heard, monitor = Heard(), Heard()
    async with monitor.scanner("passive", or_patterns=OURS):
        await stage.until("an/hci0", lambda state: state["monitors"])
        async with heard.scanner():
            for _ in range(10):
                await heard.next()


async def test_a_monitor_after_the_scan_comes_too_late(stage: Stage, host: Connect) -> None:
    """It takes effect when the kernel starts the scan anew, 10 s later."""
    await host(experimental=True)
    await stage("beacon", name="b", payload=(PREFIX + DATA).hex(), ms=20)
    heard, monitor = Heard(), Heard()
    async with heard.scanner(), monitor.scanner("passive", or_patterns=OURS):
        await stage.until("an/hci0", lambda state: state["monitors"])
        await heard.next()
        await stage.more("b")
        assert heard.queue.empty()


async def test_a_monitor_alone_tells_changes_only(stage: Stage, host: Connect) -> None:
    """First sight, and then nothing but changes of strength of 8 dB or more."""
    await host(experimental=True)
    await stage("beacon", name="b", payload=(PREFIX + DATA).hex(), ms=20)
    await stage("beacon", name="foreign", payload=STRANGER, ms=20)
    heard = Heard()
    async with heard.scanner("passive", or_patterns=OURS):
        assert (await heard.next())[1].rssi == -60
        await stage("level", sender="b", receiver="an/hci0", dbm=-67)
        await stage.more("b")
        await stage("level", sender="b", receiver="an/hci0", dbm=-68)
        assert (await heard.next())[1].rssi == -68
        assert heard.queue.empty()


async def test_bluez_5_82_does_not_match_our_pattern(stage: Stage, host: Connect) -> None:
    """Since 5.69 a pattern of service data is compared behind the UUID."""
    await host(experimental=True, version="5.82")
    await stage("beacon", name="b", payload=(PREFIX + DATA).hex(), ms=20)
    heard = Heard()
    async with heard.scanner("passive", or_patterns=OURS):
        await stage.until("an/hci0", lambda state: state["scan"] == "passive")
        await stage.more("b")
        assert heard.queue.empty()
    behind = [OrPattern(0, AdvertisementDataType.SERVICE_DATA_UUID16, DATA[:2])]
    async with heard.scanner("passive", or_patterns=behind):
        await heard.next()


async def test_monitors_need_experimental_features(host: Connect) -> None:
    """Without ``--experimental`` bleak's passive mode is refused."""
    await host()
    with pytest.raises(BleakError, match="experimental"):
        async with Heard().scanner("passive", or_patterns=OURS):
            pass


async def test_a_filter_of_uuids_keeps_strangers_out(stage: Stage, host: Connect) -> None:
    """Only those whose list of UUIDs names ours are reported."""
    await host()
    await stage("beacon", name="foreign", payload=STRANGER, ms=20)
    ours = await stage("beacon", name="b", payload=(PREFIX + DATA).hex(), ms=60)
    heard = Heard()
    async with heard.scanner(filters={"UUIDs": ["fd6f"]}):
        device, _ = await heard.next()
        assert device.address == ours
        assert (await stage("state", adapter="an/hci0"))["devices"] == 1


async def test_another_program_that_scans_keeps_the_filter(stage: Stage, host: Connect) -> None:
    """While it scans, stopping and starting does not start the chip's scan anew."""
    await host(hci0="lax")
    await stage("stranger", adapter="an/hci0", scans=True)
    await stage("beacon", name="b", payload=(PREFIX + DATA).hex(), ms=20)
    await stage.until("an/hci0", lambda state: state["devices"] == 1)
    heard = Heard()
    async with heard.scanner():
        await stage.more("b")
    async with heard.scanner():
        await stage.more("b")
    assert heard.queue.empty()
    state = await stage("state", adapter="an/hci0")
    assert len(state["discovering"]) == 1
    assert state["devices"] == 1


async def test_discovery_answers_like_bluez(host: Connect) -> None:
    """Twice: InProgress. Not begun: Failed. A wrong filter: InvalidArguments."""
    client = await host()
    await client(ADAPTER, "StartDiscovery")
    assert await client.read(ADAPTER, "Discovering") is True
    with pytest.raises(Refused, match="InProgress"):
        await client(ADAPTER, "StartDiscovery")
    await client(ADAPTER, "StopDiscovery")
    assert await client.read(ADAPTER, "Discovering") is False
    with pytest.raises(Refused, match="No discovery started"):
        await client(ADAPTER, "StopDiscovery")
    with pytest.raises(Refused, match="InvalidArguments"):
        await client(ADAPTER, "SetDiscoveryFilter", "a{sv}", {"Transport": Variant("b", True)})


async def test_it_describes_itself(host: Connect) -> None:
    """Introspection names what proxies need."""
    client = await host()
    node = await client.bus.introspect("org.bluez", "/org/bluez/hci0")
    found = {interface.name: interface for interface in node.interfaces}
    assert {method.name for method in found[ADAPTER].methods} == {
        "StartDiscovery",
        "StopDiscovery",
        "SetDiscoveryFilter",
    }
    manager = found[ADVERTISING].methods[0]
    assert [argument.signature for argument in manager.in_args] == ["o", "a{sv}"]


# Faults


async def test_bluetoothd_dies_and_returns(stage: Stage, host: Connect) -> None:
    """Dead, its chip goes on sending; risen, it has forgotten everything."""
    client = await host()
    await client.register(DATA)
    await stage("die", host="an")
    with pytest.raises(Refused, match="ServiceUnknown"):
        await client.read(ADAPTER, "Powered")
    assert (await stage.sent("an/hci0"))[0].end is None
    await stage("rise", host="an")
    assert await client.read(ADVERTISING, "ActiveInstances") == 0
    assert (await stage.sent("an/hci0"))[0].end is not None
    with pytest.raises(Refused, match="DoesNotExist"):
        await client.unregister()


async def test_a_scan_outlives_its_bluetoothd(stage: Stage, host: Connect) -> None:
    """For the rest of the kernel's 10 s (here 3 s) the next bluetoothd answers InProgress."""
    client = await host(restart=3.0)
    await client(ADAPTER, "StartDiscovery")
    await stage("rise", host="an")
    with pytest.raises(Refused, match="InProgress"):
        await client(ADAPTER, "StartDiscovery")
    assert await client.read(ADAPTER, "Discovering") is False
    await stage.until("an/hci0", lambda state: state["scan"] == "off")
    await client(ADAPTER, "StartDiscovery")


async def until_asked(stage: Stage) -> None:
    """Wait until somebody waits for the bluetoothd that hangs."""
    async with asyncio.timeout(PATIENCE):
        while not await stage("waiting", host="an"):
            pass


async def test_who_waits_for_a_bluetoothd_that_dies_is_told(stage: Stage, host: Connect) -> None:
    """The bus answers in its place."""
    client = await host()
    await stage("hang", host="an")
    waiting = asyncio.ensure_future(client.read(ADAPTER, "Powered"))
    await until_asked(stage)
    await stage("die", host="an")
    with pytest.raises(Refused, match="NoReply"):
        await asyncio.wait_for(waiting, PATIENCE)


async def test_a_hanging_bluetoothd_answers_late(stage: Stage, host: Connect) -> None:
    """It takes calls and is silent; when it goes on it does what was asked, too late for many."""
    client = await host()
    await stage("hang", host="an")
    waiting = asyncio.ensure_future(client(ADAPTER, "StartDiscovery"))
    await until_asked(stage)
    assert not waiting.done()
    await stage("resume", host="an")
    await asyncio.wait_for(waiting, PATIENCE)
    assert await client.read(ADAPTER, "Discovering") is True


async def test_power_off_ends_scans_and_rests_advertisements(stage: Stage, host: Connect) -> None:
    """Off, nothing can be started; on again, the registration goes on under a new address."""
    client = await host()
    await client.register(DATA)
    await client(ADAPTER, "StartDiscovery")
    await client.power(on=False)
    assert await client.read(ADAPTER, "Discovering") is False
    with pytest.raises(Refused, match="NotReady"):
        await client(ADAPTER, "StartDiscovery")
    with pytest.raises(Refused, match="Failed to register"):
        await client.register(OTHER, "/b")
    await client.power(on=True)
    first, second = await stage.sent("an/hci0")
    assert first.end is not None
    assert second.end is None
    assert first.payload == second.payload
    assert first.address != second.address


async def test_a_blocked_adapter_cannot_be_switched_on(stage: Stage, host: Connect) -> None:
    """Rfkill: Powered is refused until it is lifted, and then comes back."""
    client = await host(experimental=True)
    await stage("block", adapter="an/hci0", on=True)
    assert await client.read(ADAPTER, "PowerState") == "off-blocked"
    with pytest.raises(Refused, match=r"Failed: Failed"):
        await client.power(on=True)
    await stage("block", adapter="an/hci0", on=False)
    assert await client.read(ADAPTER, "Powered") is True


async def test_an_adapter_is_pulled_out_and_put_back(stage: Stage, host: Connect) -> None:
    """Its objects vanish, clients are told to let go, and it comes back empty."""
    client = await host()
    advertised = await client.register(DATA)
    await stage("unplug", adapter="an/hci0")
    assert advertised.released
    with pytest.raises(Refused, match="UnknownObject"):
        await client.read(ADAPTER, "Powered")
    with pytest.raises(BleakError, match="hci0"):
        async with Heard().scanner():
            pass
    await stage("plug", adapter="an/hci0")
    assert await client.read(ADVERTISING, "ActiveInstances") == 0
    async with Heard().scanner():
        pass


async def test_calls_fail_as_often_as_wished(stage: Stage, host: Connect) -> None:
    """StartDiscovery is InProgress twice, then goes; Powered is refused once."""
    client = await host()
    await stage("fail", host="an", member="StartDiscovery", error="InProgress", times=2)
    for _ in range(2):
        with pytest.raises(BleakDBusError, match="InProgress"):
            async with Heard().scanner():
                pass
    async with Heard().scanner():
        pass
    await stage("fail", host="an", member="Set Powered", error="Failed")
    with pytest.raises(Refused, match="Failed"):
        await client.power(on=False)
    await client.power(on=False)
    assert await stage.calls("an", "Set Powered") == ["Set Powered"] * 2


async def test_a_deaf_chip_scans_and_hears_nothing(stage: Stage, host: Connect) -> None:
    """No error, no report."""
    await host()
    await stage("beacon", name="b", payload=(PREFIX + DATA).hex(), ms=20)
    await stage("deaf", adapter="an/hci0", on=True)
    heard = Heard()
    async with heard.scanner():
        await stage.more("b")
        assert heard.queue.empty()
        await stage("deaf", adapter="an/hci0", on=False)
        await heard.next()


async def test_a_bus_is_killed_and_started_again(stage: Stage, host: Connect) -> None:
    """Its clients lose their connections; at the same address a new one can be had."""
    client = await host()
    await stage.kill_bus("an")
    with pytest.raises((EOFError, OSError)):
        await asyncio.wait_for(client.bus.wait_for_disconnect(), PATIENCE)
    await stage.start_bus("an")
    await stage("rise", host="an")
    again = await connect(stage.bus("an"))
    assert await again.read(ADAPTER, "Powered") is True
    again.bus.disconnect()


async def test_hosts_hear_one_another(stage: Stage, host: Connect) -> None:
    """Two machines, two buses, one air: what one registers the other's bleak reports."""
    binh = await host("binh", hci0="ext", experimental=True)
    await binh.register(DATA)
    await host("an")
    await stage("level", sender="binh/hci0", receiver="an/hci0", dbm=-80)
    heard = Heard()
    async with heard.scanner():
        device, data = await heard.next()
    (sent,) = await stage.sent("binh/hci0")
    assert device.address == sent.address
    assert (data.rssi, data.service_data) == (-80, {FD6F: DATA})


async def test_out_of_reach_nothing_is_heard(stage: Stage, host: Connect) -> None:
    """Below −94 dBm a chip receives nothing."""
    await host()
    await stage("beacon", name="b", payload=(PREFIX + DATA).hex(), ms=20)
    await stage("level", sender="b", receiver="an/hci0", dbm=-95)
    heard = Heard()
    async with heard.scanner():
        await stage.more("b")
    assert heard.queue.empty()
