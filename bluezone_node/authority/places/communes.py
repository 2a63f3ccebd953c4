"""Communes by their names: what people type is a name, what stands on a card is its number.

The lists are the State's, and change by law; so the operator imports them (`commune_lists`).
Without a list a number is taken as it is typed, as nobody can tell whether it is one.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from bluezone_node.authority.ports.communes import Commune, CommuneStore
from bluezone_node.authority.ports.venues import Venue
from bluezone_node.authority.settings import RealmSettings
from bluezone_node.errors import AuthorityRefused
from bluezone_node.venues.card import Card
from bluezone_node.venues.names import composed, folded

MOST_DIGITS = 5
MOST_NAMED = 8
"""Candidates in one sentence; the most communes of one name in the country are seven."""

_LABELLED = re.compile(r"\((\d{5})\)\s*$", re.ASCII)
_KIND = re.compile(r"^(phuong|xa|dac khu|thi tran) ")
"""What a commune is, before its name; folded."""
_SHORT = re.compile(r"^(p|x|dk|tt)(\. *| +)")
_LONG = {"p": "phuong ", "x": "xa ", "dk": "dac khu ", "tt": "thi tran "}


class NoCommune(AuthorityRefused):
    """What was typed names no commune of the list, or several."""

    def __init__(self, sentence: str, reason: str, candidates: Sequence[Commune] = ()) -> None:
        self.candidates = [_label(each) for each in candidates[:MOST_NAMED]]
        """Labels of those that it may be."""
        more = ", …" if len(candidates) > MOST_NAMED else ""
        hint = ", ".join(self.candidates) + more
        super().__init__(
            sentence,
            reason=reason,
            hint=hint or "write its whole name, or its number in the official list",
        )


class CommuneBook:
    """The communes of one list that places of one province may be of; it may be empty."""

    def __init__(self, communes: Sequence[Commune]) -> None:
        self._by_code = {each.code: each for each in communes}
        self._by_name: dict[str, list[Commune]] = {}
        for each in communes:
            for called in _called(each.name):
                self._by_name.setdefault(called, []).append(each)

    def __len__(self) -> int:
        return len(self._by_code)

    def code(self, text: str) -> int:
        """Return the number of the commune that *text* names: by number, name, or `label`.

        Names are taken without diacritics, capitals, and what the commune is.

        Raises:
            NoCommune: reason ``commune_unknown`` or ``commune_ambiguous``.
            AuthorityRefused: reason ``venue_commune``: a name, and there is no list.
        """
        text = text.strip()
        if labelled := _LABELLED.search(text):
            text = labelled[1]
        if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS:
            return self.checked(int(text))
        if not self._by_code:
            raise AuthorityRefused(
                "The commune is a number of up to five digits.",
                reason="venue_commune",
                hint="names are understood once `venue communes import` has read the list",
            )
        name = _SHORT.sub(lambda short: _LONG[short[1]], folded(text))
        found = self._by_name.get(name, [])
        if len(found) > 1:
            # One province has Ba Tơ and Ba Tô: diacritics decide where they are typed.
            typed = _SHORT.sub("", composed(text).casefold())
            exact = [each for each in found if each.name.casefold().endswith(typed)]
            found = exact if len(exact) == 1 else found
        if len(found) == 1:
            return found[0].code
        if found:
            raise NoCommune(f"{len(found)} communes are called that.", "commune_ambiguous", found)
        words = set(_KIND.sub("", name).split())
        near = [each for each in self._by_code.values() if words <= set(folded(each.name).split())]
        raise _unknown(near if words else ())

    def checked(self, code: int) -> int:
        """Return *code* where it is listed, or there is no list.

        Raises:
            NoCommune: reason ``commune_unknown``.
        """
        if self._by_code and code not in self._by_code:
            raise _unknown()
        return code

    def label(self, code: int) -> str:
        """Return a commune as it is shown in a form, for `code` to read back."""
        known = self._by_code.get(code)
        return f"{code:05}" if known is None else _label(known)


class Communes:
    """The lists, as places of the registrar's provinces need them. It blocks on the store."""

    def __init__(self, store: CommuneStore, realms: Sequence[RealmSettings]) -> None:
        self._store = store
        self._provinces = {each.id: each.province for each in realms}

    def book(self, realm: str, edition: int) -> CommuneBook:
        """Return the communes of a province; of all, where *realm* is not told which it is."""
        return CommuneBook(self._listed(realm, edition))

    def labels(self, realms: Collection[str], edition: int) -> list[str]:
        """Return the labels of all communes that places of *realms* may be of."""
        told = (each for realm in realms for each in self._listed(realm, edition))
        return list(dict.fromkeys(_label(each) for each in told))

    def check(self, venue: Venue) -> None:
        """Raise ``commune_unknown`` where there is a list, and the place's commune not on it."""
        self.book(venue.realm, venue.edition).checked(venue.commune)

    def of_card(self, card: Card) -> str:
        """Return the name of the commune that a card tells; empty: it is on no list."""
        told = (card.edition, card.commune)
        return self._store.names({told}).get(told, "")

    def names(self, venues: Iterable[Venue]) -> dict[bytes, str]:
        """Return the name of each one's commune by the place's id; empty: it is on no list."""
        venues = list(venues)
        known = self._store.names({(each.edition, each.commune) for each in venues})
        return {each.venue_id: known.get((each.edition, each.commune), "") for each in venues}

    def _listed(self, realm: str, edition: int) -> list[Commune]:
        if not realm and len(self._provinces) == 1:
            (realm,) = self._provinces
        province = self._provinces.get(realm)
        return self._store.listed(edition, int(province) if province else None)


@lru_cache(maxsize=20_000)
def _called(name: str) -> frozenset[str]:
    """Return what people may call a commune, folded.

    Kept, for three thousand names take a tenth of a second, and anybody may send a form.
    """
    whole = folded(name)
    return frozenset((whole, _KIND.sub("", whole)))


def _label(commune: Commune) -> str:
    return f"{commune.name} ({commune.code:05})"


def _unknown(near: Sequence[Commune] = ()) -> NoCommune:
    sentence = "There is no such commune in the list of the province."
    return NoCommune(sentence, "commune_unknown", near)
