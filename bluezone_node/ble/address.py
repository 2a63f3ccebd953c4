"""The random address that a beacon travels under."""

from bluezone_node.ports import Entropy

ADDRESS_BYTES = 6
_KIND = 0xC0
"""The two most significant bits tell the kind; 00 is *non-resolvable private*."""


def non_resolvable(entropy: Entropy) -> bytes:
    """Return a fresh non-resolvable private address, most significant byte first.

    Bluetooth Core Specification, Vol 6 Part B §1.3.2.2: two zero bits, then 46 random ones that
    are neither all 0 nor all 1.
    """
    while True:
        drawn = entropy(ADDRESS_BYTES)
        address = bytes([drawn[0] & ~_KIND]) + drawn[1:]
        if is_non_resolvable(address):
            return address


def is_non_resolvable(address: bytes) -> bool:
    """Tell whether *address* is one that GAEN allows."""
    return (
        len(address) == ADDRESS_BYTES
        and address[0] & _KIND == 0
        and address not in (bytes(ADDRESS_BYTES), b"\x3f" + b"\xff" * (ADDRESS_BYTES - 1))
    )
