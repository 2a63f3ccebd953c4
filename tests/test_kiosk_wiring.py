"""What the kiosk is put together from, and what keeps it from being put together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.config import KioskSettings, NodeSettings, Settings
from bluezone_node.control import ControlDoor
from bluezone_node.crypto.cose import public_bytes
from bluezone_node.errors import BadConfig, BadInput, DatabaseInUse, DatabaseUnusable, NoPlace
from bluezone_node.ports import SourceState
from bluezone_node.store.node import open_node_store
from bluezone_node.venuefile import read_venue_file
from bluezone_node.venues.card import CardFlag
from bluezone_node.venues.checkins import Checkin, Way
from bluezone_node.venues.trust import Role, TrustedKey, TrustList, write_trust_list
from bluezone_node.web.server import bind
from bluezone_node.wiring.kiosk import (
    LOOK_SECONDS,
    PIN_FILE,
    is_loopback,
    open_kiosk,
    read_pin,
    write_pin,
)
from bluezone_node.wiring.store import erase_node
from bluezone_node.wiring.venue import venue_of
from tests.kiosks import PIN, market, venue_file
from tests.venues.places import CARDS, ROOT

NOW = datetime.now(UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    venue = venue_file(tmp_path / "venue.json", market(at=NOW), at=NOW)
    return Settings(
        NodeSettings(state_dir=str(tmp_path / "state")), kiosk=KioskSettings(str(venue))
    )


async def test_a_kiosk_knows_what_is_around_it(settings: Settings) -> None:
    """No daemon, never synced, a card for two hundred days."""
    async with open_kiosk(settings, venue_of(settings), loopback=True) as kiosk:
        condition = kiosk.surroundings.condition
        assert not condition.daemon
        assert condition.synced is None
        assert 199 <= condition.card_days <= 200
        kiosk.parts.written(False)
        assert kiosk.surroundings.condition.unwritten
        with pytest.raises(BadInput) as refused:
            await kiosk.parts.tap()
        assert refused.value.reason == "tap_unavailable"


@pytest.mark.parametrize("problem", ["", "the adapter sends the identifier alone"])
async def test_a_kiosk_knows_what_its_node_says(settings: Settings, problem: str) -> None:
    """Whether its place can be heard stands on its page, and not in the node's log alone."""
    said = {"time": {"known": True}, "place_problem": problem}
    async with open_kiosk(settings, venue_of(settings), loopback=True) as kiosk:
        door = ControlDoor(settings.state_dir(), {"status": lambda: said})
        await door.open()
        await kiosk.surroundings.look()
        condition = kiosk.surroundings.condition
        await door.close()
        assert condition.daemon
        assert condition.silent == bool(problem)


async def test_one_desk_to_a_database(settings: Settings) -> None:
    """A second would not know who is inside; and the place is free again when the first ends."""
    async with open_kiosk(settings, venue_of(settings), loopback=True):
        with pytest.raises(DatabaseInUse, match="another kiosk"):
            async with open_kiosk(settings, venue_of(settings), loopback=True):
                pass
    async with open_kiosk(settings, venue_of(settings), loopback=True):
        pass


async def test_nothing_is_erased_under_a_kiosk_that_runs(settings: Settings) -> None:
    """It would count on with the key that its owner believes destroyed."""
    async with open_kiosk(settings, venue_of(settings), loopback=True):
        with pytest.raises(DatabaseInUse, match="kiosk"):
            erase_node(settings)
    erase_node(settings)


async def test_a_card_that_is_over_is_said_on_the_screen(settings: Settings) -> None:
    """A browser before a door that does not come up shows nothing that a person could act on."""
    folder = settings.state_dir().parent
    over = read_venue_file(venue_file(folder / "over.json", market(at=NOW, days=0), at=NOW))
    async with open_kiosk(settings, over, loopback=True) as kiosk:
        assert kiosk.surroundings.condition.objection == "card_expired"


