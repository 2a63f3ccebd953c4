"""What a person has a device do once: report a diagnosis, check in at a place."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from bluezone_node.config import Settings
from bluezone_node.control import ask
from bluezone_node.errors import BadConfig
from bluezone_node.ports import Clock
from bluezone_node.wiring.clock import open_clock
from bluezone_node.wiring.store import store_thread
from bluezone_node.wiring.sync import places_of, refuse_without_time

if TYPE_CHECKING:
    from bluezone_node.node.checkin import CheckIn
    from bluezone_node.node.diagnosis import Diagnosis


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
    refuse_without_time(settings)
    folder = settings.state_dir()
    async with AsyncExitStack() as stack:
        clock = await stack.enter_async_context(open_clock(settings.node.radio))
        on_store = await store_thread(settings, stack)
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


@asynccontextmanager
async def open_checkin(settings: Settings) -> AsyncIterator["CheckIn"]:
    """Build the service of the owner's own visits; the daemon may be running beside it.

    Raises:
        BadConfig: no root of places is configured.
        TimeUnknown: the running node does not know the time.
    """
    from bluezone_node.node.checkin import CheckIn

    refuse_without_time(settings)
    places, folder = places_of(settings), settings.state_dir()
    async with AsyncExitStack() as stack:
        clock = await stack.enter_async_context(open_clock(settings.node.radio))
        on_store = await store_thread(settings, stack)
        yield CheckIn(
            clock,
            on_store,
            root=places.root_key,
            hosts=places.hosts,
            private=places.private,
            # A running daemon judges at once; without one the next sync does.
            changed_past=lambda: ask(folder, "sync"),
        )
