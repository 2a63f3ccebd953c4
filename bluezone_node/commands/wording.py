"""What people read about an exposure: Vietnamese first, English beside it.

Whoever reads this is frightened.  It says what is known in plain words, how sure that is in
numbers that can be pictured (so many of ten), and what to do; no figure is more exact than the
estimate behind it.
"""

from collections.abc import Iterator
from unicodedata import combining, normalize

from bluezone_node.alerts import Alert, AlertLevel, Expected, Nearness
from bluezone_node.commands.course import stretches
from bluezone_node.presets import load_preset, preset_names
from bluezone_node.venues.card import VIETNAM

Pair = tuple[str, str]
"""The same in Vietnamese and in English."""

_HEAD = {
    AlertLevel.HIGH: (
        "Bạn có thể đã ở gần một người được xác nhận mắc bệnh, đủ lâu để bị lây.",
        "You may have been near a confirmed case, long enough to be infected.",
    ),
    AlertLevel.LOW: (
        "Bạn có thể đã ở gần một người được xác nhận mắc bệnh; nguy cơ bị lây thấp.",
        "You may have been near a confirmed case; the risk of infection is low.",
    ),
}

_SURE = {
    "high": ("cao", "high"),
    "medium": ("trung bình", "medium"),
    "low": ("thấp", "low"),
}

_LIMITS = (
    (
        "Bluetooth không đo được khoảng cách: cơ thể, túi xách, tường làm sai lệch.",
        "Bluetooth cannot measure distance: bodies, pockets and walls mislead it.",
    ),
    (
        "Đây là lý do để theo dõi sức khỏe và đi xét nghiệm, không phải là bằng chứng.",
        "This is a reason to watch your health and be tested, not a proof.",
    ),
)

_ADVICE = (
    "Hãy theo dõi sức khỏe, đeo khẩu trang, hạn chế gặp gỡ và gọi cơ quan y tế.",
    "Watch your health, wear a mask, meet few people, call your health service.",
)

_MOST_MINUTES = 9999
"""What is shown for more: a week, which even many people near at once do not add up to."""

_LETTERS = str.maketrans({"đ": "d", "Đ": "D", "–": "-", "—": "-", "≤": "<=", "≥": ">="})
"""Those that are no letter with an accent."""

_MANY = 20
"""Parts of a day that are told apart when they are counted."""


def explain(alert: Alert) -> Iterator[Pair]:
    """Yield the lines about *alert*, each in Vietnamese and in English."""
    yield _HEAD[alert.level]
    yield when(alert)
    if alert.nearness is None:
        yield from _as_it_was_told(alert)
    else:
        yield from _nearness(alert.nearness, alert.packets)
    vietnamese, english = _titles(alert.rules)
    yield (f"Quy tắc: {vietnamese} ({alert.rules}).", f"Rules: {english} ({alert.rules}).")
    yield _ADVICE


def within_two_metres(nearness: Nearness) -> Pair:
    """Say how long people were within 2 m, and how far off that may be."""
    vi, en = minutes(nearness.within_2m.value)
    low, high = _bounds(nearness.within_2m)
    return (
        f"Trong vòng 2 m: {vi} (khả năng 9 trên 10 là từ {low} đến {high} phút).",
        f"Within 2 m: {en} (9 times in 10 between {low} and {high}).",
    )


def chance_of_contact(nearness: Nearness) -> Pair:
    """Say how likely it is that this was a contact by the rules."""
    vi, en = odds(nearness.chance)
    metres, spent = f"{nearness.contact_metres:.4g}", f"{nearness.contact_minutes:.4g}"
    return (
        f"Khả năng bạn đã ở trong vòng {comma(metres)} m từ {comma(spent)} phút trở lên: {vi}.",
        f"Chance that you were within {metres} m for {spent} minutes or more: {en}.",
    )


def odds(chance: float) -> Pair:
    """Say a probability as so many of ten; never that something is certain or impossible."""
    if chance < 0.05:
        return "chưa đến 1 trên 20", "less than 1 in 20"
    if chance > 0.95:
        return "hơn 19 trên 20", "more than 19 in 20"
    # Halves away from certainty: neither 0 nor 10 of ten comes out.
    tenths = min(max(round(chance * 10), 1), 9)
    return f"khoảng {tenths} trên 10", f"about {tenths} in 10"


