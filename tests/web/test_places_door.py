"""The kiosks' door and the notices on offer, over real HTTP, on a real authority's folder."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from bluezone_node.authority.places.notice_orders import NoticeOrder
from bluezone_node.authority.places.orders import VenueOrder
from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.clock import SimClock
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.venuefile import VenueFile, read_venue_file
from bluezone_node.venues.bundle import read_bundle
from bluezone_node.venues.card import read_card
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.trust import read_trust_list
from bluezone_node.web.routes.places import PER_MINUTE
from bluezone_node.wiring.application import authority_app
from bluezone_node.wiring.authority import AuthorityParts, open_authority
from tests.authorities import NOW, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANARY = "Chợ Chim Hoàng Yến"
HOUR = timedelta(hours=1)
UNKNOWN = {"error": "The kiosk is not known.", "code": "unauthorized"}


@dataclass
class Door:
    """A registrar with one market, whose kiosk has its file."""

    http: httpx2.AsyncClient
    parts: AuthorityParts
    clock: SimClock
    venue_id: bytes
    file: Path
    kiosk: VenueFile

    def renew(self) -> None:
        """Give the place's kiosk its file, a new one where the old one was revoked."""
        assert self.parts.places is not None
        made = self.parts.places.kiosk_files.make(self.venue_id, "", OPERATOR)
        self.file.write_bytes(made.content)
        self.kiosk = read_venue_file(self.file)

    async def propose(self, bearer: str | None = None, **changes: Any) -> httpx2.Response:
        token = self.kiosk.bearer if bearer is None else bearer
        return await self.http.post(
            "/v1/places/proposals",
            json=self.document(**changes),
            headers={"authorization": f"Bearer {token}"},
        )

    def document(self, **changes: Any) -> dict[str, Any]:
        now = int(self.clock.now().timestamp())
        said = {
            "id": b64encode(b"proposal" * 2).decode(),
            "start": now - 7200,
            "end": now - 3600,
            "minutes": 42,
            "packets": 97,
            "keys": 1,
        }
        return said | changes

    def rest(self) -> None:
        """Let a minute pass, so that the address may ask again."""
        self.clock.advance(60)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    folder, clock = tmp_path_factory.mktemp("door"), SimClock(NOW)
    authority = make_folder(folder / "a", ["registrar"], NOW - timedelta(days=3))
    with open_authority(authority, clock, ["registrar"]) as parts:
        assert parts.places is not None
        venue = parts.places.venues.register(VenueOrder(CANARY, VenueKind.MARKET, 26740), OPERATOR)
        file = folder / "venue.json"
        file.touch(mode=0o600)
        file.write_bytes(parts.places.kiosk_files.make(venue.venue_id, "", OPERATOR).content)
        clock.advance(3 * 3600)
        async with (
            served(authority_app(authority, parts, clock)) as url,
            httpx2.AsyncClient(base_url=url) as http,
        ):
            yield Door(http, parts, clock, venue.venue_id, file, read_venue_file(file))


@pytest.fixture(autouse=True)
def rested(door: Door) -> None:
    door.rest()


async def test_a_kiosk_proposes_and_is_told_what_became_of_it(door: Door) -> None:
    """Sent twice it is kept once; later it hears how it was decided."""
    first = (await door.propose()).json()
    again = (await door.propose(minutes=99)).json()
    assert (first["state"], again["state"]) == ("waiting", "waiting")
    assert first["id"] == door.document()["id"]
    assert door.parts.notices is not None
    desk = door.parts.notices.proposals
    (kept,) = desk.newest(OPERATOR)
    assert (kept.evidence.minutes, kept.venue_id) == (42, door.venue_id)
    desk.dismiss(kept.proposal_id, "kiểm tra máy", OPERATOR)
    assert (await door.propose()).json()["state"] == "dismissed"


async def test_a_kiosk_gets_its_newest_card(door: Door) -> None:
    """Also after a rotation, at once."""

    async def card() -> bytes:
        headers = {"authorization": f"Bearer {door.kiosk.bearer}"}
        answer = await door.http.get("/v1/places/card", headers=headers)
        assert answer.headers["content-type"] == "application/cose"
        assert answer.headers["cache-control"] == "no-store"
        return answer.content

    first = await card()
    assert read_card(first).location_id == door.kiosk.card.location_id
    assert door.parts.places is not None
    door.parts.places.renewal.rotate(door.venue_id, OPERATOR)
    second = await card()
    assert second != first
    assert read_card(second).card.venue_id == door.venue_id


STRANGERS = {
    "another's": "A" * 43 + "=",
    "nothing much": "x",
    "not in ASCII": "ÿ" * 44,
    "very long": "B" * 4000,
    "half of it": "",
}


@pytest.mark.parametrize("name", STRANGERS)
async def test_a_wrong_token_is_a_wrong_token(door: Door, name: str) -> None:
    """The same words and status whatever is wrong with it, for both addresses."""
    token = STRANGERS[name] or door.kiosk.bearer[:22]
    headers = {"authorization": f"Bearer {token}".encode("latin-1")}
    answer = await door.http.post(
        "/v1/places/proposals",
        json=door.document(id=b64encode(b"n" * 16).decode()),
        headers=headers,
    )
    told = answer.json()
    told.pop("padding")
    assert (answer.status_code, told) == (401, UNKNOWN)
    card = await door.http.get("/v1/places/card", headers=headers)
    assert (card.status_code, card.json()["detail"]) == (401, UNKNOWN["error"])


