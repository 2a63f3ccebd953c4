"""Putting identifiers on the air through BlueZ: whole pairs, one at a time, whatever comes between.

Judged from what was on the air of a played BlueZ (``tests/bluez``), not from what the radio says.
"""

import asyncio
import itertools
import logging
from collections.abc import Iterable

import pytest

from bluezone_node.ble.frame import encode
from bluezone_node.proximity.model import Beacon
from bluezone_node.venues.tags import AirTag
from tests.bluez.kernel import BR_EDR, LE, information, kernel_tells, refusal
from tests.bluez.stage import Sent, Stage, host
from tests.bluez.watched import watched

pytestmark = pytest.mark.slow

FIRST = Beacon(bytes(range(16)), b"\1\2\3\4")
SECOND = Beacon(bytes(range(16, 32)), b"\5\6\7\x08")
TAG = AirTag(bytes(range(12)), bytes(range(10)))
FLAGS = bytes.fromhex("020104")
KINDS = pytest.mark.parametrize(
    "kind", ["legacy", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("lax", "ext"))]
)


def beacons(count: int) -> list[Beacon]:
    return [Beacon(number.to_bytes(16), number.to_bytes(4)) for number in range(1, count + 1)]


def assert_pairs_are_whole(sent: Iterable[Sent]) -> None:
    """No address with two payloads, no payload under two addresses, one pair at a time."""
    ordered = list(sent)
    assert len({each.address for each in ordered}) == len(ordered)
    assert len({each.payload for each in ordered}) == len(ordered)
    for earlier, later in itertools.pairwise(ordered):
        assert earlier.end is not None
        assert earlier.end <= later.start


