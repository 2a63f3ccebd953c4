"""A kiosk and its registrar, each as it is: the file it was given, and the proposal it sends."""

from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.places.orders import VenueOrder
from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.client import HttpPlaces
from bluezone_node.clock import SimClock
from bluezone_node.errors import AuthorityRefused, Unreachable
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.venuefile import read_venue_file
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.proposals import Nearness, proposals_of
from bluezone_node.wiring.application import authority_app
from bluezone_node.wiring.authority import open_authority
from tests.authorities import NOW, served


async def test_a_proposal_reaches_the_officers(tmp_path: Path) -> None:
    """Sent twice it is one; without a network it is told as that; a stranger is turned away."""
    clock = SimClock(NOW)
    authority = make_folder(tmp_path / "a", ["registrar"], NOW - timedelta(days=3))
    with open_authority(authority, clock, ["registrar"]) as parts:
        assert parts.places is not None
        assert parts.notices is not None
        venue = parts.places.venues.register(
            VenueOrder("Chợ Hôm", VenueKind.MARKET, 26740), OPERATOR
        )
        file = tmp_path / "venue.json"
        file.touch(mode=0o600)
        file.write_bytes(parts.places.kiosk_files.make(venue.venue_id, "", OPERATOR).content)
        kiosk = read_venue_file(file)
        clock.advance(3 * 3600)
        start = clock.now() - timedelta(hours=2)
        near = Nearness(start, start + timedelta(minutes=9), 40, 222, 0)
        (proposal,) = proposals_of([near], kiosk.card.location_id, clock.now())
        async with served(authority_app(authority, parts, clock)) as url:
            async with HttpPlaces(url, kiosk.bearer) as door:
                await door.propose(proposal)
                await door.propose(proposal)
            async with HttpPlaces(url, "nobody's") as stranger:
                with pytest.raises(AuthorityRefused) as refused:
                    await stranger.propose(proposal)
        (kept,) = parts.notices.proposals.newest(OPERATOR)
        assert (kept.proposal_id, kept.start) == (proposal.id, proposal.start)
        assert (kept.evidence.minutes, kept.evidence.packets, kept.evidence.keys) == (9, 40, 1)
        assert kept.evidence.expected_packets == 222
    assert refused.value.reason == "unauthorized"
    async with HttpPlaces(url, kiosk.bearer) as door:
        with pytest.raises(Unreachable):
            await door.propose(proposal)