async def test_a_kiosk_that_was_revoked_is_a_stranger(door: Door) -> None:
    """From one request to the next; a new one is known."""
    assert door.parts.places is not None
    door.parts.places.kiosk_files.revoke(door.venue_id, "", OPERATOR)
    answer = await door.propose()
    told = answer.json()
    told.pop("padding")
    assert (answer.status_code, told) == (401, UNKNOWN)
    old = door.kiosk.bearer
    door.renew()
    assert door.kiosk.bearer != old
    assert (await door.propose()).status_code == 200


CANNOT = {
    "short id": {"id": "AAAA"},
    "no base64": {"id": "?"},
    "to come": {"start": 1, "end": 2**31},
    "long ago": {"start": 1, "end": 3600},
    "backwards": {"start": 2**31, "end": 2**31 - 1},
    "nobody": {"keys": 0},
    "longer than a day": {"start": int(NOW.timestamp()) - 90_000},
    "silence": {"packets": 0},
}


@pytest.mark.parametrize("name", CANNOT)
async def test_what_cannot_be_is_refused(door: Door, name: str) -> None:
    """With a reason and nothing kept."""
    assert door.parts.notices is not None
    before = door.parts.notices.proposals.newest(OPERATOR, waiting=False)
    answer = await door.propose(**{"id": b64encode(b"m" * 16).decode(), **CANNOT[name]})
    assert (answer.status_code, answer.json()["code"]) == (400, "proposal_invalid")
    assert door.parts.notices.proposals.newest(OPERATOR, waiting=False) == before


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{" + b" " * 64_001, 413, "body_too_large"),
        (b"{", 400, "unparsable"),
        (b'{"id": 1}', 400, "unparsable"),
        (b"\xa1\x01\x02", 400, "unparsable"),
    ],
)
async def test_what_is_no_proposal_is_refused(
    door: Door, content: bytes, status: int, code: str
) -> None:
    """Too much, broken off, of another form, or CBOR."""
    headers = {
        "authorization": f"Bearer {door.kiosk.bearer}",
        "content-type": "application/json",
    }
    answer = await door.http.post("/v1/places/proposals", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_place_proposes_so_much_a_day(door: Door) -> None:
    """A stolen kiosk cannot bury the others' proposals."""
    door.clock.advance(60)  # what other tests asked of the address is over
    codes = []
    ids = [b64encode(bytes([number]) * 16).decode() for number in range(25)]
    for each in ids:
        codes.append((await door.propose(id=each)).status_code)
    assert codes[0] == 200
    assert codes[-1] == 429
    assert codes.count(200) <= 20
    assert (await door.propose(id=ids[0])).status_code == 200  # it was kept before
    door.clock.advance(25 * 3600)
    assert (await door.propose(id=b64encode(b"later, another.."[:16]).decode())).status_code == 200


async def test_an_address_asks_so_often_a_minute(door: Door) -> None:
    """And is told how long to wait, at both addresses."""
    door.clock.advance(60)
    headers = {"authorization": "Bearer x"}
    answers = [
        await door.http.get("/v1/places/card", headers=headers) for _ in range(PER_MINUTE + 1)
    ]
    assert [answer.status_code for answer in answers] == [*[401] * PER_MINUTE, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert (await door.propose()).status_code == 429


async def test_bundles_are_handed_out_by_who_signs_them(door: Door) -> None:
    """The registrar alone serves them; a device reads what an officer issued a minute before."""
    assert door.parts.notices is not None
    now = door.clock.now()
    order = NoticeOrder(door.venue_id, now - 2 * HOUR, now - HOUR)
    door.parts.notices.notices.issue(order, OPERATOR)
    door.parts.notices.bundles.run()
    index = await door.http.get("/exports/places/index.txt")
    assert index.headers["cache-control"] == "public, max-age=60"
    name = index.text.split()[-1]
    assert name.startswith("exports/places/")
    answer = await door.http.get(f"/{name}")
    assert answer.headers["content-type"] == "application/cose"
    assert "immutable" in answer.headers["cache-control"]
    trust = await door.http.get("/exports/places/trust.cose")
    assert trust.headers["cache-control"] == "public, max-age=60"
    listed = read_trust_list(trust.content, door.kiosk.root)
    assert len(read_bundle(answer.content, listed).notices) == 16
    for hidden in (".partial-x", "1.cose", "..%2findex.txt", "venue.json"):
        assert (await door.http.get(f"/exports/places/{hidden}")).status_code == 404


async def test_nothing_of_a_place_is_in_logs_or_metrics(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither its name, its spoken code, its token nor its tags."""
    caplog.set_level("DEBUG")
    await door.propose()
    headers = {"authorization": f"Bearer {door.kiosk.bearer}"}
    await door.http.get("/v1/places/card", headers=headers)
    metrics = (await door.http.get("/metrics")).text
    assert "bluezone_notice_bundle_timestamp_seconds" in metrics
    assert "bluezone_notice_breaker 0.0" in metrics
    card = door.kiosk.card
    for secret in ("Yến", card.spoken_code, door.kiosk.bearer, door.venue_id.hex()):
        assert secret not in caplog.text
        assert secret not in metrics
