"""How fast advertising payloads are decoded, beside the least that any decoder must do.

python -m bench.frame
"""

import time
from collections.abc import Callable

from bluezone_node.ble.frame import decode, encode
from bluezone_node.ble.receiver import Receiver
from bluezone_node.proximity.model import Beacon

ROUNDS = 100_000
OURS = encode(Beacon(bytes(range(16)), b"\x40\x08\x00\x00"))
WITH_FLAGS = bytes.fromhex("02011a") + OURS
IBEACON = bytes.fromhex("02011a1aff4c000215c7afef7b17884f4aa87d691d53bf21c400140014c5")


def microseconds(work: Callable[[bytes], object], payload: bytes) -> float:
    """Return CPU microseconds a call, the best of five rounds."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(ROUNDS):
            work(payload)
        best = min(best, time.process_time() - began)
    return best / ROUNDS * 1e6


def least(payload: bytes) -> tuple[bytes, bytes]:
    """Find the identifier by a search for its head: no checks, wrong for hostile input."""
    at = payload.index(b"\x16\x6f\xfd") + 3
    return payload[at : at + 16], payload[at + 16 : at + 20]


def main() -> None:
    baseline = microseconds(least, OURS)
    print(f"search for the head only  {baseline:6.2f} us")
    for label, payload in (("GAEN, as Android", OURS), ("GAEN, as iPhone", WITH_FLAGS)):
        taken = microseconds(decode, payload)
        print(f"decode {label:18} {taken:6.2f} us   {taken / baseline:4.1f} x")
    receiver = Receiver()
    taken = microseconds(receiver.frame, IBEACON)
    print(f"refuse and count foreign  {taken:6.2f} us   {taken / baseline:4.1f} x")


if __name__ == "__main__":
    main()
