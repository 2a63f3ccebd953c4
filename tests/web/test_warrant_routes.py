"""Warrants at the kiosks' door, over HTTP: asked for, opened, sent in parts, sent again."""

import asyncio
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.client import HttpPlaces
from bluezone_node.clock import SystemClock
from bluezone_node.errors import AuthorityRefused, Unreachable
from bluezone_node.node.kiosk.answering import Answering
from bluezone_node.node.kiosk.register import Opened, Register
from bluezone_node.store.authority.folder import open_folder
from bluezone_node.store.node import open_node_store
from bluezone_node.venues.answer import PART_ROWS
from bluezone_node.venues.bundle import read_bundle
from bluezone_node.venues.register import Contact, opened_mark, row_id_of
from bluezone_node.wiring.application import authority_app
from bluezone_node.wiring.authority import AuthorityParts, open_authority
from bluezone_node.wiring.kiosk_register import register_of
from tests.authorities import served
from tests.offices import ANH, CANARIES, Offices


@pytest.fixture
def offices(tmp_path: Path) -> Offices:
    return Offices(tmp_path)


@dataclass
class Door:
    """An authority that serves, and a kiosk that asks."""

    url: str
    parts: AuthorityParts
    offices: Offices
    register: Register
    http: HttpPlaces

    async def at(self, work: Callable[[Register], Opened]) -> Opened:
        return work(self.register)

    async def answer(self) -> int:
        return await Answering(self.at, self.http).once()


@asynccontextmanager
async def open_door(offices: Offices) -> AsyncIterator[Door]:
    clock, settings = SystemClock(), offices.settings
    with (
        open_authority(open_folder(offices.home), clock, ["registrar"]) as parts,
        open_node_store(settings.state_dir() / "node.db") as store,
    ):
        register = register_of(settings, offices.venue, store, clock)
        assert register is not None
        async with (
            served(authority_app(open_folder(offices.home), parts, clock)) as url,
            HttpPlaces(url, offices.venue.bearer) as http,
        ):
            yield Door(url, parts, offices, register, http)


def read(door: Door, number: str) -> list[Contact]:
    assert door.parts.register is not None
    opened = door.parts.register.openings.open(bytes.fromhex(number), "gọi F1", OPERATOR)
    assert opened.unreadable == 0
    return [contact for _, contact in opened.contacts]


def test_a_warrant_is_answered_over_the_network_and_its_visitor_told(
    offices: Offices, caplog: pytest.LogCaptureFixture
) -> None:
    """In one round of the kiosk; the next has nothing to do; the next bundle has the mark."""
    caplog.set_level(logging.DEBUG)
    offices.visitor(ANH, b"nonce 8!")
    number = offices.approved()

    async def asked() -> None:
        async with open_door(offices) as door:
            assert await door.answer() == 1
            assert await door.answer() == 0
            assert read(door, number) == [ANH]
            assert door.parts.notices is not None
            assert door.parts.notices.bundles.run().drawn == 2
            async with httpx2.AsyncClient() as http:
                told.append((await http.get(f"{door.url}/metrics")).text)

    told: list[str] = []
    asyncio.run(asked())
    bundle = (offices.home / "exports" / "places" / "00000002.cose").read_bytes()
    marks = read_bundle(bundle, offices.venue.trust).opened
    assert opened_mark(row_id_of(b"nonce 8!"), 2) in marks
    for canary in CANARIES:
        assert canary not in caplog.text + told[0]