def odds_in_short(chance: float) -> str:
    """Write a probability as `odds` says it, for a table."""
    english = odds(chance)[1].replace("less than ", "<").replace("more than ", ">")
    return english.replace("about ", "").replace(" in ", "/")


def unaccented(text: str) -> str:
    """Write *text* in ASCII, as Vietnamese write it where a machine knows no accents."""
    letters = normalize("NFKD", text.translate(_LETTERS))
    return (
        "".join(letter for letter in letters if not combining(letter))
        .encode("ascii", "replace")
        .decode()
    )


def when(alert: Alert, *, at_a_place: bool = False) -> Pair:
    """Say on which day and at what time: this machine's, or Vietnam's as a place's clock shows."""
    zone = VIETNAM if at_a_place else None
    start, end = alert.start.astimezone(zone), alert.end.astimezone(zone)
    vi = f"Ngày {start:%d/%m/%Y}, từ {start:%H:%M} đến {end:%H:%M}"
    en = f"On {start:%Y-%m-%d}, from {start:%H:%M} to {end:%H:%M}"
    if end.date() != start.date():
        vi, en = f"{vi} ngày {end:%d/%m}", f"{en} of {end:%Y-%m-%d}"
    if at_a_place:
        vi, en = f"{vi} (giờ Việt Nam)", f"{en} (Vietnam time, UTC+7)"
    parts = len(stretches(alert.nearness.course, _MANY)) if alert.nearness else 1
    if parts > 1:
        vi, en = f"{vi}, chia làm {parts} lần", f"{en}, at {parts} separate times"
    return f"{vi}.", f"{en}."


def _nearness(nearness: Nearness, packets: int) -> Iterator[Pair]:
    near = minutes(nearness.minutes_near)
    middle, far = (
        minutes(value, about=("", "")) for value in (nearness.minutes_middle, nearness.minutes_far)
    )
    yield (
        f"Trong vòng 1 m: {near[0]}; từ 1 đến 2 m: {middle[0]}; xa hơn: {far[0]}.",
        f"Within 1 m: {near[1]}; from 1 to 2 m: {middle[1]}; farther: {far[1]}.",
    )
    yield within_two_metres(nearness)
    dose_vi, dose_en = minutes(nearness.dose.value)
    low, high = _bounds(nearness.dose)
    yield (
        f"Về nguy cơ lây, tương đương {dose_vi} ở khoảng cách 1 m (từ {low} đến {high} phút).",
        f"In risk, the same as {dose_en} at one metre (between {low} and {high}).",
    )
    yield chance_of_contact(nearness)
    yield from _LIMITS
    heard_vi, heard_en = minutes(nearness.minutes_heard)
    yield (
        f"Căn cứ: {packets} lần thu được tín hiệu trong {heard_vi}.",
        f"Based on {packets} packets heard in {heard_en}.",
    )


def _as_it_was_told(alert: Alert) -> Iterator[Pair]:
    """Yield what is known of an alert from before distances were estimated."""
    near, middle, far = alert.minutes_near, alert.minutes_middle, alert.minutes_far
    yield (
        f"Gần {near:.0f} phút, vừa {middle:.0f} phút, xa {far:.0f} phút.",
        f"Near {near:.0f} min, middle {middle:.0f} min, far {far:.0f} min.",
    )
    sure_vi, sure_en = _SURE[alert.confidence]
    yield (
        f"Độ chắc chắn: {sure_vi} ({alert.packets} lần thu được tín hiệu).",
        f"How sure: {sure_en} ({alert.packets} packets heard).",
    )


def minutes(value: float, about: Pair = ("khoảng ", "about ")) -> Pair:
    """Say how many minutes, whole."""
    whole = _whole(value)
    if value < 1:
        return "chưa đến 1 phút", "under a minute"
    return f"{about[0]}{whole} phút", f"{about[1]}{whole} minute{'' if whole == 1 else 's'}"


def _bounds(expected: Expected) -> tuple[int, int]:
    return _whole(expected.low), _whole(expected.high)


def _whole(minutes: float) -> int:
    return round(min(max(minutes, 0.0), _MOST_MINUTES))


def comma(number: str) -> str:
    """Write a number as Vietnamese does, with a decimal comma."""
    return number.replace(".", ",")


def _titles(rules: str) -> Pair:
    """Return the Vietnamese and the English title of a preset; most have one for both."""
    if rules not in preset_names():
        return "không còn", "no longer here"
    vietnamese, _, english = load_preset(rules).title.partition(" / ")
    return vietnamese, english or vietnamese
