"""A kiosk: its page over the desk of one place, beside the daemon or without it."""

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bluezone_node.config import Settings
from bluezone_node.control import ask
from bluezone_node.errors import BadConfig, BadInput, DatabaseUnusable
from bluezone_node.ports import Clock, Voucher, Witness
from bluezone_node.systemd import ServiceManager
from bluezone_node.venuefile import VenueFile
from bluezone_node.venues.card import day_number
from bluezone_node.wiring.at_rest import DATABASE_NAME, secret_of
from bluezone_node.wiring.clock import open_clock, witness_of
from bluezone_node.wiring.store import KIOSK_LOCK

if TYPE_CHECKING:
    from bluezone_node.node.kiosk.desk import Desk
    from bluezone_node.node.kiosk.place import Place
    from bluezone_node.node.kiosk.register import Register
    from bluezone_node.store.node import SqliteNodeStore
    from bluezone_node.web.kiosk.parts import KioskParts

PIN_FILE = "kiosk-pin"
_KEPT = re.compile(r"(?:[0-9a-f]{2})+:[0-9a-f]{64}")
"""As `web.kiosk.gate.hash_pin` writes it."""
LOOK_SECONDS = 5.0
"""Between two looks at the parts around the page."""
SETTLE_SECONDS = 20.0
"""Between two looks at whose time is over."""
FORGET_SECONDS = 3600.0

Result = TypeVar("Result")


class DeskThread:
    """One thread for the desk and its database, as `store.node.StoreThread` for the node's."""

    def __init__(self, make: "Callable[[SqliteNodeStore], Desk]", settings: Settings) -> None:
        self._make = make
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="desk")
        self._store: SqliteNodeStore
        self._desk: Desk
        self.register: Register | None = None
        self._opened = ExitStack()

    async def __call__(self, work: "Callable[[Desk], Result]") -> Result:
        return await self._run(lambda: work(self._desk))

    async def on_store(self, work: "Callable[[SqliteNodeStore], Result]") -> Result:
        """Run *work* on the database itself."""
        return await self._run(lambda: work(self._store))

    async def on_register(self, work: "Callable[[Register], Result]") -> Result:
        """Run *work* on the register of names.

        Raises:
            BadConfig: the place keeps none.
        """

        def worked() -> Result:
            if self.register is None:
                raise BadConfig("This place keeps no register of names.")
            return work(self.register)

        return await self._run(worked)

    async def open(self) -> None:
        """Open the database and take up those who are inside.

        Raises:
            DatabaseUnusable: it cannot be opened or written.
            DatabaseInUse: another kiosk has it.
        """
        await self._run(self._open)

    async def close(self) -> None:
        """Finish the work under way and close the database."""
        await self._run(self._close)
        self._thread.shutdown(wait=False)

    def _open(self) -> None:
        from bluezone_node.store.node import open_node_store
        from bluezone_node.store.node.lock import lock_database

        path = self._settings.state_dir() / DATABASE_NAME
        with ExitStack() as opening:
            # Who is inside is held in memory: a second desk would not know of the first's.
            opening.enter_context(lock_database(path.with_name(KIOSK_LOCK), "kiosk"))
            store = opening.enter_context(open_node_store(path, secret_of(self._settings)))
            self._desk = self._make(store)
            self._store = store
            self._opened = opening.pop_all()

    def _close(self) -> None:
        self._opened.close()

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


