"""What every test may ask for."""

import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests import order, postgres
from tests.bluez.stage import Stage, playing
from tests.vm.packages import may_install

if TYPE_CHECKING:
    from xdist.remote import Producer

    from tests.storage import Storage

# Derandomised: a red build shows the same example to everyone who runs it again.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=100)
settings.load_profile("repeatable")

# No test speaks TLS, and each HTTP client would read all of the system's authorities: 30 ms. One
# that never signed anything is read instead; the client of object storage refuses to have none.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).with_name("no_authority.pem"))
os.environ.pop("SSL_CERT_DIR", None)

# Whoever starts us in the background has us ignore Ctrl-C, and what tests start inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> order.Scheduling | None:
    """Side by side the long tests run as `tests.order` says."""
    return order.Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort them as `tests.order` says."""
    order.sort(items)


@pytest.fixture(scope="session", autouse=True)
def laid_out() -> Iterator[None]:
    """The authority's new databases are laid out from memory, where tests have to do with them."""
    database = sys.modules.get("bluezone_node.store.authority.database")
    with pytest.MonkeyPatch.context() as patched:
        if database is not None:
            from tests.laid_out import from_memory

            patched.setattr(database, "bring_up", from_memory)
        yield


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of published vectors and real export files."""
    folder = _SHARED / "vectors"
    if not folder.is_dir():
        pytest.skip(f"published vectors are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real signal-strength recordings."""
    folder = _SHARED / "data" / "rssi"
    if not folder.is_dir():
        pytest.skip(f"recordings are not at {folder}")
    return folder


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A world in which BlueZ is played."""
    async with playing(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL of this worker's own."""
    try:
        with postgres.running() as server:
            yield server
    except postgres.Unavailable as reason:
        if os.environ.get("CI") == "true" and may_install():
            pytest.fail(f"a build server must have PostgreSQL: {reason}")
        pytest.skip(f"no PostgreSQL of our own: {reason}")


@pytest.fixture(scope="session")
def storage_server() -> Iterator["Storage"]:
    """Object storage of this worker's own, slow to import."""
    from tests import storage

    with storage.running() as server:
        yield server


@pytest.fixture
def storage(storage_server: "Storage", monkeypatch: pytest.MonkeyPatch) -> "Storage":
    """Object storage, and its credentials in the environment."""
    from tests.storage import CREDENTIALS

    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return storage_server


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> Iterator[str]:
    """The URL of a new, empty database."""
    with postgres_server.database() as url:
        yield url