@KINDS
async def test_twenty_rotations_without_a_mixed_pair(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Address and identifier change together, on every kind of chip, in the midst of listening."""
    await host(stage, monkeypatch, hci0=kind)
    async with watched() as node:
        for beacon in beacons(20):
            await stage.until("an/hci0", lambda state: state["scan"] == "active")
            await node.radio.advertise(beacon)
        sent = await stage.sent("an/hci0")
        assert node.condition.rotations == 20
    assert [each.payload for each in sent] == [encode(beacon) for beacon in beacons(20)]
    assert_pairs_are_whole(sent)
    assert all(int(each.address[:2], 16) >> 6 == 0 for each in sent)


async def test_the_order_of_a_rotation(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop to listen, unregister, register, listen again: what a strict chip wants."""
    await host(stage, monkeypatch)
    async with watched() as node:
        await node.radio.advertise(FIRST)
        await stage.until("an/hci0", lambda state: state["scan"] == "active")
        before = len(await stage.calls("an"))
        await node.radio.advertise(SECOND)
        await stage.until("an/hci0", lambda state: state["scan"] == "active")
        members = (await stage.calls("an"))[before:]
    order = [member for member in members if member != "SetDiscoveryFilter"]
    assert order[:4] == [
        "StopDiscovery",
        "UnregisterAdvertisement",
        "RegisterAdvertisement",
        "StartDiscovery",
    ]


async def test_nothing_is_registered_while_it_scans(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rotations that fall anywhere into turns and pauses never meet a scan, and none is refused."""
    await host(stage, monkeypatch)
    async with watched() as node:
        for number, beacon in enumerate(beacons(10)):
            await node.clock.sleep(number * 0.37)
            await node.radio.advertise(beacon)
        members = await stage.calls(
            "an", "StartDiscovery", "StopDiscovery", "RegisterAdvertisement"
        )
    scanning = False
    for member in members:
        if member == "RegisterAdvertisement":
            assert not scanning
        else:
            scanning = member == "StartDiscovery"
    assert members.count("RegisterAdvertisement") == 10


async def test_hurried_wishes_end_with_the_last(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beacons wished before the last is on the air: the latest wins, and pairs stay whole."""
    await host(stage, monkeypatch)
    async with watched() as node:
        await asyncio.gather(*(node.radio.advertise(beacon) for beacon in beacons(5)))
        sent = await stage.sent("an/hci0")
        assert [each.payload for each in sent if each.end is None] == [encode(beacons(5)[-1])]
        assert_pairs_are_whole(sent)


async def test_a_refused_registration_is_tried_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three refusals of bluetoothd, then it is on the air, once."""
    await host(stage, monkeypatch)
    async with watched() as node:
        await node.radio.advertise(FIRST)
        await stage("fail", host="an", member="RegisterAdvertisement", error="Failed", times=3)
        await node.radio.advertise(SECOND)
        assert node.condition.advertising
        assert node.condition.rotations == 2
        assert "3 registrations were refused" in node.condition.detail
        sent = await stage.sent("an/hci0")
    assert [each.payload for each in sent] == [encode(FIRST), encode(SECOND)]
    assert_pairs_are_whole(sent)


async def test_another_program_that_scans_crowds_a_strict_chip(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old identifier is off the air in time all the same; the new one comes with a pause."""
    await host(stage, monkeypatch)
    async with watched() as node:
        await node.radio.advertise(FIRST)
        await stage("stranger", adapter="an/hci0", scans=True)
        wished = asyncio.create_task(node.radio.advertise(SECOND))
        await node.until(lambda: "another program scans" in node.condition.fault)
        assert not node.condition.advertising
        (only,) = await stage.sent("an/hci0")
        assert only.end is not None
        await stage("stranger", adapter="an/hci0", scans=False)
        await wished
        assert node.condition.advertising
        await node.until(lambda: not node.condition.fault)
        assert node.gone is None
        assert_pairs_are_whole(await stage.sent("an/hci0"))


@pytest.mark.slow
async def test_a_program_that_never_stops_scanning_is_switched_off(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a minute without its identifier, then the node switches power off and on, once."""
    await host(stage, monkeypatch)
    async with watched() as node:
        await stage("stranger", adapter="an/hci0", scans=True)
        await node.radio.advertise(FIRST)
        await node.until(lambda: node.condition.advertising)
        await node.until(lambda: not node.condition.fault)
        assert node.condition.repairs == {"adapter switched off and on": 1}
        assert_pairs_are_whole(await stage.sent("an/hci0"))


async def test_none_takes_everything_off(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is registered afterwards, also after closing."""
    await host(stage, monkeypatch)
    async with watched() as node:
        await node.radio.advertise(FIRST)
        await node.radio.advertise(None)
        assert (await stage("state", adapter="an/hci0"))["advertisements"] == 0
        await node.radio.advertise(SECOND)
    assert (await stage("state", adapter="an/hci0"))["advertisements"] == 0
    assert all(each.end is not None for each in await stage.sent("an/hci0"))


@pytest.mark.parametrize("kind", ["legacy", "ext"])
async def test_a_tag_that_the_kernel_would_cut_is_not_sent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """On an adapter for LE alone the identifier goes out, and it is said what to do; once that is
    done and bluetoothd was restarted, the tag goes out too."""
    await host(stage, monkeypatch, hci0=kind, le_only=True)
    async with watched() as node:
        with kernel_tells(monkeypatch, information(0, LE)), caplog.at_level(logging.WARNING):
            for beacon in (FIRST, SECOND):
                await node.radio.advertise(beacon, TAG)
                await node.until(lambda: node.condition.advertising)
                assert not node.condition.announcing
            assert "ControllerMode = dual" in node.condition.detail
            sent = await stage.sent("an/hci0")
        assert [each.payload for each in sent] == [FLAGS + encode(FIRST), FLAGS + encode(SECOND)]
        assert sum("the place's tag" in each.message for each in caplog.records) == 1

        with kernel_tells(monkeypatch, information(0, LE | BR_EDR)):
            await stage("rise", host="an")
            await node.until(lambda: node.condition.announcing)
        assert "NOT" not in node.condition.detail


async def test_without_the_kernel_s_word_the_tag_is_sent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most adapters have BR/EDR, and a sandbox may forbid asking."""
    await host(stage, monkeypatch, hci0="ext")
    with kernel_tells(monkeypatch, refusal(0)):
        async with watched() as node:
            await node.radio.advertise(FIRST, TAG)
            await node.until(lambda: node.condition.announcing)
            sent = await stage.sent("an/hci0")
    assert {each.payload for each in sent} == {encode(FIRST), encode(TAG)}


async def test_it_asks_for_what_phones_do(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Bluetooth 5 and experimental features: 28 bytes every 200 to 270 ms."""
    await host(stage, monkeypatch, hci0="ext", experimental=True)
    async with watched() as node:
        await node.radio.advertise(FIRST)
        await stage.until_sent("an/hci0", lambda sent: sent[0].packets == 6)
    (sent,) = await stage.sent("an/hci0")
    assert sent.payload == encode(FIRST)
    assert len(sent.payload) == 28
    assert sent.end is not None
    assert (sent.end - sent.start) / (sent.packets - 1) >= 0.2
