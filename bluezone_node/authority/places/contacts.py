"""What a place released for a warrant, opened with the keys of its days."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluezone_node.errors import BadInput
from bluezone_node.venues.register import Contact, ReleasedContact, open_contact
from bluezone_node.venues.tags import start_of


@dataclass(frozen=True, slots=True)
class Opened:
    """What an officer reads."""

    contacts: Sequence[tuple[datetime, Contact]] = field(repr=False)
    """Each with the quarter of an hour in which they came."""
    unreadable: int
    """Rows that could not be opened: their day's key is gone, or they were changed."""


def opened(rows: Iterable[ReleasedContact], private_of: Callable[[bytes], bytes | None]) -> Opened:
    """Return who stands in *rows*, by the time when they came.

    *private_of*: returns the private key of a day, 32 bytes, by its public one's name; None: it
    is gone.
    """
    contacts, unreadable = [], 0
    key_of = cache(private_of)
    # A kiosk that was killed may have sent a row in two parts. Its id does not tell: codes are
    # not signed, and a row under the number of another's code must not hide that one's.
    for row in dict.fromkeys(rows):
        private = key_of(row.day_key_id)
        try:
            if private is None:
                raise BadInput("The key of the day is gone.", reason="row_unreadable")
            key = X25519PrivateKey.from_private_bytes(private)
            contacts.append((start_of(row.slot), open_contact(row, key)))
        except BadInput:
            unreadable += 1
    return Opened(sorted(contacts, key=lambda each: each[0]), unreadable)
