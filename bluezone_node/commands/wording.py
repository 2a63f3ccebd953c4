"""What people read about an exposure: Vietnamese first, English beside it."""

from collections.abc import Iterator

from bluezone_node.alerts import Alert, AlertLevel
from bluezone_node.presets import load_preset, preset_names

_HEAD = {
    AlertLevel.HIGH: (
        "Bạn đã ở gần một người được xác nhận mắc bệnh đủ lâu để có thể bị lây.",
        "You were near a person who tested positive for long enough to have been infected.",
    ),
    AlertLevel.LOW: (
        "Bạn đã ở gần một người được xác nhận mắc bệnh; nguy cơ lây thấp.",
        "You were near a person who tested positive; the risk is low.",
    ),
}

_SURE = {
    "high": ("cao", "high"),
    "medium": ("trung bình", "medium"),
    "low": ("thấp", "low"),
}

_ADVICE = (
    "Hãy theo dõi sức khỏe, đeo khẩu trang, hạn chế gặp người khác và gọi cơ quan y tế.",
    "Watch your health, wear a mask, meet few people, and call your health service.",
)


def explain(alert: Alert) -> Iterator[tuple[str, str]]:
    """Yield the lines about *alert*, each in Vietnamese and in English."""
    start, end = alert.start.astimezone(), alert.end.astimezone()
    yield _HEAD[alert.level]
    yield (
        f"Ngày {start:%d/%m/%Y}, từ {start:%H:%M} đến {end:%H:%M}.",
        f"On {start:%Y-%m-%d}, from {start:%H:%M} to {end:%H:%M}.",
    )
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
    vietnamese, english = _titles(alert.rules)
    yield (f"Quy tắc: {vietnamese} ({alert.rules}).", f"Rules: {english} ({alert.rules}).")
    yield _ADVICE


def _titles(rules: str) -> tuple[str, str]:
    """Return the Vietnamese and the English title of a preset; most have one for both."""
    if rules not in preset_names():
        return "không còn", "no longer here"
    vietnamese, _, english = load_preset(rules).title.partition(" / ")
    return vietnamese, english or vietnamese
