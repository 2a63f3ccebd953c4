"""What arrives on a simulated air, without sockets or clocks."""

import numpy as np
import pytest

from bluezone_node.ble.ether import Batch, Ether, OnAir, Transmission
from bluezone_node.ble.scenario import parse_scenario

START = 1_772_438_400.0  # 2026-03-02T08:00:00Z
BEACON = OnAir(b"\x01" * 6, b"beacon")
OTHER = OnAir(b"\x02" * 6, b"other")


def ether(devices: str, rest: str = "") -> tuple[Ether, list[Transmission]]:
    """Return an air of *devices* (lines of a TOML array) with everyone listening."""
    text = f"start = 2026-03-02T08:00:00Z\nseed = 5\ndevices = [{devices}]\n{rest}"
    scenario = parse_scenario(text)
    ended: list[Transmission] = []
    air = Ether(scenario, ended.append)
    for device in scenario.devices:
        air.listen(device.name, listening=True, at=START)
    return air, ended


def at(name: str, x: float, more: str = "") -> str:
    return f'{{ name = "{name}", path = [{{ at = "0s", x = {x}, y = 0 }}]{more} }},'


PAIR = at("an", 0) + at("binh", 1)


def packets(batches: list[Batch]) -> int:
    return sum(batch.at.size for batch in batches)


def test_a_neighbour_is_heard_at_the_advertised_rate() -> None:
    """One event each 275 ms on average, less 2 % loss: 3.56 packets a second."""
    air, _ = ether(PAIR)
    air.put("an", [BEACON], START)
    heard = air.advance(START + 600)
    assert list(heard) == ["binh"]
    assert packets(heard["binh"]) / 600 == pytest.approx(0.98 / 0.275, rel=0.03)


def test_strength_is_that_of_the_place() -> None:
    """Mean and spread of a static link are path loss, its shadow, and fading."""
    air, _ = ether(PAIR, "[air]\nshadowing_sd = 0\nfading_sd = 4\n")
    air.put("an", [BEACON], START)
    rssi = np.concatenate([b.rssi for b in air.advance(START + 1200)["binh"]])
    assert rssi.mean() == pytest.approx(-49.7, abs=0.3)
    assert rssi.std() == pytest.approx(4.0, rel=0.1)


def test_the_same_scenario_gives_the_same_packets() -> None:
    """Everything random is drawn by seed."""
    runs = []
    for _ in range(2):
        air, _ = ether(PAIR)
        air.put("an", [BEACON], START)
        runs.append(air.advance(START + 100)["binh"])
    for one, other in zip(*runs, strict=True):
        assert (one.at == other.at).all()
        assert (one.rssi == other.rssi).all()


def test_packets_ascend_in_time_and_are_never_before_or_after_their_stretch() -> None:
    """Times lie between what was asked for before and now, in order, however the calls fall."""
    air, _ = ether(PAIR)
    air.put("an", [BEACON], START)
    last, now = START, START
    for step in (0.01, 5.0, 0.3, 61.0, 7.7, 400.0):
        now += step
        for batch in air.advance(now).get("binh", []):
            assert (np.diff(batch.at) > 0).all()
            assert last <= batch.at[0]
            assert batch.at[-1] < now
            last = batch.at[-1]


def test_only_what_is_on_the_air_is_heard() -> None:
    """A change takes effect at its instant: nothing old after it, nothing new before."""
    air, ended = ether(PAIR)
    air.put("an", [BEACON], START)
    air.put("an", [OTHER], START + 30)
    air.put("an", [], START + 60)
    batches = air.advance(START + 90)["binh"]
    old = np.concatenate([b.at for b in batches if b.payload == BEACON.payload])
    new = np.concatenate([b.at for b in batches if b.payload == OTHER.payload])
    assert START <= old[0] < old[-1] < START + 30 <= new[0] < new[-1] < START + 60
    assert [(t.on_air, t.start - START, t.end - START) for t in ended] == [
        (BEACON, 0, 30),
        (OTHER, 30, 60),
    ]
    assert all(t.pdus == pytest.approx(30 / 0.275, rel=0.1) for t in ended)


