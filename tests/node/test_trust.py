"""Whether a reading of the wall clock can be believed."""

import random
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.intervals import interval_at, midnight
from bluezone_node.node.keyring import key_for
from bluezone_node.node.trust import A_STEP, newest_entry, objection
from bluezone_node.ports import Voucher
from bluezone_node.proximity.model import Scan
from tests.stores import MemoryNodeStore

RELEASED = date(2026, 2, 1)
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

instants = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
vouchers = st.sampled_from([voucher for voucher in Voucher if voucher is not Voucher.SIMULATION])


@given(instants, vouchers, st.none() | instants)
def test_a_clock_is_believed_only_where_someone_vouches_and_never_before_the_release(
    wall: datetime, voucher: Voucher, newest: datetime | None
) -> None:
    """Whatever the log says."""
    if not objection(wall, voucher, RELEASED, newest):
        assert voucher is not Voucher.NOBODY
        assert wall >= midnight(RELEASED)
        assert newest is None or voucher is Voucher.NETWORK or wall >= newest - A_STEP


@given(instants, st.sampled_from([Voucher.OWNER, Voucher.HARDWARE, Voucher.NETWORK]))
def test_time_only_gets_easier_to_believe(wall: datetime, voucher: Voucher) -> None:
    """A clock that runs on is still believed a minute or a year later."""
    if not objection(wall, voucher, RELEASED, NOW):
        for later in (timedelta(minutes=1), timedelta(days=365)):
            assert not objection(wall + later, voucher, RELEASED, NOW)


def test_simulated_time_is_believed_whenever_it_plays() -> None:
    """An air may be opened in any year, and again on the same day."""
    assert not objection(datetime(2021, 5, 1, tzinfo=UTC), Voucher.SIMULATION, RELEASED, NOW)


def test_a_reason_names_both_times() -> None:
    """A person can see which of the two is wrong."""
    behind = objection(NOW, Voucher.HARDWARE, RELEASED, NOW + timedelta(days=1))

    assert "2026-03-02 08:00" in behind
    assert "2026-03-03 08:00" in behind


def test_the_newest_entry_is_a_minute_or_the_day_of_a_key() -> None:
    """Both show that the clock once stood there."""
    store = MemoryNodeStore()
    assert newest_entry(store) is None
    store.log([], [Scan(NOW - timedelta(minutes=minutes), 60, 60.0, 0, 0) for minutes in (9, 1, 5)])
    assert newest_entry(store) == NOW - timedelta(minutes=1)
    tomorrow = NOW + timedelta(days=1)
    key_for(store, interval_at(tomorrow), random.Random(1).randbytes)
    assert newest_entry(store) == midnight(tomorrow.date())
