"""Checking in with one's own device, by a clock that may be wrong."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bluezone_node.clock import SimClock
from bluezone_node.crypto.cose import public_bytes
from bluezone_node.errors import BadInput
from bluezone_node.node.checkin import CheckIn
from bluezone_node.node.notices import TRUST
from bluezone_node.ports import StoredVisit
from bluezone_node.venues.passes import Holder
from bluezone_node.venues.text import to_url
from bluezone_node.venues.trust import write_trust_list
from bluezone_node.venues.visits import OutKind, Visit
from tests.stores import MemoryNodeStore, OnMemory
from tests.venues.foreign import codes
from tests.venues.places import NOW, ROOT, STRANGER, card_of
from tests.venues.places import TRUST as LISTED

HOST = "q.example.vn"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CODE = to_url(card_of().cose, HOST)


def service(
    at: datetime,
    store: MemoryNodeStore | None = None,
    changed_past: Callable[[], object] = lambda: None,
    *,
    private: bool = False,
) -> CheckIn:
    """Of a device that takes it to be *at*; the trust list was made at the true time."""
    store = store or MemoryNodeStore()
    store.put_place_file(TRUST, write_trust_list(LISTED, ROOT))
    return CheckIn(
        SimClock(at),
        OnMemory(store),
        root=public_bytes(ROOT),
        hosts=[HOST],
        private=private,
        changed_past=changed_past,
    )


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


async def test_a_clock_that_is_behind_excuses_no_forgery() -> None:
    """The list is of a later day, and the signature is nobody's all the same."""
    whole = card_of().cose
    forged = to_url(whole[:-1] + bytes([whole[-1] ^ 1]), HOST)
    with pytest.raises(BadInput) as refused:
        await service(NOW - 2 * DAY).scan(forged)
    assert refused.value.reason == "card_forged"


async def test_a_poster_that_nobody_here_can_judge_is_kept_as_a_diary() -> None:
    """England's are signed, and its keys are not known here; a spoilt one is not kept."""
    done = await service(NOW).scan(codes.nhs())
    assert done.foreign is not None
    assert done.foreign.reason == "nhs_unknown_key"
    assert done.visits[-1].visit.label == "The Half Moon"
    with pytest.raises(BadInput):
        await service(NOW).scan(codes.cwa(codes.cwa_payload(bytes(15))))


async def test_a_device_may_keep_all_its_visits_privately() -> None:
    """By its settings, or as its owner says of one; a code with a name is remembered."""
    store = MemoryNodeStore()
    for settings, asked in ((False, False), (True, False), (False, True)):
        device = service(NOW, store, private=settings)
        done = await device.scan(CODE, private=asked)
        assert done.visits[-1].visit.private is (settings or asked)
        await device.forget(None)
    shown = await device.show(b"8 bytes!", 2, None)
    assert (shown.expires, shown.party, store.shown_passes()) == (NOW + 15 * MINUTE, 2, {})
    await device.show(b"8 BYTES!", 1, Holder("Ánh", "0912345678"))
    assert store.shown_passes() == {b"8 BYTES!": NOW}


@pytest.mark.parametrize("at", [NOW - 21 * DAY, NOW + MINUTE])
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


async def test_a_private_visit_loses_its_name_when_it_is_looked_at_after_its_end() -> None:
    """By its usual end, though nobody checked out; it is kept so from then on."""
    store = MemoryNodeStore()
    await service(NOW, store).scan(CODE, private=True)
    assert [entry.visit.label for entry in await service(NOW + MINUTE, store).visits()] == [
        "Chợ Hôm"
    ]
    (shown,) = await service(NOW + 2 * HOUR, store).visits()
    assert (shown.visit.label, shown.visit.card, shown.visit.out) == ("", None, OutKind.STAY)
    assert store.visits() == [shown]


async def test_what_changes_in_the_past_is_judged_again() -> None:
    """A visit that is entered afterwards or corrected; not one of now."""
    store, again = MemoryNodeStore(), []
    device = service(NOW, store, lambda: again.append("judged"))
    await device.scan(CODE)
    assert again == []
    await device.scan(CODE, at=NOW - 5 * HOUR)
    assert len(again) == 1
    first = (await device.visits())[0]
    changed = await device.edit(first.id, first.visit.came - MINUTE, NOW - 4 * HOUR - MINUTE)
    assert len(again) == 2
    assert (changed.visit.came, changed.visit.left) == (
        first.visit.came - MINUTE,
        NOW - 4 * HOUR - MINUTE,
    )
    (_, lasting) = await device.visits()
    ended = await service(NOW + MINUTE, store).edit(lasting.id, None, None)
    assert (ended.visit.left, ended.visit.out) == (NOW + MINUTE, OutKind.EDITED)


async def test_of_what_lasts_the_newest_is_left_and_else_the_last_guess() -> None:
    """Who says that they leave means where they are; nobody leaves twice."""
    store = MemoryNodeStore()
    with pytest.raises(BadInput, match="not checked in"):
        await service(NOW, store).leave()
    await service(NOW, store).scan(CODE)
    left = await service(NOW + 3 * HOUR, store).leave()
    assert (left.visit.left, left.visit.out) == (NOW + 3 * HOUR, OutKind.SCAN)
    with pytest.raises(BadInput, match="not checked in"):
        await service(NOW + 4 * HOUR, store).leave()
    lasts = Visit(NOW - HOUR, NOW + 4 * HOUR, "Nhà nghỉ")
    store.change_visits(lambda _: [StoredVisit(0, lasts)])
    assert (await service(NOW + 4 * HOUR, store).leave()).visit.label == "Nhà nghỉ"


async def test_visits_that_there_are_not_are_named() -> None:
    """Neither corrected nor forgotten, and nothing else is."""
    store = MemoryNodeStore()
    device = service(NOW + HOUR / 2, store)
    await service(NOW, store).scan(CODE)
    (kept,) = store.visits()
    for wrong in (device.edit(9, NOW, None), device.forget([kept.id, 9])):
        with pytest.raises(BadInput, match="no visit 9"):
            await wrong
    assert store.visits() == [kept]
    assert await device.forget(None) == 1