class Surroundings:
    """What is known of the parts around the page."""

    def __init__(
        self, settings: Settings, place: "Place", desk: DeskThread, clock: Clock, witness: Witness
    ) -> None:
        from bluezone_node.web.kiosk.condition import Condition

        self._settings = settings
        self._place = place
        self._desk = desk
        self._clock = clock
        self._witness = witness
        self.condition: Condition = Condition()

    def written(self, done: bool) -> None:
        """Note whether the last entry is on the disk."""
        self.condition = replace(self.condition, unwritten=not done)

    async def look(self) -> None:
        """Look once."""
        from bluezone_node.node.notices import SOURCE

        folder, now = self._settings.state_dir(), self._clock.now()
        status = await asyncio.to_thread(ask, folder, "status")
        if status is not None and "time" in status:
            known = bool(status["time"]["known"])
        else:
            voucher = await asyncio.to_thread(self._witness, now)
            known = voucher is not Voucher.NOBODY
        card = self._place.card.card
        synced = self.condition.synced
        names = [SOURCE, *(source.name for source in self._settings.sources)]
        with suppress(DatabaseUnusable):
            states = await self._desk.on_store(lambda s: [s.source_state(n) for n in names])
            synced = max((s.last_success for s in states if s.last_success), default=None)
            await self._place.learn(self._desk.on_store)
        days = self.condition.register_days
        if card.register_key is not None:
            with suppress(DatabaseUnusable):
                days = await self._desk.on_register(lambda register: register.days_left())
        self.condition = replace(
            self.condition,
            register_days=days,
            daemon=status is not None,
            silent=known and bool((status or {}).get("place_problem")),
            clock_known=known,
            synced=synced,
            card_days=card.to_day - day_number(now),
            objection=self._place.objection(now),
        )

    async def forget(self) -> None:
        """Erase what is too old, where the time is known: by a wrong one everything looks so."""
        if not self.condition.clock_known:
            return
        await self._desk(lambda desk: desk.forget())
        if self._desk.register is not None:
            await self._desk.on_register(lambda register: register.forget())

    async def forget_hourly(self) -> None:
        """Do that for ever: a kiosk may be without the daemon, which does it otherwise."""
        while True:
            with suppress(DatabaseUnusable):
                await self.forget()
            await self._clock.sleep(FORGET_SECONDS)

    async def run(self) -> None:
        """Look every few seconds, and let those leave whose time is over."""
        waited = SETTLE_SECONDS
        while True:
            await self.look()
            if waited >= SETTLE_SECONDS:
                waited = 0.0
                with suppress(DatabaseUnusable):
                    await self._desk(lambda desk: desk.settle())
            await self._clock.sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS


@dataclass(frozen=True, slots=True)
class Kiosk:
    """A kiosk, ready to serve."""

    parts: "KioskParts"
    surroundings: Surroundings
    beside: Sequence[Callable[[], Awaitable[None]]] = ()
    """Endless jobs beside the page."""

    async def serve(
        self, bound: socket.socket, ready: Callable[[str], None], stop: asyncio.Event
    ) -> None:
        """Serve on *bound* until *stop* is set; call *ready* with the address."""
        from bluezone_node.web import server
        from bluezone_node.web.kiosk.app import kiosk_app

        manager = ServiceManager()

        def listening() -> None:
            manager.ready()
            ready(server.address_of(bound))

        await server.serve(
            kiosk_app(self.parts),
            bound,
            trusted_proxies=(),
            beside=[self.surroundings.run, self.surroundings.forget_hourly, *self.beside],
            ready=listening,
            stop=stop,
        )


