"""The chart of an evaluation: for each recording, a row a method and a column a question.

Can it rank?  Does it decide rightly at its own threshold?  Is its dose true?
"""

from collections.abc import Iterable, Sequence

from bluezone_node.commands.lab.evaluation import MethodFigures, SetFigures
from bluezone_node.commands.svg import Drawing, Linear

_WIDTH = 960
_ROW = 19
_HEAD = 96
"""Above the first set: title, legend."""
_SET_HEAD = 52
"""Above the rows of a set: its name, what it holds, the heads of the columns."""
_SET_FOOT = 38
"""Below them: the axes."""
_LABELS = 130
_RANK = (150, 370)
_COST = (450, 640)
_DOSE = (715, 850)
_DOSE_SCALES = (0.6, 1.2, 3.0, 6.0, 12.0)
"""Minutes at the end of the axis; dose errors beyond the last are cut off, their figure is not."""
_LONGEST_NAME = 36

_INK, _SOFT, _GRID = "#1a1a1a", "#5b6470", "#d9dde2"
_MISSED, _FALSE, _BEST = "#b5462f", "#edb183", "#1a1a1a"
_RANKED, _DOSED = "#1f5f8b", "#7a93a8"


def draw(sets: Sequence[SetFigures], metres: float, minutes: float) -> str:
    """Return an SVG document with the figures of *sets*, at least one."""
    heights = [_SET_HEAD + _ROW * len(one.methods) + _SET_FOOT for one in sets]
    drawing = Drawing(
        _WIDTH,
        _HEAD + sum(heights),
        "Nhận ra tiếp xúc gần chính xác đến đâu / How well close contacts are told",
        "; ".join(_said(one) for one in sets),
    )
    drawing.text(
        16,
        28,
        "Nhận ra tiếp xúc gần chính xác đến đâu",
        size=18,
        font_weight="bold",
        fill=_INK,
    )
    drawing.text(
        16,
        48,
        "How well close contacts are told from others",
        size=13,
        fill=_SOFT,
    )
    _legend(drawing, 74)
    top = float(_HEAD)
    for one, height in zip(sets, heights, strict=True):
        _draw_set(drawing, one, top, metres, minutes)
        top += height
    return str(drawing)


def _said(one: SetFigures) -> str:
    return f"{one.set}: " + ", ".join(
        f"{m.method} AUC {m.auc:.2f}" if m.auc is not None else m.method for m in one.methods
    )


def _legend(drawing: Drawing, y: float) -> None:
    drawing.circle(22, y - 4, 4, fill=_RANKED)
    drawing.text(32, y, "AUC, khoảng 95 % / 95 % interval", size=11, fill=_SOFT)
    drawing.rect(250, y - 9, 14, 10, fill=_MISSED)
    drawing.text(269, y, "bỏ sót / missed", size=11, fill=_SOFT)
    drawing.rect(365, y - 9, 14, 10, fill=_FALSE)
    drawing.text(384, y, "báo nhầm / false alarms", size=11, fill=_SOFT)
    drawing.line(528, y - 11, 528, y + 3, stroke=_BEST, stroke_width=2)
    drawing.text(535, y, "ngưỡng tốt nhất / best threshold", size=11, fill=_SOFT)
    drawing.rect(722, y - 9, 14, 10, fill=_DOSED)
    drawing.text(741, y, "sai số liều (lệch) / dose error (bias)", size=11, fill=_SOFT)


