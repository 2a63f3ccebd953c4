"""What is looked up of a bundle all the time, without the notices, of which it has megabytes.

A device keeps it beside the bundle.  It says which key signed, and not whether that key counts:
that is asked of the trust list each time, for a key may be revoked since.
"""

from dataclasses import dataclass, field
from datetime import datetime

from bluezone_node.crypto.cose import read_signed
from bluezone_node.venues.bundle import Bundle, ChainHead, digest_of
from bluezone_node.venues.trust import Role, TrustList


@dataclass(frozen=True, slots=True)
class BundleHead:
    """A bundle that was believed when it came."""

    sequence: int
    province: str
    created: datetime
    digest: bytes
    """SHA-256 of the file."""
    signer: bytes
    """Name of the key that signed it, 8 bytes."""
    breaker: bool
    revoked: tuple[bytes, ...] = field(default=(), repr=False)
    """First 8 bytes of the location ids of all cards that are withdrawn before their time."""
    opened: tuple[bytes, ...] = field(default=(), repr=False)
    """Marks by which visitors learn that their contact data were opened."""

    @property
    def link(self) -> ChainHead:
        return ChainHead(self.sequence, self.digest)

    def counts(self, trust: TrustList) -> bool:
        """Tell whether the bundle would be believed by *trust*, too."""
        return trust.find(self.signer, Role.NOTICES, self.created, self.province) is not None

    def is_disowned(self, trust: TrustList) -> bool:
        """Tell whether its signer counts at no time any more: the chain does not go on from it."""
        return not any(
            trust.find(self.signer, Role.NOTICES, key.start)
            for key in trust.keys_of(self.signer, Role.NOTICES)
        )


def head_of(bundle: Bundle, data: bytes) -> BundleHead:
    """Return the head of *bundle*, which `bundle.read_bundle` has made of *data*."""
    return BundleHead(
        bundle.sequence,
        bundle.province,
        bundle.created,
        digest_of(data),
        read_signed(data).key_id,
        bundle.breaker,
        bundle.revoked,
        bundle.opened,
    )
