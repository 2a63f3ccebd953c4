"""How an authority runs: in one process, or as several workers under a parent; and its rounds.

Workers share nothing but the listening socket, the folder and the databases, so they may as well
be on several machines: whoever comes first to a round does it, under the database's lock.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Collection, Coroutine
from typing import TYPE_CHECKING

from bluezone_node.errors import BluezoneError
from bluezone_node.ports import Clock
from bluezone_node.systemd import ServiceManager, passed_socket
from bluezone_node.web.worker import BEAT_SECONDS, Part, Worker, this_worker
from bluezone_node.wiring.application import authority_app
from bluezone_node.wiring.authority import AuthorityParts, open_authority

if TYPE_CHECKING:
    from bluezone_node.authority.people.audit import ChainedTrail
    from bluezone_node.store.authority.folder import AuthorityFolder

EXPORT_SECONDS = 60
"""Between two looks at whether an export is due."""

BUNDLE_SECONDS = 15
"""Between two looks at whether there is anything to tell of places: a notice should be with
visitors a minute after the officer's order, of which caches of the index may take the most."""

FORGET_SECONDS = 3600
"""Between two rounds of erasing codes and tokens that are over."""

TIDY_SECONDS = 60
"""Between two looks at whether a signing key is over, and is to be deleted."""

Round = Callable[[], Coroutine[None, None, None]]

log = logging.getLogger(__name__)


async def serve_authority(
    folder: "AuthorityFolder",
    clock: Clock,
    roles: Collection[str],
    listen: str,
    ready: Callable[[str], None],
    workers: int | None = None,
) -> None:
    """Serve *roles* at *listen* (HOST:PORT) until SIGTERM or Ctrl-C, and do the rounds beside it.

    With *workers*, that many processes serve, one more does the rounds, and this one watches over
    them: SIGHUP replaces them one by one.  Without, this process does it all.

    Where the service manager already listens for us, *listen* is not looked at.
    *ready* is called with the address once requests are taken.

    Raises:
        BadConfig: a key of a role is missing, or the address cannot be had.
    """
    from bluezone_node.web import server
    from bluezone_node.web.metrics import counted_together
    from bluezone_node.web.workers import Workers

    if (worker := this_worker()) is not None:
        await _work(folder, clock, roles, worker)
        return
    manager, stop, serving = ServiceManager(), server.stop_on_signals(), asyncio.Event()

    async def beat() -> None:
        await serving.wait()
        while True:
            manager.alive()
            await asyncio.sleep(BEAT_SECONDS)

    with passed_socket() or server.bind(listen) as bound:

        def listening() -> None:
            manager.ready()
            serving.set()
            ready(server.address_of(bound))

        with open_authority(folder, clock, roles) as parts:
            if workers is None:
                await server.serve(
                    authority_app(folder, parts, clock),
                    bound,
                    trusted_proxies=folder.settings.serve.trusted_proxies,
                    beside=[*rounds(parts, clock), beat],
                    ready=listening,
                    stop=stop,
                )
        if workers is not None:
            # Opened above all the same: what is wrong is said once, and not by every worker.
            reload = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload.set)
            with counted_together(os.environ) as environ:
                await Workers(workers, bound, sys.orig_argv[1:], environ).run(
                    ready=listening, alive=manager.alive, stop=stop, reload=reload
                )
        manager.stopping()


def rounds(parts: AuthorityParts, clock: Clock) -> list[Round]:
    """Return what is to be done again and again, as endless jobs."""
    exporter, verification, federation = parts.exporter, parts.verification, parts.federation

    async def export() -> None:
        while exporter is not None:
            await _logged(exporter.run)
            for each in federation.exporters.values() if federation is not None else ():
                await _logged(each.run)
            await clock.sleep(EXPORT_SECONDS)

    async def tell() -> None:
        while parts.notices is not None:
            await _logged(parts.notices.bundles.run)
            await clock.sleep(BUNDLE_SECONDS)

    async def take() -> None:
        if federation is not None:
            await federation.take(clock)

    async def forget() -> None:
        while verification is not None:
            await _logged(verification.forget)
            if parts.shown is not None:
                await _logged(parts.shown.forget, clock.now())
            if parts.accounts is not None and parts.audit is not None:
                await _logged(parts.accounts.forget)
                await _logged(parts.audit.forget)
                await _logged(_tell_head, parts.audit)
            if parts.notices is not None:
                await _logged(parts.notices.notices.forget)
            if parts.places is not None:
                await _logged(parts.places.claims.forget)
            if parts.register is not None:
                await _logged(parts.register.openings.forget)
                await _logged(parts.register.day_keys.tidy)
            await clock.sleep(FORGET_SECONDS)

    async def tidy() -> None:
        while parts.rings:
            for ring in parts.rings:
                await _logged(ring.tidy, clock.now())
            await clock.sleep(TIDY_SECONDS)

    return [export, tell, take, forget, tidy]


def _tell_head(trail: "ChainedTrail") -> None:
    """Note the head of the audit trail in the log: kept elsewhere, it vouches for all before it."""
    if (head := trail.head()) is not None:
        log.info("audit head %s", head)


async def _work(
    folder: "AuthorityFolder", clock: Clock, roles: Collection[str], worker: Worker
) -> None:
    """Do what this process is for, until the parent says stop or is gone."""
    from bluezone_node.web import server

    stop, working = server.stop_on_signals(), asyncio.Event()

    async def live() -> None:
        await working.wait()
        await worker.live(stop)

    with open_authority(folder, clock, roles) as parts, worker.bound as bound:
        if worker.part is Part.SERVING:
            await server.serve(
                authority_app(folder, parts, clock),
                bound,
                trusted_proxies=folder.settings.serve.trusted_proxies,
                beside=[live],
                ready=working.set,
                stop=stop,
            )
            return
        working.set()
        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(job()) for job in [*rounds(parts, clock), live]]
            await stop.wait()
            for job in jobs:
                job.cancel()


async def _logged(work: Callable[..., object], *given: object) -> None:
    """Do *work* in a thread; where it fails, say so and go on: the next round tries again."""
    try:
        await asyncio.to_thread(work, *given)
    except OSError as error:
        log.error("%s failed: %s: %s", work.__qualname__, error.filename, error.strerror)
    except BluezoneError as error:
        log.error("%s failed: %s", work.__qualname__, error)
    except Exception as error:
        log.error("%s failed: %s", work.__qualname__, type(error).__name__)