@pytest.mark.slow
def test_a_kiosk_that_is_killed_on_the_way_answers_once(offices: Offices) -> None:
    """Cut off after each part in turn: in the end every row is there, and none twice."""
    for person in range(PART_ROWS + 2):
        offices.visitor(Contact(f"Khách {person}"))
    number = offices.approved()

    async def asked() -> None:
        async with open_door(offices) as door:

            class Cut(HttpPlaces):
                left = 0

                async def send_rows(self, *part: object, **more: object) -> None:
                    if self.left == 0:
                        raise Unreachable("cut off")
                    self.left -= 1
                    await super().send_rows(*part, **more)  # type: ignore[arg-type]

            for sent in (0, 1):
                async with Cut(door.url, offices.venue.bearer) as cut:
                    cut.left = sent
                    assert await Answering(door.at, cut).once() == 0
            assert await door.answer() == 1
            names = {contact.name for contact in read(door, number)}
            assert names == {f"Khách {person}" for person in range(PART_ROWS + 2)}

    asyncio.run(asked())
    assert len(door_log(offices)) == 1


def door_log(offices: Offices) -> list[str]:
    return [
        line
        for line in offices.kiosk("kiosk", "openings").stdout.splitlines()
        if not line.startswith(" ")
    ]


def test_who_is_no_kiosk_gets_no_warrant_and_leaves_no_rows(offices: Offices) -> None:
    """With a made-up token, with one that was revoked: the same words."""
    offices.approved()

    async def asked() -> None:
        async with open_door(offices) as door, httpx2.AsyncClient(base_url=door.url) as http:
            known = {"Authorization": f"Bearer {offices.venue.bearer}"}
            assert (
                len((await http.get("/v1/places/warrants", headers=known)).json()["warrants"]) == 1
            )
            await asyncio.to_thread(offices.desk, "venue", "kiosk", offices.code, "--revoke")
            said = set()
            for headers in ({"Authorization": "Bearer x"}, known):
                answer = await http.get("/v1/places/warrants", headers=headers)
                assert answer.status_code == 401
                said.add(answer.json()["detail"])
                body = {"warrant": "", "part": 0, "last": True, "rows": ""}
                posted = await http.post("/v1/places/openings", headers=headers, json=body)
                assert posted.status_code == 401
            assert len(said) == 1
            with pytest.raises(AuthorityRefused):
                await door.http.warrants()

    asyncio.run(asked())


NO_ANSWERS: list[tuple[dict[str, object], str]] = [
    ({"warrant": b64encode(b"w" * 16).decode()}, "warrant_unknown"),
    ({"warrant": "AA=="}, "warrant_unknown"),
    ({"rows": b64encode(b"\x81\x80").decode()}, "rows_malformed"),
    ({"rows": b64encode(b"\x9f\xff").decode()}, "cbor_malformed"),
    ({"part": 10_000}, "unparsable"),
    ({"part": True}, "unparsable"),
    ({"more": 1}, "unparsable"),
]


def test_what_is_no_answer_is_refused(offices: Offices) -> None:
    """By its reason, and nothing is kept."""
    number = offices.approved()
    body: dict[str, object] = {
        "warrant": b64encode(bytes.fromhex(number)).decode(),
        "part": 0,
        "last": True,
        "rows": b64encode(b"\x80").decode(),
    }

    async def asked() -> None:
        headers = {"Authorization": f"Bearer {offices.venue.bearer}"}
        async with open_door(offices) as door, httpx2.AsyncClient(base_url=door.url) as http:
            for changes, reason in NO_ANSWERS:
                asking = {"url": "/v1/places/openings", "headers": headers}
                answer = await http.post(**asking, json=body | changes)  # type: ignore[arg-type]
                assert (answer.status_code, answer.json()["code"]) == (400, reason)
            assert len(await door.http.warrants()) == 1

    asyncio.run(asked())


def test_a_server_that_answers_nonsense_opens_nothing(offices: Offices) -> None:
    """Its warrants are checked by the kiosk: what two officers did not sign is noted and left."""
    offices.visitor(ANH)
    offices.approved()

    async def asked() -> None:
        async with open_door(offices) as door:

            class Forged(HttpPlaces):
                async def warrants(self) -> list[bytes]:
                    return [b"", b"\x82\x40\x40", (offices.home / "trust.cose").read_bytes()]

            async with Forged(door.url, offices.venue.bearer) as forged:
                assert await Answering(door.at, forged).once() == 0

    asyncio.run(asked())
    assert door_log(offices) == []
