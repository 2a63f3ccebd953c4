"""Syncing: where published files come from, who judges by them, and for whom."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bluezone_node.config import PlacesSettings, Settings, SourceSettings
from bluezone_node.control import ask
from bluezone_node.errors import BadConfig, TimeUnknown
from bluezone_node.ports import Clock, NodeStore, OnStore
from bluezone_node.wiring.clock import open_clock
from bluezone_node.wiring.public_keys import read_public_keys
from bluezone_node.wiring.store import store_thread
from bluezone_node.wiring.threads import in_thread
from bluezone_node.wiring.venue import venue_named, venue_path

if TYPE_CHECKING:
    from bluezone_node.node.kiosk.proposals import ProposalQueue
    from bluezone_node.node.sync import Judge, Source, Sync
    from bluezone_node.store.node import SqliteNodeStore


@asynccontextmanager
async def open_sync(settings: Settings) -> AsyncIterator["Sync"]:
    """Build the sync service on the configured sources.

    Raises:
        TimeUnknown: the running node does not know the time.
    """
    running = refuse_without_time(settings)
    async with AsyncExitStack() as stack:
        clock = await stack.enter_async_context(open_clock(settings.node.radio))
        on_store = await store_thread(settings, stack)
        sources = await sources_of(settings, on_store, stack)
        judges = await proposing_of(settings, on_store, stack)
        yield sync_of(settings, sources, clock, on_store, radio_in_use(settings, running), judges)


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

    running = refuse_without_time(settings)
    async with AsyncExitStack() as stack:
        clock = await stack.enter_async_context(open_clock(settings.node.radio))
        on_store = await store_thread(settings, stack)
        source = DiagnosisKeys(
            FileExports("file", files),
            read_public_keys(public_keys),
            KeyTaker(on_store, in_thread),
            keeps_index=False,
        )
        yield sync_of(settings, [source], clock, on_store, radio_in_use(settings, running))


@asynccontextmanager
async def open_stick(settings: Settings, folder: Path) -> AsyncIterator["Sync"]:
    """Build the sync service on a *folder* with notices of places, such as one on a stick.

    Raises:
        BadConfig: no root of places is configured.
        TimeUnknown: the running node does not know the time.
    """
    from bluezone_node.files import FolderExports
    from bluezone_node.node.notices import SOURCE, Notices

    running = refuse_without_time(settings)
    places = places_of(settings)
    async with AsyncExitStack() as stack:
        clock = await stack.enter_async_context(open_clock(settings.node.radio))
        on_store = await store_thread(settings, stack)
        # A stick may be a day behind what came over the network.
        source = Notices(
            FolderExports(SOURCE, folder), places.root_key, on_store, in_thread, keeps_index=False
        )
        yield sync_of(settings, [source], clock, on_store, radio_in_use(settings, running))


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


def radio_in_use(settings: Settings, running: Mapping[str, Any] | None) -> str | None:
    """Return the name of the adapter that hears, as a *running* node says or the settings do.

    None: whichever the machine has, and no node runs that has chosen one.
    """
    if running is not None:
        return str(running["radio_name"])
    return None if settings.node.radio == "auto" else settings.node.radio


def refuse_without_time(settings: Settings) -> dict[str, Any] | None:
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


async def sources_of(
    settings: Settings, on_store: OnStore, stack: AsyncExitStack
) -> list["Source"]:
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


def sync_of(
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
        from bluezone_node.node.openings import judge_openings
        from bluezone_node.node.warning import judge_visits

        judges.append(judge_visits(settings.places.root_key, on_store, in_thread))
        judges.append(judge_openings(settings.places.root_key, on_store))
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


async def proposing_of(
    settings: Settings, on_store: OnStore, stack: AsyncExitStack
) -> list["Judge"]:
    """Return what proposes notices to the authority of the place that the settings name, and takes
    the place's new card from it."""
    from bluezone_node.client import HttpPlaces
    from bluezone_node.node.kiosk.proposals import Proposing
    from bluezone_node.node.kiosk.renewing import Renewing
    from bluezone_node.node.notices import TRUST
    from bluezone_node.venuefile import renew_venue_file

    venue = venue_named(settings)
    if venue is None or not venue.authority:
        return []
    authority = await stack.enter_async_context(HttpPlaces(venue.authority, venue.bearer))
    return [
        Proposing(venue.card, on_store, _queue_of, authority),
        Renewing(
            venue.card,
            authority,
            partial(renew_venue_file, venue_path(settings)),
            lambda: on_store(lambda store: store.place_file(TRUST)),
        ),
    ]


def _queue_of(store: NodeStore) -> "ProposalQueue":
    # The one store that there is of a node: its proposals lie in the same file.
    return cast("SqliteNodeStore", store)


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