@asynccontextmanager
async def open_kiosk(
    settings: Settings, venue: VenueFile, *, loopback: bool
) -> AsyncIterator[Kiosk]:
    """Build the kiosk of *venue*. *loopback*: its page is served to this machine alone.

    Raises:
        BadConfig: it is on a network without a PIN, or cannot keep the register that it must.
        DatabaseUnusable: the database cannot be opened or written.
    """
    from bluezone_node.node.kiosk.desk import Desk
    from bluezone_node.node.kiosk.ledger import DeskRules
    from bluezone_node.node.kiosk.place import Place
    from bluezone_node.node.kiosk.screen import Screen
    from bluezone_node.store.node import SqliteNodeStore
    from bluezone_node.venues.text import DEFAULT_HOST
    from bluezone_node.web.kiosk.gate import Gate
    from bluezone_node.web.kiosk.parts import KioskParts
    from bluezone_node.wiring.kiosk_register import register_of, register_rounds

    folder = settings.state_dir()
    if not loopback and not read_pin(folder):
        raise BadConfig(
            "on a network the page needs a PIN, and none is set",
            hint="bluezone-node kiosk --set-pin; or listen on 127.0.0.1",
        )
    hosts = settings.places.hosts if settings.places else [DEFAULT_HOST]
    async with open_clock(settings.node.radio) as clock:
        place = Place(venue.card, venue.trust, venue.root)
        screen = Screen(venue.card, venue.proof_key, hosts[0])
        rules = DeskRules(settings.kiosk.mode, settings.kiosk.capacity, hosts)

        def make(store: SqliteNodeStore) -> Desk:
            contacts = register_of(settings, venue, store, clock)
            desk.register = contacts
            return Desk(place, screen, store, clock, os.urandom, rules, contacts)

        desk = DeskThread(make, settings)
        try:
            try:
                await desk.open()
            except BadInput as error:
                raise BadConfig(str(error), hint=error.hint) from error
            trusted = settings.node.time == "trusted"
            witness = witness_of(settings.node.radio, owner_vouches=trusted)
            surroundings = Surroundings(settings, place, desk, clock, witness)
            await surroundings.look()
            gate = Gate(
                lambda: read_pin(folder),
                ["localhost", socket.gethostname(), f"{socket.gethostname()}.local"],
                clock,
                os.urandom,
                open_on_loopback=loopback,
            )
            parts = KioskParts(
                place,
                screen,
                desk,
                gate,
                clock,
                lambda: surroundings.condition,
                surroundings.written,
                lambda: _tapped(folder),
                settings.kiosk.paper,
            )
            async with register_rounds(venue, desk.on_register, clock) as beside:
                yield Kiosk(parts, surroundings, beside)
        finally:
            await desk.close()


async def _tapped(folder: Path) -> bytes:
    """Return what the device is known by that is held to the kiosk now, as the daemon hears it.

    Raises:
        BadInput: reason ``tap_unavailable``, ``nobody_tapped`` or ``two_tapped``.
    """
    from bluezone_node.node.tap import NoTap

    answer = await asyncio.to_thread(ask, folder, "tap")
    if answer is None or "error" in answer:
        raise BadInput("The node does not run beside the kiosk.", reason="tap_unavailable")
    token = answer.get("tap")
    if not isinstance(token, str) or not token:
        several = answer.get("why") == NoTap.TWO.value
        raise BadInput(
            "No device is held here.", reason="two_tapped" if several else "nobody_tapped"
        )
    return token.encode()


def is_loopback(bound: socket.socket) -> bool:
    """Tell whether only this machine can reach *bound*."""
    return ip_address(bound.getsockname()[0]).is_loopback


def read_pin(folder: Path) -> str:
    """Return what is kept of the PIN; empty where none is set, or the file is damaged."""
    try:
        kept = (folder / PIN_FILE).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return kept if _KEPT.fullmatch(kept) else ""


def write_pin(settings: Settings, pin: str) -> None:
    """Keep *pin* from now on, in the place of an earlier one.

    Raises:
        BadInput: it is too short or too long.
        DatabaseUnusable: it cannot be written; the earlier one holds.
    """
    from bluezone_node.store.node.permissions import make_private
    from bluezone_node.web.kiosk.gate import hash_pin

    kept = hash_pin(pin, os.urandom)
    path = settings.state_dir() / PIN_FILE
    beside = path.with_name(f"{PIN_FILE}.new")
    # Whole or not at all: half a PIN, on a card that is full, is none.
    make_private(beside)
    try:
        beside.write_text(kept + "\n", encoding="ascii")
        beside.replace(path)
    except OSError as error:
        raise DatabaseUnusable(f"{path} cannot be written: {error.strerror}") from error
