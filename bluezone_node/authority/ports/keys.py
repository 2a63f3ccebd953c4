"""The keys that the authority signs with, and those of registrars that it believes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from bluezone_node.crypto.signing import PrivateKey, PublicKey


class CertificateKeys(Protocol):
    """The keys that a registrar signs with; they change while it runs."""

    def signing(self, now: datetime) -> tuple[str, PrivateKey]:
        """Return the key that signs at *now*, after its id."""

    def published(self, now: datetime) -> Mapping[str, PublicKey]:
        """Return the keys that certificates may be verified with at *now*, by their ids."""


class ExportKeys(Protocol):
    """The keys that exports are signed with; they change while the exporter runs."""

    def usable(self, now: datetime) -> dict[str, PrivateKey]:
        """Return the keys that sign at *now*, all of them, by their ids, the newest last."""


class KeyDirectory(Protocol):
    """Public keys of one registrar."""

    def key(self, key_id: str) -> PublicKey | None:
        """Return the key of that name; None where there is none.

        Raises:
            Unreachable: the keys could not be fetched.
        """

    def at_hand(self, key_id: str) -> bool:
        """Tell whether `key` answers without asking anybody."""