def test_who_does_not_listen_hears_nothing() -> None:
    """A device whose receiver is off has no part in it, and nobody hears itself."""
    air, _ = ether(PAIR)
    air.listen("binh", listening=False, at=START)
    air.put("an", [BEACON], START)
    assert air.advance(START + 600) == {}


def test_a_duty_cycle_hears_its_share() -> None:
    """Four seconds in each 150 are 2.7 % of the packets, all within the windows."""
    scan = ', scan = { window = "4s", period = "150s" }'
    air, _ = ether(at("an", 0) + at("binh", 1, scan))
    air.put("an", [BEACON], START)
    heard = air.advance(START + 15_000)["binh"]
    assert packets(heard) / (15_000 * 0.98 / 0.275) == pytest.approx(4 / 150, rel=0.1)
    assert all(air.duty("binh").listening(batch.at).all() for batch in heard)


def test_devices_apart_cost_nothing() -> None:
    """Out of reach not even the sending is worked out, for a simulated year."""
    air, ended = ether(at("an", 0) + at("binh", 5000))
    air.put("an", [BEACON], START)
    assert air.advance(START + 365 * 86400) == {}
    air.close()
    assert [t.pdus for t in ended] == [0]


def test_a_passer_by_is_heard_while_passing() -> None:
    """A walk past is heard from one end of the reach to the other, loudest when nearest."""
    ends = '{ at = "0s", x = -2000, y = 5 }, { at = "40m", x = 2000, y = 5 }'
    walk = f'{{ name = "chi", path = [{ends}] }}'
    air, _ = ether(at("an", 0) + walk)
    air.put("chi", [BEACON], START)
    heard = air.advance(START + 2400)["an"]
    times = np.concatenate([b.at for b in heard]) - START
    rssi = np.concatenate([b.rssi for b in heard])
    assert 900 < times[0] < times[-1] < 1500
    nearest = rssi[abs(times - 1200) < 10].mean()
    assert nearest > rssi[abs(times - 1200) > 40].mean() + 10


def test_bodies_turn_and_weaken() -> None:
    """With worn devices, levels are lower on average and change from minute to minute."""
    quiet = "[air]\nshadowing_sd = 0\nfading_sd = 0\n"
    worn = ", body = true"
    air, _ = ether(at("an", 0, worn) + at("binh", 1, worn), quiet)
    air.put("an", [BEACON], START)
    minutes = [
        set(np.concatenate([b.rssi for b in air.advance(START + 60 * (i + 1))["binh"]]).tolist())
        for i in range(60)
    ]
    assert all(len(levels) == 1 for levels in minutes)
    seen = [levels.pop() for levels in minutes]
    assert -76 <= min(seen) < max(seen) <= -49
    assert len(set(seen)) > 10


def test_a_crowd_costs_packets() -> None:
    """With sixty advertisers about one packet in seven is lost to a collision."""
    devices = "".join(at(f"d{i}", i / 60) for i in range(60))
    air, _ = ether(devices, "[air]\nfading_sd = 0\nshadowing_sd = 0\n")
    for i in range(60):
        air.put(f"d{i}", [OnAir(BEACON.address, bytes([i]))], START)
    heard = air.advance(START + 60)["d0"]
    rate = packets(heard) / 59 / 60
    assert rate == pytest.approx(0.98 / 0.275 * np.exp(-2 * 58 / 0.275 * 352e-6), rel=0.03)


def test_noise_is_on_the_air_from_the_start() -> None:
    """Things that are not ours send all the time, under an address that does not rotate."""
    noise = '[[noise]]\nname = "headphones"\npath = [{ at = "0s", x = 3, y = 0 }]\n'
    air, ended = ether(at("an", 0), noise)
    heard = air.advance(START + 60)["an"]
    assert packets(heard) > 150
    air.close()
    assert [(t.device, t.on_air.address[0] >> 6) for t in ended] == [("headphones", 3)]
