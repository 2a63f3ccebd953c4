"""The rounds that write bundles: what shows of them, what is mended, and what a kill leaves."""

import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select

from bluezone_node.authority.places.bundles import JUMP
from bluezone_node.authority.places.notice_views import NoticeState
from bluezone_node.crypto.cose import read_signed
from bluezone_node.errors import BadConfig, BadInput
from bluezone_node.store.authority import registry_tables
from bluezone_node.store.authority.database import Database
from bluezone_node.venues import bundle as bundle_module
from bluezone_node.venues.bundle import ChainHead, begins_anew, digest_of, follow
from bluezone_node.venues.card import VIETNAM
from tests.likeness import difference
from tests.outbreaks import CENTRE, HOUR, LAN, NOW, Outbreaks, order, told

STEPS = {"os.rename", "os.remove", "open"}
"""Of the file system, as Python audits them; those of the database are its statements."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Database(registry_tables.LAYOUT, tmp_path / "registry.db").open()
    yield made
    made.dispose()


@pytest.fixture
def outbreaks(engine: Engine, tmp_path: Path) -> Outbreaks:
    return Outbreaks(engine, tmp_path / "places")


def real_ids(engine: Engine) -> set[bytes]:
    """Return the ids of all notices that were not made up."""
    with engine.begin() as db:
        return set(db.scalars(select(registry_tables.notice_parts.c.notice_id)))


def test_a_quiet_day_looks_like_any_other(outbreaks: Outbreaks) -> None:
    """Sixteen notices with none that is real, and one bundle a day of Vietnam's."""
    assert outbreaks.bundles.run().drawn == 1
    assert len(outbreaks.bundle(1).notices) == 16
    for _ in range(3):
        assert outbreaks.bundles.run().drawn is None
        outbreaks.clock.advance(HOUR.total_seconds())
    midnight = NOW.astimezone(VIETNAM).replace(hour=0) + timedelta(days=1)
    outbreaks.clock.advance((midnight - outbreaks.clock.now()).total_seconds() - 1)
    assert outbreaks.bundles.run().drawn is None
    outbreaks.clock.advance(1)
    assert outbreaks.bundles.run().drawn == 2


def test_a_bundle_says_which_trust_list_there_is(outbreaks: Outbreaks) -> None:
    """So that a device misses the one that is held back from it."""
    outbreaks.keys.rotate()
    outbreaks.bundles.run()
    assert outbreaks.bundle(1).trust_sequence == outbreaks.keys.trust_list().sequence == 2


def test_made_up_notices_are_like_real_ones(outbreaks: Outbreaks) -> None:
    """In size, in the number of tags, in their place in the bundle, and in every byte."""
    market = outbreaks.place()
    for number in range(40):
        texts = {"vi": "Gọi trạm y tế phường." * (number % 4)}
        outbreaks.notices.issue(order(market, length=0.5 + number % 5 / 2, texts=texts), LAN)
        if number % 8 == 7:
            drawn = outbreaks.bundles.run().drawn
            assert drawn is not None
    real = real_ids(outbreaks.kept._engine)
    found = [
        (place / len(bundle.notices), notice)
        for number in outbreaks.kept.bundles()
        for bundle in [outbreaks.bundle(number)]
        for place, notice in enumerate(bundle.notices)
    ]
    assert len(real) == 40
    assert len(found) == 5 * 16
    looks: list[Callable[[tuple[float, object]], float]] = [
        lambda each: each[0],
        lambda each: len(each[1].tags),  # type: ignore[attr-defined]
        lambda each: len(each[1].sealed),  # type: ignore[attr-defined]
        lambda each: sum(each[1].sealed) / len(each[1].sealed),  # type: ignore[attr-defined]
        lambda each: sum(map(sum, each[1].tags)),  # type: ignore[attr-defined]
        lambda each: each[1].wraps[0][0],  # type: ignore[attr-defined]
    ]
    for look in looks:
        ours = [look(each) for each in found if each[1].notice_id in real]
        others = [look(each) for each in found if each[1].notice_id not in real]
        # Kolmogorov and Smirnov at one in a thousand, for 40 against 40.
        assert difference(ours, others) < 1.95 * (2 / 40) ** 0.5


