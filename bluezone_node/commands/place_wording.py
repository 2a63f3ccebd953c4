"""What people read about a place they were at while it counted as infectious."""

from collections.abc import Iterator

from bluezone_node.alerts import Alert, Presence
from bluezone_node.commands.wording import Pair, minutes, when
from bluezone_node.presets import load_place_advice
from bluezone_node.venues.card import VIETNAM

_PROVED = {
    True: (
        "Mã trên màn hình của địa điểm xác nhận rằng bạn đã có mặt ở đó.",
        "A code of the place's screen confirms that you were there.",
    ),
    False: (
        "Việc có mặt dựa trên ghi nhận của thiết bị này, chưa được địa điểm xác minh.",
        "That you were there is what this device noted; the place has not confirmed it.",
    ),
}

_UNKNOWN = ("Địa điểm: không rõ tên.", "The place: its name is not known here.")
_NOT_SENT = (
    "Không ai được báo rằng bạn nhận cảnh báo này.",
    "Nobody is told that you received this alert.",
)


def explain_opening(alert: Alert) -> Iterator[Pair]:
    """Yield the lines about contact data that an authority had opened."""
    place = alert.presence.place if alert.presence is not None else ""
    shown, opened = alert.start.astimezone(VIETNAM), alert.end.astimezone(VIETNAM)
    shown_vi = f"{shown:%H:%M} ngày {shown:%d/%m/%Y} (giờ Việt Nam)"
    shown_en = f"{shown:%H:%M} on {shown:%Y-%m-%d} (Vietnam time, UTC+7)"
    yield (
        f"Ngày {opened:%d/%m/%Y} cơ quan y tế đã mở thông tin liên hệ của bạn"
        + (f" tại {place}." if place else "."),
        f"On {opened:%Y-%m-%d} the health authority opened your contact data"
        + (f" at {place}." if place else "."),
    )
    yield (
        f"Đó là thông tin trong mã bạn đưa ở cửa lúc {shown_vi}.",
        f"They are of the code that you showed at the door at {shown_en}.",
    )
    yield (
        "Hai người của cơ quan y tế đã ký, vì một ca bệnh đã ở đó; họ có thể gọi cho bạn.",
        "Two people of the authority signed for it, because of a case there; they may call you.",
    )
    yield (
        "Bạn có quyền hỏi lý do; sau 21 ngày không ai đọc được thông tin này nữa.",
        "You may ask why; after 21 days nobody can read these data any more.",
    )


def explain_presence(alert: Alert, presence: Presence) -> Iterator[Pair]:
    """Yield the lines about an *alert* of a place, each in Vietnamese and in English."""
    sentences = load_place_advice()
    level, advice = sentences.levels[alert.report_type], sentences.advice[presence.advice]
    yield level.vi, level.en
    if presence.place:
        yield f"Địa điểm: {presence.place}.", f"The place: {presence.place}."
    else:
        yield _UNKNOWN
    yield when(alert, at_a_place=True)
    spent = minutes(presence.minutes, about=("", ""))
    yield (
        f"Thời gian ở đó trong lúc có nguy cơ: {spent[0]}.",
        f"Time there while it counted as infectious: {spent[1]}.",
    )
    if presence.party > 1:
        yield (
            f"Lượt này gồm {presence.party} người: hãy báo cho những người đi cùng.",
            f"The visit stands for {presence.party} people: tell those who were with you.",
        )
    yield _PROVED[presence.proved]
    yield f"Cần làm: {advice.vi}", f"What to do: {advice.en}"
    vi, en = presence.texts.get("vi", ""), presence.texts.get("en", "")
    if vi or en:
        yield (
            f"Cơ quan y tế: {_line(vi or en)}",
            f"The health authority: {_line(en or vi)}",
        )
    if presence.phone:
        phone = _line(presence.phone)
        yield f"Điện thoại: {phone}.", f"Telephone: {phone}."
    yield _NOT_SENT


def _line(text: str) -> str:
    """Return what an officer wrote as one line that cannot move a terminal's cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
