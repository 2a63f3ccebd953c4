"""What whoever runs the place sees: how many came and went, hour by hour; never who."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO

from bluezone_node.venues.card import VIETNAM
from bluezone_node.venues.checkins import Checkin
from bluezone_node.venues.opening import Opening
from bluezone_node.web.kiosk.wording import DOUBTS, WAYS

ENDINGS = {
    "scan": "quét khi ra",
    "stay": "hết thời gian ở thường lệ",
    "closing": "đóng cửa",
    "midnight": "hết ngày",
}
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of one day."""

    hour: int
    came: int
    left: int
    """People, not scans."""


def hours_of(entries: Iterable[Checkin], day: datetime) -> list[Hour]:
    """Return the hours of the *day* (its first instant) in which anybody came or left."""
    came, left = [0] * 24, [0] * 24
    for entry in entries:
        for at, counts in ((entry.came, came), (entry.left, left)):
            if at is not None and at.astimezone(VIETNAM).date() == day.astimezone(VIETNAM).date():
                counts[at.astimezone(VIETNAM).hour] += entry.party
    return [Hour(n, came[n], left[n]) for n in range(24) if came[n] or left[n]]


def opening_of(opening: Opening) -> str:
    """Return one opening of the register in words; who signed by the names of their keys."""
    words, day = opening.warrant, "%H:%M %d/%m/%Y"
    start, end = (at.astimezone(VIETNAM).strftime(day) for at in (words.start, words.end))
    return (
        f"{opening.at.astimezone(VIETNAM).strftime(day)}: cơ quan y tế mở {opening.rows} dòng, "
        f"khách vào từ {start} đến {end}. Căn cứ: {words.basis}. "
        f"Hai người ký: {', '.join(opening.signers)}."
    )


def row_of(entry: Checkin) -> list[str]:
    """Return one entry as words: when, how many, by which way, what speaks against it."""
    return [
        _clock(entry.came),
        _clock(entry.left) if entry.left else "",
        ENDINGS.get(entry.ending.value, "") if entry.ending else "đang ở trong",
        str(entry.party),
        WAYS[entry.way].vi,
        ", ".join(DOUBTS[doubt].vi for doubt in entry.doubts),
    ]


def csv_of(entries: Sequence[Checkin]) -> bytes:
    """Return the entries as a table that spreadsheets open as text, with a mark for UTF-8."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["ngày", "vào", "ra", "ra do", "số người", "cách", "lưu ý"])
    for entry in entries:
        day = entry.came.astimezone(VIETNAM).strftime("%d/%m/%Y")
        writer.writerow([defused(cell) for cell in (day, *row_of(entry))])
    return out.getvalue().encode("utf-8-sig")


def defused(cell: str) -> str:
    """Return *cell* so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(_DANGEROUS) else cell


def _clock(at: datetime) -> str:
    return at.astimezone(VIETNAM).strftime("%H:%M")
