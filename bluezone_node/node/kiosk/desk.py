"""The desk at the door: who comes, who goes, and how many are inside.

A scan is the way in, the way out, or the same once more, by what the book knows of whoever was
scanned.  Nothing is answered before it is on the disk.
"""

from base64 import b32encode
from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from unicodedata import normalize

from bluezone_node.errors import BadInput
from bluezone_node.node.kiosk.book import Book
from bluezone_node.node.kiosk.ledger import (
    USUAL_RULES,
    CheckinStore,
    ContactSealer,
    DeskRules,
    Entered,
    Movement,
)
from bluezone_node.node.kiosk.place import Place
from bluezone_node.node.kiosk.reading import (
    OwnCode,
    Visitor,
    read_scan,
    slip_visitor,
    visitor_of,
)
from bluezone_node.node.kiosk.screen import Screen
from bluezone_node.ports import Clock, Entropy
from bluezone_node.venues.card import CardFlag
from bluezone_node.venues.checkins import (
    NO_DOUBT,
    Checkin,
    Doubt,
    Way,
    expected_end,
    is_open,
)
from bluezone_node.venues.opening import Opening
from bluezone_node.venues.persons import read_phone
from bluezone_node.venues.register import Contact
from bluezone_node.venues.tags import step_of
from bluezone_node.venues.visits import MAX_PARTY, OutKind

AGAIN = timedelta(seconds=30)
"""A second scan within it is the same: cameras see a code many times, and people try again."""
UNVERIFIED_CAP = 30
UNVERIFIED_SPAN = timedelta(minutes=10)
"""Numbers typed by staff, which nothing proves: no door has more people without any code."""


