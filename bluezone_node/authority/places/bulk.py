"""A CSV file of places: every row is registered, known already, or rejected; none is dropped.

All that is registered is kept in one transaction: a program that was killed registered all or
nothing, and the same file again registers what is missing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from bluezone_node.authority.places.communes import CommuneBook, Communes
from bluezone_node.authority.places.directory import Directory
from bluezone_node.authority.places.orders import EDITION, VenueOrder, parse_hours, venue_of
from bluezone_node.authority.places.venues import Venues
from bluezone_node.authority.ports.accounts import SUPERVISOR, Actor
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.authority.ports.venues import Venue, VenueStore
from bluezone_node.authority.sheets import (
    Layout,
    Record,
    Rejected,
    read_sheet,
    rejected_csv,
    write_csv,
)
from bluezone_node.errors import AuthorityRefused, BadInput, Refused
from bluezone_node.ports import Clock, Entropy
from bluezone_node.venues.card import VENUE_ID_BYTES
from bluezone_node.venues.kinds import RULES, VenueKind
from bluezone_node.venues.names import folded

MAX_ROWS = 200_000
"""In one file: a large city's registered points of 2021. A longer one is refused before anything
is registered, never cut off as old spreadsheets do at 65 536 rows."""
MAX_BYTES = 64_000_000
"""Of one file: as many rows in UTF-16."""

COLUMNS = {
    "name": ("name", "tên", "tên địa điểm"),
    "kind": ("kind", "loại", "loại địa điểm", "loại hình"),
    "commune": ("commune", "xã", "mã xã", "mã phường xã", "xã phường"),
    "edition": ("edition", "phiên bản", "danh mục"),
    "address": ("address", "địa chỉ"),
    "hours": ("hours", "giờ mở cửa", "giờ"),
    "stay": ("stay", "stay_minutes", "phút lưu lại"),
    "rooms": ("rooms", "phòng", "khu"),
    "phone": ("phone", "điện thoại", "số điện thoại"),
    "realm": ("realm", "tỉnh", "tỉnh thành"),
}
"""The columns, and how their headings may be written; spaces and underscores are the same."""
ROOM_SEPARATOR = "|"

_LAYOUT = Layout(
    COLUMNS,
    "name",
    f"the columns are {', '.join(COLUMNS)}; leave out all else",
    MAX_ROWS,
    MAX_BYTES,
)
_KINDS = {
    folded(word): kind
    for kind, rule in RULES.items()
    for word in (
        # "Nhà hàng, quán ăn": a sheet says one of them.
        *(rule.name_vi, *rule.name_vi.split(", ")),
        *(rule.name_en, kind.name.replace("_", " "), str(int(kind))),
    )
}


@dataclass(frozen=True, slots=True)
class Registered:
    """A row whose place is there now."""

    line: int
    name: str
    venue_id: bytes
    """Empty: it was known already."""
    spoken_code: str
    """Empty: it was known already."""

    @property
    def state(self) -> str:
        return "registered" if self.venue_id else "known"


@dataclass(frozen=True, slots=True)
class VenueImport:
    """What became of each row of a file."""

    heading: tuple[str, ...]
    registered: list[Registered] = field(repr=False)
    rejected: list[Rejected] = field(repr=False)

    @property
    def totals(self) -> dict[str, int]:
        """Rows read; of those registered, known before, rejected."""
        known = sum(not each.venue_id for each in self.registered)
        return {
            "read": len(self.registered) + len(self.rejected),
            "registered": len(self.registered) - known,
            "known": known,
            "rejected": len(self.rejected),
        }

    def registered_csv(self) -> bytes:
        """Return line, name, state, id and spoken code of each row that was not rejected."""
        return write_csv(
            ("line", "name", "state", "id", "code"),
            (
                (str(each.line), each.name, each.state, each.venue_id.hex(), each.spoken_code)
                for each in self.registered
            ),
        )

    def rejected_csv(self) -> bytes:
        """Return the rows that were rejected as they were, between their line and the reason."""
        return rejected_csv(self.heading, self.rejected)


class BulkVenues:
    """Registers the places of a file. It blocks on the store."""

    def __init__(
        self,
        store: VenueStore,
        directory: Directory,
        communes: Communes,
        venues: Venues,
        audit: AuditTrail,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._store = store
        self._directory = directory
        self._communes = communes
        self._venues = venues
        self._audit = audit
        self._clock = clock
        self._entropy = entropy

    def register(
        self,
        data: bytes,
        actor: Actor,
        *,
        realm: str = "",
        rows: int | None = None,
        advance: Callable[[int], None] = lambda _rows: None,
    ) -> VenueImport:
        """Register the places in *data*, and say what became of every row.

        *realm*: of rows that name none. *rows*: how many there should be, as whoever sent the file
        says. *advance* is called with the number of rows that were looked at since.

        Raises:
            AuthorityRefused: reason ``forbidden``, ``no_card_key`` or ``file_rows`` (others than
                were told; nothing was registered).
            BadInput: as `sheets.read_sheet`.
        """
        if not actor.may(SUPERVISOR):
            raise AuthorityRefused(
                "Only a supervisor may register places in bulk.", reason="forbidden"
            )
        heading, records = read_sheet(data, _LAYOUT)
        rejected: list[Rejected] = []
        found: list[tuple[int, Venue]] = []
        first: dict[bytes, int] = {}
        book = cache(self._communes.book)
        for record in records:
            advance(1)
            try:
                venue = self._venue(record, realm, actor, book)
                before = first.setdefault(venue.identity, record.line)
                if before != record.line:
                    raise BadInput(
                        f"The same place stands in line {before}.", reason="row_repeated"
                    )
            except Refused as refused:
                told = f"{refused} ({refused.hint})" if refused.hint else str(refused)
                rejected.append(Rejected(record.line, record.cells, refused.reason, told))
            else:
                found.append((record.line, venue))
        read = len(found) + len(rejected)
        if rows is not None and rows != read:
            raise AuthorityRefused(
                f"The file has {read} rows, and should have {rows}. Nothing was registered.",
                reason="file_rows",
                hint="a part of it may be missing; ask whoever sent it",
            )
        counts = {"rows": read, "rejected": len(rejected)}
        self._audit.record(actor, "venues_imported", detail=counts)
        return VenueImport(heading, self._kept(found, actor), rejected)

    def _kept(self, found: list[tuple[int, Venue]], actor: Actor) -> list[Registered]:
        now = self._clock.now()
        venues, cards = self._venues.prepared([venue for _, venue in found], actor, now)
        registered = []
        for (line, venue), kept in zip(found, self._store.add(venues, cards), strict=True):
            made = cards[venue.venue_id]
            code = made[0].signed.spoken_code if kept else ""
            registered.append(Registered(line, venue.name, venue.venue_id if kept else b"", code))
        return registered

    def _venue(
        self, record: Record, realm: str, actor: Actor, book: Callable[[str, int], CommuneBook]
    ) -> Venue:
        if record.stray:
            raise BadInput("A cell of the row stands under no heading.", reason="row_too_long")
        where = self._directory.realm_for(record.found["realm"] or realm, actor)
        order = _order(record, where, book)
        return venue_of(order, self._entropy(VENUE_ID_BYTES), where, self._clock.now())


def _order(record: Record, realm: str, book: Callable[[str, int], CommuneBook]) -> VenueOrder:
    found = record.found
    edition = _number(found["edition"], "edition") if found["edition"] else EDITION
    opens, closes = parse_hours(found["hours"])
    rooms = found["rooms"].split(ROOM_SEPARATOR) if found["rooms"] else []
    return VenueOrder(
        found["name"],
        kind_of(found["kind"]),
        book(realm, edition).code(found["commune"]),
        realm,
        edition,
        found["address"],
        opens,
        closes,
        _number(found["stay"], "stay") if found["stay"] else 0,
        rooms=tuple(rooms),
        contact=found["phone"],
    )


def kind_of(text: str) -> VenueKind:
    """Return the kind of place that *text* names, in Vietnamese, English or by number.

    Raises:
        AuthorityRefused: reason ``venue_kind``.
    """
    if not text.strip():
        return VenueKind.OTHER
    kind = _KINDS.get(folded(text.replace("_", " ")))
    if kind is None:
        raise AuthorityRefused(
            "There is no such kind of place.",
            reason="venue_kind",
            hint=", ".join(rule.name_vi for rule in RULES.values()),
        )
    return kind


def _number(text: str, what: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    raise AuthorityRefused(f"The {what} is no number.", reason=f"venue_{what}")