def test_what_is_retracted_shows_neither_how_many_nor_which(outbreaks: Outbreaks) -> None:
    """Every bundle takes back four of earlier ones, none twice, and no real one that holds."""
    market = outbreaks.place()
    for day in range(9):
        number = outbreaks.notices.issue(order(market), LAN).notice.number
        outbreaks.bundles.run()
        if day % 3 == 0:
            outbreaks.notices.retract(number, LAN)
            outbreaks.bundles.run()
        outbreaks.clock.advance(24 * 3600)
    listed, gone = set[bytes](), set[bytes]()
    for sequence in outbreaks.kept.bundles():
        bundle = outbreaks.bundle(sequence)
        assert len(bundle.retracted) == 4
        assert gone.isdisjoint(bundle.retracted)
        # Before the first there is nothing to take back: what it names is no notice.
        assert listed.issuperset(bundle.retracted) or sequence == 1
        gone.update(bundle.retracted)
        listed.update(notice.notice_id for notice in bundle.notices)
    assert len(gone & real_ids(outbreaks.kept._engine)) == 3
    retracted = [view.retracted_in for view in outbreaks.notices.newest(LAN)]
    assert sum(each is not None for each in retracted) == 3


def test_more_notices_than_a_size_take_the_next(outbreaks: Outbreaks) -> None:
    """Only the order of magnitude shows."""
    market = outbreaks.place("Trung tâm", *(f"Tầng {floor}" for floor in range(16)))
    outbreaks.notices.issue(order(market), LAN)
    assert outbreaks.bundles.run().notices == 17
    assert len(outbreaks.bundle(1).notices) == 64


def test_what_somebody_changed_on_the_shelf_is_mended(outbreaks: Outbreaks) -> None:
    """Files cut off, deleted or added, and the index: as they were, to the byte."""
    outbreaks.notices.issue(order(outbreaks.place()), LAN)
    outbreaks.bundles.run()
    right = outbreaks.files()
    (outbreaks.folder / "00000001.cose").write_bytes(b"")
    (outbreaks.folder / "index.txt").write_bytes(b"nothing")
    (outbreaks.folder / "trust.cose").unlink()
    (outbreaks.folder / "00000077.cose").write_bytes(b"an orphan")
    assert outbreaks.bundles.health().problems == ("bundles_missing", "bundles_ahead")
    run = outbreaks.bundles.run()
    assert (run.drawn, run.written, run.removed) == (None, 3, 1)
    assert outbreaks.files() == right
    assert outbreaks.bundles.health().problems == ()


def test_a_round_that_does_not_come_shows(outbreaks: Outbreaks) -> None:
    """After 25 hours somebody should look."""
    assert outbreaks.bundles.health().problems == ()
    outbreaks.bundles.run()
    outbreaks.clock.advance(26 * 3600)
    assert outbreaks.bundles.health().problems == ("bundles_late",)


def test_a_clock_that_was_ahead_is_forgotten_with_the_next_bundle(
    outbreaks: Outbreaks, engine: Engine, tmp_path: Path
) -> None:
    """Devices would take a list dated next month for fresh, whatever came after."""
    outbreaks.clock.advance(timedelta(days=30).total_seconds())
    outbreaks.bundles.run()
    mended = Outbreaks(engine, tmp_path / "places")
    assert [mended.bundles.run().drawn for _ in range(2)] == [2, None]
    assert mended.bundle(2).created == NOW


def test_cards_that_are_withdrawn_are_named_until_they_would_have_ended(
    outbreaks: Outbreaks,
) -> None:
    """In every bundle, and at once in a new one."""
    market = outbreaks.place()
    outbreaks.bundles.run()
    (card,) = outbreaks.cards(market)
    outbreaks.close(market)
    assert outbreaks.bundles.run().drawn == 2
    assert outbreaks.bundle(2).revoked == (card.location_id[:8],)
    outbreaks.clock.advance(timedelta(days=31).total_seconds())
    outbreaks.bundles.run()
    assert outbreaks.bundle(3).revoked == ()


