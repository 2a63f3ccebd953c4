"""One export against the log: verify, match primary and revised keys, count."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bluezone_node.crypto.signing import PublicKey
from bluezone_node.errors import BadExport
from bluezone_node.export.container import open_verified
from bluezone_node.ports import MatchedKey
from bluezone_node.proximity.matching import HeardIndex, match
from bluezone_node.proximity.model import DiagnosisKey


@dataclass(frozen=True, slots=True)
class Matches:
    """What one export held for this node."""

    keys: int
    revised_keys: int
    end_timestamp: int
    primary: tuple[DiagnosisKey, ...]
    revised: tuple[DiagnosisKey, ...]

    def attributed_to(
        self, source: str, export: str
    ) -> tuple[list[MatchedKey], list[MatchedKey]]:
        """Return the matched keys, primary and revised, with where they came from."""
        return (
            [MatchedKey(key, source, export) for key in self.primary],
            [MatchedKey(key, source, export) for key in self.revised],
        )


class Stopped(Exception):
    """The node was told to stop in the middle of a match; nothing was recorded."""


def match_export(
    data: bytes,
    public_keys: Sequence[PublicKey],
    index: HeardIndex,
    now_interval: int,
    progress: Callable[[int], None],
    stopping: Callable[[], bool],
) -> Matches:
    """Verify the export *data* and return which of its keys were heard.

    Raises:
        BadExport: it is malformed, or not signed by any of *public_keys*.
        Stopped: *stopping* became true.
    """
    export = open_verified(data, public_keys, now_interval=now_interval)
    if export.signature != "verified":
        raise BadExport(
            "the export is not signed by a key of this source",
            reason={"unsigned": "unsigned", "unknown_key": "unknown_key"}.get(
                export.signature, "bad_signature"
            ),
            hint="compare the source's public key in the configuration with the authority's",
        )
    counts = _Counter(progress, stopping)
    primary = [found.key for found in match(index, counts.of(export.keys()))]
    keys, counts.seen = counts.seen, 0
    revised = [found.key for found in match(index, counts.of(export.revised_keys()))]
    return Matches(keys, counts.seen, export.end_timestamp, tuple(primary), tuple(revised))


class _Counter:
    """Counts keys as they stream by, and stops the stream when asked."""

    STEP = 1000
    """Keys between two looks at the stop flag: a few milliseconds."""

    def __init__(self, progress: Callable[[int], None], stopping: Callable[[], bool]) -> None:
        self._progress = progress
        self._stopping = stopping
        self.seen = 0

    def of(self, keys: Iterable[DiagnosisKey]) -> Iterator[DiagnosisKey]:
        for key in keys:
            self.seen += 1
            if self.seen % self.STEP == 0:
                self._progress(self.STEP)
                if self._stopping():
                    raise Stopped
            yield key
