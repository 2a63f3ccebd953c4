"""How many sightings a second go through decode and fold, beside keeping every one of them.

python -m bench.fold

Two hundred neighbours, four packets a second each, five minutes: the crowd of a full hall.
"""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bluezone_node.ble.frame import encode
from bluezone_node.ble.receiver import Receiver
from bluezone_node.proximity.encounters import Fold
from bluezone_node.proximity.model import SCAN_SECONDS, Beacon, Sighting

NEIGHBOURS = 200
PACKETS_A_SECOND = 4 * NEIGHBOURS
MINUTES = 5
START = datetime(2021, 8, 1, 12, tzinfo=UTC)

Item = TypeVar("Item")
Packet = tuple[datetime, int, bytes]


def packets() -> list[Packet]:
    """Return (time, signal strength, advertising payload) of everything on the air."""
    rng = random.Random(2021)
    payloads = [encode(Beacon(rng.randbytes(16), rng.randbytes(4))) for _ in range(NEIGHBOURS)]
    return [
        (
            START + timedelta(seconds=number / PACKETS_A_SECOND),
            rng.randrange(-95, -45),
            rng.choice(payloads),
        )
        for number in range(PACKETS_A_SECOND * 60 * MINUTES)
    ]


def decode_only(heard: list[Packet]) -> list[Sighting]:
    receiver = Receiver()
    taken = (receiver.take(*packet) for packet in heard)
    return [sighting for sighting in taken if sighting]


def decode_and_fold(heard: list[Packet]) -> int:
    """Decode, fold, and close each minute as it ends; return the encounters."""
    receiver, fold = Receiver(), Fold()
    encounters = 0
    minute, end = START, START + timedelta(seconds=SCAN_SECONDS)
    for packet in heard:
        if packet[0] >= end:
            encounters += len(fold.close(minute, SCAN_SECONDS))
            minute, end = end, end + timedelta(seconds=SCAN_SECONDS)
        sighting = receiver.take(*packet)
        if sighting:
            fold.hear(sighting)
    return encounters + len(fold.close(minute, SCAN_SECONDS))


def fold_only(sightings: list[Sighting]) -> None:
    fold = Fold()
    for sighting in sightings:
        fold.hear(sighting)


def rate(work: Callable[[list[Item]], object], heard: list[Item]) -> float:
    """Return items a second of CPU time, the best of three rounds."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        work(heard)
        best = min(best, time.process_time() - began)
    return len(heard) / best


def main() -> None:
    heard = packets()
    kept = rate(decode_only, heard)
    folded = rate(decode_and_fold, heard)
    print(f"decode and keep every sighting  {kept:9,.0f} /s   {len(heard):,} values kept")
    print(f"decode and fold                 {folded:9,.0f} /s   {folded / kept:.2f} x", end="")
    print(f"   {decode_and_fold(heard):,} encounters kept")
    alone = rate(fold_only, decode_only(heard))
    print(f"fold alone                      {1e6 / alone:9.2f} us a sighting")
    print(f"of one core at {PACKETS_A_SECOND} /s           {PACKETS_A_SECOND / folded:9.1%}")


if __name__ == "__main__":
    main()
