"""One export against the log: verify it, match its primary and its revised keys."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bluezone_node.crypto.signing import PublicKey
from bluezone_node.errors import BadExport
from bluezone_node.export.container import Export, open_verified
from bluezone_node.export.signature import SignatureState
from bluezone_node.ports import MatchedKey
from bluezone_node.proximity.matching import HeardIndex, match_batches
from bluezone_node.proximity.model import DiagnosisKey


@dataclass(frozen=True, slots=True)
class Matches:
    """What one export held for this node."""

    primary: tuple[DiagnosisKey, ...]
    revised: tuple[DiagnosisKey, ...]

    def attributed_to(self, source: str, export: str) -> tuple[list[MatchedKey], list[MatchedKey]]:
        """Return the matched keys, primary and revised, with where they came from."""
        return (
            [MatchedKey(key, source, export) for key in self.primary],
            [MatchedKey(key, source, export) for key in self.revised],
        )


class Stopped(Exception):
    """The node was told to stop in the middle of a match; nothing was recorded."""


def verify_export(data: bytes, public_keys: Sequence[PublicKey], now_interval: int) -> Export:
    """Return the export *data* if it may be believed.

    Raises:
        BadExport: it is malformed, or not signed by any of *public_keys*.
    """
    export = open_verified(data, public_keys, now_interval=now_interval)
    if export.signature is not SignatureState.VERIFIED:
        raise BadExport(
            "The export is not signed by a key of this source.",
            reason=f"signature_{export.signature.value}",
            hint="compare the public key in the configuration with the authority's",
        )
    return export


def match_export(
    export: Export,
    index: HeardIndex,
    progress: Callable[[int], None],
    stopping: Callable[[], bool],
) -> Matches:
    """Return which keys of a verified *export* were heard.

    *progress* is told the number of keys after each batch of some two thousand.

    Raises:
        Stopped: *stopping* became true.
    """

    def watched(batches: Iterable[list[DiagnosisKey]]) -> Iterator[list[DiagnosisKey]]:
        for batch in batches:
            if stopping():
                raise Stopped
            yield batch
            progress(len(batch))

    primary = match_batches(index, watched(export.key_batches()))
    revised = match_batches(index, watched(export.revised_key_batches()))
    return Matches(tuple(found.key for found in primary), tuple(found.key for found in revised))
