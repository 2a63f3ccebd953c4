"""Posters: how long one takes, how large file and square are: ``python -m bench.posters``."""

from collections.abc import Callable
from time import perf_counter

from bluezone_node.posters.poster import SIZES, Size, poster
from bluezone_node.posters.rendering import FORMATS, render
from bluezone_node.posters.sheet import Sheet
from bluezone_node.venues.card import SignedCard
from tests.posters.sheets import NAMES, card, fullest, symbol_of, url_of

CARDS = {
    "usual": card(NAMES["usual"], address="15 Cầu Đông", hours=(360, 1080)),
    "long name, room": card(NAMES["long"], room="Phòng khám số 12", address="15 Cầu Đông"),
    "fullest": fullest(),
}
TIMES = 5


def _laid_out(signed: SignedCard, size: Size) -> Sheet:
    return poster(signed, url_of(signed, "in"), size=size, direction="in")


def _milliseconds(work: Callable[[], object]) -> float:
    """Return the shortest of some times."""
    times = []
    for _ in range(TIMES):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times) * 1000


def squares() -> None:
    print("card             bytes  paper    square  modules  side mm  one mm")
    for name, signed in CARDS.items():
        for size in SIZES:
            symbol = symbol_of(_laid_out(signed, size))
            square = symbol.square
            print(
                f"{name:16} {len(signed.cose):5}  {size:7}  {square.version:4}-{square.level}"
                f"  {square.modules:7}  {symbol.side:7.1f}  {symbol.module:6.2f}"
            )


def times() -> None:
    signed = CARDS["usual"]
    print("paper    layout ms " + "".join(f"{form:>6} ms      kB" for form in FORMATS))
    for size in SIZES:
        sheet = _laid_out(signed, size)
        line = f"{size:8} {_milliseconds(lambda: _laid_out(signed, size)):9.0f} "  # noqa: B023
        for form in FORMATS:
            taken = _milliseconds(lambda: render(sheet, form))  # noqa: B023
            line += f"{taken:9.0f} {len(render(sheet, form)) / 1000:7.0f}"
        print(line)


if __name__ == "__main__":
    squares()
    print()
    times()
