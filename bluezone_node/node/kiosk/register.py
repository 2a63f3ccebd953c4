"""The register of names at a kiosk: sealed when somebody comes, opened by warrants alone.

The kiosk holds the key of the outer seal only: it can release rows to the authority and cannot
read one.  Every opening is in the log before anything leaves, once, however often it is tried.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluezone_node.errors import BadConfig, BadInput
from bluezone_node.ports import Clock, Entropy
from bluezone_node.venues.answer import WarrantAnswer
from bluezone_node.venues.card import SignedCard, day_number
from bluezone_node.venues.opening import OPENING_RETENTION, Opening, link
from bluezone_node.venues.register import (
    ROW_ID_BYTES,
    Contact,
    ReleasedContact,
    SealedContact,
    read_day_keys,
    release,
    row_id_of,
    seal_contact,
)
from bluezone_node.venues.tags import SLOT_SECONDS, slot_of, slots_between
from bluezone_node.venues.trust import ANYWHERE, Role, TrustList, read_trust_list
from bluezone_node.venues.warrant import Warrant, read_warrant

KEPT = timedelta(days=21)
"""As long as the authority keeps the key of a day: an older row nobody can read."""
SLOT = timedelta(seconds=SLOT_SECONDS)
TRUST, DAYS = "trust.cose", "days.cose"


class ContactStore(Protocol):
    """The register on the disk. Every method is one transaction, and blocks."""

    def contacts(self, slots: range) -> list[SealedContact]:
        """Return the rows of who came in *slots*, in that order."""

    def forget_contacts(self, before: int) -> int:
        """Erase the rows of slots before that beyond recovery; return how many there were."""

    def openings(self) -> list[Opening]:
        """Return the log, oldest first."""

    def add_opening(self, opening: Opening) -> None: ...

    def forget_openings(self, before: datetime) -> int:
        """Erase the entries from before beyond recovery; return how many there were."""

    def place_file(self, name: str) -> bytes | None:
        """Return the newest of that name that was fetched."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a warrant released."""

    warrant: Warrant
    answer: WarrantAnswer = field(repr=False)
    unreadable: int
    """Rows that were changed on the disk, or are of a key that the place had before."""


class Register:
    """One place's register. To be used by one thread, the one that opened the store."""

    def __init__(
        self,
        card: SignedCard,
        key: bytes | None,
        trust: TrustList,
        root: bytes,
        store: ContactStore,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        """*key*: the place's private one. *trust*: the list that came with it.

        Raises:
            BadConfig: the key is missing, or is not the one on the card.
        """
        private = None if key is None else X25519PrivateKey.from_private_bytes(key)
        public = None if private is None else private.public_key().public_bytes_raw()
        if private is None or public != card.card.register_key:
            raise BadConfig(
                "The key of the place's register is missing, or is not the one on its card.",
                hint="`bluezone-node kiosk key` makes it; the registrar puts its public half on"
                " the card",
            )
        self._card = card
        self._key = private
        self._trust = trust
        self._root = root
        self._store = store
        self._clock = clock
        self._entropy = entropy

    def seal(self, contact: Contact, came: datetime, nonce: bytes | None = None) -> SealedContact:
        """Return the row of *contact*, sealed. *nonce*: of the pass that their device showed.

        Raises:
            BadInput: reason ``name_required``, ``day_keys_missing``, or as `seal_contact`.
        """
        if not contact.name:
            raise BadInput(
                "The law requires a name here.",
                reason="name_required",
                hint="scan an identity card, an insurance card or a personal code, or type it",
            )
        row_id = row_id_of(nonce) if nonce else self._entropy(ROW_ID_BYTES)
        location = self._card.location_id
        day_key = self._day_key(came)
        return seal_contact(contact, self._card.card, location, came, day_key, row_id)

    def days_left(self) -> int:
        """Return for how many days names can be taken, today included."""
        try:
            keys = self._day_keys(self._clock.now())
        except BadInput:
            return 0
        today = day_number(self._clock.now())
        return next(days for days in range(len(keys) + 1) if today + days not in keys)

    def check(self, file: bytes) -> Warrant:
        """Return the warrant in *file* where it opens this register now, and open nothing.

        Raises:
            BadInput: as `read_warrant`, or reason ``warrant_ahead``: visitors may still come.
        """
        trust, now = self._trusted(), self._clock.now()
        venue_id, province = self._card.card.venue_id, self._province(trust)
        warrant = read_warrant(file, trust, now, venue_id, province)
        if warrant.end > now + SLOT:
            # The log would tell of the rows of now, and the same warrant release others later.
            raise BadInput(
                "A register is opened for time that is over, not for time to come.",
                reason="warrant_ahead",
            )
        return warrant

    def open(self, file: bytes) -> Opened:
        """Release the rows that the warrant in *file* asks for, and note it in the log.

        The same warrant again releases the same rows, and is noted once.

        Raises:
            BadInput: as `read_warrant`; nothing is released.
        """
        warrant, now, card = self.check(file), self._clock.now(), self._card.card
        released: list[ReleasedContact] = []
        unreadable = 0
        for row in self._store.contacts(slots_between(warrant.start, warrant.end)):
            try:
                released.append(release(row, card.venue_id, self._key))
            except BadInput:
                unreadable += 1
        log = self._store.openings()
        if not any(each.warrant.warrant_id == warrant.warrant_id for each in log):
            self._store.add_opening(link(log[-1] if log else None, now, file, len(released)))
        answer = WarrantAnswer(warrant.warrant_id, card.room, tuple(released))
        return Opened(warrant, answer, unreadable)

    def openings(self) -> list[Opening]:
        """Return the log, oldest first."""
        return self._store.openings()

    def forget(self) -> int:
        """Erase rows that are over, return how many there were; and the log of two years ago."""
        now = self._clock.now()
        self._store.forget_openings(now - OPENING_RETENTION)
        return self._store.forget_contacts(slot_of(now - KEPT))

    def _day_key(self, came: datetime) -> bytes:
        key = self._day_keys(came).get(day_number(came))
        if key is None:
            raise BadInput(
                "Names cannot be sealed today: the kiosk has been without a network for too long.",
                reason="day_keys_missing",
                hint="bring the folder places/ on a stick: bluezone-node sync --places FOLDER",
            )
        return key

    def _day_keys(self, at: datetime) -> dict[int, bytes]:
        content = self._store.place_file(DAYS)
        if content is None:
            return {}
        trust = self._trusted()
        days = read_day_keys(content, trust, at)
        province = self._province(trust)
        if days.province != province and ANYWHERE not in (days.province, province):
            # Genuine, and somebody put it on this way: this place's officers could read nothing.
            raise BadInput("The day keys are another province's.", reason="day_keys_forged")
        return dict(days.keys)

    def _province(self, trust: TrustList) -> str:
        """Return the province of who signed the place's card."""
        signers = trust.keys_of(self._card.key_id, Role.CARDS)
        return signers[0].province if signers else ANYWHERE

    def _trusted(self) -> TrustList:
        """Return the newest list that the root signed: a revoked officer opens nothing."""
        content = self._store.place_file(TRUST)
        if content is None:
            return self._trust
        try:
            return read_trust_list(content, self._root, self._trust)
        except BadInput:
            return self._trust
