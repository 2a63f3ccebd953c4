"""Provinces that import one another, over real HTTP, and one that the network does not reach."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from bluezone_node.authority.distribution.importing import ImportRound
from bluezone_node.authority.distribution.mirror import Mirror
from bluezone_node.authority.ports.exposures import Changes, Exposure, Revision
from bluezone_node.authority.settings import ImportSettings
from bluezone_node.client import HttpExports
from bluezone_node.clock import SimClock
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.crypto.metadata import Metadata
from bluezone_node.crypto.signing import load_public_key
from bluezone_node.export.container import Export, open_verified
from bluezone_node.export.signature import SignatureState
from bluezone_node.files import FolderExports
from bluezone_node.intervals import interval_at, rolling_start
from bluezone_node.node.advertiser import beacon
from bluezone_node.node.exposure import Yardstick
from bluezone_node.node.keys import DiagnosisKeys, KeyTaker, judge_by
from bluezone_node.node.sync import Sync
from bluezone_node.ports import KeySource
from bluezone_node.presets import load_preset, load_profile
from bluezone_node.proximity.encounters import fold_all
from bluezone_node.proximity.model import Sighting
from bluezone_node.store.authority.folder import AuthorityFolder, make_folder
from bluezone_node.store.authority.shelf import FolderShelf
from bluezone_node.wiring.application import authority_app
from bluezone_node.wiring.authority import AuthorityParts, open_authority
from bluezone_node.wiring.watch import looks_of
from tests.authorities import served
from tests.kept import adding
from tests.sources import Told, at_once
from tests.stores import MemoryNodeStore, OnMemory

pytestmark = pytest.mark.slow

MET = datetime(2026, 3, 8, 8, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
PUBLISHER = ("publisher",)
AN = TemporaryExposureKey(b"an's key of day1", rolling_start(interval_at(MET)))


@dataclass
class Province:
    """One authority, served; its rounds are run by hand."""

    name: str
    folder: AuthorityFolder
    parts: AuthorityParts
    url: str

    @property
    def public_key(self) -> Path:
        return self.folder.export_public_key

    def publish(self, *keys: bytes, days_ago: int = 2) -> None:
        assert self.parts.exposures is not None
        start = rolling_start(interval_at(NOW)) - 144 * days_ago
        rows = [
            Exposure(key, start, 144, 2, "confirmed", 0, NOW.replace(minute=0), b"o" * 32)
            for key in keys
        ]
        self.parts.exposures.publish(keys, adding(*rows))

    def take_back(self, key: bytes, now: datetime) -> None:
        def revoke(stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
            at = now.replace(minute=0)
            return Changes(revised=[replace(stored[key], revision=Revision("negative", 0, at))])

        assert self.parts.exposures is not None
        self.parts.exposures.publish([key], revoke)

    async def round(self) -> list[ImportRound]:
        """Import what is new, and write what is due."""
        assert self.parts.federation is not None
        assert self.parts.exporter is not None
        async with self.parts.federation.connected() as importer:
            rounds = await importer.run()
        self.parts.exporter.run()
        self.parts.federation.export()
        return rounds

    def kept(self) -> dict[str, int]:
        assert self.parts.federation is not None
        return {each.origin: each.keys for each in self.parts.federation.store.counts()}

    def series(self, origin: str = "") -> set[bytes]:
        """Return the keys that are on offer in one series, signed by this authority."""
        found = [export.key_batches() for export in self._exports(origin)]
        return {key.key for batches in found for keys in batches for key in keys}

    def revised(self, origin: str = "") -> set[bytes]:
        """Return the revised keys that are on offer in it."""
        found = [export.revised_key_batches() for export in self._exports(origin)]
        return {key.key for batches in found for keys in batches for key in keys}

    def _exports(self, origin: str) -> Iterator[Export]:
        key = load_public_key(self.public_key.read_bytes())
        folder = self.folder.exports / origin
        for line in (folder / "index.txt").read_text().split():
            # The lines of a series start from the folder above it.
            export = open_verified((folder.parent / line).read_bytes(), [key])
            assert export.signature is SignatureState.VERIFIED
            assert export.header.region == (origin or self.name)
            yield export


@asynccontextmanager
async def provinces(
    tmp_path: Path, clock: SimClock, imports: dict[str, Sequence[str]]
) -> AsyncIterator[dict[str, Province]]:
    """Serve an authority for each name, which imports from those that it is given."""
    made: dict[str, AuthorityFolder] = {}
    for name in imports:
        folder = make_folder(tmp_path / name, ("registrar", "publisher"))
        export = structs.replace(
            folder.settings.export, period_minutes=60, min_age_minutes=0, min_records=0, region=name
        )
        made[name] = replace(folder, settings=structs.replace(folder.settings, export=export))
    async with _served(made, clock) as urls:
        with ExitStack() as opened:
            found = {}
            for name, others in imports.items():
                chosen = [
                    ImportSettings(
                        name=other,
                        url=f"{urls[other]}/exports/index.txt",
                        public_keys=[str(made[other].export_public_key)],
                        region=other,
                    )
                    for other in others
                ]
                folder = replace(
                    made[name], settings=structs.replace(made[name].settings, imports=chosen)
                )
                parts = opened.enter_context(open_authority(folder, clock, PUBLISHER))
                found[name] = Province(name, folder, parts, urls[name])
            yield found


@asynccontextmanager
async def _served(
    folders: dict[str, AuthorityFolder], clock: SimClock
) -> AsyncIterator[dict[str, str]]:
    """Serve each folder; yield the addresses. Nobody can name one before it is served."""
    if not folders:
        yield {}
        return
    (name, folder), *rest = folders.items()
    with open_authority(folder, clock, PUBLISHER) as parts:
        async with (
            served(authority_app(folder, parts, clock)) as url,
            _served(dict(rest), clock) as others,
        ):
            yield {name: url, **others}


@pytest.mark.parametrize(
    "imports",
    [
        {"A": ["B"], "B": ["A"]},
        {"A": ["B"], "B": ["C"], "C": ["A"]},
    ],
    ids=["two", "ring"],
)
async def test_keys_do_not_bounce(tmp_path: Path, imports: dict[str, Sequence[str]]) -> None:
    """Each has its own keys and its neighbour's, however often they ask one another."""
    clock = SimClock(NOW)
    async with provinces(tmp_path, clock, imports) as found:
        for name, province in found.items():
            province.publish(*(f"{name}{n}".encode().ljust(16) for n in range(5)))
            # One person was in two provinces and reported in both.
            province.publish(b"reported at both")
        for province in found.values():
            # Whoever asks first finds nothing yet, and asks again.
            await province.round()
        for _ in range(4):
            clock.advance(3600)
            for province in found.values():
                assert [each.problem for each in await province.round()] == [""]
        for name, province in found.items():
            (other,) = imports[name]
            assert province.kept() == {other: 6}
            own = {f"{name}{n}".encode().ljust(16) for n in range(5)} | {b"reported at both"}
            theirs = {f"{other}{n}".encode().ljust(16) for n in range(5)} | {b"reported at both"}
            assert province.series() == own
            assert province.series(other) == theirs


