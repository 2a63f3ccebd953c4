"""Places in ``registry.db``: what was registered, and the cards, kiosks and claims of it."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import compress
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from bluezone_node.authority.ports.venues import (
    HANGS_ON,
    Changed,
    Kiosk,
    PendingClaim,
    Redeemed,
    Venue,
    VenueCardRow,
    VenueState,
)
from bluezone_node.store.authority.database import scrub, writing
from bluezone_node.store.authority.registry_tables import (
    kiosks,
    venue_cards,
    venue_claims,
    venues,
)
from bluezone_node.venues.card import SPOKEN_CHARACTERS, day_number, read_card
from bluezone_node.venues.names import composed, folded

LEAST_HEX = 8
"""Digits of an id that name a place: fewer could be a name, or meet by chance."""
AT_ONCE = 500
"""Values in one statement: SQLite takes no more than some ten thousand."""

_LIVING = (VenueState.CLAIMED, VenueState.APPROVED)
_HEX = frozenset("0123456789abcdef")
_MISREAD = str.maketrans("018", "OIB")
"""Signs that no spoken code has, and the letters that are taken for them."""


class SqlVenues:
    """`VenueStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self, new: Sequence[Venue], cards: Mapping[bytes, Sequence[VenueCardRow]]
    ) -> list[bool]:
        # Before others have to wait: of a city's list this is most of the work.
        rows = [_row_of(venue) for venue in new]
        card_rows = {each: [_card_row(card) for card in its] for each, its in cards.items()}
        with writing(self._engine) as db:
            known = _known(db, [row["identity"] for row in rows])
            kept: list[bool] = []
            for row in rows:
                kept.append(row["identity"] not in known)
                known.add(row["identity"])
            added = list(compress(rows, kept))
            _insert(db, venues, added)
            ids = [row["venue_id"] for row in added]
            _insert(db, venue_cards, [row for each in ids for row in card_rows.get(each, ())])
            return kept

    def change(
        self,
        before: Venue,
        after: Venue,
        at: datetime,
        cards: Sequence[VenueCardRow] = (),
        old: Collection[bytes] = (),
        ends: datetime | None = None,
    ) -> Changed:
        now, card = _row_of(after), venue_cards.c
        as_it_was = [
            venues.c[name].is_not_distinct_from(value) for name, value in _row_of(before).items()
        ]
        with writing(self._engine) as db:
            # A claim may be of a place that is there: which of both is right officers decide.
            if after.identity != before.identity:
                others = venues.c.venue_id != after.venue_id
                if _known(db, [after.identity], others):
                    return Changed.KNOWN
            if db.execute(update(venues).where(*as_it_was).values(now)).rowcount != 1:
                return Changed.OUTDATED
            if old:
                last = ends or at
                own = update(venue_cards).where(card.venue_id == after.venue_id)
                ending = own.where(card.location_id.in_(old), card.revoked.is_(None))
                if db.execute(ending.values(revoked=last)).rowcount != len(old):
                    db.rollback()
                    return Changed.OUTDATED
                db.execute(own.where(card.revoked > last).values(revoked=last))
            _insert(db, venue_cards, [_card_row(card) for card in cards])
            gone = [kiosks.c.venue_id == after.venue_id, kiosks.c.revoked.is_(None)]
            if after.state is not VenueState.CLOSED:
                gone.append(kiosks.c.room.not_in(["", *after.rooms]))
            db.execute(update(kiosks).where(*gone).values(revoked=at))
            return Changed.DONE

    def venue(self, venue_id: bytes) -> Venue | None:
        found = self._venues(venues.c.venue_id == venue_id)
        return found[0] if found else None

    def find(self, text: str) -> list[Venue]:
        name = composed(text)
        bare = "".join(name.split()).replace("-", "")
        named = venues.c.searched.startswith(folded(name), autoescape=True)
        found = {
            each.venue_id: each for each in self._venues(named) if folded(each.name) == folded(name)
        }
        exact = [each for each in found.values() if each.name == name]
        if exact:
            found = {each.venue_id: each for each in exact}
        if len(bare) == SPOKEN_CHARACTERS:
            spoken = select(venue_cards.c.venue_id).where(
                venue_cards.c.spoken_code == bare.upper().translate(_MISREAD)
            )
            found |= {each.venue_id: each for each in self._venues(venues.c.venue_id.in_(spoken))}
        digits = bare.lower()
        if LEAST_HEX <= len(digits) <= 32 and set(digits) <= _HEX:
            low = bytes.fromhex(digits.ljust(32, "0"))
            high = bytes.fromhex(digits.ljust(32, "f"))
            within = venues.c.venue_id.between(low, high)
            found |= {each.venue_id: each for each in self._venues(within)}
        return sorted(found.values(), key=lambda each: (each.claimed, each.venue_id))

    def search(
        self,
        text: str = "",
        realm: str | None = None,
        state: VenueState | None = None,
        limit: int = 200,
        commune: tuple[int, int] | None = None,
    ) -> list[Venue]:
        wanted = [
            venues.c.searched.contains(word, autoescape=True) for word in folded(text).split()
        ]
        if realm is not None:
            wanted.append(venues.c.realm == realm)
        if state is not None:
            wanted.append(venues.c.state == state)
        if commune is not None:
            edition, code = commune
            wanted += [venues.c.edition == edition, venues.c.commune == code]
        return self._venues(*wanted, limit=limit)

    def counts(self, realm: str | None = None) -> dict[VenueState, int]:
        counted = select(venues.c.state, func.count()).group_by(venues.c.state)
        if realm is not None:
            counted = counted.where(venues.c.realm == realm)
        with self._engine.begin() as db:
            found = {VenueState(state): int(number) for state, number in db.execute(counted)}
        return {state: found.get(state, 0) for state in VenueState}

    # Cards

    def cards(self, venue_id: bytes) -> list[VenueCardRow]:
        return self._cards(venue_cards.c.venue_id == venue_id)

    def current(self, venue_id: bytes) -> list[VenueCardRow]:
        own = (venue_cards.c.venue_id == venue_id, venue_cards.c.revoked.is_(None))
        return sorted(self._cards(*own), key=lambda card: card.room)

    def cards_of(
        self, venue_id: bytes, room: str | None, start: datetime, end: datetime
    ) -> list[VenueCardRow]:
        card = venue_cards.c
        wanted = [
            card.venue_id == venue_id,
            card.from_day <= day_number(end),
            card.to_day > day_number(start),
            card.revoked.is_(None) | (card.revoked > start - HANGS_ON),
        ]
        if room is not None:
            wanted.append(card.room == room)
        return self._cards(*wanted)

    def card(self, location_id: bytes) -> VenueCardRow | None:
        found = self._cards(venue_cards.c.location_id == location_id)
        return found[0] if found else None

    def revoked(self, at: datetime) -> list[bytes]:
        card = venue_cards.c
        gone = select(card.location_id).where(card.revoked <= at, card.to_day > day_number(at))
        with self._engine.begin() as db:
            return list(db.scalars(gone.order_by(card.location_id)))

    # Kiosks

    def add_kiosk(self, kiosk: Kiosk) -> bool:
        own = (kiosks.c.venue_id == kiosk.venue_id, kiosks.c.room == kiosk.room)
        taken = kiosks.c.revoked.is_(None) | (kiosks.c.number >= kiosk.number)
        with writing(self._engine) as db:
            if not _has_room(db, kiosk.venue_id, kiosk.room):
                return False
            if db.execute(select(kiosks.c.digest).where(*own, taken)).first() is not None:
                return False
            db.execute(insert(kiosks).values(asdict(kiosk)))
            return True

    def kiosk(self, digest: bytes) -> Kiosk | None:
        with self._engine.begin() as db:
            row = db.execute(select(kiosks).where(kiosks.c.digest == digest)).first()
        return Kiosk(*row) if row is not None else None

    def kiosks(self, venue_id: bytes) -> list[Kiosk]:
        own = select(kiosks).where(kiosks.c.venue_id == venue_id)
        with self._engine.begin() as db:
            rows = db.execute(own.order_by(kiosks.c.room, kiosks.c.number)).all()
        return [Kiosk(*row) for row in rows]

    def revoke_kiosk(self, digest: bytes, at: datetime) -> bool:
        living = (kiosks.c.digest == digest, kiosks.c.revoked.is_(None))
        with writing(self._engine) as db:
            return db.execute(update(kiosks).where(*living).values(revoked=at)).rowcount == 1

    def kiosk_seen(self, digest: bytes, at: datetime) -> None:
        with writing(self._engine, alone=False) as db:
            db.execute(update(kiosks).where(kiosks.c.digest == digest).values(seen=at))

    # Claims

    def add_claim(self, claim: PendingClaim) -> None:
        with writing(self._engine, alone=False) as db:
            db.execute(insert(venue_claims).values(asdict(claim)))

    def redeem(
        self,
        digest: bytes,
        code: bytes,
        at: datetime,
        most: int,
        venue_of: Callable[[bytes], Venue],
    ) -> Redeemed:
        table = venue_claims
        alive = (table.c.digest == digest, table.c.expires > at, table.c.attempts < most)
        with writing(self._engine) as db:
            row = db.execute(select(table).where(*alive)).first()
            if row is None:
                return Redeemed.OVER
            claim = PendingClaim(*row)
            if claim.code != code:
                counted = update(table).where(table.c.digest == digest)
                db.execute(counted.values(attempts=table.c.attempts + 1))
                return Redeemed.WRONG if claim.attempts + 1 < most else Redeemed.OVER
            db.execute(insert(venues).values(_row_of(venue_of(claim.sealed))))
            db.execute(delete(table).where(table.c.digest == digest))
            return Redeemed.TAKEN

    def forget(self, now: datetime) -> int:
        with writing(self._engine) as db:
            gone = db.execute(delete(venue_claims).where(venue_claims.c.expires <= now)).rowcount
        if gone:
            scrub(self._engine)
        return gone

    def _venues(self, *wanted: ColumnElement[bool], limit: int | None = None) -> list[Venue]:
        # The two columns to look it up by are no fields.
        found = select(*list(venues.c)[:-2]).where(*wanted)
        newest = found.order_by(venues.c.claimed.desc(), venues.c.venue_id).limit(limit)
        with self._engine.begin() as db:
            return [_venue_of(row) for row in db.execute(newest)]

    def _cards(self, *wanted: ColumnElement[bool]) -> list[VenueCardRow]:
        card = venue_cards.c
        columns = (card.venue_id, card.room, card.cose, card.issued, card.revoked)
        oldest = select(*columns).where(*wanted).order_by(card.issued, card.room, card.location_id)
        with self._engine.begin() as db:
            return [
                VenueCardRow(row.venue_id, row.room, read_card(row.cose), row.issued, row.revoked)
                for row in db.execute(oldest)
            ]


def _known(db: Connection, identities: Sequence[bytes], *only: ColumnElement[bool]) -> set[bytes]:
    found: set[bytes] = set()
    for first in range(0, len(identities), AT_ONCE):
        some = identities[first : first + AT_ONCE]
        same = select(venues.c.identity).where(
            venues.c.identity.in_(some), venues.c.state.in_(_LIVING), *only
        )
        found.update(db.scalars(same))
    return found


def _has_room(db: Connection, venue_id: bytes, room: str) -> bool:
    own = (venues.c.venue_id == venue_id, venues.c.state == VenueState.APPROVED)
    rooms = db.scalars(select(venues.c.rooms).where(*own)).first()
    return rooms is not None and room in ("", *json.loads(rooms))


def _insert(db: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        db.execute(insert(table), rows)


def _card_row(card: VenueCardRow) -> dict[str, Any]:
    return {
        "location_id": card.signed.location_id,
        "venue_id": card.venue_id,
        "room": card.room,
        "spoken_code": card.signed.spoken_code,
        "cose": card.signed.cose,
        "from_day": card.signed.card.from_day,
        "to_day": card.signed.card.to_day,
        "issued": card.issued,
        "revoked": card.revoked,
    }


def _row_of(venue: Venue) -> dict[str, Any]:
    return asdict(venue) | {
        "rooms": json.dumps(venue.rooms, ensure_ascii=False),
        "identity": venue.identity,
        "searched": venue.searched,
    }


def _venue_of(row: Row[Any]) -> Venue:
    fields = row._asdict()
    return Venue(
        **fields
        | {"state": VenueState(fields["state"]), "rooms": tuple(json.loads(fields["rooms"]))}
    )