class Desk:
    """One door. To be used by one thread, the one that opened the store."""

    def __init__(
        self,
        place: Place,
        screen: Screen,
        store: CheckinStore,
        clock: Clock,
        entropy: Entropy,
        rules: DeskRules = USUAL_RULES,
        contacts: ContactSealer | None = None,
    ) -> None:
        if place.card.card.flags & CardFlag.REGISTER_REQUIRED and contacts is None:
            raise BadInput(
                "The law requires a register of visitors here, and this kiosk cannot keep one.",
                reason="register_unavailable",
                hint="the registrar gives a file with the key of the register",
            )
        self._place = place
        self._signed = place.card
        self._screen = screen
        self._store = store
        self._book = Book(store, entropy)
        self._clock = clock
        self._entropy = entropy
        self._rules = rules
        self._contacts = contacts
        self._slips: dict[int, str] = {}
        """By entry: the letters of slips that may still be printed."""
        self._typed: deque[datetime] = deque()
        self.settle()

    @property
    def keeps_names(self) -> bool:
        """Tell whether visitors must give a name here."""
        required = self._signed.card.flags & CardFlag.REGISTER_REQUIRED
        return bool(required) and self._contacts is not None

    def openings(self) -> list[Opening]:
        """Return who opened the register, oldest first; none where there is none."""
        return [] if self._contacts is None else self._contacts.openings()

    @property
    def inside(self) -> int:
        """Return how many people are inside now."""
        return sum(entry.party for entry in self._book.inside)

    def scan(self, text: str, party: int, doubts: Doubt = NO_DOUBT) -> Entered:
        """Enter whoever the scanned *text* is of. *doubts*: of the caller, about the time.

        Raises:
            BadInput: nothing was entered, for the reason given.
            DatabaseUnusable: nothing was entered: it could not be written.
        """
        read = read_scan(text, self._signed, self._rules.hosts)
        if isinstance(read, Visitor):
            return self._enter(read, party, doubts)
        return self._by_own_code(read)

    def phone(self, typed: str, party: int, doubts: Doubt = NO_DOUBT, name: str = "") -> Entered:
        """Enter whoever has that number. *name*: for the register, where one is kept."""
        person = read_phone(typed)
        visitor = visitor_of(person)
        if name:
            told = normalize("NFC", " ".join(name.split()))
            visitor = replace(visitor, contact=Contact(told, person.identity.decode()))
        return self._enter(visitor, party, doubts | Doubt.UNVERIFIED)

    def tap(self, token: bytes, party: int, doubts: Doubt = NO_DOUBT) -> Entered:
        """Enter whoever held a device to the kiosk; *token* is the same for that device."""
        return self._enter(Visitor(Way.TAP, token), party, doubts)

    def slip(self, party: int, doubts: Doubt = NO_DOUBT) -> Entered:
        """Enter somebody who has nothing to show, and return what is to be printed for them."""
        code = b32encode(self._entropy(5)).decode()[:6]
        entered = self._enter(slip_visitor(code), party, doubts, new_slip=True)
        self._slips[entered.entry.id] = code
        return replace(entered, slip=code)

    def slip_of(self, entry_id: int) -> tuple[Checkin, str] | None:
        """Return an entry and the letters of its slip, while they are inside; no disk has them."""
        entry, code = self._book.find(entry_id), self._slips.get(entry_id)
        return None if entry is None or code is None else (entry, code)

    def change_party(self, entry_id: int, party: int) -> Entered:
        """Correct how many came with somebody who is inside."""
        entry = self._book.find(entry_id)
        if entry is None:
            raise BadInput("They are not inside any more.", reason="not_inside")
        changed = replace(entry, party=_checked(party))
        self._book.change([changed])
        return Entered(Movement.SAME, changed, self.inside)

    def settle(self) -> None:
        """Let those leave whose time is over, and begin a new day."""
        now = self._clock.now()
        ends = [(entry, *expected_end(entry, self._signed)) for entry in self._book.inside]
        due = [replace(entry, left=end, ending=why) for entry, end, why in ends if end <= now]
        # Of a clock that was ahead: they would be inside until it is that late.
        ahead = now + self._signed.card.stay
        due += [
            replace(entry, left=entry.seen or entry.came, ending=OutKind.STAY)
            for entry in self._book.inside
            if (entry.seen or entry.came) > ahead
        ]
        if due:
            self._book.change(due)
        self._slips = {
            number: code for number, code in self._slips.items() if self._book.find(number)
        }
        self._book.turn_to(now)

    def forget(self) -> int:
        """Erase entries that are too old. By a wrong clock all of them may look so."""
        return self._book.forget(self._clock.now())

    def history(self, start: datetime, end: datetime) -> list[Checkin]:
        """Return who came in [start, end), in that order."""
        return self._store.checkins(start, end)

    def _by_own_code(self, code: OwnCode) -> Entered:
        """Let the holder of a slip leave whose link was scanned: all of one step are alike."""
        now = self._clock.now()
        if not self._screen.proved(code.proof, now):
            raise BadInput(
                "This slip is not of today, or not of this place.",
                reason="slip_unknown",
                hint="enter them anew",
            )
        self.settle()
        alike = [
            entry
            for entry in self._book.inside
            if entry.way is Way.SLIP and step_of(entry.came) == code.proof.step
        ]
        if len(alike) != 1:
            raise BadInput(
                "The link on a slip does not tell whose it is.",
                reason="slip_ambiguous",
                hint="scan the small square of the slip, or type its six letters",
            )
        return self._leave(alike[0], now)

    def _enter(
        self, visitor: Visitor, party: int, doubts: Doubt, *, new_slip: bool = False
    ) -> Entered:
        if party == 1 and visitor.shown is not None:
            party = visitor.shown.party
        party = _checked(party)
        self.settle()
        now = self._clock.now()
        last = self._book.last_of(visitor)
        if last is not None:
            latest = max(at for at in (last.came, last.seen, last.left) if at is not None)
            scanned_out = last.ending is OutKind.SCAN
            if abs(now - latest) < AGAIN and (last.left is None or scanned_out):
                return self._again(last, now, party)
            if last.left is None and self._rules.mode == "in":
                return self._again(last, now, party)
            # A guess that somebody left is put right by the scan that says when they did.
            if self._rules.mode != "in" and not scanned_out and self._may_leave(last, now):
                return self._leave(last, now)
        if self._rules.mode == "out":
            raise BadInput(
                "Nobody came in with this today.",
                reason="not_inside",
                hint="at this door people leave; they come in at another one",
            )
        if visitor.way is Way.SLIP and last is None and not new_slip:
            raise BadInput(
                "No slip with these letters was made today.",
                reason="slip_unknown",
                hint="look at the letters again, or enter them anew",
            )
        return self._come(visitor, party, doubts, now)

    def _may_leave(self, last: Checkin, now: datetime) -> bool:
        if last.left is None:
            return True
        return last.ending is OutKind.STAY and now - last.left < self._signed.card.stay

    def _come(self, visitor: Visitor, party: int, doubts: Doubt, now: datetime) -> Entered:
        self._place.check(now)
        if visitor.shown is not None:
            visitor.shown.check(now)
        if doubts & Doubt.UNVERIFIED:
            self._count_typed(now)
        if not is_open(self._signed.card, now):
            doubts |= Doubt.OFF_HOURS
        if self._rules.capacity is not None and self.inside + party > self._rules.capacity:
            doubts |= Doubt.FULL
        row = None
        if self._contacts is not None and (self.keeps_names or _gives_name(visitor)):
            if visitor.contact is None:
                raise BadInput(
                    "The law requires a name here.",
                    reason="name_required",
                    hint="scan an identity card, an insurance card or a personal code",
                )
            nonce = visitor.shown.nonce if visitor.shown is not None else None
            row = self._contacts.seal(replace(visitor.contact, party=party), now, nonce)
        entry = self._book.add(Checkin(0, now, visitor.way, party, doubts), visitor, row)
        if doubts & Doubt.UNVERIFIED:
            self._typed.append(now)
        return Entered(Movement.IN, entry, self.inside)

    def _again(self, last: Checkin, now: datetime, party: int) -> Entered:
        if last.left is not None:
            return Entered(Movement.SAME, last, self.inside)
        changed = replace(last, seen=now, party=max(party, last.party))
        self._book.change([changed])
        return Entered(Movement.SAME, changed, self.inside)

    def _leave(self, entry: Checkin, now: datetime) -> Entered:
        gone = replace(entry, left=max(now, entry.came), ending=OutKind.SCAN)
        self._book.change([gone])
        return Entered(Movement.OUT, gone, self.inside)

    def _count_typed(self, now: datetime) -> None:
        while self._typed and now - self._typed[0] > UNVERIFIED_SPAN:
            self._typed.popleft()
        if len(self._typed) >= UNVERIFIED_CAP:
            raise BadInput(
                "Too many numbers were typed in a short time.",
                reason="too_many_unverified",
                hint="scan codes or cards; numbers are taken again in a few minutes",
            )


def _gives_name(visitor: Visitor) -> bool:
    """Tell whether the visitor's own device gives a name: they want to be found."""
    return visitor.shown is not None and visitor.contact is not None


def _checked(party: int) -> int:
    if not 1 <= party <= MAX_PARTY:
        raise BadInput(
            f"A party has 1 to {MAX_PARTY} people.",
            reason="party_size",
            hint="enter the others once more",
        )
    return party
