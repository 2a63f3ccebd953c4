"""A desk for places that dies at every statement it makes: all is done, or nothing."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from bluezone_node.authority.places.cards import WHOLE
from bluezone_node.authority.ports.venues import Venue
from tests.venue_desk import CHIEF, MARKET, VenueDesk

pytestmark = pytest.mark.slow

FILE = "name,commune,rooms\nChợ,1,A|B\nQuán,2,\nTrường,3,\n".encode()


def killed_at(statement: int, folder: Path, work: Callable[[VenueDesk], object]) -> bool:
    """Do *work* in a process that is killed before that statement; False: it came to its end."""
    child = os.fork()
    if child == 0:
        desk, left = VenueDesk(folder, entropy=os.urandom), [statement]

        def watch(*_: object) -> None:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(desk.engine, "before_cursor_execute", watch)
        event.listen(desk.engine, "commit", watch)
        work(desk)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def at_every_statement(
    folder: Path, work: Callable[[VenueDesk], object], check: Callable[[VenueDesk, bool], None]
) -> None:
    for statement in range(200):
        killed = killed_at(statement, folder, work)
        desk = VenueDesk(folder)
        check(desk, killed)
        desk.engine.dispose()
        if not killed:
            assert statement > 3
            return
    pytest.fail("it never came to its end")


def market(desk: VenueDesk) -> Venue:
    return desk.directory.find("Chợ Bến Thành", CHIEF)


def test_a_file_is_registered_whole_or_not_at_all(tmp_path: Path) -> None:
    """With all its cards; the same file again registers what is missing."""

    def check(desk: VenueDesk, killed: bool) -> None:
        found = desk.directory.search("", CHIEF)
        assert len(found) in (0, 3)
        for place in found:
            assert len(desk.store.current(place.venue_id)) == 1 + len(place.rooms)
        if not killed:
            assert desk.bulk.register(FILE, CHIEF).totals["known"] == 3

    at_every_statement(tmp_path, lambda desk: desk.bulk.register(FILE, CHIEF), check)


def test_a_place_never_lacks_a_card_nor_has_two(tmp_path: Path) -> None:
    """Whenever its rotation is broken off."""
    desk = VenueDesk(tmp_path)
    desk.venues.register(MARKET, CHIEF)
    desk.engine.dispose()

    def check(desk: VenueDesk, killed: bool) -> None:
        cards = desk.store.current(market(desk).venue_id)
        assert [row.room for row in cards] == [WHOLE, "Khu A"]

    at_every_statement(
        tmp_path, lambda desk: desk.renewal.rotate(market(desk).venue_id, CHIEF), check
    )


def test_a_place_is_corrected_whole_or_not_at_all(tmp_path: Path) -> None:
    """What is said of it, its cards and its kiosks: whenever an edit is broken off."""
    desk = VenueDesk(tmp_path)
    place = desk.venues.register(MARKET, CHIEF).venue_id
    desk.kiosk_files.make(place, "Khu A", CHIEF)
    desk.engine.dispose()
    order = replace(MARKET, name="Chợ mới", rooms=("Khu B",))

    def check(desk: VenueDesk, killed: bool) -> None:
        view = desk.directory.view(place, CHIEF)
        told = {(row.signed.card.name, row.room) for row in view.cards}
        assert (view.venue.name, told, len(view.kiosks), len(view.ending)) in (
            ("Chợ Bến Thành", {("Chợ Bến Thành", WHOLE), ("Chợ Bến Thành", "Khu A")}, 1, 0),
            ("Chợ mới", {("Chợ mới", WHOLE), ("Chợ mới", "Khu B")}, 0, 2),
        )

    at_every_statement(tmp_path, lambda desk: desk.renewal.edit(place, order, CHIEF), check)


def test_a_closed_place_has_nothing_that_counts(tmp_path: Path) -> None:
    """Cards, kiosks and state end together."""
    desk = VenueDesk(tmp_path)
    place = desk.venues.register(MARKET, CHIEF).venue_id
    desk.kiosk_files.make(place, WHOLE, CHIEF)
    desk.engine.dispose()

    def check(desk: VenueDesk, killed: bool) -> None:
        view = desk.directory.view(place, CHIEF)
        counts = (view.venue.closed is None, bool(view.cards), bool(view.kiosks))
        assert counts in ((True, True, True), (False, False, False))

    at_every_statement(tmp_path, lambda desk: desk.venues.close(place, CHIEF), check)
