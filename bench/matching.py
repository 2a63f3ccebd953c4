"""How fast published keys are matched against a log, beside the plain way and beside AES alone.

python -m bench.matching

Everything on one core and in CPU time, which is also what ``openssl speed`` counts.  Rounds
alternate, and the best of each is taken: a shared machine changes its pace by the second.
"""

import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.keys import TemporaryExposureKey, rolling_proximity_identifier_key
from bluezone_node.crypto.signing import PublicKey, load_public_key, public_pem
from bluezone_node.export.container import ExportHeader, open_verified, write_export
from bluezone_node.export.signature import SignedBy, Signer
from bluezone_node.proximity.matching import HeardIndex, match_batches
from bluezone_node.proximity.model import DiagnosisKey, HeardIdentifier

DAY = 2642976
DAYS = 14
KEYS = 50_000
BATCH = 2_000
NAIVE_KEYS = 300
ROUNDS = 5
PLANTED = 20

chance = random.Random(2021)


def keys_of(count: int) -> list[DiagnosisKey]:
    """Random keys of two weeks."""
    return [
        DiagnosisKey(chance.randbytes(16), DAY + 144 * chance.randrange(DAYS), 144)
        for _ in range(count)
    ]


def log_of(count: int, keys: Sequence[DiagnosisKey]) -> Iterator[HeardIdentifier]:
    """Identifiers heard at any hour of two weeks; one identifier of each of *keys* among them."""
    for _ in range(count - len(keys)):
        first = DAY * 600 + chance.randrange(DAYS * 86_400)
        yield HeardIdentifier(chance.randbytes(16), first, first + chance.randrange(900))
    for key in keys:
        j = chance.randrange(144)
        own = all_identifiers(TemporaryExposureKey(key.key, key.rolling_start))
        first = (key.rolling_start + j) * 600
        yield HeardIdentifier(own[j], first, first + 600)


def naive(heard: set[bytes], keys: Sequence[DiagnosisKey]) -> list[DiagnosisKey]:
    """The plain way: one cipher object for each identifier, and a set."""
    found = []
    for key in keys:
        rpik = rolling_proximity_identifier_key(key.key)
        for interval in range(key.rolling_start, key.rolling_end):
            block = b"EN-RPI" + bytes(6) + interval.to_bytes(4, "little")
            if Cipher(AES(rpik), ECB()).encryptor().update(block) in heard:
                found.append(key)
                break
    return found


def bulk(index: HeardIndex, keys: Sequence[DiagnosisKey]) -> list[DiagnosisKey]:
    batches = (keys[at : at + BATCH] for at in range(0, len(keys), BATCH))
    return [one.key for one in match_batches(index, batches)]


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def openssl_keys_a_second() -> float:
    """AES alone, without deriving or comparing: the bytes of 144 identifiers a key."""
    told = subprocess.run(
        ["openssl", "speed", "-seconds", "1", "-evp", "aes-128-ecb", "-bytes", "2304"],
        capture_output=True,
        text=True,
        check=True,
    )
    figure = re.search(r"AES-128-ECB\s+([\d.]+)k", told.stdout)
    if figure is None:
        raise SystemExit(f"openssl speed said something else:\n{told.stdout}")
    return float(figure[1]) * 1000 / 2304


def main() -> None:
    keys = keys_of(KEYS)
    planted = keys[:: KEYS // PLANTED]
    logs = {count: list(log_of(count, planted)) for count in (10_000, 200_000)}
    indexes = {count: HeardIndex(log) for count, log in logs.items()}
    heard = {one.identifier for one in logs[10_000]}

    if naive(heard, planted) != planted:
        raise SystemExit("the plain way did not find the planted keys")
    for index in indexes.values():
        if bulk(index, keys) != planted:
            raise SystemExit("matching did not find exactly the planted keys")

    plain = limit = 0.0
    rates = dict.fromkeys(indexes, 0.0)
    for _ in range(ROUNDS):
        limit = max(limit, openssl_keys_a_second())
        plain = max(plain, NAIVE_KEYS / seconds(lambda: naive(heard, keys[:NAIVE_KEYS])))
        for count, index in indexes.items():
            spent = min(seconds(lambda index=index: bulk(index, keys)) for _ in range(3))
            rates[count] = max(rates[count], KEYS / spent)

    print(f"plain way               {plain:12,.0f} keys/s")
    print(f"openssl, AES alone      {limit:12,.0f} keys/s")
    for count, rate in rates.items():
        print(
            f"{count:7,} heard           {rate:12,.0f} keys/s  {1e6 / rate:.2f} us a key  "
            f"{rate / plain:.0f} x plain  {rate / limit:.1%} of openssl"
        )
    from_export(indexes[200_000], keys, len(planted))


def found_in(data: bytes, public_key: PublicKey, index: HeardIndex) -> int:
    export = open_verified(data, [public_key])
    return sum(1 for _ in match_batches(index, export.key_batches()))


def from_export(index: HeardIndex, keys: Sequence[DiagnosisKey], planted: int) -> None:
    """Unzip, verify, parse and match a signed export; then one of ten times as many keys."""
    private = generate_private_key(SECP256R1())
    signer = Signer(private, SignedBy("452", "v1"))
    header = ExportHeader(DAY * 600, (DAY + 144 * DAYS) * 600, "VN")
    small = write_export(keys, [], header, [signer])
    large = write_export([*keys, *keys_of(9 * KEYS)], [], header, [signer])

    if found_in(small, private.public_key(), index) != planted:
        raise SystemExit("matching an export did not find exactly the planted keys")
    spent = min(seconds(lambda: found_in(small, private.public_key(), index)) for _ in range(3))
    print(f"from a signed export    {len(keys) / spent:12,.0f} keys/s  all in")

    with TemporaryDirectory() as folder:
        for name, data in (("small", small), ("large", large)):
            path = Path(folder, name)
            path.write_bytes(data)
            # A process of its own each: a peak is never forgotten, and making the file had one.
            pem = public_pem(private.public_key()).decode()
            told = subprocess.run(
                [sys.executable, "-m", "bench.matching", str(path), pem],
                capture_output=True,
                text=True,
                check=True,
            )
            peak = int(told.stdout) / 1024
            print(f"peak memory  {len(data) / 2**20:5.1f} MiB zip     {peak:12.1f} MiB")


def memory(path: str, pem: str) -> None:
    """Print the peak memory (kB) of a process that matches one file against 10,000 heard."""
    found_in(Path(path).read_bytes(), load_public_key(pem), HeardIndex(log_of(10_000, [])))
    status = Path("/proc/self/status").read_text()  # getrusage would tell the parent's peak
    print(status.split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    memory(*sys.argv[1:]) if len(sys.argv) == 3 else main()
