"""A visitor learns that their row of a register was opened, once, and nobody else does."""

import random
from datetime import timedelta

from bluezone_node.alerts import AlertKind
from bluezone_node.clock import SimClock
from bluezone_node.commands.place_wording import explain_opening
from bluezone_node.crypto.cose import public_bytes
from bluezone_node.node.checkin import CheckIn
from bluezone_node.node.notices import DAYS, SOURCE, Notices
from bluezone_node.node.openings import judge_openings
from bluezone_node.node.sync import Sync
from bluezone_node.ports import StoredVisit
from bluezone_node.venues.passes import Holder
from bluezone_node.venues.register import DayKeys, row_id_of, write_day_keys
from bluezone_node.venues.trust import Role, TrustList
from bluezone_node.venues.visits import Seen, arrive, leave
from tests.notices import LATER, Chain
from tests.sources import Told, at_once
from tests.stores import MemoryNodeStore, OnMemory
from tests.venues.places import NOTICES, NOW, ROOT, STRANGER, card_of, trusted

ANH = Holder("Nguyễn Thị Ánh", "0912345678")
NONCE = b"8 bytes!"


class Device:
    """A visitor's device, and an authority's files."""

    def __init__(self) -> None:
        self.clock = SimClock(NOW)
        self.store = MemoryNodeStore()
        self.chain = Chain()
        self.told = Told()
        on_store, root = OnMemory(self.store), public_bytes(ROOT)
        self.checkin = CheckIn(self.clock, on_store, root=root, hosts=[], private=False)
        self.sync = Sync(
            [Notices(self.chain.exports, root, on_store, at_once)],
            clock=self.clock,
            on_store=on_store,
            entropy=random.Random(3).randbytes,
            judges=[judge_openings(root, on_store)],
            notifier=self.told,
            every=14400,
        )

    async def later(self) -> None:
        self.clock.advance((LATER - self.clock.now()).total_seconds())
        await self.sync.once()


async def test_whose_row_was_opened_is_told_once_where_and_when() -> None:
    """By the next bundle; in words in both languages; a second round has no news."""
    device = Device()
    [(_, visit)] = arrive((), Seen(NOW, "Phòng khám Hoa Sen", card_of()))
    ended = leave(visit, NOW + timedelta(hours=1))
    device.store.change_visits(lambda _: [StoredVisit(0, ended)])
    await device.checkin.show(NONCE, 1, ANH)
    device.chain.add(opened=[row_id_of(b"another!")])
    device.chain.add(opened=[row_id_of(NONCE), row_id_of(b"another!")])
    await device.later()
    await device.sync.once()
    (alert,) = device.told.alerts
    assert (alert.kind, alert.start) == (AlertKind.REGISTER, NOW)
    words = "\n".join(line for pair in explain_opening(alert) for line in pair)
    assert "Ngày 23/11/2026 cơ quan y tế đã mở thông tin liên hệ của bạn" in words
    assert "tại Phòng khám Hoa Sen" in words
    assert "mã bạn đưa ở cửa lúc 15:00 ngày 22/11/2026" in words
    assert "opened your contact data at Phòng khám Hoa Sen" in words
    assert "Ánh" not in words


async def test_what_was_told_and_forgotten_is_not_told_again() -> None:
    """Alerts are kept for two weeks, bundles for three."""
    device = Device()
    await device.checkin.show(NONCE, 1, ANH)
    device.chain.add(opened=[row_id_of(NONCE)])
    await device.later()
    device.clock.advance(15 * 86_400)
    device.store.forget(device.clock.now() - timedelta(days=14))
    await device.sync.once()
    assert device.store.alerts() == []
    assert len(device.told.alerts) == 1


async def test_a_private_visit_is_not_named() -> None:
    """Not even while it lasts: the alert would keep its name."""
    device = Device()
    seen = Seen(NOW, "Phòng khám Hoa Sen", card_of(), private=True)
    device.store.change_visits(lambda _: [StoredVisit(0, v) for _, v in arrive((), seen)])
    await device.checkin.show(NONCE, 1, ANH)
    device.chain.add(opened=[row_id_of(NONCE)])
    await device.later()
    (alert,) = device.told.alerts
    assert alert.presence is not None
    assert alert.presence.place == ""


async def test_nobody_else_is_told() -> None:
    """Another's mark, one of an earlier bundle played again, a code without a name: nothing."""
    device = Device()
    await device.checkin.show(NONCE, 1, None)
    device.chain.add(opened=[row_id_of(NONCE)])
    await device.later()
    assert device.told.alerts == []
    assert device.store.shown_passes() == {}


async def test_a_bundle_whose_key_was_revoked_tells_nothing() -> None:
    """What somebody signs with a stolen key is believed by nobody."""
    device = Device()
    await device.checkin.show(NONCE, 1, ANH)
    device.chain.add(opened=[row_id_of(NONCE)])
    await device.later()
    assert len(device.store.alerts()) == 1
    device.chain.trust(TrustList(8, NOW, (trusted(STRANGER, Role.NOTICES),)))
    await device.sync.once()
    assert device.store.alerts() == []


async def test_a_list_of_day_keys_that_is_not_believed_is_not_kept() -> None:
    """The list before stays: who swaps the keys at the server stops no register, and opens none."""
    device = Device()
    device.chain.trust(
        TrustList(8, NOW, (trusted(NOTICES, Role.NOTICES), trusted(STRANGER, Role.REGISTER)))
    )
    good = write_day_keys(DayKeys("VN", NOW, {20_780: bytes(range(32))}), STRANGER)
    device.chain.exports.files[DAYS] = good
    device.chain.add()
    await device.later()
    assert device.store.place_file(DAYS) == good
    device.chain.exports.files[DAYS] = write_day_keys(DayKeys("VN", NOW, {}), NOTICES)
    await device.sync.once()
    assert device.store.place_file(DAYS) == good
    assert device.store.source_state(SOURCE).problem == ""
