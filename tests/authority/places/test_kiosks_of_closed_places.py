"""A kiosk whose place is closed: its secret is somewhere, and nobody answers for it any more."""

from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.places.orders import VenueOrder
from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.clock import SimClock
from bluezone_node.errors import AuthorityRefused
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.venuefile import read_venue_file
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.wiring.authority import open_authority
from tests.authorities import NOW


def test_the_kiosk_of_a_closed_place_is_a_stranger(tmp_path: Path) -> None:
    """It proposes nothing, gets no card, and is told of no warrant, in the words of a stranger."""
    folder = make_folder(tmp_path / "a", ["registrar"], NOW - timedelta(days=3))
    with open_authority(folder, SimClock(NOW), ["registrar"]) as parts:
        assert parts.places is not None
        assert parts.notices is not None
        order = VenueOrder("Chợ Hôm", VenueKind.MARKET, 26740)
        place = parts.places.venues.register(order, OPERATOR)
        file = tmp_path / "venue.json"
        file.touch(mode=0o600)
        file.write_bytes(parts.places.kiosk_files.make(place.venue_id, "", OPERATOR).content)
        bearer = read_venue_file(file).bearer
        assert parts.notices.proposals.desk(bearer).venue.venue_id == place.venue_id
        parts.places.venues.close(place.venue_id, OPERATOR)
        with pytest.raises(AuthorityRefused) as refused:
            parts.notices.proposals.desk(bearer)
        assert refused.value.reason == "unauthorized"
