"""The kiosk of a place before its registrar, which knows it by its bearer token."""

import ssl
from base64 import b64decode, b64encode
from collections.abc import Sequence

import msgspec

from bluezone_node.client.connection import (
    ANSWER_SECONDS,
    Connection,
    TooLarge,
    checked,
    host_of,
    not_understood,
)
from bluezone_node.errors import AuthorityRefused, Unreachable
from bluezone_node.intervals import to_unix
from bluezone_node.venues.answer import pack_rows
from bluezone_node.venues.proposals import Proposal
from bluezone_node.venues.register import ReleasedContact

MAX_CARD_BYTES = 1 << 12
MAX_WARRANTS_BYTES = 1 << 20
"""A warrant has 1 kB: room for some hundreds that wait for one kiosk."""
PART_BYTES = 60_000
"""Every part of a register's answer is filled up to this, which the largest has room in: how many
visitors there were is nobody's business who watches the line."""
_CHAFF, _MEANT = "x-chaff", "x-meant"
"""A header of proposals, of one length: the authority keeps nothing where the first is there."""


class HttpPlaces(Connection):
    """The registrar, as the kiosk of a place meets it: `node.kiosk.proposals.PlaceAuthority` and
    `node.kiosk.answering.WarrantDoor`."""

    def __init__(self, registrar: str, bearer: str, *, tls: ssl.SSLContext | None = None) -> None:
        """*bearer*: what the kiosk names itself by. Raises BadConfig for no http(s) address."""
        super().__init__(tls)
        self._places = f"{checked(registrar)}/v1/places"
        self._headers = {"Authorization": f"Bearer {bearer}"}

    async def propose(self, proposal: Proposal) -> None:
        document = {
            "id": b64encode(proposal.id).decode(),
            "start": to_unix(proposal.start),
            "end": to_unix(proposal.end),
            "minutes": proposal.minutes,
            "packets": proposal.packets,
            "keys": proposal.keys,
            "expectedPackets": proposal.expected,
        }
        headers = {**self._headers, _MEANT: "1"}
        await self.ask(f"{self._places}/proposals", document, _Proposed, headers)

    async def decoy(self) -> None:
        await self.post(f"{self._places}/proposals", {"id": ""}, {**self._headers, _CHAFF: "1"})

    async def card(self) -> bytes:
        """Return the newest signed card of the kiosk's room; `node.kiosk.renewing.CardDoor`."""
        return await self._get("card", MAX_CARD_BYTES)

    async def warrants(self) -> list[bytes]:
        body = await self._get("warrants", MAX_WARRANTS_BYTES)
        try:
            return [b64decode(file) for file in msgspec.json.decode(body, type=_Waiting).warrants]
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise not_understood(self._places) from None

    async def send_rows(
        self, warrant_id: bytes, part: int, rows: Sequence[ReleasedContact], *, last: bool
    ) -> None:
        document: dict[str, object] = {
            "warrant": b64encode(warrant_id).decode(),
            "part": part,
            "last": last,
            "rows": b64encode(pack_rows(rows)).decode(),
        }
        url = f"{self._places}/openings"
        await self.ask(url, document, _Kept, self._headers, PART_BYTES)

    async def _get(self, what: str, limit: int) -> bytes:
        url = f"{self._places}/{what}"
        try:
            status, _, body = await self.exchange(
                "GET", url, limit, ANSWER_SECONDS, None, self._headers
            )
        except TooLarge:
            raise Unreachable(f"{host_of(url)} sent an answer of impossible length.") from None
        if status == 401:
            raise AuthorityRefused("The kiosk is not known.", reason="unauthorized")
        if status != 200:
            raise Unreachable(f"{host_of(url)} answered with HTTP status {status}.")
        return body


class _Proposed(msgspec.Struct):
    state: str


class _Waiting(msgspec.Struct):
    warrants: list[str]


class _Kept(msgspec.Struct):
    kept: bool
