"""What a device runs: its daemon, and the services behind single commands.

Imports of heavy adapters stand inside the functions that need them: `status` must not wait for
the matcher.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bluezone_node import __released__
from bluezone_node.config import GUESSED_TX_POWER, PlacesSettings, Settings, SourceSettings
from bluezone_node.control import ask
from bluezone_node.errors import BadConfig, TimeUnknown
from bluezone_node.ports import Clock, NodeStore, OnStore
from bluezone_node.wiring.at_rest import DATABASE_NAME, seal_store, secret_of
from bluezone_node.wiring.clock import open_clock, witness_of
from bluezone_node.wiring.public_keys import read_public_keys
from bluezone_node.wiring.threads import in_thread

if TYPE_CHECKING:
    from bluezone_node.node.announcer import Announcer
    from bluezone_node.node.checkin import CheckIn
    from bluezone_node.node.daemon import Daemon
    from bluezone_node.node.diagnosis import Diagnosis
    from bluezone_node.node.kiosk.proposals import ProposalQueue
    from bluezone_node.node.neighbours import AttentiveRadio
    from bluezone_node.node.sync import Judge, Source, Sync
    from bluezone_node.node.tap import TapWatch
    from bluezone_node.store.node import SqliteNodeStore
    from bluezone_node.venuefile import VenueFile

log = logging.getLogger(__name__)


# The store


@contextmanager
def open_store(settings: Settings) -> Iterator[NodeStore]:
    """Open the node's database for one command; the daemon may be running beside it."""
    from bluezone_node.store.node import open_node_store

    path = settings.state_dir() / DATABASE_NAME
    with open_node_store(path, secret_of(settings)) as store:
        yield store


def check_store(settings: Settings) -> str:
    """Return one line about a database that is whole.

    Raises:
        DatabaseUnusable: it is not.
    """
    from bluezone_node.store.node import open_node_store

    path = settings.state_dir() / DATABASE_NAME
    with open_node_store(path, secret_of(settings)) as store:
        store.check()
        return f"{path} is whole, {len(store.own_keys())} own keys"


def erase_node(settings: Settings) -> None:
    """Erase everything, which needs no key; refuse while a daemon runs, which would write on."""
    from bluezone_node.store.node import erase_database, lock_database

    path = settings.state_dir() / DATABASE_NAME
    with lock_database(path):
        erase_database(path)


# Sync and diagnosis, for one command


def _refuse_without_time(settings: Settings) -> dict[str, Any] | None:
    """Return what a running node says of itself, None where none runs.

    Refused is what it must not be made to do while it does not know the time.
    What it heard is not in the log yet, where an export that is matched now would look for it,
    once and for all; and a report would end today's key by the wrong clock.

    Raises:
        TimeUnknown: it does not.
    """
    running = ask(settings.state_dir(), "status")
    if running is not None and not running["time"]["known"]:
        raise TimeUnknown(
            f"the node does not know the time yet: {running['time']['problem']}",
            hint="bluezone-node status says what to do; then try again",
        )
    return running


def radio_in_use(settings: Settings, running: Mapping[str, Any] | None) -> str | None:
    """Return the name of the adapter that hears, as a *running* node says or the settings do.

    None: whichever the machine has, and no node runs that has chosen one.
    """
    if running is not None:
        return str(running["radio_name"])
    return None if settings.node.radio == "auto" else settings.node.radio


@asynccontextmanager
async def open_sync(settings: Settings) -> AsyncIterator["Sync"]:
    """Build the sync service on the configured sources.

    Raises:
        TimeUnknown: the running node does not know the time.
    """
    running = _refuse_without_time(settings)
    async with AsyncExitStack() as stack:
        clock = await stack.enter_async_context(open_clock(settings.node.radio))
        on_store = await _store_thread(settings, stack)
        sources = await _sources(settings, on_store, stack)
        judges = await _proposing(settings, on_store, stack)
        yield _sync(settings, sources, clock, on_store, radio_in_use(settings, running), judges)


