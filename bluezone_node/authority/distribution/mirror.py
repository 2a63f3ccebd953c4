"""A mirror: another authority's index and files, unchanged, for where the network does not reach.

Files first, in the order of the index; then the index; then what left it is removed.  So the
mirror's index never names a file that is not there, whenever it is cut off, and the next round
goes on where this one ended.
"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from bluezone_node.authority.distribution.exporter import INDEX
from bluezone_node.authority.ports.shelf import ExportShelf
from bluezone_node.crypto.signing import PublicKey
from bluezone_node.errors import BadExport, Unreachable
from bluezone_node.export.container import open_verified
from bluezone_node.export.signature import SignatureState
from bluezone_node.intervals import interval_at
from bluezone_node.ports import Clock, InThread, KeySource

MAX_LISTED = 10_000
"""Lines of an index: two weeks of a file each five minutes are 4 032."""

GONE_FILES = 3
"""So many files in a row that cannot be had are a lost connection: the next round goes on."""

_LINE = re.compile(r"(?:(?P<folder>[^/]+)/)?(?P<name>[A-Za-z0-9_~+=,@][A-Za-z0-9._~+=,@-]{0,254})")
"""The folder that the index lies in, and a file in it that is not hidden."""

Result = TypeVar("Result")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MirrorRun:
    """What one round did."""

    listed: int
    """Files that the mirror's index names now."""
    fetched: int
    removed: int
    missing: tuple[str, ...]
    """Machine names of why files of the source are not here, once each; they are tried again."""


class Mirror:
    """Copies one source to one shelf. `run` is safe to repeat, and to cut off anywhere."""

    def __init__(
        self,
        source: KeySource,
        shelf: ExportShelf,
        folder: str,
        clock: Clock,
        *,
        public_keys: Sequence[PublicKey] | None,
        in_thread: InThread,
    ) -> None:
        """*folder*: what the shelf is called in the lines of its index.

        *public_keys*: whose signature files must carry, any one of them; None: no matter whose.
        """
        self._source = source
        self._shelf = shelf
        self._folder = folder
        self._clock = clock
        self._public_keys = public_keys
        self._in_thread = in_thread

    async def run(self) -> MirrorRun:
        """Copy what is new, and take away what is no longer on offer.

        Raises:
            Unreachable: the index cannot be had, or is not one that can be mirrored here: then
                nothing was changed.
            OSError: the shelf cannot be written to.
        """
        names = self._names(await self._source.index())
        index = await self._do(partial(self._shelf.read, INDEX))
        before = (index or b"").decode("ascii", "replace").split()
        if _went_back(before, list(names)):
            raise Unreachable(
                f"{self._source.name} is older than what is here already; nothing was changed.",
                hint="on a stick, this is one that was forgotten in a drawer",
            )
        present = set(await self._do(self._shelf.files))
        fetched = gone = 0
        missing = []
        for line, name in names.items():
            if name in present or gone >= GONE_FILES:
                continue
            try:
                await self._copy(line, name)
            except BadExport as error:
                log.warning("mirror of %s: %s", self._source.name, error)
                missing.append(error.reason)
            except Unreachable as error:
                log.warning("mirror of %s: %s", self._source.name, error)
                missing.append("unreachable")
                gone += 1
            else:
                present.add(name)
                fetched += 1
                gone = 0
        lines = [line for line, name in names.items() if name in present]
        if index is None or lines != before:
            await self._put(INDEX, "".join(f"{line}\n" for line in lines).encode())
        # What somebody else put beside them is not ours to remove.
        old = {line.rpartition("/")[2] for line in before} | {n for n in present if _is_zip(n)}
        stale = (present & old) - set(names.values())
        for name in stale:
            await self._do(partial(self._shelf.remove, name))
        return MirrorRun(len(lines), fetched, len(stale), tuple(dict.fromkeys(missing)))

    def _names(self, listed: Sequence[str]) -> dict[str, str]:
        """Return the file that each line of the index names, once each."""
        if len(listed) > MAX_LISTED:
            raise Unreachable(f"The index of {self._source.name} has more than {MAX_LISTED} lines.")
        names: dict[str, str] = {}
        for line in listed:
            found = _LINE.fullmatch(line)
            if found is None or found["name"] == INDEX:
                raise Unreachable(
                    f"The index of {self._source.name} names a file that is not beside it."
                )
            if found["folder"] not in (None, self._folder):
                raise Unreachable(
                    f"The index of {self._source.name} calls its folder {found['folder']}, "
                    f"and the mirror's is {self._folder}: nobody would find the files.",
                    hint=f"name a folder that is called {found['folder']}",
                )
            names[line] = found["name"]
        if len(set(names.values())) < len(names):
            raise Unreachable(f"The index of {self._source.name} names a file in two ways.")
        return names

    async def _copy(self, line: str, name: str) -> None:
        data = await self._source.fetch(line)
        if self._public_keys is not None:
            await self._do(lambda: self._verify(data, self._public_keys or ()))
        await self._put(name, data)

    def _verify(self, data: bytes, public_keys: Sequence[PublicKey]) -> None:
        export = open_verified(data, public_keys, now_interval=interval_at(self._clock.now()))
        if export.signature is not SignatureState.VERIFIED:
            raise BadExport(
                f"A file of {self._source.name} is not signed by a key that was given.",
                reason=f"signature_{export.signature.value}",
                hint="compare --public-key with what the authority publishes",
            )

    async def _put(self, name: str, data: bytes) -> None:
        def write() -> None:
            with self._shelf.writing(name) as file:
                file.write(data)

        await self._do(write)

    async def _do(self, work: Callable[[], Result]) -> Result:
        return await self._in_thread(lambda _: work())


def _is_zip(name: str) -> bool:
    return name.endswith(".zip") and _LINE.fullmatch(name) is not None


def _went_back(before: Sequence[str], after: Sequence[str]) -> bool:
    """Tell whether *after* ends where *before* had been already, the oldest standing first."""
    return bool(before and after) and after[-1] in before and before[-1] not in after
