"""Bundles of notices: fetched, believed by the trust list, and followed link by link.

They are kept as they were published; `warning` judges them.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from re import compile as pattern

from bluezone_node.errors import BadInput, Refused, Unreachable
from bluezone_node.intervals import to_unix
from bluezone_node.ports import (
    ExportRecord,
    ExportState,
    InThread,
    KeySource,
    NodeStore,
    OnStore,
)
from bluezone_node.venues.bundle import Bundle, begins_anew, check_signer, follow, read_bundle
from bluezone_node.venues.head import BundleHead, head_of
from bluezone_node.venues.register import read_day_keys
from bluezone_node.venues.trust import TrustList, read_trust_list
from bluezone_node.venues.visits import VISIT_RETENTION

log = logging.getLogger(__name__)

SOURCE = "places"
"""Name in the ledger, whichever way the bundles came: over the network or on a stick."""
TRUST, DAYS = "trust.cose", "days.cose"
MAX_DAYS_BYTES = 64 * 1024
"""Of the list of day keys: three weeks of one province have 3 kB."""
STALE = timedelta(days=2)
"""An authority makes a bundle a day at least: with none for so long, an old list is being shown."""

MOST_AT_ONCE = 2000
"""Bundles in a round, the oldest first; the others come with the next.  An authority makes some a
day, and some hundred on its worst; an index of 1 MiB names 75,000 that there need not be."""

AHEAD = timedelta(days=1)
"""By so much a bundle may be dated later than the device's clock says. One dated years ahead would
never be old: no list would be taken for a frozen one any more."""

_BUNDLE = pattern(r"[0-9]{8}\.cose")


@dataclass(frozen=True, slots=True)
class Notices:
    """A `sync.Source` of bundles, believed by the trust list of the pinned root."""

    exports: KeySource
    root: bytes
    """Ed25519 public key, 32 bytes."""
    on_store: OnStore
    in_thread: InThread
    keeps_index: bool = True
    chained: bool = True

    def begin(self) -> None:
        """Nothing is remembered between rounds."""

    async def prepare(self, now: datetime) -> None:
        """Fetch the trust list, and the register's day keys where there are any."""
        content = await self.exports.fetch(TRUST)
        known = await self.on_store(lambda store: trust_of(store, self.root))
        trust = read_trust_list(content, self.root, known)
        if trust != known:
            await self._disown(trust, now)
        await self.on_store(lambda store: store.put_place_file(TRUST, content))
        try:
            days = await self.exports.fetch(DAYS)
            if len(days) > MAX_DAYS_BYTES:
                raise BadInput("The list of day keys is too long.", reason="days_oversized")
            read_day_keys(days, trust, now)
        except Unreachable:
            return
        except Refused as error:
            # Warnings do not wait for it, and names are sealed to the keys of the list before,
            # while they last.
            log.warning("the list of day keys is not believed: %s", error.reason)
            return
        await self.on_store(lambda store: store.put_place_file(DAYS, days))

    async def wanted(self, listed: Sequence[str]) -> list[str]:
        newest = await self.on_store(lambda store: store.newest_head())
        # What is older could only be refused: a stick may have more of the past than this device.
        oldest = _name_of(newest.sequence) if newest is not None else ""
        # They lie beside their index, whatever folder its lines begin with: a stick and the
        # network give each the same name in the ledger.
        names = {line.rpartition("/")[2] for line in listed}
        bundles = sorted(name for name in names if _BUNDLE.fullmatch(name) and name >= oldest)
        return bundles[:MOST_AT_ONCE]

    async def take(
        self, data: bytes, record: ExportRecord, progress: Callable[[int], None]
    ) -> ExportRecord:
        trust = await self.on_store(lambda store: trust_of(store, self.root))
        if trust is None:
            raise BadInput("There is no trust list to believe it by.", reason="trust_missing")
        newest = await self.on_store(lambda store: store.newest_head())

        def followed(_: Callable[[], bool]) -> tuple[Bundle, BundleHead]:
            bundle = read_bundle(data, trust)
            head = head_of(bundle, data)
            _check_chain(newest, bundle, data, head.signer, trust, record.at)
            if record.name != _name_of(bundle.sequence):
                # The true file of this name would be passed over as one that was taken.
                raise BadInput("The file is not the bundle of its name.", reason="bundle_name")
            return bundle, head

        bundle, head = await self.in_thread(followed)
        done = replace(
            record,
            state=ExportState.MATCHED,
            keys=len(bundle.notices),
            end_timestamp=to_unix(bundle.created),
        )
        await self.on_store(lambda store: store.add_bundle(head, data, done))
        progress(len(bundle.notices))
        return done

    async def _disown(self, trust: TrustList, now: datetime) -> None:
        """Drop bundles whose signers do not count any more: the chain does not go on from them.

        Their files are wanted again: others may be on offer under the same names.
        """
        heads = await self.on_store(lambda store: store.heads())
        numbers = [head.sequence for head in heads if head.is_disowned(trust)]
        if not numbers:
            return
        log.warning("%d bundles of notices count no more", len(numbers))
        disowned = {_name_of(number) for number in numbers}
        ledger = await self.on_store(lambda store: store.export_records(self.exports.name))
        failed = [
            replace(record, state=ExportState.FAILED, at=now, reason="bundle_forged")
            for record in ledger
            if record.name in disowned and record.state is ExportState.MATCHED
        ]
        await self.on_store(lambda store: store.drop_bundles(numbers, failed))

    async def verdict(self, now: datetime) -> str:
        newest = await self.on_store(lambda store: store.newest_head())
        return "stale" if newest is None or now - newest.created > STALE else ""


def trust_of(store: NodeStore, root: bytes) -> TrustList | None:
    """Return the trust list that was believed last, None where the *root* did not sign any."""
    content = store.place_file(TRUST)
    try:
        return read_trust_list(content, root) if content is not None else None
    except Refused:
        return None


def head_believed(store: NodeStore, trust: TrustList) -> BundleHead | None:
    """Return what the newest bundle says beside its notices; None: there is none that counts."""
    newest = store.newest_head()
    return newest if newest is not None and newest.counts(trust) else None


def _name_of(sequence: int) -> str:
    return f"{sequence:08}.cose"


def _check_chain(
    newest: BundleHead | None,
    bundle: Bundle,
    data: bytes,
    signer: bytes,
    trust: TrustList,
    now: datetime,
) -> None:
    """Raise where *bundle* does not follow the *newest*; see `venues.bundle.follow`.

    Who was away for longer than bundles are kept begins anew, and so does everybody where the
    authority does; yet never with an older one.
    """
    if bundle.created > now + AHEAD:
        raise BadInput(
            "The bundle is dated in the future.",
            reason="bundle_ahead",
            hint="is the clock of this device right?",
        )
    if bundle.trust_sequence > trust.sequence:
        raise BadInput(
            "The bundle was made by a newer trust list than the one beside it.",
            reason="trust_withheld",
            hint="somebody may hide that a key was revoked; a stick needs the whole folder places/",
        )
    if newest is None:
        return
    if bundle.province != newest.province:
        raise BadInput(
            "The bundle is of another province than those before: its authority does not go on"
            " with this list.",
            reason="bundle_province",
        )
    away = now - newest.created > VISIT_RETENTION
    anew = bundle.sequence > newest.sequence and (
        away or begins_anew(bundle, signer, newest.signer, trust)
    )
    if anew:
        return
    follow(newest.link, bundle, data)
    check_signer(signer, newest.signer, trust)