def _draw_set(drawing: Drawing, one: SetFigures, top: float, metres: float, minutes: float) -> None:
    drawing.line(16, top, _WIDTH - 16, top, stroke=_GRID)
    name = one.set if len(one.set) <= _LONGEST_NAME else f"{one.set[: _LONGEST_NAME - 1]}…"
    drawing.text(16, top + 20, name, size=14, font_weight="bold", fill=_INK)
    if one.window is None:
        kind, limit = "cặp / links", f"≤ {metres:g} m, ≥ {minutes:g} phút / min"
    else:
        kind = f"đoạn {one.window} phút / windows of {one.window} min"
        limit = f"≤ {metres:g} m quá nửa / mostly"
    drawing.text(
        _WIDTH - 16,
        top + 20,
        f"{one.samples} {kind} ({one.scenes} cảnh / scenes), {one.contacts} tiếp xúc / contacts: "
        f"{limit}; {', '.join(one.profiles)}",
        size=11,
        fill=_SOFT,
        text_anchor="end",
    )
    for middle, head in (
        (_RANK, "xếp hạng / ranking: AUC"),
        (_COST, "quyết định / deciding: nDCF"),
        (_DOSE, "liều, phút ở 1 m / dose, minutes"),
    ):
        drawing.text(middle[0], top + 42, head, size=11, fill=_INK)
    first = top + _SET_HEAD
    bottom = first + _ROW * len(one.methods)
    lowest = min([0.5, *(m.auc_interval[0] for m in one.methods if m.auc_interval)])
    rank = Linear(0.5 if lowest >= 0.5 else max(round(lowest - 0.05, 1), 0.0), 1, *_RANK)
    cost = Linear(0, max([1.0, *(m.ndcf for m in one.methods if m.ndcf is not None)]), *_COST)
    worst = min(max(m.dose_mae for m in one.methods), _DOSE_SCALES[-1])
    dose = Linear(0, next(scale for scale in _DOSE_SCALES if scale >= worst), *_DOSE)
    _axis(drawing, rank, (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0), first, bottom)
    _axis(drawing, cost, (0.0, 0.25, 0.5, 0.75, 1.0), first, bottom)
    _axis(drawing, dose, [dose.high * quarter / 4 for quarter in range(5)], first, bottom)
    drawing.text(cost(1), bottom + 28, "1: không báo gì / never", size=9, **_centred())
    for index, method in enumerate(one.methods):
        _draw_method(drawing, method, first + _ROW * index, rank, cost, dose)


def _axis(
    drawing: Drawing, scale: Linear, ticks: Iterable[float], top: float, bottom: float
) -> None:
    for tick in ticks:
        if scale.low <= tick <= scale.high:
            x = scale(tick)
            drawing.line(x, top, x, bottom + 3, stroke=_GRID)
            drawing.text(x, bottom + 15, f"{tick:g}", size=10, **_centred())


def _draw_method(
    drawing: Drawing, one: MethodFigures, top: float, rank: Linear, cost: Linear, dose: Linear
) -> None:
    middle, base = top + _ROW / 2, top + _ROW / 2 + 4
    drawing.text(_LABELS, base, one.method, size=11, fill=_INK, text_anchor="end")
    if one.auc is not None:
        if one.auc_interval is not None:
            low, high = map(rank, one.auc_interval)
            drawing.line(low, middle, high, middle, stroke=_RANKED, stroke_width=1.5)
        drawing.circle(rank(one.auc), middle, 4, fill=_RANKED)
        drawing.text(_RANK[1] + 10, base, f"{one.auc:.3f}", size=11, fill=_INK)
    if one.p_miss is not None and one.p_fa is not None:
        missed, end = cost(one.p_miss), cost(one.p_miss + one.p_fa)
        drawing.rect(cost(0), top + 4, missed - cost(0), _ROW - 8, fill=_MISSED)
        drawing.rect(missed, top + 4, end - missed, _ROW - 8, fill=_FALSE)
    if one.min_ndcf is not None:
        x = cost(one.min_ndcf)
        drawing.line(x, top + 2, x, top + _ROW - 2, stroke=_BEST, stroke_width=2)
    if one.ndcf is not None:
        drawing.text(_COST[1] + 10, base, f"{one.ndcf:.2f}", size=11, fill=_INK)
    drawing.rect(dose(0), top + 4, dose(one.dose_mae) - dose(0), _ROW - 8, fill=_DOSED)
    decimals = 1 if dose.high > _DOSE_SCALES[1] else 2
    bias = f"{round(one.dose_bias, decimals) or 0.0:+.{decimals}f}".replace("-", "−")
    words = f"{one.dose_mae:.{decimals}f} ({bias})"
    drawing.text(_DOSE[1] + 10, base, words, size=11, fill=_INK)


def _centred() -> dict[str, str]:
    return {"text_anchor": "middle", "fill": _SOFT}
