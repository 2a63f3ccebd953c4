"""Checking in with one's own device, by a clock that may be wrong."""

from datetime import datetime, timedelta

import pytest

from bluezone_node.clock import SimClock
from bluezone_node.crypto.cose import public_bytes
from bluezone_node.errors import BadInput
from bluezone_node.node.checkin import CheckIn
from bluezone_node.node.notices import TRUST
from bluezone_node.venues.passes import Holder
from bluezone_node.venues.text import to_url
from bluezone_node.venues.trust import write_trust_list
from tests.stores import MemoryNodeStore, OnMemory
from tests.venues.places import NOW, ROOT, STRANGER, card_of
from tests.venues.places import TRUST as LISTED

HOST = "q.example.vn"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CODE = to_url(card_of().cose, HOST)


def service(at: datetime) -> CheckIn:
    """Of a device that takes it to be *at*; the trust list was made at the true time."""
    store = MemoryNodeStore()
    store.put_place_file(TRUST, write_trust_list(LISTED, ROOT))
    root = public_bytes(ROOT)
    return CheckIn(SimClock(at), OnMemory(store), root=root, hosts=[HOST], private=False)


@pytest.mark.parametrize("wrong", [timedelta(0), -10 * MINUTE, 10 * MINUTE, -DAY, DAY, -20 * DAY])
async def test_a_clock_that_is_somewhat_wrong_is_no_reason_to_refuse(wrong: timedelta) -> None:
    """The card counts at that time, too."""
    done = await service(NOW + wrong).scan(CODE)
    assert done.visits[-1].visit.came == NOW + wrong


@pytest.mark.parametrize("at", [datetime.fromisoformat("1970-01-01T00:05:00Z"), NOW - 90 * DAY])
async def test_a_clock_that_is_years_behind_is_named(at: datetime) -> None:
    """Not the place, whose code is genuine; a stranger's code is not called so by a right clock."""
    with pytest.raises(BadInput) as refused:
        await service(at).scan(CODE)
    assert refused.value.reason == "clock_behind"
    with pytest.raises(BadInput) as refused:
        await service(NOW).scan(to_url(card_of(key=STRANGER).cose, HOST))
    assert refused.value.reason == "card_unknown_signer"


@pytest.mark.parametrize("at", [NOW - 22 * DAY, NOW + MINUTE])
async def test_what_is_too_long_ago_or_to_come_is_not_entered(at: datetime) -> None:
    """Said of the time, and not of the code."""
    with pytest.raises(BadInput) as refused:
        await service(NOW).scan(CODE, at=at)
    assert refused.value.reason == "visit_times"


async def test_a_code_with_a_name_that_no_kiosk_takes_is_not_made() -> None:
    """Else it would be refused at the door."""
    for holder in (Holder("An", "12"), Holder("", "0912345678"), Holder("A\nB", "0912345678")):
        with pytest.raises(BadInput):
            await service(NOW).show(b"8 bytes!", 1, holder)
