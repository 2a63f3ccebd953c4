"""After each download a kiosk sends a proposal, or what looks like one: over real HTTP."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from starlette.types import Message, Receive, Scope, Send

from bluezone_node.authority.places.orders import VenueOrder
from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.client import HttpPlaces
from bluezone_node.clock import SimClock
from bluezone_node.node.kiosk.proposals import Proposing
from bluezone_node.ports import NodeStore
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.store.node import open_node_store
from bluezone_node.venuefile import read_venue_file
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.proposals import Proposal
from bluezone_node.wiring.application import authority_app
from bluezone_node.wiring.authority import open_authority
from tests.authorities import NOW, served

Result = TypeVar("Result")


async def test_that_a_case_was_there_does_not_show_on_the_line(tmp_path: Path) -> None:
    """One request a round of one length, headers included; the officers see the real one alone."""
    clock = SimClock(NOW)
    folder = make_folder(tmp_path / "a", ["registrar"], NOW - timedelta(days=3))
    with (
        open_authority(folder, clock, ["registrar"]) as parts,
        open_node_store(tmp_path / "state" / "node.db") as store,
    ):
        assert parts.places is not None
        assert parts.notices is not None
        venues = parts.places.venues
        place = venues.register(VenueOrder("Chợ Hôm", VenueKind.MARKET, 26740), OPERATOR)
        file = tmp_path / "venue.json"
        file.touch(mode=0o600)
        file.write_bytes(parts.places.kiosk_files.make(place.venue_id, "", OPERATOR).content)
        kiosk = read_venue_file(file)
        clock.advance(3 * 3600)
        app, seen = authority_app(folder, parts, clock), []

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            length = len(scope["raw_path"]) if scope["type"] == "http" else 0

            async def counted() -> Message:
                nonlocal length
                message = await receive()
                length += len(message.get("body", b""))
                return message

            await app(scope, counted, send)
            if scope["type"] == "http":
                headers = sum(len(name) + len(value) for name, value in scope["headers"])
                seen.append((scope["method"], length + headers))

        async def on_store(work: Callable[[NodeStore], Result]) -> Result:
            return work(store)

        async with served(watched) as url, HttpPlaces(url, kiosk.bearer) as http:
            proposing = Proposing(kiosk.card, on_store, lambda _: store, http)
            now = clock.now()
            await proposing(now)
            assert parts.notices.proposals.newest(OPERATOR) == []
            end = now - timedelta(hours=1)
            near = Proposal(b"p" * 16, end - timedelta(minutes=9), end, 9, 99, 1, 222, now)
            store.put_proposals([near])
            await proposing(now)
            await proposing(now)
        assert [one.evidence.minutes for one in parts.notices.proposals.newest(OPERATOR)] == [9]
    assert len(seen) == 3
    assert len({*seen}) == 1
