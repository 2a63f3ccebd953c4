"""The official lists of communes, by which places are named and found: data, never code."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune, ward or special zone. The fields are the first columns of its table, in order."""

    edition: int
    """Of the list: 1 before 1 July 2025, 2 since."""
    code: int
    """Of the General Statistics Office, up to five digits."""
    name: str
    """With what it is: Phường Long Biên."""
    province: int
    """Of the General Statistics Office, up to two digits."""


@dataclass(frozen=True, slots=True)
class KeptCommunes:
    """What a list was to the one that was there."""

    new: int
    changed: int
    known: int
    removed: int


class CommuneStore(Protocol):
    """The lists. Every method is one transaction, and blocks."""

    def keep(self, edition: int, communes: Sequence[Commune], *, whole: bool) -> KeptCommunes:
        """Keep *communes*, each by its number; others of the edition are removed where *whole*."""

    def listed(self, edition: int, province: int | None = None) -> list[Commune]:
        """Return the list of an edition, of one province or all, by number."""

    def names(self, codes: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """Return names by edition and number; those that are not listed are left out."""

    def counts(self) -> dict[int, int]:
        """Return how many there are of each edition that there is a list of."""
