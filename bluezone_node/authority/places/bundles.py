"""Bundles of notices: drawn in the database, then put on the shelf for everybody to fetch.

A bundle is *drawn* first: the notices that wait, the retractions and the made-up notices are
signed, and the file is kept in the transaction that marks them told.  It is put on the shelf
after.  Killed in between, the next run finds it and puts the same bytes there; run twice, it does
nothing.  The index and the files are compared with the database each time, and mended.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bluezone_node.authority.ports.notices import (
    BundleHead,
    BundleStore,
    DrawnBundle,
    Due,
    NoticeKeys,
)
from bluezone_node.authority.ports.shelf import ExportShelf
from bluezone_node.crypto.cose import decode_map, public_bytes, read_signed
from bluezone_node.errors import BadConfig, BadInput
from bluezone_node.ports import Clock, Entropy
from bluezone_node.venues.bundle import (
    FIRST_PREVIOUS,
    SIZES,
    Bundle,
    begins_anew,
    padded,
    padded_marks,
    padded_retractions,
    read_bundle,
    write_bundle,
)
from bluezone_node.venues.card import day_number
from bluezone_node.venues.notices import read_notice
from bluezone_node.venues.trust import Role

ROOT = "exports/places"
"""First part of every line of the index; the files are served under it."""
INDEX = "index.txt"
TRUST = "trust.cose"
DAY_KEYS = "days.cose"
KEEP = timedelta(days=21)
"""As long as devices keep visits: an older bundle has nothing to tell anybody."""
JUMP = 100_000
"""Between the numbers of two chains: devices may know bundles of the first that nobody here does,
one a minute at most. That is two months of them, and leaves room for a thousand chains."""
LATE = timedelta(hours=25)
"""There is one a day at least; devices take a list that stands still for a frozen one."""

_FILE = re.compile(r"[0-9]{8}\.cose")


@dataclass(frozen=True, slots=True)
class BundleRun:
    """What one run did."""

    drawn: int | None
    """Number of the bundle that was drawn."""
    notices: int
    """Real ones in it: parts, one for each card."""
    written: int
    """Files put on the shelf."""
    removed: int
    busy: bool = False
    """Another process is at it; nothing was done."""


@dataclass(frozen=True, slots=True)
class BundleHealth:
    """How the bundles stand."""

    last: BundleHead | None
    missing: int
    """Files that should be on the shelf and are not."""
    ahead: bool
    """Files on the shelf are newer than the database, and are not followed: see `Bundles.run`."""
    late: bool
    """None was written for more than a day."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What a person must look at, in snake_case."""
        found = {
            "bundles_missing": self.missing > 0,
            "bundles_ahead": self.ahead,
            "bundles_late": self.late,
        }
        return tuple(name for name, wrong in found.items() if wrong)


