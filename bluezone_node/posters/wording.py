"""What posters and slips say, Vietnamese first: all of their sentences, and nothing else."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bluezone_node.venues.card import Card, CardFlag
from bluezone_node.venues.kinds import RULES
from bluezone_node.venues.text import Direction


@dataclass(frozen=True, slots=True)
class Said:
    """One thing, in two languages."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Wording:
    """What is said on a poster of one direction."""

    word: str
    """Read from across the street."""
    task: Said
    steps: tuple[Said, Said, Said]
    """With a telephone; at a kiosk; with neither."""
    heads: tuple[str, str, str]


_HEADS = ("Có điện thoại", "Có máy ở cửa", "Không điện thoại")
_ARRIVING = (
    Said("Mở máy ảnh hoặc ứng dụng, hướng vào mã.", "Phone: point its camera or the app at it."),
    Said("Đưa mã của bạn hoặc chạm thiết bị đeo.", "Kiosk: show your code or tap your wearable."),
    Said("Đọc mã dưới đây cho nhân viên, nhận phiếu.", "No phone: tell staff the code below."),
)
_LEAVING = (
    Said("Mở máy ảnh hoặc ứng dụng, hướng vào mã.", "Phone: point its camera or the app at it."),
    Said("Đưa mã hoặc chạm thiết bị lần nữa.", "Kiosk: show your code or tap once more."),
    Said("Không sao: lượt đến sẽ tự kết thúc.", "Forgot? The visit ends by itself."),
)

_WORDINGS: dict[Direction | None, Wording] = {
    "in": Wording("VÀO", Said("Quét mã khi đến", "IN · Scan on arrival"), _ARRIVING, _HEADS),
    "out": Wording(
        "RA",
        Said("Quét mã khi về", "OUT · Scan on leaving"),
        _LEAVING,
        ("Có điện thoại", "Có máy ở cửa", "Quên quét?"),
    ),
    None: Wording("QUÉT", Said("Quét mã khi đến", "Scan on arrival"), _ARRIVING, _HEADS),
}

CODE = Said("Mã đọc", "Spoken code")
SAME_CODE = Said(
    "Ứng dụng phải hiện đúng sáu ký tự này.", "The app must show these same six characters."
)
PASTED = Said("Thấy dán đè, hãy báo nhân viên.", "Pasted over? Tell the staff.")
ON_DEVICE = Said("Lượt đến chỉ lưu trên máy của bạn.", "Your visit stays on your own device.")
REGISTERED = Said(
    "Nơi này giữ liên hệ 21 ngày, niêm phong.", "Contacts are kept, sealed, for 21 days."
)
POSTER_TITLE = "Mã QR điểm đến / Check-in poster"
NOT_PRINTED = Said(
    "Chưa in được: tên có chữ mà phông chữ của máy chủ không có. Mã đọc của các nơi này:",
    "Not printed: names with letters that the server's font cannot set. Their spoken codes:",
)
SLIP_TITLE = "PHIẾU ĐẾN / Visit slip"

PLACE_CODE = Said("Mã nơi này", "Code of this place")
LEAVING = "Khi ra về"
LEAVE = Said("Quét mã này hoặc đọc sáu ký tự.", "Leaving: scan this, or say the six characters.")
KEEP = Said("Giữ phiếu này 21 ngày.", "Keep this slip for 21 days.")
IF_NOTICE = Said(
    "Người thân có ứng dụng quét mã này để nhận cảnh báo thay bạn; hoặc khi có thông báo dịch,"
    " đọc mã và giờ cho trạm y tế.",
    "Somebody with the app may scan it and be warned for you. If an outbreak is announced, tell a"
    " health station the code and the time.",
)


def wording(card: Card, direction: Direction | None) -> Wording:
    """Return what the poster of *card* says; one of staff says whom it is for."""
    said = _WORDINGS[direction]
    if CardFlag.STAFF_CODE not in card.flags:
        return said
    english = {"in": "IN · Staff only", "out": "OUT · Staff only", None: "Staff only"}[direction]
    word = said.word if direction else "NHÂN VIÊN"
    return Wording(word, Said("Chỉ dành cho nhân viên", english), said.steps, said.heads)


def trust(host: str) -> Said:
    """Return whom to believe: what is pasted over a code leads elsewhere."""
    return Said(f"Chỉ tin mã có tên miền {host}.", f"Only trust codes that open {host}.")


def kept(card: Card) -> Said:
    """Return where visits are kept."""
    return REGISTERED if CardFlag.REGISTER_REQUIRED in card.flags else ON_DEVICE


def kind(card: Card) -> str:
    """Return what kind of place it is, and when it is open."""
    rule = RULES[card.kind]
    said = f"{rule.name_vi} / {rule.name_en}"
    if card.hours:
        opens, closes = (f"{minutes // 60:02}:{minutes % 60:02}" for minutes in card.hours)
        said += f" · {opens}–{closes}"
    return said


def where(card: Card, commune: str) -> str:
    """Return the address with the commune, by its number where its name is not known."""
    named = commune or f"mã xã/phường {card.commune:05}"
    return f"{card.address}, {named}" if card.address else named[0].upper() + named[1:]


def valid(card: Card) -> Said:
    """Return the first and the last day of the card."""
    first, last = (_written(day_of(day)) for day in (card.from_day, card.to_day - 1))
    return Said(f"Hiệu lực {first} – {last}", f"Valid {first} – {last}")


def day_of(number: int) -> date:
    """Return the date of a card's day."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=number)).date()


def spoken(code: str) -> str:
    """Return the six characters as they are said: three and three."""
    return f"{code[:3]} {code[3:]}"


def _written(day: date) -> str:
    return day.strftime("%d/%m/%Y")
