"""What an authority does with others' keys: imports them, and hands them out beside its own.

Own keys and each origin's are series of their own, `exports/` and `exports/ORIGIN/`: two
authorities that import one another never hand each other's keys back.
"""

import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import structs

from bluezone_node.ports import Clock
from bluezone_node.wiring.public_keys import read_public_keys
from bluezone_node.wiring.shelves import open_shelf
from bluezone_node.wiring.threads import in_thread

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from bluezone_node.authority.distribution.exporter import Exporter, ExportRun
    from bluezone_node.authority.distribution.importing import Import, Importer
    from bluezone_node.authority.ports.imports import ImportStore
    from bluezone_node.authority.ports.keys import ExportKeys
    from bluezone_node.authority.settings import ImportSettings
    from bluezone_node.client import HttpExports
    from bluezone_node.store.authority.folder import AuthorityFolder

IMPORT_SECONDS = 60
"""Between two looks at whether a source is due."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Federation:
    """The part of an authority that knows other authorities."""

    store: "ImportStore"
    exporters: "Mapping[str, Exporter]"
    """Of the origins whose keys are handed out."""
    importer: "Importer"
    """To be run within `connected`."""
    sources: "Sequence[HttpExports]"

    @asynccontextmanager
    async def connected(self) -> "AsyncIterator[Importer]":
        """Yield the importer, with its way to the network open."""
        async with AsyncExitStack() as stack:
            for source in self.sources:
                await stack.enter_async_context(source)
            yield self.importer

    async def take(self, clock: Clock) -> None:
        """Import what is due, again and again; whatever fails is tried again."""
        async with self.connected() as importer:
            while True:
                try:
                    await importer.run(due=True)
                except OSError as error:
                    log.error("import failed: %s: %s", error.filename, error.strerror)
                except Exception as error:
                    log.error("import failed: %s", type(error).__name__)
                await clock.sleep(IMPORT_SECONDS)

    def export(self, *, after_pause: bool = False) -> "dict[str, ExportRun]":
        """Write the exports of imported keys that are due; return what was done, by origin."""
        return {
            origin: exporter.run(after_pause=after_pause)
            for origin, exporter in self.exporters.items()
        }


def federate(
    folder: "AuthorityFolder", engine: "Engine", keys: "ExportKeys", clock: Clock
) -> Federation:
    """Build the imports of *folder* 's settings, on the publisher's database.

    Raises:
        BadConfig: an address is none, or the file of a public key is missing.
        BadInput: a public key is malformed.
    """
    from bluezone_node.authority.distribution.exporter import Exporter
    from bluezone_node.authority.distribution.importing import Importer
    from bluezone_node.client import HttpExports
    from bluezone_node.store.authority.imports import SqlImports
    from bluezone_node.store.authority.windows import SqlWindows

    settings, store = folder.settings, SqlImports(engine)
    sources = {
        each.name: HttpExports(each.name, each.url.removesuffix("/index.txt"), conditional=True)
        for each in settings.imports
    }
    exporters = {
        each.name: Exporter(
            SqlWindows(engine, each.name),
            open_shelf(folder, each.name),
            clock,
            os.urandom,
            keys=keys,
            settings=structs.replace(settings.export, region=each.region),
            root=each.name,
        )
        for each in settings.imports
        if each.republish
    }
    importer = Importer(
        [_import(folder, each, sources[each.name]) for each in settings.imports],
        store,
        clock,
        in_thread=in_thread,
        retention=timedelta(days=settings.export.retention_days),
    )
    return Federation(store, exporters, importer, tuple(sources.values()))


def _import(
    folder: "AuthorityFolder", settings: "ImportSettings", source: "HttpExports"
) -> "Import":
    from bluezone_node.authority.distribution.imported import Terms
    from bluezone_node.authority.distribution.importing import Import

    return Import(
        source,
        read_public_keys(settings.public_keys, folder.path),
        Terms(settings, folder.settings.publisher, os.urandom),
    )
