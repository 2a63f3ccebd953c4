"""What the kiosk says, in Vietnamese and English at once: whoever stands before it reads one.

A refusal is named by its reason; what no list foresaw says in Vietnamese that it cannot be read,
and in English what the program says.
"""

from dataclasses import dataclass

from bluezone_node.errors import BluezoneError, DatabaseUnusable, Refused
from bluezone_node.node.kiosk.ledger import Entered, Movement
from bluezone_node.venues.checkins import Doubt, Way


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence, twice."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What the large field shows, and the tone that goes with it."""

    colour: str
    """``green``, ``amber`` or ``red``: also the class of the style sheet and the tone."""
    sign: str
    """``in``, ``out``, ``same``, ``care``, ``wait`` or ``no``: a picture, for those who tell
    colours apart badly."""
    title: Words
    notes: tuple[Words, ...] = ()
    party: int = 0
    entry: int = 0
    """Of the ledger; 0: nothing was entered."""
    slip: str = ""
    """Six letters, where one was made."""


_READY = Shown(
    "idle",
    "wait",
    Words("Mời quét mã", "Please scan"),
    (
        Words(
            "Đưa mã của bạn, CCCD hoặc thẻ BHYT trước máy.",
            "Hold your code, identity card or insurance card before the kiosk.",
        ),
    ),
)

OBJECTIONS = {
    "card_expired": Words("Mã địa điểm hết hạn", "The place's card has expired"),
    "card_not_yet": Words("Mã địa điểm chưa có hiệu lực", "The place's card is not valid yet"),
    "card_revoked": Words("Mã địa điểm đã bị thu hồi", "The place's card was withdrawn"),
    **dict.fromkeys(
        ("card_unknown_signer", "card_forged"),
        Words(
            "Khóa ký mã địa điểm không còn hiệu lực",
            "The key that signed the place's card counts no more",
        ),
    ),
}
"""Why visitors' devices refuse the place's card."""

_ASK = Words("Quản lý cần xin mã mới.", "The manager must ask for a new one.")
_CLOCK = Words("Hãy xem lại ngày giờ của máy.", "Look at the kiosk's date and time.")
_LEAVE = Words("Khách đang ở trong vẫn quét được khi ra.", "Whoever is inside may scan out.")

_MOVED = {
    Movement.IN: ("in", Words("Mời vào", "Welcome")),
    Movement.OUT: ("out", Words("Tạm biệt", "Goodbye")),
    Movement.SAME: ("same", Words("Đã ghi nhận", "Already entered")),
}

WAYS = {
    Way.PASS: Words("Mã trên thiết bị", "Code on a device"),
    Way.TAP: Words("Chạm thiết bị", "Device tapped"),
    Way.PHONE: Words("Số điện thoại", "Telephone number"),
    Way.SLIP: Words("Phiếu giấy", "Paper slip"),
    Way.PERSONAL_CODE: Words("Mã QR cá nhân", "Personal QR code"),
    Way.ID_CARD: Words("Thẻ CCCD", "Identity card"),
    Way.INSURANCE_CARD: Words("Thẻ BHYT", "Insurance card"),
}

DOUBTS = {
    Doubt.UNVERIFIED: Words("Chưa xác minh", "Not verified"),
    Doubt.OFF_HOURS: Words("Ngoài giờ mở cửa", "Outside opening hours"),
    Doubt.CLOCK: Words("Chưa chắc giờ của máy", "Clock unsure"),
    Doubt.FULL: Words("Đã quá sức chứa", "More people than the place holds"),
}

_ALARMING = Doubt.OFF_HOURS | Doubt.FULL
"""These turn the field amber; a number that nothing proves is usual, and is only said."""