@asynccontextmanager
async def open_import(
    settings: Settings, files: Sequence[Path], public_keys: Sequence[str]
) -> AsyncIterator["Sync"]:
    """Build the sync service on files instead of the configured sources.

    Raises:
        TimeUnknown: the running node does not know the time.
    """
    from bluezone_node.files import FileExports
    from bluezone_node.node.keys import DiagnosisKeys, KeyTaker

    running = _refuse_without_time(settings)
    async with AsyncExitStack() as stack:
        clock = await stack.enter_async_context(open_clock(settings.node.radio))
        on_store = await _store_thread(settings, stack)
        source = DiagnosisKeys(
            FileExports("file", files),
            read_public_keys(public_keys),
            KeyTaker(on_store, in_thread),
            keeps_index=False,
        )
        yield _sync(settings, [source], clock, on_store, radio_in_use(settings, running))


@asynccontextmanager
async def open_stick(settings: Settings, folder: Path) -> AsyncIterator["Sync"]:
    """Build the sync service on a *folder* with notices of places, such as one on a stick.

    Raises:
        BadConfig: no root of places is configured.
        TimeUnknown: the running node does not know the time.
    """
    from bluezone_node.files import FolderExports
    from bluezone_node.node.notices import SOURCE, Notices

    running = _refuse_without_time(settings)
    places = places_of(settings)
    async with AsyncExitStack() as stack:
        clock = await stack.enter_async_context(open_clock(settings.node.radio))
        on_store = await _store_thread(settings, stack)
        # A stick may be a day behind what came over the network.
        source = Notices(
            FolderExports(SOURCE, folder), places.root_key, on_store, in_thread, keeps_index=False
        )
        yield _sync(settings, [source], clock, on_store, radio_in_use(settings, running))


@asynccontextmanager
async def open_checkin(settings: Settings) -> AsyncIterator["CheckIn"]:
    """Build the service of the owner's own visits; the daemon may be running beside it.

    Raises:
        BadConfig: no root of places is configured.
        TimeUnknown: the running node does not know the time.
    """
    from bluezone_node.node.checkin import CheckIn

    _refuse_without_time(settings)
    places, folder = places_of(settings), settings.state_dir()
    async with AsyncExitStack() as stack:
        clock = await stack.enter_async_context(open_clock(settings.node.radio))
        on_store = await _store_thread(settings, stack)
        yield CheckIn(
            clock,
            on_store,
            root=places.root_key,
            hosts=places.hosts,
            private=places.private,
            # A running daemon judges at once; without one the next sync does.
            changed_past=lambda: ask(folder, "sync"),
        )


@asynccontextmanager
async def open_diagnosis(settings: Settings) -> AsyncIterator[tuple["Diagnosis", Clock]]:
    """Build the service that reports a diagnosis.

    Raises:
        BadConfig: no authority is configured.
        TimeUnknown: the running node does not know the time.
    """
    from bluezone_node.client import HttpAuthority
    from bluezone_node.node.diagnosis import Diagnosis

    if settings.authority is None:
        raise BadConfig(
            "no health authority is configured",
            hint="add an [authority] section with registrar and publisher: docs/operate.md",
        )
    _refuse_without_time(settings)
    folder = settings.state_dir()
    async with AsyncExitStack() as stack:
        clock = await stack.enter_async_context(open_clock(settings.node.radio))
        on_store = await _store_thread(settings, stack)
        authority = await stack.enter_async_context(
            HttpAuthority(settings.authority.registrar, settings.authority.publisher)
        )
        yield (
            Diagnosis(
                authority,
                settings.authority.health_authority,
                clock,
                on_store,
                os.urandom,
                # A running daemon takes the new key at once; without one nothing is on the air.
                key_retired=lambda: ask(folder, "renew"),
            ),
            clock,
        )


async def check_source(settings: SourceSettings) -> int:
    """Return how many exports a source offers.

    Raises:
        Unreachable: none, for the reason given.
        BadConfig: its public keys cannot be read.
    """
    from bluezone_node.client import HttpExports

    read_public_keys(settings.public_keys)
    async with HttpExports(settings.name, settings.url) as exports:
        return len(await exports.index())


async def check_places(settings: PlacesSettings) -> int:
    """Return how many bundles of notices are on offer, beside a trust list that is believed.

    Raises:
        Unreachable: none, for the reason given.
        BadInput: the trust list is not the root's.
    """
    from bluezone_node.client import HttpExports
    from bluezone_node.node.notices import SOURCE, TRUST
    from bluezone_node.venues.trust import read_trust_list

    async with HttpExports(SOURCE, settings.url) as exports:
        count = len(await exports.index())
        read_trust_list(await exports.fetch(TRUST), settings.root_key)
        return count


