"""How fast an export is verified and read, and in how much memory.

``python -m bench.export``: keys per second of processor time through verification and reading,
as a ratio to the one part nobody can leave out (unpacking and hashing the same file), and the peak
of memory with 20 000 and with 200 000 keys.
"""

import random
import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from time import process_time

from bluezone_node.crypto.signing import generate_private_key
from bluezone_node.export.archive import open_contents
from bluezone_node.export.container import ExportHeader, open_verified, write_export
from bluezone_node.export.signature import SignatureState, SignedBy, Signer
from bluezone_node.proximity.model import DiagnosisKey, ReportType

FEW, MANY = 20_000, 200_000
START = 2_650_032
SIGNER = Signer(generate_private_key(bytes(range(48))), SignedBy("452", "v1"))
PUBLIC = [SIGNER.private_key.public_key()]


def made_up_export(count: int) -> bytes:
    """A file of *count* keys over two weeks, a tenth of them revised."""
    chance = random.Random(count)
    keys = [
        DiagnosisKey(
            chance.randbytes(16),
            START - 144 * chance.randrange(14),
            144,
            ReportType.CONFIRMED_TEST,
            2,
            chance.randrange(-3, 11),
        )
        for _ in range(count)
    ]
    header = ExportHeader(START * 600, START * 600 + 86_400, "VN")
    return write_export(keys, keys[: count // 10], header, [SIGNER])


def verify(data: bytes) -> None:
    assert open_verified(data, PUBLIC).signature is SignatureState.VERIFIED


def verify_and_read(data: bytes) -> None:
    export = open_verified(data, PUBLIC)
    assert export.signature is SignatureState.VERIFIED
    for batches in (export.key_batches(), export.revised_key_batches()):
        for _ in batches:
            pass


def unpack_and_hash(data: bytes) -> None:
    digest = sha256()
    for block in open_contents(data).blocks():
        digest.update(block)


def seconds(work: Callable[[bytes], None], data: bytes) -> float:
    """Return the processor time of the best of three runs."""
    best = float("inf")
    for _ in range(3):
        began = process_time()
        work(data)
        best = min(best, process_time() - began)
    return best


def peak_bytes(data: bytes) -> int:
    """Return the most that verifying and reading holds at once, beside the file itself."""
    tracemalloc.start()
    try:
        verify_and_read(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def main() -> None:
    few, many = made_up_export(FEW), made_up_export(MANY)
    keys = MANY + MANY // 10
    whole, first, floor = (
        seconds(work, many) for work in (verify_and_read, verify, unpack_and_hash)
    )
    print(f"file: {MANY} keys and {MANY // 10} revised, {len(many) / keys:.1f} bytes a key zipped")
    print(f"verify: {keys / first:,.0f} keys/s ({first / keys * 1e6:.2f} µs a key)")
    print(f"verify and read: {keys / whole:,.0f} keys/s ({whole / keys * 1e6:.2f} µs a key)")
    print(f"ratio to unpacking and hashing alone: {whole / floor:.1f}")
    small, large = peak_bytes(few), peak_bytes(many)
    print(
        f"peak memory: {small / 1e6:.2f} MB with {FEW} keys, {large / 1e6:.2f} MB with {MANY}:"
        f" ratio {large / small:.2f}"
    )


if __name__ == "__main__":
    main()
