"""The owner of a place with a kiosk, who wants another's place to be warned of, over real HTTP."""

from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from bluezone_node.authority.places.orders import VenueOrder
from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.clock import SimClock
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.venuefile import VenueFile, read_venue_file
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.wiring.application import authority_app
from bluezone_node.wiring.authority import AuthorityParts, open_authority
from tests.authorities import NOW, served

HOUR = 3600
ID = b64encode(b"a rival's notice").decode()


def kiosk_of(parts: AuthorityParts, name: str, file: Path) -> VenueFile:
    assert parts.places is not None
    venues = parts.places.venues
    venue = venues.register(VenueOrder(name, VenueKind.MARKET, 26740), OPERATOR)
    file.touch(mode=0o600)
    file.write_bytes(parts.places.kiosk_files.make(venue.venue_id, "", OPERATOR).content)
    return read_venue_file(file)


async def test_a_kiosk_proposes_for_its_own_place_alone(tmp_path: Path) -> None:
    """Whatever it says: no field names a place, and another place's proposal is not touched."""
    clock = SimClock(NOW)
    folder = make_folder(tmp_path / "a", ["registrar"], NOW - timedelta(days=3))
    with open_authority(folder, clock, ["registrar"]) as parts:
        assert parts.notices is not None
        proposals = parts.notices.proposals
        own = kiosk_of(parts, "Quán của tôi", tmp_path / "own.json")
        rival = kiosk_of(parts, "Quán đối diện", tmp_path / "rival.json")
        now = int(clock.now().timestamp()) + 3 * HOUR
        clock.advance(3 * HOUR)
        said = {"id": ID, "start": now - 2 * HOUR, "end": now - HOUR, "minutes": 9} | {
            "packets": 50,
            "keys": 1,
        }
        async with (
            served(authority_app(folder, parts, clock)) as url,
            httpx2.AsyncClient(base_url=url) as http,
        ):

            async def propose(kiosk: VenueFile, **more: Any) -> tuple[int, str]:
                headers = {"authorization": f"Bearer {kiosk.bearer}"}
                answer = await http.post("/v1/places/proposals", json=said | more, headers=headers)
                told = answer.json()
                return answer.status_code, told.get("code") or told["state"]

            assert await propose(rival) == (200, "waiting")
            (theirs,) = proposals.newest(OPERATOR)
            assert await propose(own, minutes=99) == (400, "proposal_taken")
            for name in ("venue", "venueId", "room", "place"):
                place = rival.card.card.venue_id.hex()
                assert await propose(own, **{name: place}) == (400, "unparsable")
            assert await propose(own, id=b64encode(b"b" * 16).decode()) == (200, "waiting")
        kept = {each.venue_id: each for each in proposals.newest(OPERATOR)}
        assert kept[rival.card.card.venue_id] == theirs
        assert {*kept} == {own.card.card.venue_id, rival.card.card.venue_id}
        assert parts.notices.notices.newest(OPERATOR) == []
