"""What a person reads while calibrating: Vietnamese first, English beneath, a line each."""

from collections.abc import Iterator

from bluezone_node.commands.wording import comma
from bluezone_node.proximity.attenuation import TX_POWER_BOUNDS
from bluezone_node.proximity.calibration import FAR, Calibration, Level
from bluezone_node.proximity.rounding import half_up

Line = tuple[str, str]

PLACES: tuple[tuple[Line, ...], ...] = (
    (
        (
            "1. Đặt hai máy cách nhau đúng 1 m, đo từ ăng-ten này đến ăng-ten kia.",
            "1. Put the two exactly 1 m apart, measured from antenna to antenna.",
        ),
        (
            "Đặt như khi sẽ dùng: cùng độ cao, cùng chiều, cả vỏ máy.",
            "As they will be used: at one height, turned alike, in their cases.",
        ),
        (
            "Không để ai hay vật gì ở giữa; tường và kim loại cách nửa mét. Rồi lùi ra hai bước.",
            "Nothing in between, walls and metal half a metre off. Then step back two paces.",
        ),
    ),
    (
        (
            "2. Bây giờ dời một máy ra, cách nhau đúng 2 m, giữ nguyên độ cao và chiều.",
            "2. Now move one of them, to exactly 2 m, at the same height and turned as before.",
        ),
        ("Rồi lùi ra hai bước.", "Then step back two paces."),
    ),
)
"""What to do before listening at the one and at the other distance."""


def opening(radio: str, mark: str, power: float, told: bool, minutes: float) -> Iterator[Line]:
    """Yield what is going to happen; *told*: the person said the peer's *power*."""
    yield (f"Hiệu chuẩn bộ thu {radio}.", f"Calibrating the receiver {radio}.")
    if told:
        yield (
            f"Máy kia: nhãn {mark}, báo công suất phát {comma(f'{power:g}')} dBm.",
            f"The other node: mark {mark}, telling a power of {power:g} dBm.",
        )
    else:
        yield (
            f"Máy kia: nhãn {mark}; coi như báo {power:g} dBm (nếu khác: --peer-tx-power).",
            f"The other node: mark {mark}; taken to tell {power:g} dBm (else: --peer-tx-power).",
        )
    each = comma(f"{minutes:g}")
    yield (
        f"Nghe {each} phút ở 1 m, rồi {each} phút ở 2 m. Ctrl-C để dừng; không lưu gì.",
        f"Listening {minutes:g} min at 1 m, {minutes:g} min at 2 m. Ctrl-C stops; nothing is kept.",
    )


def going_on_in(seconds: float) -> Line:
    return (f"Bắt đầu sau {seconds:.0f} giây.", f"It begins in {seconds:.0f} s.")


def followed(mark: str) -> Line:
    return (f"Máy kia đã đổi nhãn thành {mark}.", f"The other node's mark now is {mark}.")


def heard(metres: float, level: Level) -> str:
    return (
        f"   {metres:.0f} m: {level.packets} gói tin / packets, "
        f"{level.mean:.1f} dBm ± {level.spread:.1f} dB"
    )


def result(calibration: Calibration, overruled_by: float | None) -> Iterator[Line]:
    """Yield what was found and what it changes, in words."""
    offset, error = calibration.offset, calibration.standard_error
    size, taken = f"{abs(offset):.1f}", f"{FAR * 10 ** (-offset / 20):.1f}"
    vi, en = ("yếu", "weak") if offset >= 0 else ("mạnh", "strong")
    off, unsure = comma(size), comma(f"{error:.1f}")
    yield (
        f"Bộ thu này đọc {vi} hơn thực tế {off} dB (sai số chuẩn {unsure} dB, do căn phòng).",
        f"This receiver reads {size} dB too {en} (standard error {error:.1f} dB, the room's).",
    )
    if abs(offset) < error:
        yield (
            "Mức lệch nhỏ hơn sai số: theo phép đo này, bộ thu đọc đúng.",
            "That is within the error: as far as this can tell, it reads right.",
        )
    vi = f"cộng {off} dB vào" if offset >= 0 else f"trừ {off} dB khỏi"
    en = "added to" if offset >= 0 else "taken off"
    yield (
        f"Từ nay {vi} mọi mức thu, kể cả đã ghi. Nhìn thẳng, 2 m nay là {comma(taken)} m.",
        f"{size} dB are {en} every level, logged ones too. In line of sight 2 m now is {taken} m.",
    )
    yield (f"Đã lưu cho {calibration.radio}.", f"Stored for {calibration.radio}.")
    if overruled_by is not None:
        yield (
            f"NHƯNG cài đặt node.rx_offset = {overruled_by:g} vẫn được ưu tiên: hãy bỏ nó đi.",
            f"BUT the setting node.rx_offset = {overruled_by:g} goes before: take it out.",
        )
    if abs(offset) >= error:
        yield from _or_the_peer(calibration)


def _or_the_peer(calibration: Calibration) -> Iterator[Line]:
    radiates, (lowest, highest) = calibration.peer_radiates, TX_POWER_BOUNDS
    if not lowest <= radiates <= highest:
        return
    yield (
        "Một cặp máy không cho biết lệch là do bên nào.",
        "One pair cannot tell which of the two is off.",
    )
    yield (
        f"Nếu bộ thu này vốn đúng thì máy kia phát {comma(f'{radiates:.1f}')} dBm.",
        f"If this receiver was right, it is the other node that radiates {radiates:.1f} dBm.",
    )
    power = half_up(radiates)
    yield (
        f"Khi đó ở máy kia đặt node.tx_power = {power}, ở đây: bluezone-node calibrate --forget.",
        f"Then set node.tx_power = {power} there, and here: bluezone-node calibrate --forget.",
    )