async def test_a_diagnosis_that_is_taken_back_is_taken_back_everywhere(tmp_path: Path) -> None:
    """The revision follows its key through the series; the same key published at home stays."""
    clock = SimClock(NOW)
    async with provinces(tmp_path, clock, {"A": ["B"], "B": []}) as found:
        home, away = found["A"], found["B"]
        for province in (home, away):
            province.publish(AN.key)

        async def pass_hours() -> None:
            for _ in range(3):
                clock.advance(3600)
                for province in (away, home):
                    await province.round()

        await pass_hours()
        away.take_back(AN.key, clock.now())
        await pass_hours()
        assert home.revised() == set()
        assert home.revised("B") == {AN.key}
        assert home.series() == home.series("B") == {AN.key}


class Waiting(SimClock):
    """A clock on which whoever sleeps is waited for, and sleeps on."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asleep.set()
        await asyncio.Event().wait()


async def test_a_server_imports_by_itself(tmp_path: Path) -> None:
    """One of its endless jobs looks at each source that is due."""
    clock = Waiting(NOW)
    async with provinces(tmp_path, clock, {"A": ["B"], "B": []}) as found:
        found["B"].publish(AN.key)
        clock.advance(3600)
        await found["B"].round()
        federation = found["A"].parts.federation
        assert federation is not None
        job = asyncio.create_task(federation.take(clock))
        await clock.asleep.wait()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert found["A"].kept() == {"B": 1}
        (state,) = federation.store.sources()
        assert (state.problem, state.succeeded) == ("", clock.now())
        told = looks_of(found["A"].parts, clock)["imports"]()
        assert {gauge.name: gauge.value for gauge in told.gauges} == {
            "import_last_success_timestamp_seconds": clock.now().timestamp(),
            "import_failing": 0,
        }


class Device:
    """A node that met An, and what it was told."""

    def __init__(self, source: KeySource, public_key: Path, clock: SimClock) -> None:
        store = MemoryNodeStore()
        sightings = []
        for second in range(0, 1200, 2):
            at = MET + timedelta(seconds=second)
            sent = beacon(AN, interval_at(at), Metadata(12, 3))
            sightings.append(Sighting(at, sent.rpi, sent.aem, -45))
        store.log(*fold_all(sightings))
        self.told = Told()
        self.sync = Sync(
            [
                DiagnosisKeys(
                    source,
                    (load_public_key(public_key.read_bytes()),),
                    KeyTaker(OnMemory(store), at_once),
                )
            ],
            clock=clock,
            on_store=OnMemory(store),
            entropy=random.Random(3).randbytes,
            judges=[
                judge_by(
                    Yardstick(load_preset("vn-f1-2m"), load_profile("people"), 0.0), OnMemory(store)
                )
            ],
            notifier=self.told,
            every=14400,
        )


async def test_a_contact_from_another_province_is_told_at_home(tmp_path: Path) -> None:
    """A node needs its own authority's key only, and asks its own authority only."""
    clock = SimClock(NOW)
    async with provinces(tmp_path, clock, {"A": ["B"], "B": []}) as found:
        home, away = found["A"], found["B"]
        away.publish(AN.key)
        for _ in range(4):
            clock.advance(3600)
            for province in (away, home):
                await province.round()
        async with HttpExports("home", f"{home.url}/exports/B") as exports:
            device = Device(exports, home.public_key, clock)
            done = await device.sync.once()
    assert not done.problems
    assert len(device.told.alerts) == 1


