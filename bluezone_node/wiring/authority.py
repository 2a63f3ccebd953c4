"""What an authority runs: its services, its HTTP server, and its rounds.

Nothing here is imported by a node, which does without the server's packages.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluezone_node.ports import Clock

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.routing import BaseRoute

    from bluezone_node.authority.exporter import Exporter
    from bluezone_node.authority.ports.exposures import ExposureStore
    from bluezone_node.authority.publish import Publisher
    from bluezone_node.authority.verification import Verification
    from bluezone_node.store.authority.database import Database
    from bluezone_node.store.authority.folder import AuthorityFolder
    from bluezone_node.store.authority.keys import SigningKeys

EXPORT_SECONDS = 60
"""Between two looks at whether an export is due."""

FORGET_SECONDS = 3600
"""Between two rounds of erasing codes and tokens that are over."""

TIDY_SECONDS = 60
"""Between two looks at whether a signing key is over, and is to be deleted."""

DATABASE_VARIABLE = "BLUEZONE_DATABASE"
"""Of the environment: takes the place of ``database.url``, and keeps a password out of files."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuthorityParts:
    """The services of the roles that this process plays."""

    verification: "Verification | None"
    publisher: "Publisher | None"
    exporter: "Exporter | None"
    exposures: "ExposureStore | None"
    rings: "Sequence[SigningKeys]"
    """Keys that rotate."""


def databases_of(folder: "AuthorityFolder") -> "dict[str, Database]":
    """Return the database of each role (registrar, publisher), not opened.

    Raises:
        BadConfig: the URL that was set is none of PostgreSQL.
    """
    from bluezone_node.store.authority import exposure_tables, registry_tables
    from bluezone_node.store.authority.database import Database
    from bluezone_node.store.authority.postgres import parse_url

    given = os.environ.get(DATABASE_VARIABLE) or folder.settings.database.url
    url = None if given is None else parse_url(given)
    return {
        "registrar": Database(registry_tables.LAYOUT, folder.registry_db, url),
        "publisher": Database(exposure_tables.LAYOUT, folder.authority_db, url),
    }


@contextmanager
def open_authority(
    folder: "AuthorityFolder", clock: Clock, roles: Collection[str]
) -> Iterator[AuthorityParts]:
    """Build the authority's services for *roles* (registrar, publisher), each on its own database.

    Raises:
        BadConfig: a key of a role is missing.
        DatabaseUnusable: a database cannot be opened, or waits for `authority migrate`.
    """
    from bluezone_node.authority.exporter import Exporter
    from bluezone_node.authority.publish import Publisher
    from bluezone_node.authority.verification import Verification
    from bluezone_node.store.authority import exposures, registry, windows
    from bluezone_node.store.authority.directory import FileKeys, HttpKeys
    from bluezone_node.store.authority.shelf import FolderShelf

    settings, databases = folder.settings, databases_of(folder)
    verification = publisher = exporter = store = None
    rings: list[SigningKeys] = []
    with ExitStack() as stack:
        if "registrar" in roles:
            registrar_keys = folder.registrar_keys()
            registrar_keys.ring()  # missing or unreadable, it is said now
            rings.append(registrar_keys)
            engine = databases["registrar"].open()
            stack.callback(engine.dispose)
            verification = Verification(
                registry.SqlRegistry(engine),
                clock,
                os.urandom,
                secret=folder.code_secret(),
                keys=registrar_keys,
                settings=settings.registrar,
            )
        if "publisher" in roles:
            secret, export_keys = folder.publisher_secret(), folder.export_keys()
            export_keys.ring()
            rings.append(export_keys)
            engine = databases["publisher"].open()
            stack.callback(engine.dispose)
            store = exposures.SqlExposures(engine)
            publisher = Publisher(
                store,
                clock,
                os.urandom,
                secret=secret,
                directories={
                    entry.id: HttpKeys(entry.jwks, clock)
                    if entry.jwks.startswith(("http://", "https://"))
                    else FileKeys(folder.path / entry.jwks)
                    for entry in settings.publisher.health_authorities
                },
                settings=settings.publisher,
            )
            exporter = Exporter(
                windows.SqlWindows(engine),
                FolderShelf(folder.exports),
                clock,
                os.urandom,
                keys=export_keys,
                settings=settings.export,
            )
        yield AuthorityParts(verification, publisher, exporter, store, rings)


def authority_app(folder: "AuthorityFolder", parts: AuthorityParts, clock: Clock) -> "Starlette":
    """Return the application that serves *parts*."""
    from bluezone_node.web import app

    routes: list[BaseRoute] = []
    if parts.verification is not None:
        per_minute = folder.settings.registrar.verify_per_minute
        routes += app.registrar_routes(
            parts.verification, clock, os.urandom, folder.api_key(), per_minute
        )
    if parts.publisher is not None:
        routes += app.publisher_routes(parts.publisher, os.urandom, folder.exports)
    return app.build_app(routes)


async def serve_authority(
    folder: "AuthorityFolder",
    clock: Clock,
    roles: Collection[str],
    listen: str,
    ready: Callable[[str], None],
) -> None:
    """Serve *roles* at *listen* (HOST:PORT) until SIGTERM or Ctrl-C; export and forget beside it.

    Where the service manager already listens for us, *listen* is not looked at.
    *ready* is called with the address once requests are taken.

    Raises:
        BadConfig: a key of a role is missing, or the address cannot be had.
    """
    from bluezone_node.systemd import ServiceManager, passed_socket
    from bluezone_node.web import server

    manager = ServiceManager()
    with (
        open_authority(folder, clock, roles) as parts,
        passed_socket() or server.bind(listen) as bound,
    ):
        exporter, verification = parts.exporter, parts.verification

        def listening() -> None:
            manager.ready()
            ready(server.address_of(bound))

        async def export() -> None:
            while exporter is not None:
                await _logged(exporter.run)
                await clock.sleep(EXPORT_SECONDS)

        async def forget() -> None:
            while verification is not None:
                await _logged(verification.forget)
                await clock.sleep(FORGET_SECONDS)

        async def tidy() -> None:
            while parts.rings:
                for ring in parts.rings:
                    await _logged(ring.tidy, clock.now())
                await clock.sleep(TIDY_SECONDS)

        await server.serve(
            authority_app(folder, parts, clock),
            bound,
            trusted_proxies=folder.settings.serve.trusted_proxies,
            beside=[export, forget, tidy],
            ready=listening,
            stop=server.stop_on_signals(),
        )
        manager.stopping()


async def _logged(work: Callable[..., object], *given: object) -> None:
    """Do *work* in a thread; where it fails, say so and go on: the next round tries again."""
    try:
        await asyncio.to_thread(work, *given)
    except OSError as error:
        log.error("%s failed: %s: %s", work.__qualname__, error.filename, error.strerror)
    except Exception as error:
        log.error("%s failed: %s", work.__qualname__, type(error).__name__)
