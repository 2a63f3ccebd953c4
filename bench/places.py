"""What places cost a device: tags of a card, and a bundle of notices against two weeks of visits.

``python -m bench.places``
"""

import asyncio
import hashlib
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.alerts import Alert
from bluezone_node.crypto.cose import public_bytes, sign
from bluezone_node.node.notices import TRUST, head_believed
from bluezone_node.node.warning import judge_visits
from bluezone_node.ports import ExportRecord, ExportState, NodeStore, StoredVisit
from bluezone_node.store.node import open_node_store
from bluezone_node.venues.bundle import (
    FIRST_PREVIOUS,
    Bundle,
    ChainHead,
    digest_of,
    follow,
    padded,
    read_bundle,
    write_bundle,
)
from bluezone_node.venues.card import Card, SignedCard, day_number, read_card
from bluezone_node.venues.head import head_of
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.notices import Advice, NoticeLevel, NoticeText, seal_notice
from bluezone_node.venues.tags import tags_of, venue_keys
from bluezone_node.venues.trust import (
    Role,
    TrustedKey,
    TrustList,
    read_trust_list,
    write_trust_list,
)
from bluezone_node.venues.visits import OutKind, Visit
from tests.sources import at_once
from tests.stores import OnMemory

TAGS = 100_000
NOTICES = 10_000
DAYS, A_DAY = 14, 20
PLACES = 40
"""That the visits are to: people go to the same ones."""
MET = 25
"""Notices about places and times of the visits; all others are strangers'."""
QUESTIONS = 1000
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
chance = random.Random(1)
ROOT, CARDS, SIGNER = (Ed25519PrivateKey.from_private_bytes(chance.randbytes(32)) for _ in "123")


def card() -> SignedCard:
    today = day_number(NOW)
    entropy = chance.randbytes
    made = Card(entropy(16), "Chợ Hôm", 4, VenueKind.MARKET, entropy(16), today - 60, today + 60)
    return read_card(sign(made.encoded(), CARDS))


def text_from(start: datetime) -> NoticeText:
    """Two hours; it holds for two weeks."""
    end, issued = start + timedelta(hours=2), NOW - timedelta(hours=1)
    two_weeks = timedelta(days=14)
    advice = (NoticeLevel.CONTACT, Advice.TEST)
    return NoticeText(start, end, *advice, issued, NOW + two_weeks, 15, "19009095")


def visits_of(places: list[SignedCard]) -> list[Visit]:
    """Twenty stays of forty minutes on each of fourteen days."""
    stays = []
    for day in range(1, DAYS + 1):
        for number in range(A_DAY):
            came = NOW - timedelta(days=day) + timedelta(minutes=41 * number)
            left = came + timedelta(minutes=40)
            where = chance.choice(places)
            stays.append(Visit(came, came, "Chợ Hôm", where, left=left, out=OutKind.SCAN))
    return stays


def bundle_about(visits: list[Visit]) -> bytes:
    """Return a full bundle, signed: strangers' notices are real ones, of cards of their own."""
    about = [(visit.card, visit.came) for visit in chance.sample(visits, MET)]
    while len(about) < NOTICES:
        about.append((card(), NOW - timedelta(minutes=chance.randrange(14 * 1440))))
    notices = [
        seal_notice(place.payload, text_from(start), chance.randbytes(16), chance.randbytes)
        for place, start in about
        if place is not None
    ]
    whole = padded(notices, chance.randbytes)
    return write_bundle(Bundle("VN", 1, FIRST_PREVIOUS, NOW, whole), SIGNER)


def seconds_of_tags() -> tuple[float, float]:
    """Return the seconds of the tags of a card, and of as many bare SHA-256."""
    keys = venue_keys(card().payload)
    began = time.process_time()
    tags_of(keys, range(TAGS))
    spent = time.process_time() - began
    began = time.process_time()
    for slot in range(TAGS):
        hashlib.sha256(keys.slot + slot.to_bytes(4)).digest()
    return spent, time.process_time() - began


async def judged_by(store: NodeStore) -> list[Alert]:
    return await judge_visits(public_bytes(ROOT), OnMemory(store), at_once)(NOW)


def main() -> None:
    promises = []

    def promise(what: str, figure: float, kept: bool, wanted: str) -> None:
        promises.append(kept)
        print(f"{what:66} {figure:8.3f}   (wanted: {wanted}){'' if kept else '   NOT KEPT'}")

    spent, plain = seconds_of_tags()
    promise(f"s for {TAGS} tags of a card", spent, spent <= 0.5, "<= 0.5")
    print(f"{'  × of as many bare SHA-256':66} {spent / plain:8.1f}")

    visits = visits_of([card() for _ in range(PLACES)])
    data = bundle_about(visits)
    month = timedelta(days=30)
    trusted = TrustedKey(public_bytes(SIGNER), Role.NOTICES, "VN", NOW - month, NOW + month)
    listed = write_trust_list(TrustList(1, NOW, (trusted,)), ROOT)
    root = public_bytes(ROOT)
    with tempfile.TemporaryDirectory() as folder, open_node_store(Path(folder) / "n") as store:
        store.change_visits(lambda _: [StoredVisit(0, visit) for visit in visits])
        store.put_place_file(TRUST, listed)
        began = time.process_time()
        # As it comes: believed, followed, written down.
        trust = read_trust_list(listed, root)
        bundle = read_bundle(data, trust)
        follow(ChainHead(0, FIRST_PREVIOUS), bundle, data)
        line = ExportRecord("places", "00000001.cose", ExportState.MATCHED, NOW)
        store.add_bundle(head_of(bundle, data), data, line)
        taken = time.process_time() - began
        began = time.process_time()
        # As it is judged, from the files: read, believed again, opened, compared, stored.
        alerts = asyncio.run(judged_by(store))
        judged = time.process_time() - began
        began = time.process_time()
        read_bundle(next(store.bundles()), trust)
        whole = time.process_time() - began
        began = time.process_time()
        for _ in range(QUESTIONS):
            head_believed(store, trust)
        asked = (time.process_time() - began) / QUESTIONS
    began = time.process_time()
    digest_of(data)
    hashing = time.process_time() - began
    print(
        f"bundle of {len(bundle.notices)} notices ({NOTICES} real), {len(data) / 1e6:.1f} MB; "
        f"{len(visits)} visits to {PLACES} places; {len(alerts)} alerts"
    )
    print(f"{'s to believe, follow and keep the bundle':66} {taken:8.3f}")
    promise("s to judge all visits by it", judged, judged <= 1.0, "<= 1")
    print(f"{'  × of the SHA-256 of the file':66} {judged / hashing:8.1f}")
    promise(
        "s to ask the newest bundle for its breaker and its revoked cards",
        asked,
        asked <= 0.01,
        "<= 0.01",
    )
    print(f"{'  as often in the time of reading it whole':66} {whole / asked:8.0f}")
    if not all(promises) or not alerts:
        sys.exit("a promise is not kept")


if __name__ == "__main__":
    main()
