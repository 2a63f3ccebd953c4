"""Whether a reading of the wall clock can be believed."""

from datetime import UTC, date, datetime, timedelta

from bluezone_node.intervals import interval_start, midnight
from bluezone_node.ports import NodeStore, Voucher

A_STEP = timedelta(minutes=1)
"""A clock may stand this much before the log's last minute, which was named by its beginning."""

_EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
_MINUTE = "%Y-%m-%d %H:%M"


def objection(wall: datetime, voucher: Voucher, released: date, newest: datetime | None) -> str:
    """Return why *wall* is not to be believed, in words; empty where it is.

    *released*: the day before which this program did not exist.  *newest*: the last thing in the
    node's own log.  The network outranks the log, so that a log once written ahead of its time
    (a real-time clock in local time) cannot hold a node up for ever.
    """
    if voucher is Voucher.SIMULATION:
        return ""
    if wall < midnight(released):
        return f"the clock says {wall:%Y-%m-%d}, and this version was not made before {released}"
    if voucher is Voucher.NOBODY:
        return "nothing vouches for the clock"
    if voucher is not Voucher.NETWORK and newest is not None and wall < newest - A_STEP:
        return f"the clock says {wall:{_MINUTE}} UTC, and the log goes on to {newest:{_MINUTE}}"
    return ""


def newest_entry(store: NodeStore) -> datetime | None:
    """Return the last minute that was logged or the day of the last own key, if there is any."""
    scans = [scan.start for scan in store.scans(*_EVER)[-1:]]
    keys = [interval_start(key.rolling_start) for key in store.own_keys()]
    return max(scans + keys, default=None)