# The daemon


class RunningNode:
    """A daemon with its door and its service manager."""

    def __init__(
        self,
        daemon: "Daemon",
        sync: "Sync",
        radio: "AttentiveRadio",
        taps: "TapWatch",
        folder: Path,
    ) -> None:
        self._daemon = daemon
        self._sync = sync
        self._radio = radio
        self._taps = taps
        self._folder = folder

    async def run(self, stop: asyncio.Event) -> None:
        """Run until *stop* is set."""
        from bluezone_node.control import ControlDoor
        from bluezone_node.systemd import ServiceManager

        manager = ServiceManager()
        door = ControlDoor(
            self._folder,
            {
                "status": lambda: _plain(asdict(self._daemon.condition())),
                "neighbours": lambda: _plain(asdict(self._radio.neighbours())),
                "tap": lambda: asdict(self._taps.tap()),
                "renew": lambda: _done(self._daemon.renew),
                "sync": lambda: _done(self._sync.ask),
            },
        )

        def ready() -> None:
            known = self._daemon.condition().time.known
            log.info("up" if known else "listening, and on the air when the time is known")
            manager.ready()

        await door.open()
        try:
            await self._daemon.run(stop, ready)
        finally:
            manager.stopping()
            await door.close()


@asynccontextmanager
async def open_node(settings: Settings, radio_spec: str | None) -> AsyncIterator[RunningNode]:
    """Build the daemon; the database is locked for as long as it lives.

    Raises:
        DatabaseInUse: another daemon runs on the same state folder.
        RadioUnavailable: the radio cannot be opened.
        BadConfig: a setting names something that does not exist.
    """
    from bluezone_node.ble.radio import open_radio
    from bluezone_node.clock import SystemClock
    from bluezone_node.crypto.metadata import Metadata
    from bluezone_node.node.advertiser import Advertiser
    from bluezone_node.node.daemon import Daemon
    from bluezone_node.node.neighbours import AttentiveRadio
    from bluezone_node.node.presence import Presence
    from bluezone_node.node.tap import TapWatch
    from bluezone_node.node.timekeeper import Timekeeper
    from bluezone_node.store.node import lock_database
    from bluezone_node.systemd import ServiceManager

    folder = settings.state_dir()
    async with AsyncExitStack() as stack:
        stack.enter_context(lock_database(folder / DATABASE_NAME))
        await seal_store(settings)
        on_store = await _store_thread(settings, stack)
        spec = radio_spec or settings.node.radio
        opened, clock, reported_power = await open_radio(
            spec,
            SystemClock(),
            wearable=settings.node.scan == "wearable",
        )
        stack.push_async_callback(opened.close)
        radio = AttentiveRadio(opened, clock)
        witness = witness_of(spec, owner_vouches=settings.node.time == "trusted")
        timekeeper = Timekeeper(clock, witness, on_store, __released__)
        sources = await _sources(settings, on_store, stack)
        judges = await _proposing(settings, on_store, stack)
        sync = _sync(settings, sources, timekeeper, on_store, radio.name, judges)
        powers = (settings.node.tx_power, reported_power, GUESSED_TX_POWER)
        power = next(power for power in powers if power is not None)
        metadata = Metadata(power, settings.node.calibration_confidence)
        announcer = _announcer(settings)
        advertiser = Advertiser(radio, timekeeper, on_store, os.urandom, metadata, announcer)
        taps = TapWatch(clock, os.urandom)
        daemon = Daemon(
            radio=radio,
            timekeeper=timekeeper,
            on_store=on_store,
            advertiser=advertiser,
            sync=sync,
            alive=ServiceManager().alive,
            # A place makes no visits, and nobody is to have some that they cannot list or forget.
            presence=Presence(timekeeper, on_store)
            if settings.places is not None and announcer is None
            else None,
            ears=[taps.hear],
        )
        yield RunningNode(daemon, sync, radio, taps, folder)


# Parts