REFUSALS = {
    "scan_empty": Words("Chưa quét được gì. Mời quét lại.", "Nothing was scanned. Try again."),
    **dict.fromkeys(
        ("scan_oversized", "text_oversized", "person_oversized"),
        Words("Mã quá dài, không đọc được.", "The code is too long to be read."),
    ),
    "own_poster": Words(
        "Đây là mã của địa điểm này, không phải mã của khách. Hãy dùng thiết bị của bạn để quét "
        "mã này; ở đây hãy đưa mã của bạn.",
        "This is the code of this place, not a visitor's. Scan it with your own device; show your "
        "own code here.",
    ),
    "other_place": Words(
        "Đây là mã của một địa điểm khác, không phải mã của khách.",
        "This is the code of another place, not a visitor's.",
    ),
    "foreign_code": Words(
        "Đây là mã địa điểm của nước khác, không phải mã của khách.",
        "This is a place's code of another country, not a visitor's.",
    ),
    "scan_garbled": Words(
        "Bộ gõ tiếng Việt (Telex, VNI) đã làm hỏng mã. Quản lý cần tắt bộ gõ, và đặt bàn phím kiểu "
        "Mỹ (US).",
        "The keyboard's Vietnamese typing (Telex, VNI) has changed the code. Switch it off, and "
        "set the layout to US.",
    ),
    "link_homograph": Words(
        "Đường dẫn có chữ cái lạ: bộ gõ tiếng Việt (Telex, VNI) đang bật, hoặc mã giả. Đừng mở; "
        "hãy báo cho quản lý.",
        "The link has strange letters: Vietnamese typing (Telex, VNI) is on, or it is forged. Do "
        "not open it; tell the manager.",
    ),
    "health_certificate": Words(
        "Đây là chứng nhận tiêm chủng, không phải mã của khách. Mời đưa CCCD, thẻ BHYT hoặc mã "
        "trên thiết bị.",
        "This is a vaccination certificate, not a visitor's code. Show a card, or the code on "
        "your device.",
    ),
    "text_unknown": Words(
        "Không phải mã của khách, CCCD hay BHYT. Có thể đọc số điện thoại cho nhân viên.",
        "It is no visitor's code and no card. You may tell the staff a telephone number.",
    ),
    "slip_unknown": Words(
        "Phiếu không phải của hôm nay. Hãy ghi nhận lại từ đầu.",
        "The slip is not of today. Enter them anew.",
    ),
    "slip_ambiguous": Words(
        "Hãy quét mã nhỏ trên phiếu, hoặc gõ sáu ký tự trên phiếu.",
        "Scan the small square of the slip, or type its six letters.",
    ),
    "not_inside": Words(
        "Hôm nay chưa thấy lượt vào nào với mã này.", "Nobody came in with this today."
    ),
    **{
        reason: Words(f"{said.vi}. {_ASK.vi}", f"{said.en}. {_ASK.en}")
        for reason, said in OBJECTIONS.items()
    },
    "name_required": Words(
        "Nơi này phải ghi tên theo luật. Hãy quét CCCD, thẻ BHYT hoặc mã cá nhân.",
        "The law requires a name here. Scan an identity card, an insurance card or a personal "
        "code.",
    ),
    "day_keys_missing": Words(
        "Máy mất mạng quá lâu nên chưa ghi tên được. Quản lý cần nối mạng, hoặc chép từ USB.",
        "Names cannot be taken: the kiosk was without a network for too long. Connect it, or use "
        "a stick.",
    ),
    "day_keys_forged": Words(
        "Chưa ghi tên được: máy nhận khóa của tỉnh khác. Quản lý cần báo cơ quan y tế.",
        "Names cannot be taken: the kiosk got another province's keys. Tell the authority.",
    ),
    "contact_malformed": Words(
        "Tên hoặc số điện thoại không ghi được. Hãy gõ lại.",
        "The name or the number cannot be taken. Type it again.",
    ),
    "too_many_unverified": Words(
        "Quá nhiều số được gõ trong thời gian ngắn. Hãy quét mã hoặc thẻ; vài phút nữa gõ tiếp.",
        "Too many numbers were typed in a short time. Scan codes or cards; type again in some "
        "minutes.",
    ),
    "party_size": Words("Một lượt là 1 đến 20 người.", "A party has 1 to 20 people."),
    "phone_malformed": Words(
        "Số điện thoại không đúng. Cần 10 chữ số, bắt đầu bằng 0.",
        "This is no telephone number. It has ten digits and begins with 0.",
    ),
    "person_malformed": Words(
        "Trông giống thẻ, nhưng không đọc được. Mời quét lại.",
        "It looks like a card, and could not be read. Try again.",
    ),
    "person_inconsistent": Words(
        "Số, ngày sinh và giới tính trên thẻ mâu thuẫn nhau. Hãy xem lại chính tấm thẻ.",
        "Number, day of birth and sex on the card contradict one another. Look at the card.",
    ),
    "nobody_tapped": Words(
        "Không thấy thiết bị nào áp sát. Hãy đưa thiết bị sát máy rồi bấm lại.",
        "No device is near enough. Hold it to the kiosk and press again.",
    ),
    "two_tapped": Words(
        "Có hai thiết bị ở sát máy. Hãy đưa từng thiết bị một.",
        "Two devices are near. Hold one at a time.",
    ),
    "tap_unavailable": Words(
        "Chưa chạm thiết bị được: dịch vụ Bluetooth của máy không chạy. Các cách khác vẫn dùng "
        "được.",
        "Devices cannot be tapped: the kiosk's Bluetooth service is not running. All other ways "
        "work.",
    ),
    "pass_expired": Words(
        "Mã đã hết hạn. Hãy mở mã mới trên thiết bị.",
        "The code has expired. Show a new one on the device.",
    ),
    "pass_ahead": Words(
        "Mã không hợp lệ: giờ trên thiết bị sai quá nhiều.",
        "The code is not valid: the device's clock is far off.",
    ),
    "pass_malformed": Words("Không đọc được mã của khách.", "The visitor's code is damaged."),
    **dict.fromkeys(
        ("card_malformed", "card_oversized", "cose_malformed", "text_malformed"),
        Words(
            "Trông giống mã địa điểm, nhưng bị hỏng. Mời quét lại.",
            "It looks like a place's code, and is damaged. Try again.",
        ),
    ),
    "card_version": Words(
        "Mã thuộc phiên bản mới hơn; hãy cập nhật máy này.",
        "The code is of a newer version; update this kiosk.",
    ),
    "party": Words("Một lượt là 1 đến 20 người.", "A party has 1 to 20 people."),
    **dict.fromkeys(
        ("body_too_large", "request_timeout", "unparsable"),
        Words("Máy không nhận được trọn yêu cầu. Mời làm lại.", "Not all arrived. Try again."),
    ),
    "cbor_malformed": Words("Mã bị hỏng. Mời quét lại.", "The code is damaged. Try again."),
    "pass_version": Words(
        "Mã thuộc phiên bản mới hơn; hãy cập nhật máy này.",
        "The code is of a newer version; update this kiosk.",
    ),
    "picture_unreadable": Words("Không đọc được hình.", "The picture could not be read."),
}

