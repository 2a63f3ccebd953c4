"""The part of ``bluezone-node status`` about places: what is believed, and how fresh it is."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bluezone_node.config import PLACES_SOURCE, PlacesSettings
from bluezone_node.node.notices import head_believed, trust_of
from bluezone_node.ports import NodeStore
from bluezone_node.venues.bundle import shown_digest
from bluezone_node.venues.visits import settle

_SET_THE_CLOCK = "is the clock of this device right? (timedatectl)"
_TELL = "compare the digest in `status` with the authority's, and tell it"

PROBLEMS = {
    "unreachable": "the list of notices, or a file of it, could not be had; it is tried again",
    "stale": "no bundle for two days: somebody may show an old list, or the authority makes none",
    "rolled_back": f"the newest bundle is on offer no more: {_TELL}",
    "bundle_rolled_back": f"a bundle is older than one that this device has: {_TELL}",
    "bundle_fork": f"the list is another than the one that this device follows: {_TELL}",
    "bundle_gap": "a bundle is left out on the way here; another network or a stick may have it",
    "bundle_ahead": f"a bundle is dated in the future: {_SET_THE_CLOCK}",
    "bundle_forged": "a bundle is signed by nobody who may; alerts of it are not shown",
    "bundle_province": "the list is another province's than the one that this device follows",
    "bundle_name": "a file is not the bundle that its name says: it was put there by somebody",
    "bundle_key_replaced": f"a bundle is signed by a key that was replaced: {_TELL}",
    "trust_forged": "the trust list is not the pinned root's: compare places.root with what the "
    "authority has made public",
    "trust_rolled_back": "the trust list on offer is older than the one that this device has; a "
    "stick may be an old one",
    "trust_withheld": "the trust list on offer is older than its bundles: somebody may hide that a "
    "key was revoked; a stick needs the whole folder",
}
"""What is wrong with the notices, by the name in the ledger; others are said as they are named."""


def problem_in_words(name: str) -> str:
    return PROBLEMS.get(name, name.replace("_", " "))


def places_document(store: NodeStore, settings: PlacesSettings, now: datetime) -> dict[str, Any]:
    """Return what is known of places; no name, code or tag is in it."""
    trust = trust_of(store, settings.root_key)
    newest = head_believed(store, trust) if trust is not None else None
    visits = [entry.visit for entry in store.visits()]
    return {
        "source": PLACES_SOURCE,
        "trust_list": trust.sequence if trust is not None else None,
        "newest_bundle": newest.sequence if newest is not None else None,
        "newest_created": newest.created if newest is not None else None,
        "newest_digest": shown_digest(newest.digest) if newest is not None else None,
        "breaker": newest is not None and newest.breaker,
        "visits": len(visits),
        "here": any(settle(visit, now).left is None for visit in visits),
    }


def place_problems(document: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong, beside what the source itself has to say."""
    if document["trust_list"] is None:
        yield "places: no trust list yet, so no code can be believed: run `bluezone-node sync`"
    if document["breaker"]:
        yield (
            "places: the authority holds all new alerts back, since something is wrong with its "
            "notices; those that were told are being looked at"
        )


def place_lines(document: dict[str, Any], local: str) -> Iterator[str]:
    """Yield the lines for a person; *local*: when the newest bundle was made."""
    here = "at a place now" if document["here"] else "at no place now"
    yield f"places      {document['visits']} visits kept, {here}"
    if document["newest_bundle"] is not None:
        digest = document["newest_digest"]
        yield f"            bundle {document['newest_bundle']} of {local}, digest {digest}"
