"""An authority that warns of places: real stores in one database, a shelf, and places."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from bluezone_node.authority.people.audit import ChainedTrail
from bluezone_node.authority.places.breaker import AlertBreaker
from bluezone_node.authority.places.bundles import Bundles
from bluezone_node.authority.places.directory import Directory
from bluezone_node.authority.places.notice_orders import NoticeOrder
from bluezone_node.authority.places.notices import Notices
from bluezone_node.authority.places.proposals import Proposals
from bluezone_node.authority.ports.accounts import SUPERVISOR, Actor
from bluezone_node.authority.ports.venues import (
    Changed,
    Kiosk,
    Venue,
    VenueCardRow,
    VenueState,
)
from bluezone_node.authority.settings import RealmSettings
from bluezone_node.clock import SimClock
from bluezone_node.crypto.cose import public_bytes, sign
from bluezone_node.store.authority.audit import SqlAudit
from bluezone_node.store.authority.bundles import SqlBundles
from bluezone_node.store.authority.notices import SqlNotices
from bluezone_node.store.authority.proposals import SqlProposals
from bluezone_node.store.authority.shelf import FolderShelf
from bluezone_node.store.authority.venues import SqlVenues
from bluezone_node.venues.bundle import Bundle, read_bundle
from bluezone_node.venues.card import NO_FLAGS, Card, CardFlag, SignedCard, day_number, read_card
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.notices import NoticeText
from bluezone_node.venues.tags import slots_between, tag_of, venue_keys
from bluezone_node.venues.trust import Role, TrustedKey, TrustList, write_trust_list
from tests.venues.places import CARDS, NOTICES, ROOT, STRANGER, open_with_card, seeded

NOW = datetime.fromisoformat("2026-11-22T15:00:00+07:00")
HOUR = timedelta(hours=1)
LAN = Actor("lan", "79", SUPERVISOR)
HOA = Actor("hoa", "79", "issuer")
MINH = Actor("minh", "01", SUPERVISOR)
CENTRE = Actor("trung.tam", "*", SUPERVISOR)


@dataclass
class Keys:
    """`NoticeKeys` of a test."""

    key: Ed25519PrivateKey = NOTICES

    def notices(self) -> Ed25519PrivateKey:
        return self.key

    def trust(self) -> bytes:
        return write_trust_list(self.trust_list(), ROOT)

    def trust_list(self) -> TrustList:
        year = timedelta(days=365)
        keys = [
            TrustedKey(public_bytes(key), role, "*", NOW - year, NOW + year)
            for key, role in ((CARDS, Role.CARDS), (NOTICES, Role.NOTICES))
        ]
        if self.key is not NOTICES:
            keys.append(replace(keys[1], public_key=public_bytes(self.key), start=NOW))
        return TrustList(len(keys) - 1, NOW, tuple(keys))

    def rotate(self) -> None:
        """Take another key for notices, which counts from now."""
        self.key = STRANGER


@dataclass
class Secrets:
    """`KioskSecrets` of a test: kiosks by their tokens, and their proof keys by room."""

    kiosks: dict[str, Kiosk] = field(default_factory=dict)
    keys: dict[tuple[bytes, str], list[bytes]] = field(default_factory=dict)

    def by_bearer(self, bearer: str) -> Kiosk | None:
        return self.kiosks.get(bearer)

    def proof_keys(self, venue_id: bytes, room: str, since: datetime) -> list[bytes]:
        return self.keys.get((venue_id, room), [])


class Outbreaks:
    """The services over *engine*, and what they put on the shelf in *folder*."""

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        realms: tuple[str, ...] = ("01", "79"),
        clock: SimClock | None = None,
    ) -> None:
        self.clock = clock or SimClock(NOW)
        self.now = self.clock.now()
        self.entropy = seeded(11)
        self.venues = SqlVenues(engine)
        self.audit = ChainedTrail(
            SqlAudit(engine), self.clock, timedelta(days=730), secret=b"s" * 32
        )
        self.secrets, self.keys = Secrets(), Keys()
        self.store, self.kept = SqlNotices(engine), SqlBundles(engine)
        self.shelf, self.folder = FolderShelf(folder), folder
        self.directory = Directory(
            self.venues, self.clock, [RealmSettings(each) for each in realms]
        )
        self.notices = Notices(
            self.store,
            self.venues,
            self.directory,
            self.secrets,
            self.audit,
            self.clock,
            self.entropy,
            days=14,
        )
        self.breaker = AlertBreaker(self.store, self.audit, self.clock, realms)
        self.proposals = Proposals(
            SqlProposals(engine), self.venues, self.secrets, self.notices, self.audit, self.clock
        )
        self.bundles = Bundles(
            self.kept, self.shelf, self.keys, self.clock, self.entropy, lambda: b"day keys"
        )

    def place(
        self,
        name: str = "Chợ Bến Thành",
        *rooms: str,
        kind: VenueKind = VenueKind.MARKET,
        flags: CardFlag = NO_FLAGS,
        realm: str = "79",
        days: tuple[int, int] = (-30, 30),
    ) -> Venue:
        """Return a new place, with a card for itself and each of *rooms*."""
        venue = Venue(
            self.entropy(16),
            realm,
            VenueState.APPROVED,
            name,
            int(kind),
            26_740,
            2,
            "",
            None,
            None,
            0,
            int(flags),
            rooms,
            "+84912345678",
            self.now - timedelta(days=40),
            self.now - timedelta(days=40),
        )
        cards = [self.card(venue, room, days) for room in ("", *rooms)]
        assert self.venues.add([venue], {venue.venue_id: cards}) == [True]
        return venue

    def close(self, venue: Venue) -> None:
        """Close the place, with its cards."""
        now = self.clock.now()
        old = [row.signed.location_id for row in self.venues.current(venue.venue_id)]
        closed = replace(venue, state=VenueState.CLOSED, closed=now)
        assert self.venues.change(venue, closed, now, old=old) is Changed.DONE

    def remove(self, venue: Venue, room: str) -> Venue:
        """Remove a room of the place, with its card, and return the place as it is then."""
        now = self.clock.now()
        current = self.venues.current(venue.venue_id)
        old = [row.signed.location_id for row in current if row.room == room]
        after = replace(venue, rooms=tuple(each for each in venue.rooms if each != room))
        assert self.venues.change(venue, after, now, old=old) is Changed.DONE
        return after

    def card(self, venue: Venue, room: str = "", days: tuple[int, int] = (-30, 30)) -> VenueCardRow:
        """Return a new card, valid from and to so many days from today."""
        today = day_number(self.now)
        card = Card(
            venue.venue_id,
            venue.name,
            venue.commune,
            VenueKind(venue.kind),
            self.entropy(16),
            today + days[0],
            today + days[1],
            room=room,
            flags=CardFlag(venue.flags),
            edition=venue.edition,
        )
        signed = read_card(sign(card.encoded(), CARDS))
        return VenueCardRow(venue.venue_id, room, signed, self.now)

    def kiosk(self, venue: Venue, bearer: str = "token", room: str = "") -> str:
        """Put a kiosk at the place, and return its token."""
        self.secrets.kiosks[bearer] = Kiosk(bearer.encode(), venue.venue_id, room, 1, NOW)
        self.secrets.keys.setdefault((venue.venue_id, room), []).append(bearer.encode() * 4)
        return bearer

    def cards(self, venue: Venue) -> list[SignedCard]:
        return [row.signed for row in self.venues.cards(venue.venue_id)]

    def files(self) -> dict[str, bytes]:
        """Return what lies on the shelf."""
        return {path.name: path.read_bytes() for path in sorted(self.folder.iterdir())}

    def bundle(self, sequence: int) -> Bundle:
        """Return a bundle as a device reads it."""
        data = self.files()[f"{sequence:08}.cose"]
        return read_bundle(data, self.keys.trust_list())


def order(venue: Venue, hours: float = 3, length: float = 1, **changes: object) -> NoticeOrder:
    """Return an order: the case came *hours* ago, and stayed that many hours."""
    start = NOW - hours * HOUR
    made = NoticeOrder(venue.venue_id, start, start + length * HOUR)
    return replace(made, **changes)  # type: ignore[arg-type]


def told(bundle: Bundle, card: SignedCard, came: datetime, left: datetime) -> list[NoticeText]:
    """Return what a visitor of *card* reads in *bundle*: by tag, and then by key."""
    keys = venue_keys(card.payload)
    own = {tag_of(keys, slot) for slot in slots_between(came, left)}
    met = [notice for notice in bundle.notices if own & set(notice.tags)]
    opened = [open_with_card(notice, keys.note) for notice in met]
    return [text for text in opened if text is not None]
