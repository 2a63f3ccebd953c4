"""What a device keeps of places: its visits, and what was published about them."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bluezone_node.ports.ledger import ExportRecord
from bluezone_node.venues.head import BundleHead
from bluezone_node.venues.visits import Visit


@dataclass(frozen=True, slots=True)
class StoredVisit:
    id: int
    """0: not stored yet."""
    visit: Visit


class PlaceStore(Protocol):
    """Where the owner was, and what authorities publish about places."""

    def visits(self) -> list[StoredVisit]:
        """Return all visits still kept, in order of their beginning."""

    def change_visits(
        self, change: Callable[[Sequence[StoredVisit]], Sequence[StoredVisit]]
    ) -> list[StoredVisit]:
        """Insert (id 0) or update what *change* makes of all visits; return it with its ids.

        One transaction: nobody else changes a visit in between.
        """

    def forget_visits(self, ids: Collection[int] | None = None) -> int:
        """Erase these visits (None: all) beyond recovery: the alerts about them, and the codes that
        were shown at their doors, with them.

        Returns how many there were.

        Raises:
            DatabaseUnusable: as with ``forget``.
        """

    def bundles(self) -> Iterator[bytes]:
        """Yield the bundles of notices still kept, as they were published, in order."""

    def heads(self) -> list[BundleHead]:
        """Return what is kept beside each of those bundles, in the same order.

        The last one is the end of the chain; it is never forgotten.
        """

    def newest_head(self) -> BundleHead | None:
        """Return the last of `heads`; no bundle is read for it."""

    def add_bundle(self, head: BundleHead, content: bytes, record: ExportRecord) -> None:
        """Keep the bundle *content* and its *head*, and write its ledger line, at once."""

    def drop_bundles(self, sequences: Collection[int], records: Sequence[ExportRecord]) -> None:
        """Remove bundles that are not believed any more and write ledger lines, at once."""

    def place_file(self, name: str) -> bytes | None:
        """Return the newest ``trust.cose`` or ``days.cose`` that was believed."""

    def put_place_file(self, name: str, content: bytes) -> None: ...

    def add_shown_pass(self, nonce: bytes, at: datetime) -> None:
        """Remember a code with a name that was shown to a kiosk: its row may be opened."""

    def shown_passes(self) -> dict[bytes, datetime]:
        """Return the nonces of such codes, and when each was shown."""
