"""Exports of diagnosis keys, against the identifiers that were heard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from bluezone_node.alerts import Alert
from bluezone_node.crypto.signing import PublicKey
from bluezone_node.intervals import interval_at
from bluezone_node.node.exposure import Yardstick, judge
from bluezone_node.node.matching import match_export, verify_export
from bluezone_node.node.sync import Judge
from bluezone_node.ports import ExportRecord, ExportState, InThread, KeySource, OnStore
from bluezone_node.proximity.matching import HeardIndex
from bluezone_node.proximity.model import HeardIdentifier, IdentifierProtocol


class HeardLog:
    """The heard identifiers, read once a round and only if there is an export to match.

    In pieces: two weeks of a busy place take seconds to read, in which the minute that is due
    must be written, and a node that is told to stop must stop.
    """

    AT_ONCE = 5000
    """Identifiers read at a time: less than a tenth of a second."""

    def __init__(self, on_store: OnStore, in_thread: InThread) -> None:
        self._on_store = on_store
        self._in_thread = in_thread
        self._index: HeardIndex | None = None

    def forget(self) -> None:
        self._index = None

    async def index(self) -> HeardIndex:
        if self._index is None:
            rows = await self._on_store(
                lambda store: store.heard_identifiers(IdentifierProtocol.GAEN)
            )
            heard: list[HeardIdentifier] = []
            # The iterator is only ever advanced on the store's own thread.
            while some := await self._on_store(lambda _: list(islice(rows, self.AT_ONCE))):
                heard += some
            self._index = await self._in_thread(lambda _: HeardIndex(heard))
        return self._index


class KeyTaker:
    """What the sources of keys share: the store, and the log that keys are matched against."""

    def __init__(self, on_store: OnStore, in_thread: InThread) -> None:
        self.on_store = on_store
        self.in_thread = in_thread
        self.heard = HeardLog(on_store, in_thread)


@dataclass(frozen=True, slots=True)
class DiagnosisKeys:
    """A `sync.Source` of export files, and whose signature they must carry."""

    exports: KeySource
    public_keys: tuple[PublicKey, ...]
    taker: KeyTaker
    keeps_index: bool = True
    chained: bool = False

    def begin(self) -> None:
        self.taker.heard.forget()

    async def prepare(self, now: datetime) -> None:
        """Nothing: the public keys are settings."""

    async def wanted(self, listed: Sequence[str]) -> list[str]:
        return list(listed)

    async def take(
        self, data: bytes, record: ExportRecord, progress: Callable[[int], None]
    ) -> ExportRecord:
        on_store, in_thread = self.taker.on_store, self.taker.in_thread
        verified = await in_thread(
            lambda _: verify_export(data, self.public_keys, interval_at(record.at))
        )
        seen = replace(
            record,
            keys=verified.key_count,
            revised_keys=verified.revised_key_count,
            end_timestamp=verified.end_timestamp,
        )
        await on_store(lambda store: store.record_export(seen, [], []))
        heard = await self.taker.heard.index()
        matches = await in_thread(
            lambda stopping: match_export(verified, heard, progress, stopping)
        )
        primary, revised = matches.attributed_to(record.source, record.name)
        done = replace(seen, state=ExportState.MATCHED, matched_keys=len(primary))
        await on_store(lambda store: store.record_export(done, primary, revised))
        return done

    async def verdict(self, now: datetime) -> str:
        return ""


def judge_by(yardstick: Yardstick, on_store: OnStore) -> Judge:
    """Return the judge of encounters with people whose keys were published."""

    async def weigh(now: datetime) -> list[Alert]:
        return await on_store(lambda store: judge(store, yardstick, now))

    return weigh
