"""Whose an address on the network is: nobody has only one, and some have very many."""

from ipaddress import IPv6Address, ip_address


def subscriber(address: str) -> str:
    """Return by what the attempts of *address* are counted.

    One IPv6 subscriber has at least 64 bits of addresses to come from.
    """
    return _network(address, 32, 64)


def site(address: str) -> str:
    """Return the network of *address* that one who pays for it is given: a /48, or an IPv4 /24."""
    return _network(address, 24, 48)


def plain(address: str) -> str:
    """Return *address*, as IPv4 where a socket of both kinds has it as IPv6 (``::ffff:192.0.2.1``).

    Raises:
        ValueError: it is no address.
    """
    parsed = ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or address)


def _network(address: str, four: int, six: int) -> str:
    try:
        parsed = ip_address(plain(address))
    except ValueError:
        return address
    bits = six if isinstance(parsed, IPv6Address) else four
    return f"{parsed.version}:{int(parsed) >> parsed.max_prefixlen - bits}"