def test_a_restored_database_goes_on_where_devices_are(
    outbreaks: Outbreaks, tmp_path: Path
) -> None:
    """What lies on the shelf is its own: the chain goes on, and what was over stays over."""
    market = outbreaks.place()
    number = outbreaks.notices.issue(order(market), LAN).notice.number
    outbreaks.bundles.run()
    with (
        closing(sqlite3.connect(tmp_path / "registry.db")) as kept,
        closing(sqlite3.connect(tmp_path / "backup.db")) as backup,
    ):
        kept.backup(backup)
    outbreaks.notices.retract(number, LAN)
    outbreaks.breaker.turn(True, "danh sách sai", CENTRE)
    outbreaks.bundles.run()
    outbreaks.clock.advance(24 * 3600)
    outbreaks.bundles.run()
    before = outbreaks.files()

    restored = Database(registry_tables.LAYOUT, tmp_path / "backup.db").open()
    after = Outbreaks(restored, tmp_path / "places", clock=outbreaks.clock)
    assert after.bundles.run().drawn is None
    assert after.files() == before
    assert after.breaker.stands().on
    assert after.notices.show(number, LAN).retracted_in == 2
    assert after.notices.newest(LAN)[0].state is NoticeState.RETRACTED
    after.breaker.turn(False, "đã sửa", CENTRE)
    assert after.bundles.run().drawn == 4
    # Which of the notices that it did not make are real it cannot know, and takes none back.
    listed, taken_back = (
        {notice.notice_id for notice in after.bundle(1).notices},
        {name for number in (2, 3) for name in after.bundle(number).retracted},
    )
    assert listed - taken_back >= set(after.bundle(4).retracted)
    head = ChainHead(3, after.bundle(4).previous)
    assert digest_of(before["00000003.cose"]) == head.digest
    restored.dispose()


def test_a_history_with_a_gap_is_not_gone_on_with(outbreaks: Outbreaks, tmp_path: Path) -> None:
    """Nothing is written until somebody has put back what is missing."""
    for _ in range(3):
        outbreaks.bundles.run()
        outbreaks.clock.advance(24 * 3600)
    whole = outbreaks.files()
    (outbreaks.folder / "00000002.cose").unlink()
    empty = Database(registry_tables.LAYOUT, tmp_path / "empty.db").open()
    after = Outbreaks(empty, tmp_path / "places", clock=outbreaks.clock)
    with pytest.raises(BadConfig, match="does not follow"):
        after.bundles.run()
    assert "bundles_ahead" in after.bundles.health().problems
    (outbreaks.folder / "00000002.cose").write_bytes(whole["00000002.cose"])
    assert after.bundles.run().drawn == 4
    empty.dispose()


def test_a_lost_chain_is_begun_anew_under_another_key(outbreaks: Outbreaks) -> None:
    """Not under the same one; what still holds is told again, and the old files go."""
    market, pagoda = outbreaks.place(), outbreaks.place("Chùa Láng")
    for place in (market, pagoda):
        outbreaks.notices.issue(order(place), LAN)
    outbreaks.bundles.run()
    outbreaks.notices.retract(1, LAN)
    outbreaks.bundles.run()
    with pytest.raises(BadInput) as refused:
        outbreaks.bundles.begin_anew()
    assert refused.value.reason == "key_not_new"
    assert outbreaks.bundles.run().drawn is None

    last = outbreaks.files()["00000002.cose"]
    outbreaks.keys.rotate()
    begun = outbreaks.bundles.begin_anew()
    assert begun.drawn == 2 + JUMP
    assert [name for name in outbreaks.files() if name.startswith("0")] == [
        f"{begun.drawn:08}.cose"
    ]
    bundle = outbreaks.bundle(begun.drawn)
    content = outbreaks.files()[f"{begun.drawn:08}.cose"]
    signers = (read_signed(each).key_id for each in (content, last))
    assert begins_anew(bundle, *signers, outbreaks.keys.trust_list())
    read = [
        told(bundle, card, NOW - 3 * HOUR, NOW)
        for place in (market, pagoda)
        for card in outbreaks.cards(place)
    ]
    assert list(map(len, read)) == [0, 1]
    outbreaks.breaker.turn(True, "danh sách sai", CENTRE)
    assert outbreaks.bundles.run().drawn == begun.drawn + 1
    assert outbreaks.bundle(begun.drawn + 1).previous == digest_of(content)


