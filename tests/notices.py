"""An authority for places that makes bundles, one after the other, and their files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.venues.bundle import (
    FIRST_PREVIOUS,
    Bundle,
    digest_of,
    padded,
    padded_marks,
    write_bundle,
)
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.notices import Notice, NoticeText, seal_notice
from bluezone_node.venues.trust import TrustList, write_trust_list
from tests.sources import MemoryExports
from tests.venues.places import NOTICES, NOW, ROOT, TRUST, seeded

DAY = timedelta(days=1)


@dataclass
class Chain:
    """Bundles so far, offered as files."""

    exports: MemoryExports = field(default_factory=lambda: MemoryExports("places"))
    made: list[bytes] = field(default_factory=list)
    at: datetime = NOW + DAY
    before: int = 0
    """Number of the last bundle of the chain before this one."""

    def __post_init__(self) -> None:
        self.trust(TRUST)
        self._entropy = seeded(9)

    def trust(self, trust: TrustList) -> None:
        self.exports.files["trust.cose"] = write_trust_list(trust, ROOT)

    def notice(self, card: SignedCard, text: NoticeText) -> Notice:
        return seal_notice(card.payload, text, self._entropy(16), self._entropy)

    def add(
        self,
        *notices: Notice,
        retracted: Sequence[Notice] = (),
        breaker: bool = False,
        anew: int = 0,
        key: Ed25519PrivateKey = NOTICES,
        province: str = "VN",
        revoked: Sequence[bytes] = (),
        opened: Sequence[bytes] = (),
        trust_sequence: int = 1,
    ) -> bytes:
        """Make the next bundle, an hour after the last, and offer it.

        *opened*: ids of rows of registers. *anew*: the number of the first bundle of another chain.
        """
        if anew:
            self.at += timedelta(hours=len(self.made))
            self.before, self.made = anew - 1, []
            self.exports.files = {
                name: content
                for name, content in self.exports.files.items()
                if name == "trust.cose"
            }
        number = self.before + len(self.made) + 1
        bundle = Bundle(
            province,
            number,
            digest_of(self.made[-1]) if self.made else FIRST_PREVIOUS,
            self.at + timedelta(hours=len(self.made)),
            padded(notices, self._entropy),
            tuple(notice.notice_id for notice in retracted),
            breaker,
            padded_marks(opened, number, self._entropy),
            tuple(revoked),
            trust_sequence,
        )
        self.made.append(write_bundle(bundle, key))
        self.exports.files[f"{number:08}.cose"] = self.made[-1]
        return self.made[-1]


LATER = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""When the device of the tests syncs."""
