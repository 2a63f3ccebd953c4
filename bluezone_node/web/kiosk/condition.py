"""How the kiosk is, in words for whoever stands beside it: its status line."""

from dataclasses import dataclass
from datetime import datetime

from bluezone_node.web.kiosk.wording import OBJECTIONS, Words


@dataclass(frozen=True, slots=True)
class Condition:
    """What is known of the parts around the page; looked at every few seconds."""

    daemon: bool = False
    """Whether the node runs beside it: Bluetooth, and what is downloaded."""
    silent: bool = False
    """Whether that node cannot put the place's tag on the air."""
    clock_known: bool = True
    synced: datetime | None = None
    """When what the authority publishes was downloaded last."""
    unwritten: bool = False
    """Whether the last entry could not be written."""
    card_days: int = 365
    """Until the place's card ends."""
    objection: str = ""
    """The reason for which visitors' devices refuse the place's card; empty: they take it."""
    register_days: int | None = None
    """For which names can still be sealed; None: no register is kept."""


def status_of(condition: Condition, now: datetime) -> list[tuple[bool, Words]]:
    """Return the parts of the status line: whether each is well, and what it says."""
    parts = []
    if condition.unwritten:
        said = Words("Thẻ nhớ đầy hoặc hỏng: không ghi được", "Memory card full or damaged")
        parts.append((False, said))
    if condition.objection:
        parts.append((False, OBJECTIONS[condition.objection]))
    elif condition.card_days <= 7:
        said = Words(
            f"Mã địa điểm còn {condition.card_days} ngày",
            f"The place's card ends in {condition.card_days} days",
        )
        parts.append((False, said))
    if condition.register_days == 0:
        said = Words("Chưa ghi tên được: cần nối mạng", "Names cannot be taken: connect it")
        parts.append((False, said))
    elif condition.register_days is not None and condition.register_days <= 7:
        said = Words(
            f"Còn ghi tên được {condition.register_days} ngày: cần nối mạng",
            f"Names can be taken for {condition.register_days} days: connect it",
        )
        parts.append((False, said))
    if not condition.clock_known:
        parts.append((False, Words("Chưa chắc giờ của máy", "The clock is unsure")))
    if condition.daemon and condition.silent and not condition.objection:
        said = Words("Bluetooth không phát mã địa điểm", "Bluetooth does not send the place's tag")
        parts.append((False, said))
    elif condition.daemon:
        parts.append((True, Words("Bluetooth chạy", "Bluetooth runs")))
    else:
        parts.append((False, Words("Bluetooth không chạy", "Bluetooth is not running")))
    parts.append(_synced(condition.synced, now))
    return parts


def _synced(at: datetime | None, now: datetime) -> tuple[bool, Words]:
    if at is None:
        return False, Words("Chưa đồng bộ lần nào", "Never synced")
    hours = int((now - at).total_seconds() // 3600)
    if hours < 1:
        return True, Words("Vừa đồng bộ", "Synced just now")
    if hours < 24:
        return True, Words(f"Đồng bộ {hours} giờ trước", f"Synced {hours} h ago")
    return False, Words(
        f"Không có mạng {hours // 24} ngày; vẫn ghi nhận",
        f"No network for {hours // 24} days; entering goes on",
    )
