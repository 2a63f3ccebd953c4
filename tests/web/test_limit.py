"""The limit on attempts per address."""

from bluezone_node.clock import SimClock
from bluezone_node.web.limit import MAX_ADDRESSES, AddressLimit
from tests.authorities import NOW


def test_a_burst_is_allowed_and_then_one_at_a_time() -> None:
    """A minute's worth at once, then one every sixth second; a quiet hour gains no more."""
    clock = SimClock(NOW)
    limit = AddressLimit(clock, 10)
    assert [limit.wait("192.0.2.1") for _ in range(10)] == [0.0] * 10
    assert limit.wait("192.0.2.1") == 6.0
    clock.advance(6)
    assert limit.wait("192.0.2.1") == 0.0
    assert limit.wait("192.0.2.1") > 0
    clock.advance(3600)
    assert sum(limit.wait("192.0.2.1") == 0.0 for _ in range(20)) == 10


def test_addresses_do_not_share() -> None:
    """But all of one IPv6 subscriber's do."""
    limit = AddressLimit(SimClock(NOW), 1)
    assert limit.wait("192.0.2.1") == limit.wait("192.0.2.2") == limit.wait("2001:db8::1") == 0.0
    assert limit.wait("2001:db8::2") > 0
    assert limit.wait("2001:db8:0:1::2") == 0.0
    assert limit.wait("") == 0.0


def test_a_socket_of_both_kinds_makes_no_family_of_all_ipv4() -> None:
    """Written as IPv6, an IPv4 address is the one that it is."""
    limit = AddressLimit(SimClock(NOW), 1)
    assert limit.wait("::ffff:192.0.2.1") == limit.wait("::ffff:192.0.2.2") == 0.0
    assert limit.wait("192.0.2.1") > 0


def test_memory_is_bounded() -> None:
    """The address that was quiet longest is forgotten first."""
    limit = AddressLimit(SimClock(NOW), 1)
    for n in range(MAX_ADDRESSES + 5):
        limit.wait(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
    assert len(limit._buckets) == MAX_ADDRESSES
    assert limit.wait("10.0.0.0") == 0.0
    assert limit.wait(f"10.{MAX_ADDRESSES >> 16}.{MAX_ADDRESSES >> 8 & 255}.0") > 0