_LINKS = Words(
    "Cảnh báo: đường dẫn trong mã này không phải của hệ thống. Đừng mở; hãy báo cho quản lý.",
    "Careful: the link in this code is not ours. Do not open it; tell the manager.",
)
_UNWRITTEN = Words(
    "CHƯA ghi được: thẻ nhớ đầy hoặc hỏng. Lượt này chưa được tính; hãy báo cho quản lý.",
    "NOT written: the memory card is full or damaged. This was not counted; tell the manager.",
)
_UNKNOWN = "Không đọc được mã này."


def ready(objection: str, *, clock_known: bool = True) -> Shown:
    """Return what is shown while nobody scans. *objection*: to the place's card, if any."""
    if not objection:
        return _READY
    # A wrong clock finds any card too old, too new, or its signer's key not yet valid.
    doubtful = not clock_known and objection in ("card_expired", "card_unknown_signer")
    todo = _CLOCK if doubtful or objection == "card_not_yet" else _ASK
    title = Words("Tạm ngừng nhận khách", "Nobody is let in now")
    return Shown("red", "no", title, (OBJECTIONS[objection], todo, _LEAVE))


def shown(entered: Entered) -> Shown:
    """Return what is shown of somebody who was entered."""
    sign, title = _MOVED[entered.movement]
    entry = entered.entry
    doubts = [DOUBTS[doubt] for doubt in entry.doubts] if entered.movement is Movement.IN else []
    alarming = bool(doubts) and bool(entry.doubts & _ALARMING)
    if alarming:
        sign = "care"
    colour = "amber" if alarming or entered.movement is Movement.SAME else "green"
    return Shown(
        colour, sign, title, (WAYS[entry.way], *doubts), entry.party, entry.id, entered.slip
    )


def refused(error: BluezoneError) -> Shown:
    """Return what is shown of a scan that was not entered."""
    if isinstance(error, DatabaseUnusable):
        return Shown("red", "no", Words("Không ghi được", "Not written"), (_UNWRITTEN,))
    reason = error.reason if isinstance(error, Refused) else ""
    others = _LINKS if reason.startswith("link_") else Words(_UNKNOWN, str(error))
    words = REFUSALS.get(reason, others)
    return Shown("red", "no", Words("Chưa được", "Not entered"), (words,))