async def test_what_was_downloaded_is_looked_at_while_it_runs(settings: Settings) -> None:
    """The daemon writes it into the same database; the next look of the page's finds it."""
    venue = venue_of(settings)
    async with open_kiosk(settings, venue, loopback=True) as kiosk:
        assert kiosk.surroundings.condition.objection == ""
        around = (NOW - timedelta(days=9), NOW + timedelta(days=9))
        cards = TrustedKey(public_bytes(CARDS), Role.CARDS, "VN", *around, revoked=NOW)
        list_of_now = write_trust_list(TrustList(2, NOW, (cards,)), ROOT)
        with open_node_store(settings.state_dir() / "node.db") as store:
            store.put_place_file("trust.cose", list_of_now)
            store.put_source_state(SourceState("places", NOW, NOW, ""))
        await kiosk.surroundings.look()
        assert kiosk.surroundings.condition.synced == NOW.replace(microsecond=0)
        assert kiosk.surroundings.condition.objection == "card_unknown_signer"
    assert LOOK_SECONDS < 60  # the look after a sync is within a minute of it


async def test_a_register_without_its_key_keeps_it_from_coming_up(settings: Settings) -> None:
    """Names that nobody could read may not be asked for."""
    folder = settings.state_dir().parent
    card = market(at=NOW, register_key=bytes(32), flags=CardFlag.REGISTER_REQUIRED)
    needs = read_venue_file(venue_file(folder / "register.json", card, at=NOW))
    with pytest.raises(BadConfig):
        async with open_kiosk(settings, needs, loopback=True):
            pass


async def test_a_folder_that_cannot_be_written_is_said(settings: Settings, tmp_path: Path) -> None:
    """In a sentence, before the page is served."""
    (tmp_path / "state").write_text("a file")
    with pytest.raises(DatabaseUnusable):
        async with open_kiosk(settings, venue_of(settings), loopback=True):
            pass


async def test_on_a_network_it_needs_a_pin(settings: Settings) -> None:
    """Once one is set, it comes up."""
    with pytest.raises(BadConfig, match="PIN"):
        async with open_kiosk(settings, venue_of(settings), loopback=False):
            pass
    write_pin(settings, PIN)
    async with open_kiosk(settings, venue_of(settings), loopback=False) as kiosk:
        assert kiosk.parts.gate.has_pin
        assert kiosk.parts.gate.knows(kiosk.parts.gate.enter(PIN))


def test_a_pin_is_its_owners_alone(settings: Settings) -> None:
    """What is kept of it is no PIN; a short one is refused and changes nothing."""
    assert read_pin(settings.state_dir()) == ""
    write_pin(settings, PIN)
    path = settings.state_dir() / PIN_FILE
    assert path.stat().st_mode & 0o077 == 0
    assert PIN not in path.read_text()
    kept = read_pin(settings.state_dir())
    with pytest.raises(BadInput):
        write_pin(settings, "123")
    assert read_pin(settings.state_dir()) == kept


def test_a_pin_outlives_what_cannot_be_written(settings: Settings) -> None:
    """And half a file, as a full card leaves it, is no PIN and nobody's fault."""
    write_pin(settings, PIN)
    kept = read_pin(settings.state_dir())
    blocked = settings.state_dir() / f"{PIN_FILE}.new"
    blocked.mkdir(mode=0o700)
    with pytest.raises(DatabaseUnusable):
        write_pin(settings, "135790")
    assert read_pin(settings.state_dir()) == kept
    (settings.state_dir() / PIN_FILE).write_text(kept[: len(kept) // 2])
    assert read_pin(settings.state_dir()) == ""


async def test_nothing_is_erased_by_a_clock_that_nobody_vouches_for(settings: Settings) -> None:
    """It may be years ahead; once somebody does, what is too old goes."""
    async with open_kiosk(settings, venue_of(settings), loopback=True) as kiosk:
        around = kiosk.surroundings
        old = Checkin(0, (NOW - timedelta(days=30)).replace(microsecond=0), Way.SLIP)
        await kiosk.parts.on_desk(lambda desk: desk._store.add_checkin(old))
        for known, left in ((False, 1), (True, 0)):
            around.condition = replace(around.condition, clock_known=known)
            await around.forget()
            rows = await kiosk.parts.on_desk(lambda desk: desk.history(old.came, NOW))
            assert len(rows) == left


def test_a_place_must_be_named() -> None:
    """By the settings or on the command line."""
    with pytest.raises(NoPlace, match="No place is named"):
        venue_of(Settings())


@pytest.mark.parametrize(("listen", "own"), [("127.0.0.1:0", True), ("0.0.0.0:0", False)])
def test_loopback_is_known(listen: str, own: bool) -> None:
    """All addresses are not this machine alone."""
    with bind(listen) as bound:
        assert is_loopback(bound) is own
