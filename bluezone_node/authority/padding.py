"""Random filling for answers, so that their length tells an eavesdropper nothing.

Google's servers add 1024 bytes and up to 1023 more, whether the answer is good or bad.
"""

from base64 import b64encode

from bluezone_node.ports import Entropy

LEAST_BYTES = 1024
SPREAD_BYTES = 1024
"""A power of two, so that the remainder of a random number is uniform."""


def padding(entropy: Entropy) -> str:
    """Return base64 of 1024 to 2047 random bytes."""
    return b64encode(entropy(LEAST_BYTES + int.from_bytes(entropy(2)) % SPREAD_BYTES)).decode()