def _announcer(settings: Settings) -> "Announcer | None":
    """Return what sends the tags of the place that the settings name; None: it is no place's.

    Raises:
        BadConfig: the file of the place is of no use.
    """
    from bluezone_node.node.announcer import Announcer, keys_of

    venue = _venue(settings)
    return None if venue is None else Announcer(keys_of([venue.card]))


def _venue(settings: Settings) -> "VenueFile | None":
    """Return the place that the settings name; None: this node stands at none.

    Raises:
        BadConfig: its file is of no use.
    """
    from bluezone_node.venuefile import read_venue_file

    named = settings.kiosk.venue
    return read_venue_file(Path(named).expanduser()) if named else None


async def _store_thread(settings: Settings, stack: AsyncExitStack) -> OnStore:
    from bluezone_node.store.node import StoreThread

    path = settings.state_dir() / DATABASE_NAME
    return await stack.enter_async_context(StoreThread(path, secret_of(settings)))


async def _sources(settings: Settings, on_store: OnStore, stack: AsyncExitStack) -> list["Source"]:
    from bluezone_node.client import HttpExports
    from bluezone_node.node.keys import DiagnosisKeys, KeyTaker
    from bluezone_node.node.notices import SOURCE, Notices

    taker = KeyTaker(on_store, in_thread)
    sources: list[Source] = []
    for each in settings.sources:
        exports = await stack.enter_async_context(HttpExports(each.name, each.url))
        sources.append(DiagnosisKeys(exports, read_public_keys(each.public_keys), taker))
    if settings.places is not None and settings.places.url:
        exports = await stack.enter_async_context(HttpExports(SOURCE, settings.places.url))
        sources.append(Notices(exports, settings.places.root_key, on_store, in_thread))
    return sources


async def _proposing(settings: Settings, on_store: OnStore, stack: AsyncExitStack) -> list["Judge"]:
    """Return what proposes notices to the authority of the place that the settings name."""
    from bluezone_node.client import HttpPlaces
    from bluezone_node.node.kiosk.proposals import Proposing

    venue = _venue(settings)
    if venue is None or not venue.authority:
        return []
    authority = await stack.enter_async_context(HttpPlaces(venue.authority, venue.bearer))
    return [Proposing(venue.card, on_store, _queue_of, authority)]


def _queue_of(store: NodeStore) -> "ProposalQueue":
    # The one store that there is of a node: its proposals lie in the same file.
    return cast("SqliteNodeStore", store)


def _sync(
    settings: Settings,
    sources: Sequence["Source"],
    clock: Clock,
    on_store: OnStore,
    radio: str | None,
    more: Sequence["Judge"] = (),
) -> "Sync":
    from bluezone_node.node.exposure import Yardstick
    from bluezone_node.node.keys import judge_by
    from bluezone_node.node.sync import Sync
    from bluezone_node.notify import LogNotifier
    from bluezone_node.presets import load_preset, load_profile

    yardstick = Yardstick(
        load_preset(settings.node.rules),
        load_profile(settings.node.profile),
        settings.node.rx_offset,
        radio,
    )
    judges = [judge_by(yardstick, on_store)]
    if settings.places is not None:
        from bluezone_node.node.notices import judge_visits
        from bluezone_node.node.openings import judge_openings

        judges.append(judge_visits(settings.places.root_key, on_store, in_thread))
        judges.append(judge_openings(settings.places.root_key, on_store, in_thread))
    judges += more
    return Sync(
        sources,
        clock=clock,
        on_store=on_store,
        entropy=os.urandom,
        judges=judges,
        notifier=LogNotifier(),
        every=settings.node.sync_minutes * 60,
    )


def places_of(settings: Settings) -> PlacesSettings:
    """Return the settings of places.

    Raises:
        BadConfig: there are none.
    """
    if settings.places is None:
        raise BadConfig(
            "no places are configured",
            hint="add a [places] section with the root's public key: docs/operate.md",
        )
    return settings.places


def _plain(condition: dict[str, object]) -> dict[str, object]:
    """Return *condition* as JSON can hold it."""
    import msgspec

    plain: dict[str, object] = msgspec.to_builtins(condition)
    return plain


def _done(act: Callable[[], None]) -> dict[str, object]:
    act()
    return {"done": True}
