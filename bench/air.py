"""How much of a processor a simulated air takes, and how fast time may run.

    python -m bench.air

The ratio is simulated seconds worked out in one CPU second, over the pace asked for: above 1 the
air keeps up at that pace (its clients need processors of their own).
"""

import time

from bluezone_node.ble.ether import Ether, OnAir
from bluezone_node.ble.scenario import parse_scenario

CASES = [
    ("12 devices in one room, pace 1", 12, 0.5, 1.0, 0.05, 60.0),
    ("12 devices in one room, pace 100", 12, 0.5, 100.0, 0.01, 600.0),
    ("12 devices in one room, pace 1 000", 12, 0.5, 1000.0, 0.005, 3600.0),
    ("5 devices in one room, pace 20 000", 5, 0.5, 20_000.0, 0.005, 36_000.0),
    ("5 devices apart, pace 20 000", 5, 5000.0, 20_000.0, 0.005, 2 * 86_400.0),
    ("200 devices in one hall, pace 1", 200, 0.3, 1.0, 0.05, 5.0),
]


def room(devices: int, spacing: float) -> Ether:
    lines = ["start = 2026-03-02T08:00:00Z", "devices = ["]
    for index in range(devices):
        x = index * spacing
        lines.append(
            f'{{ name = "d{index}", body = true, path = [{{ at = "0s", x = {x}, y = 0 }}] }},'
        )
    air = Ether(parse_scenario("\n".join([*lines, "]"])))
    for index in range(devices):
        air.listen(f"d{index}", True, air.now)
        air.put(f"d{index}", [OnAir(bytes(5) + b"\1", bytes(28))], air.now)
    return air


def main() -> None:
    for label, devices, spacing, pace, tick, simulated in CASES:
        air = room(devices, spacing)
        start, packets = air.now, 0
        began = time.process_time()
        while air.now < start + simulated:
            heard = air.advance(air.now + tick * pace)
            packets += sum(batch.at.size for batches in heard.values() for batch in batches)
        cpu = time.process_time() - began
        ratio = simulated / cpu / pace
        print(f"{label:36} {packets / cpu:12,.0f} packets/CPU s   keeps up x {ratio:7.1f}")


if __name__ == "__main__":
    main()
