"""A kiosk at a market, on a real database and with real pages, and what is held before it."""

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import httpx2 as httpx
import segno
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.clock import SimClock
from bluezone_node.crypto.cose import public_bytes, sign
from bluezone_node.errors import BadInput
from bluezone_node.node.kiosk.desk import Desk
from bluezone_node.node.kiosk.ledger import ContactSealer, DeskRules
from bluezone_node.node.kiosk.place import Place
from bluezone_node.node.kiosk.screen import Screen
from bluezone_node.store.node import SqliteNodeStore
from bluezone_node.venues.card import Card, SignedCard, day_number, read_card
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.passes import NONCE_BYTES, PASS_LIFE, Holder, Pass, write_pass
from bluezone_node.venues.text import DEFAULT_HOST, to_base45
from bluezone_node.venues.trust import Role, TrustedKey, TrustList, write_trust_list
from bluezone_node.web.kiosk.app import kiosk_app
from bluezone_node.web.kiosk.condition import Condition
from bluezone_node.web.kiosk.gate import Gate, hash_pin
from bluezone_node.web.kiosk.parts import KioskParts
from tests.venues.places import CARDS, NOW, ROOT, seeded

Result = TypeVar("Result")

MORNING = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Eight o'clock in Vietnam."""
SECRET = bytes(range(32))
PROOF_KEY = b"proof key of the kiosk, 32 bytes"
ID_CARD = "001190012345|123456789|Nguyễn Thị Hồng|01021990|Nữ|Số 1 Tràng Thi, Hà Nội|01012022"
INSURANCE = (
    f"HS4010120878811|{'Trần Văn Ất'.encode().hex()}|12/03/1985|1|{'Huế'.encode().hex()}|01|$"
)
PERSONAL = "001190012345|NGUYEN VAN A|1990-12-01|0|162912345678901234|<1<HS4<0912345678"
PHONE = "0912 345 678"
PIN = "246810"


def market(
    *,
    name: str = "Chợ Hôm – Đức Viên",
    seed: int = 1,
    at: datetime = MORNING,
    hours: tuple[int, int] | None = (300, 1140),
    days: int = 200,
    **fields: object,
) -> SignedCard:
    """Return the signed card of a market that is open from five to seven."""
    entropy, today = seeded(seed), day_number(at)
    kind = VenueKind.MARKET
    card = Card(entropy(16), name, 4, kind, entropy(16), today - 30, today + days, hours=hours)
    return read_card(sign(replace(card, **fields).encoded(), CARDS))  # type: ignore[arg-type]


def venue_file(
    path: Path, card: SignedCard, *, at: datetime = NOW, root: Ed25519PrivateKey = ROOT
) -> Path:
    """Write what a registrar gives to the kiosk of *card*."""
    around = (at - timedelta(days=365), at + timedelta(days=365))
    keys = (TrustedKey(public_bytes(CARDS), Role.CARDS, "VN", *around),)
    trust = write_trust_list(TrustList(1, at, keys), root)
    document = {
        "card": to_base45(card.cose),
        "secret": SECRET.hex(),
        "trust": b64encode(trust).decode(),
        "root": b64encode(public_bytes(root)).decode(),
        "authority": "https://registrar.example.vn",
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    path.chmod(0o600)
    return path


def pass_of(
    owner: int = 1, at: datetime = MORNING, party: int = 1, holder: Holder | None = None
) -> str:
    """Return the code that the device of *owner* shows at *at*."""
    return write_pass(Pass(bytes([owner]) * NONCE_BYTES, at + PASS_LIFE, party, holder))


def picture_of(text: str, scale: int = 8) -> bytes:
    """Return a picture of a telephone's screen with the square of *text*, as JPEG."""
    from PIL import Image

    png = BytesIO()
    segno.make_qr(text).save(png, kind="png", scale=scale, border=4)
    jpeg = BytesIO()
    Image.open(png).convert("L").save(jpeg, "JPEG", quality=80)
    return jpeg.getvalue()


def place_of(card: SignedCard) -> Place:
    """Return the place of *card*, with the list of who signs cards for years."""
    around = (MORNING.replace(year=MORNING.year - 5), MORNING.replace(year=MORNING.year + 5))
    keys = (TrustedKey(public_bytes(CARDS), Role.CARDS, "VN", *around),)
    return Place(card, TrustList(1, MORNING, keys), public_bytes(ROOT))


def desk_at(
    store: SqliteNodeStore,
    clock: SimClock,
    card: SignedCard | None = None,
    contacts: ContactSealer | None = None,
    place: Place | None = None,
    **rules: object,
) -> Desk:
    """Return the desk of a market on *store*; *place*: that of the card, where it is shared."""
    signed = card or market()
    screen = Screen(signed, PROOF_KEY, DEFAULT_HOST)
    given = DeskRules(hosts=(DEFAULT_HOST,), **rules)  # type: ignore[arg-type]
    return Desk(place or place_of(signed), screen, store, clock, seeded(5), given, contacts)


class Kiosk:
    """The pages over a desk, in this thread."""

    def __init__(
        self, store: SqliteNodeStore, clock: SimClock, *, loopback: bool = True, **rules: object
    ) -> None:
        self.clock = clock
        self.card = market()
        self.place = place_of(self.card)
        self.screen = Screen(self.card, PROOF_KEY, DEFAULT_HOST)
        self.desk = desk_at(store, clock, self.card, place=self.place, **rules)
        self.condition = Condition(daemon=True, synced=clock.now())
        self.tapped: bytes | None = None
        self.written: list[bool] = []
        pin = hash_pin(PIN, seeded(9))
        gate = Gate(lambda: pin, ["localhost"], clock, seeded(7), open_on_loopback=loopback)
        self.app = kiosk_app(
            KioskParts(
                self.place,
                self.screen,
                self._on_desk,
                gate,
                clock,
                lambda: self.condition,
                self.written.append,
                self._tap,
            )
        )

    def browser(self, host: str = "127.0.0.1:8680") -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url=f"http://{host}"
        )

    async def _on_desk(self, work: Callable[[Desk], Result]) -> Result:
        return work(self.desk)

    async def _tap(self) -> bytes:
        if self.tapped is None:
            raise BadInput("nobody", reason="nobody_tapped")
        return self.tapped