def test_what_is_too_much_for_one_file_goes_into_the_next(
    outbreaks: Outbreaks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle that no device takes would be the end of the chain."""
    monkeypatch.setattr(bundle_module, "MAX_BUNDLE_BYTES", 40_000)
    for number in range(20):
        outbreaks.notices.issue(order(outbreaks.place(f"Chợ {number}")), LAN)
    assert [outbreaks.bundles.run().notices for _ in range(3)] == [16, 4, 0]
    assert len(outbreaks.bundle(1).notices) == 16


def test_only_one_writes_at_a_time(outbreaks: Outbreaks) -> None:
    """The other does nothing, and says so."""
    with outbreaks.kept.alone() as mine:
        assert mine
        assert outbreaks.bundles.run().busy


def fill(outbreaks: Outbreaks) -> None:
    """Leave a first bundle behind, a retraction and a notice to tell, and an orphan to remove."""
    market = outbreaks.place()
    number = outbreaks.notices.issue(order(market), LAN).notice.number
    outbreaks.bundles.run()
    outbreaks.notices.update(number, order(market, min_overlap=15), LAN)
    (outbreaks.folder / "00000099.cose").write_bytes(b"an orphan")


def killed_at(step: int, file: Path, folder: Path) -> bool:
    """Run a round in a process that kills itself at that step; False where it got through."""
    child = os.fork()
    if child == 0:
        left = step

        def watch() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def audit(name: str, arguments: tuple[object, ...]) -> None:
            if name in STEPS and str(folder) in str(arguments[0]):
                watch()

        try:
            engine = Database(registry_tables.LAYOUT, file).open()
            outbreaks = Outbreaks(engine, folder)
            outbreaks.entropy.__self__.seed(step)  # type: ignore[attr-defined]
            sys.addaudithook(audit)
            for moment in ("before_cursor_execute", "after_cursor_execute"):
                event.listen(engine, moment, lambda *_: watch())
            event.listen(engine, "commit", lambda _: watch())
            outbreaks.bundles.run()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] != 0


@pytest.mark.slow
def test_a_kill_at_any_step_leaves_one_history(tmp_path: Path) -> None:
    """Whatever was on the shelf for a moment is there for good; the next round finishes."""
    step, died = 0, 0
    while True:
        folder = tmp_path / str(step)
        folder.mkdir()
        file, shelf = folder / "registry.db", folder / "places"
        engine = Database(registry_tables.LAYOUT, file).open()
        outbreaks = Outbreaks(engine, shelf)
        fill(outbreaks)
        engine.dispose()
        killed = killed_at(step, file, shelf)
        left = {path.name: path.read_bytes() for path in shelf.glob("0000000?.cose")}
        engine = Database(registry_tables.LAYOUT, file).open()
        after = Outbreaks(engine, shelf)
        after.bundles.run()
        assert [*after.kept.bundles()] == [1, 2]
        assert after.files() | left == after.files()
        assert set(after.files()) == {
            "00000001.cose",
            "00000002.cose",
            "days.cose",
            "index.txt",
            "trust.cose",
        }
        second = after.bundle(2)
        first = {notice.notice_id for notice in after.bundle(1).notices}
        assert len(first.intersection(second.retracted)) == 4
        assert len(real_ids(engine).intersection(second.retracted)) == 1
        assert after.bundles.run().written == 0
        engine.dispose()
        if not killed:
            break
        step, died = step + 1, died + 1
    assert died > 20


def test_a_chain_with_one_left_out_does_not_hold(outbreaks: Outbreaks) -> None:
    """A device that is shown the third after the first says so."""
    market = outbreaks.place()
    for _ in range(3):
        outbreaks.notices.issue(order(market), LAN)
        outbreaks.bundles.run()
    head: ChainHead | None = None
    for one, two in pairwise((1, 2, 3)):
        head = follow(head, outbreaks.bundle(one), outbreaks.kept.content(one))
        assert outbreaks.bundle(two).previous == head.digest
    first = follow(None, outbreaks.bundle(1), outbreaks.kept.content(1))
    with pytest.raises(BadInput) as refused:
        follow(first, outbreaks.bundle(3), outbreaks.kept.content(3))
    assert refused.value.reason == "bundle_gap"