class Bundles:
    """Writes what is due. `run` blocks, and is safe to repeat at any time."""

    def __init__(
        self,
        store: BundleStore,
        shelf: ExportShelf,
        keys: NoticeKeys,
        clock: Clock,
        entropy: Entropy,
        day_keys: Callable[[], bytes],
    ) -> None:
        """*day_keys*: returns the signed list that registers are sealed with."""
        self._day_keys = day_keys
        self._store = store
        self._shelf = shelf
        self._keys = keys
        self._clock = clock
        self._entropy = entropy

    def run(self) -> BundleRun:
        """Draw the next bundle if there is anything to tell, and see to it that all are on offer.

        Raises:
            BadConfig: a key is missing; or bundles were handed out that neither database nor shelf
                has, and writing others in their place would part devices from this authority.
            OSError, StorageUnusable: the shelf cannot be written.
        """
        with self._store.alone() as mine:
            if not mine:
                return BundleRun(None, 0, 0, 0, busy=True)
            now = self._clock.now().replace(microsecond=0)
            self._adopt()
            drawn = _fitting(partial(self._store.draw, now, draw=self._drawing(now)))
            return self._handed_out(drawn, now)

    def begin_anew(self) -> BundleRun:
        """Begin another chain, since what was handed out is lost, or its key was stolen.

        All notices that still hold are in its first bundle. Devices take it for the beginning by
        its key, which the root has named since.

        Raises:
            BadInput: reason ``key_not_new``: devices would refuse it.
            BadConfig, OSError, StorageUnusable: as `run`.
        """
        with self._store.alone() as mine:
            if not mine:
                return BundleRun(None, 0, 0, 0, busy=True)
            now = self._clock.now().replace(microsecond=0)
            last, trust = self._store.last(), self._keys.trust_list()
            before = self._store.content(last.sequence) if last else None
            known = [*_numbers(self._shelf.files()), last.sequence if last else 0]
            draw = self._drawing(now, begin=max(known) + JUMP)

            def beginning(due: Due) -> DrawnBundle | None:
                drawn = draw(due)
                if drawn is not None and before is not None:
                    bundle = read_bundle(drawn.content, trust)
                    signer, other = (read_signed(each).key_id for each in (drawn.content, before))
                    if not begins_anew(bundle, signer, other, trust):
                        raise BadInput(
                            "Devices follow another chain only by another key than before.",
                            reason="key_not_new",
                            hint="bluezone-node trust rotate notices --root FILE; then again",
                        )
                return drawn

            drawn = _fitting(partial(self._store.begin_anew, now, draw=beginning))
            return self._handed_out(drawn, now)

    def _handed_out(self, drawn: DrawnBundle | None, now: datetime) -> BundleRun:
        self._store.forget(now - KEEP)
        written, removed = self._shelve()
        if drawn is None:
            return BundleRun(None, 0, written, removed)
        return BundleRun(drawn.sequence, len(drawn.published), written, removed)

    def health(self) -> BundleHealth:
        """Tell how the bundles stand, without changing anything."""
        last, on_shelf = self._store.last(), self._shelf.files()
        missing = sum(
            on_shelf.get(_name(number)) != size for number, size in self._store.bundles().items()
        )
        ahead = any(number > (last.sequence if last else 0) for number in _numbers(on_shelf))
        late = last is not None and self._clock.now() - last.created > LATE
        return BundleHealth(last, missing, ahead, late)

    def newest(self) -> BundleHead | None:
        return self._store.last()

    def _adopt(self) -> None:
        """Take bundles on the shelf that the database does not know for its own, in their order.

        Where a backup was restored, devices have followed the chain further than it says: another
        bundle in the place of one that they know would be a fork, and refused for good.
        """
        last, on_shelf = self._store.last(), self._shelf.files()
        known = last.sequence if last else 0
        for number in sorted(number for number in _numbers(on_shelf) if number > known):
            content = self._shelf.read(_name(number))
            try:
                bundle = read_bundle(content or b"", self._keys.trust_list())
            except BadInput:
                continue  # nobody has followed that; it is removed
            if last is not None and (number, bundle.previous) != (last.sequence + 1, last.digest):
                raise BadConfig(
                    f"The bundle {number} on the shelf does not follow the last one of the "
                    f"database, {last.sequence}: devices may know a history that it does not.",
                    hint="copy the bundles in between from a mirror; then it goes on by itself",
                )
            if bundle.sequence == number and content is not None:
                self._store.adopt(
                    DrawnBundle(
                        number,
                        bundle.created,
                        bundle.breaker,
                        bundle.revoked,
                        content,
                        tuple(notice.notice_id for notice in bundle.notices),
                        bundle.retracted,
                    )
                )
                last = self._store.last()

    def _drawing(self, now: datetime, begin: int = 0) -> Callable[[Due], DrawnBundle | None]:
        """*begin*: the number of the first bundle of another chain; 0: the chain goes on."""
        # Read before the transaction, which nobody's disk should hold up.
        key, trust = self._keys.notices(), self._keys.trust_list()
        own = public_bytes(key)
        provinces = [
            each.province
            for each in trust.keys
            if each.public_key == own and each.role is Role.NOTICES
        ]

        def draw(due: Due) -> DrawnBundle | None:
            if not begin and not is_due(due, now):
                return None
            last = None if begin else due.last
            number = last.sequence + 1 if last else begin or 1
            real = [read_notice(decode_map(part.fields)) for part in due.parts]
            notices = padded(real, self._entropy)
            bundle = Bundle(
                provinces[0] if provinces else "*",
                number,
                last.digest if last else FIRST_PREVIOUS,
                # As the clock says, also where it was set back: what it said before was wrong.
                now,
                notices,
                padded_retractions(due.retracted, due.made_up, self._entropy),
                due.breaker,
                padded_marks(due.untold, number, self._entropy),
                due.revoked,
                trust.sequence,
            )
            published = tuple(part.notice_id for part in due.parts)
            return DrawnBundle(
                bundle.sequence,
                bundle.created,
                due.breaker,
                due.revoked,
                write_bundle(bundle, key),
                published,
                bundle.retracted,
                tuple({notice.notice_id for notice in notices}.difference(published)),
            )

        return draw

    def _shelve(self) -> tuple[int, int]:
        kept, on_shelf = self._store.bundles(), self._shelf.files()
        names = {_name(number): number for number in kept}
        written = 0
        for name, number in names.items():
            if on_shelf.get(name) != kept[number]:
                self._put(name, self._store.content(number))
                written += 1
        written += self._mend(TRUST, self._keys.trust())
        written += self._mend(DAY_KEYS, self._day_keys())
        # Last: what it names is there. Old files go when no index names them any more.
        written += self._mend(INDEX, "".join(f"{ROOT}/{name}\n" for name in names).encode())
        stale = [name for name in on_shelf if _FILE.fullmatch(name) and name not in names]
        for name in stale:
            self._shelf.remove(name)
        return written, len(stale)

    def _mend(self, name: str, content: bytes) -> int:
        if self._shelf.read(name) == content:
            return 0
        self._put(name, content)
        return 1

    def _put(self, name: str, content: bytes) -> None:
        with self._shelf.writing(name) as file:
            file.write(content)


def _fitting(draw: Callable[[int], DrawnBundle | None]) -> DrawnBundle | None:
    """Return what is drawn of as many notices as devices take in one file; others wait."""
    for most in reversed(SIZES):
        try:
            return draw(most)
        except BadInput as error:
            if error.reason != "bundle_oversized" or most == SIZES[0]:
                raise
    return None


def is_due(due: Due, now: datetime) -> bool:
    """Tell whether there is anything to tell: at least that it is another day in Vietnam."""
    last = due.last
    return (
        last is None
        or bool(due.parts or due.retracted or due.untold)
        or due.breaker != last.breaker
        or due.revoked != last.revoked
        or day_number(now) != day_number(last.created)
    )


def _numbers(names: Iterable[str]) -> list[int]:
    return [int(name.removesuffix(".cose")) for name in names if _FILE.fullmatch(name)]


def _name(sequence: int) -> str:
    return f"{sequence:08}.cose"
