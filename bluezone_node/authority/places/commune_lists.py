"""The official list of communes, read from a spreadsheet or a map: each row is kept or rejected.

A row names a commune's number, name and province.  A map in TopoJSON has them as properties of its
features; of it the names are read alone, never the borders.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from bluezone_node.authority.ports.accounts import Actor
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.authority.ports.communes import Commune, CommuneStore, KeptCommunes
from bluezone_node.authority.sheets import (
    Layout,
    Record,
    Rejected,
    read_sheet,
    rejected_csv,
    write_csv,
)
from bluezone_node.errors import BadInput, Refused
from bluezone_node.venues.card import MAX_NAME_BYTES, check_line
from bluezone_node.venues.names import composed

MAX_ROWS = 20_000
"""There were 10 599 communes before July 2025, and are 3 321 since."""
MAX_BYTES = 64_000_000
"""Of one file: a map of them with its borders."""

COLUMNS = {
    "code": ("code", "mã", "mã xã", "mã phường xã"),
    "name": ("name", "tên", "tên xã", "tên phường xã"),
    "province": ("province", "p", "tỉnh", "mã tỉnh"),
}
"""The columns, and how their headings may be written."""

_LAYOUT = Layout(
    COLUMNS,
    "code",
    f"the columns are {', '.join(COLUMNS)}; leave out all else",
    MAX_ROWS,
    MAX_BYTES,
)
_MARK = b"\xef\xbb\xbf"


class _Geometry(msgspec.Struct):
    properties: dict[str, Any] = {}


class _Object(msgspec.Struct):
    geometries: list[_Geometry] = []


class _Topology(msgspec.Struct, tag_field="type", tag="Topology"):
    objects: Annotated[dict[str, _Object], Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class CommuneImport:
    """What became of each row of a list."""

    heading: tuple[str, ...]
    communes: list[Commune] = field(repr=False)
    rejected: list[Rejected] = field(repr=False)
    kept: KeptCommunes

    @property
    def totals(self) -> dict[str, int]:
        """Rows read; of those new, changed, known before, rejected; and what left the list."""
        kept = self.kept
        return {
            "read": len(self.communes) + len(self.rejected),
            "new": kept.new,
            "changed": kept.changed,
            "known": kept.known,
            "rejected": len(self.rejected),
            "removed": kept.removed,
        }

    def communes_csv(self) -> bytes:
        """Return the rows that were not rejected, as they were understood."""
        return write_csv(
            tuple(COLUMNS),
            ((f"{each.code:05}", each.name, f"{each.province:02}") for each in self.communes),
        )

    def rejected_csv(self) -> bytes:
        """Return the rows that were rejected as they were, between their line and the reason."""
        return rejected_csv(self.heading, self.rejected)


class CommuneLists:
    """Imports lists. It blocks on the store."""

    def __init__(self, store: CommuneStore, audit: AuditTrail) -> None:
        self._store = store
        self._audit = audit

    def take(self, data: bytes, edition: int, actor: Actor) -> CommuneImport:
        """Keep the list in *data* as that of *edition*, and say what became of every row.

        Communes that it does not have are removed, but where a row was rejected: it may be theirs.

        Raises:
            BadInput: as `sheets.read_sheet`; reason ``file_malformed``: the map cannot be read.
        """
        heading, records = _records(data)
        found: dict[int, Commune] = {}
        rejected: list[Rejected] = []
        for record in records:
            try:
                commune = _commune(record, edition)
                if commune.code in found:
                    raise BadInput("The number stands in an earlier row.", reason="row_repeated")
            except Refused as refused:
                rejected.append(Rejected(record.line, record.cells, refused.reason, str(refused)))
            else:
                found[commune.code] = commune
        communes = list(found.values())
        told = {"rows": len(communes) + len(rejected), "rejected": len(rejected)}
        self._audit.record(actor, "communes_imported", f"{edition}", told)
        kept = self._store.keep(edition, communes, whole=not rejected)
        return CommuneImport(heading, communes, rejected, kept)

    def counts(self) -> dict[int, int]:
        """Return how many communes there are of each edition."""
        return self._store.counts()

    def listed(self, edition: int, province: int | None = None) -> list[Commune]:
        """Return the list of an edition, of one province or all, by number."""
        return self._store.listed(edition, province)


def _records(data: bytes) -> tuple[tuple[str, ...], Iterator[Record]]:
    if data.removeprefix(_MARK).lstrip()[:1] != b"{":
        return read_sheet(data, _LAYOUT)
    try:
        told = msgspec.json.decode(data.removeprefix(_MARK), type=_Topology)
    except (msgspec.DecodeError, RecursionError):
        raise BadInput("The file is no map in TopoJSON.", reason="file_malformed") from None
    features = [each.properties for shapes in told.objects.values() for each in shapes.geometries]
    if not 0 < len(features) <= MAX_ROWS:
        raise BadInput(f"The map has not 1 to {MAX_ROWS} features.", reason="file_too_large")
    return tuple(COLUMNS), (_feature(number, each) for number, each in enumerate(features, 1))


def _feature(number: int, properties: dict[str, Any]) -> Record:
    told = [properties.get(name, "") for name in ("code", "name", "p")]
    cells = tuple(each if isinstance(each, str) else "" for each in told)
    return Record(number, cells, dict(zip(COLUMNS, cells, strict=True)), stray=False)


def _commune(record: Record, edition: int) -> Commune:
    if record.stray:
        raise BadInput("A cell of the row stands under no heading.", reason="row_too_long")
    code = _number(record.found["code"], 5, "commune")
    province = _number(record.found["province"], 2, "province")
    name = check_line(composed(record.found["name"]), MAX_NAME_BYTES, "name")
    return Commune(edition, code, name, province)


def _number(text: str, digits: int, what: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= digits and int(text):
        return int(text)
    raise BadInput(f"The {what} is no number of up to {digits} digits.", reason=f"commune_{what}")
