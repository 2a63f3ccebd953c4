"""The daemon of a device, with its door for commands.

Imports of heavy adapters stand inside the functions that need them.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bluezone_node import __released__
from bluezone_node.config import GUESSED_TX_POWER, Settings
from bluezone_node.wiring.at_rest import DATABASE_NAME, seal_store
from bluezone_node.wiring.clock import witness_of
from bluezone_node.wiring.store import store_thread
from bluezone_node.wiring.sync import proposing_of, sources_of, sync_of
from bluezone_node.wiring.venue import venue_named

if TYPE_CHECKING:
    from bluezone_node.node.daemon import Daemon
    from bluezone_node.node.kiosk.place import Place
    from bluezone_node.node.neighbours import AttentiveRadio
    from bluezone_node.node.sync import Sync
    from bluezone_node.node.tap import TapWatch

log = logging.getLogger(__name__)


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
    from bluezone_node.node.announcer import Announcer
    from bluezone_node.node.daemon import Daemon
    from bluezone_node.node.kiosk.place import judge_place
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
        on_store = await store_thread(settings, stack)
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
        sources = await sources_of(settings, on_store, stack)
        judges = await proposing_of(settings, on_store, stack)
        place = _place(settings)
        if place is not None:
            await place.learn(on_store)
            judges.append(judge_place(place, on_store, lambda: advertiser.renew()))
        sync = sync_of(settings, sources, timekeeper, on_store, radio.name, judges)
        powers = (settings.node.tx_power, reported_power, GUESSED_TX_POWER)
        power = next(power for power in powers if power is not None)
        metadata = Metadata(power, settings.node.calibration_confidence)
        announcer = None if place is None else Announcer(place.keys_at)
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


def _place(settings: Settings) -> "Place | None":
    """Return the place that the settings name; None: it is no place's node.

    Raises:
        BadConfig: the file of the place is of no use.
    """
    from bluezone_node.node.kiosk.place import Place

    venue = venue_named(settings)
    return None if venue is None else Place(venue.card, venue.trust, venue.root)


def _plain(condition: dict[str, object]) -> dict[str, object]:
    """Return *condition* as JSON can hold it."""
    import msgspec

    plain: dict[str, object] = msgspec.to_builtins(condition)
    return plain


def _done(act: Callable[[], None]) -> dict[str, object]:
    act()
    return {"done": True}
