"""Somebody answers in the registrar's place, with a genuine card that they kept."""

from dataclasses import replace
from pathlib import Path

import pytest

from bluezone_node.crypto.cose import sign
from bluezone_node.errors import BadInput
from bluezone_node.venuefile import read_venue_file, renew_venue_file
from bluezone_node.venues.card import SignedCard, read_card
from tests.kiosks import market, venue_file
from tests.venues.places import CARDS

HELD = market()


def card(**fields: object) -> SignedCard:
    return read_card(sign(replace(HELD.card, **fields).encoded(), CARDS))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (card(seed=bytes(16), from_day=HELD.card.from_day - 1), "card_older"),
        (card(seed=bytes(16), room="Kho"), "card_other_place"),
        (card(seed=bytes(16)), ""),
        (card(seed=bytes(16), from_day=HELD.card.from_day + 1), ""),
    ],
    ids=["withdrawn", "another room", "same day", "later"],
)
def test_a_kiosk_goes_back_to_no_earlier_card(
    tmp_path: Path, other: SignedCard, reason: str
) -> None:
    """Its screen and radio would name a poster that devices refuse, or another room."""
    path = venue_file(tmp_path / "venue.json", HELD)
    before = path.read_bytes()
    if reason:
        with pytest.raises(BadInput) as refused:
            renew_venue_file(path, other.cose)
        assert refused.value.reason == reason
        assert path.read_bytes() == before
    else:
        renew_venue_file(path, other.cose)
        assert read_venue_file(path).card == other
