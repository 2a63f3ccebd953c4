"""Posters: how long one takes, how large file and square are: ``python -m bench.posters``."""

from collections.abc import Callable
from time import process_time

from bluezone_node.posters.batch import MOST, batch
from bluezone_node.posters.poster import SIZES, Size, poster
from bluezone_node.posters.rendering import FORMATS, make, render
from bluezone_node.posters.sheet import Sheet
from bluezone_node.posters.square import square_of
from bluezone_node.venues.card import SignedCard
from tests.posters.sheets import HOST, NAMES, card, fullest, symbol_of, url_of

CARDS = {
    "usual": card(NAMES["usual"], address="15 Cầu Đông", hours=(360, 1080)),
    "long name, room": card(NAMES["long"], room="Phòng khám số 12", address="15 Cầu Đông"),
    "fullest": fullest(),
}
TIMES = 5


def _laid_out(signed: SignedCard, size: Size) -> Sheet:
    return poster(signed, url_of(signed, "in"), size=size, direction="in")


def _milliseconds(work: Callable[[], object]) -> float:
    """Return the shortest of some times, of this process alone: others may be at work."""
    times = []
    for _ in range(TIMES):
        start = process_time()
        work()
        times.append(process_time() - start)
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


def together() -> None:
    """Tell what a page takes by itself, and as one of many in a file."""
    cards = [
        (card(f"{NAMES['usual']} {number}", address="15 Cầu Đông", hours=(360, 1080)), "")
        for number in range(MOST)
    ]
    start = process_time()
    made = batch(cards, HOST, size="a4")
    many = (process_time() - start) * 1000
    alone = _milliseconds(lambda: make(cards[0][0], url_of(cards[0][0]), "a4", None, "pdf"))
    square = _milliseconds(lambda: square_of(url_of(cards[0][0])))
    print(f"one A4 as PDF, laid out and drawn: {alone:.0f} ms")
    print(
        f"{MOST} of them in one file of {len(made.content) / 1e6:.1f} MB: {many / 1000:.1f} s,"
        f" {many / MOST:.1f} ms a page, of which the square {square:.1f} ms"
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
    print()
    together()
