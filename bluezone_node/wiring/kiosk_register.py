"""The register of names at a kiosk: its key on this device, and its parts."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluezone_node.clock import SystemClock
from bluezone_node.config import Settings
from bluezone_node.errors import BadConfig, BadInput, DatabaseUnusable
from bluezone_node.ports import Clock
from bluezone_node.venuefile import VenueFile
from bluezone_node.venues.card import PUBLIC_KEY_BYTES
from bluezone_node.wiring.at_rest import DATABASE_NAME, secret_of
from bluezone_node.wiring.venue import venue_of

if TYPE_CHECKING:
    from bluezone_node.node.kiosk.register import Register
    from bluezone_node.store.node import SqliteNodeStore

ASK_SECONDS = 60.0
"""Between two questions for warrants: an officer who waits is on the telephone already."""
KEY_FILE = "register.key"
"""In the node's folder: 32 bytes, its owner's alone."""

Result = TypeVar("Result")


def make_register_key(settings: Settings) -> bytes:
    """Make the private key on this device; return the public one.

    Raises:
        BadInput: there is one already, or it cannot be written.
    """
    path = settings.state_dir() / KEY_FILE
    private = X25519PrivateKey.generate()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(private.private_bytes_raw())
            file.flush()
            os.fsync(descriptor)
    except FileExistsError:
        raise BadInput(
            f"{path} is there already: what was sealed for it could not be opened any more.",
            reason="exists",
        ) from None
    return private.public_key().public_bytes_raw()


def register_of(
    settings: Settings, venue: VenueFile, store: "SqliteNodeStore", clock: Clock
) -> "Register | None":
    """Return the register of *venue*; None: its card has no key for one.

    Raises:
        BadConfig: the key on the card is not the one on this device.
    """
    from bluezone_node.node.kiosk.register import Register

    if venue.card.card.register_key is None:
        return None
    key = venue.register_key or _own_key(settings)
    return Register(venue.card, key, venue.trust, venue.root, store, clock, os.urandom)


def at_register(
    settings: Settings, given: Path | None, work: "Callable[[Register], Result]"
) -> Result:
    """Do *work* at the register of this kiosk, also beside one that is running.

    Raises:
        BadConfig: the place keeps no register, or its file or key is of no use.
        DatabaseUnusable: the database cannot be opened or written.
    """
    from bluezone_node.store.node import open_node_store

    venue = venue_of(settings, given)
    path = settings.state_dir() / DATABASE_NAME
    with open_node_store(path, secret_of(settings)) as store:
        register = register_of(settings, venue, store, SystemClock())
        if register is None:
            raise BadConfig("This place keeps no register of names.")
        return work(register)


class OnRegister(Protocol):
    """Runs a piece of work in the register's thread."""

    async def __call__(self, work: "Callable[[Register], Result]") -> Result: ...


@asynccontextmanager
async def register_rounds(
    venue: VenueFile, on_register: OnRegister, clock: Clock
) -> AsyncIterator[list[Callable[[], Awaitable[None]]]]:
    """Yield what the register of *venue* does again and again: answer warrants."""
    from bluezone_node.client import HttpPlaces
    from bluezone_node.node.kiosk.answering import Answering

    if venue.card.card.register_key is None or not venue.authority:
        yield []
        return
    async with HttpPlaces(venue.authority, venue.bearer) as door:
        answering = Answering(on_register, door)

        async def answer() -> None:
            while True:
                with suppress(DatabaseUnusable):
                    await answering.once()
                await clock.sleep(ASK_SECONDS)

        yield [answer]


def _own_key(settings: Settings) -> bytes | None:
    path = settings.state_dir() / KEY_FILE
    try:
        if path.stat().st_mode & 0o077:
            raise BadConfig(f"{path} can be read by other users", hint=f"chmod 600 {path}")
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadConfig(f"{path}: {error.strerror}") from error
    if len(key) != PUBLIC_KEY_BYTES:
        raise BadConfig(f"{path} is no key of a register: it was changed or cut short.")
    return key