def mirror_of(source: KeySource, folder: Path, public_key: Path, clock: SimClock) -> Mirror:
    keys = [load_public_key(public_key.read_bytes())]
    return Mirror(
        source, FolderShelf(folder), folder.name, clock, public_keys=keys, in_thread=at_once
    )


async def test_a_province_without_a_network_is_told_too(tmp_path: Path) -> None:
    """By a stick: mirrored where there is a network, mirrored again where there is none."""
    clock = SimClock(NOW)
    stick, island = tmp_path / "stick" / "exports", tmp_path / "island"
    async with provinces(tmp_path, clock, {"A": []}) as found:
        found["A"].publish(AN.key)
        clock.advance(2 * 3600)
        await found["A"].round()
        public_key = found["A"].public_key
        async with HttpExports("A", f"{found['A'].url}/exports", conditional=True) as exports:
            mirror = mirror_of(exports, stick, public_key, clock)
            assert (await mirror.run()).fetched == 1
            assert (await mirror.run()).fetched == 0
    # The network is gone: nobody listens there any more.
    folder = make_folder(island, ("registrar", "publisher"))
    copy = island / "mirror" / "A" / "exports"
    await mirror_of(FolderExports("stick", stick), copy, public_key, clock).run()
    shutil.rmtree(stick)
    with open_authority(folder, clock, PUBLISHER) as parts:
        async with (
            served(authority_app(folder, parts, clock)) as url,
            HttpExports("A", f"{url}/mirror/A/exports") as exports,
        ):
            device = Device(exports, public_key, clock)
            done = await device.sync.once()
    assert not done.problems
    assert len(device.told.alerts) == 1
