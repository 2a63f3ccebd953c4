"""Bundles on their way to a device: believed, followed, matched with its visits, and told."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.alerts import AlertLevel
from bluezone_node.clock import SimClock
from bluezone_node.crypto.cose import public_bytes
from bluezone_node.errors import BadExport, Unreachable
from bluezone_node.node.notices import MOST_AT_ONCE, SOURCE, STALE, Notices
from bluezone_node.node.sync import Sync
from bluezone_node.node.warning import judge_visits
from bluezone_node.ports import ExportState, Report, Result, StoredVisit
from bluezone_node.venues.bundle import digest_of
from bluezone_node.venues.card import SignedCard
from bluezone_node.venues.notices import NoticeLevel
from bluezone_node.venues.tags import proof_of, step_of
from bluezone_node.venues.text import Proof
from bluezone_node.venues.trust import Role, TrustList
from bluezone_node.venues.visits import Seen, Visit, arrive, edit, leave
from tests.notices import DAY, LATER, Chain
from tests.sources import Told, at_once
from tests.stores import MemoryNodeStore, OnMemory
from tests.venues.places import (
    CARDS,
    NOTICES,
    NOW,
    ROOT,
    STRANGER,
    TRUST,
    card_of,
    text_of,
    trusted,
)

MINUTE = timedelta(minutes=1)
MARKET, PAGODA = card_of(), card_of("Chùa Láng", seed=2)


def stay(
    card: SignedCard = MARKET,
    came: datetime = NOW,
    minutes: int = 40,
    *,
    private: bool = False,
    proof: Proof | None = None,
) -> Visit:
    seen = Seen(came, card.card.name, card, party=2, private=private, proof=proof)
    [(_, visit)] = arrive((), seen)
    return leave(visit, came + minutes * MINUTE)


class Stage:
    """A device that was at some places, and the authority's files."""

    def __init__(self, *visits: Visit) -> None:
        self.clock = SimClock(LATER)
        self.store = MemoryNodeStore()
        self.store.change_visits(lambda _: [StoredVisit(0, visit) for visit in visits])
        self.chain = Chain()
        self.told = Told()
        on_store = OnMemory(self.store)
        root = public_bytes(ROOT)
        self.source = Notices(self.chain.exports, root, on_store, at_once)
        self.sync = Sync(
            [self.source],
            clock=self.clock,
            on_store=on_store,
            entropy=random.Random(3).randbytes,
            judges=[judge_visits(root, on_store, at_once)],
            notifier=self.told,
            every=14400,
        )

    @property
    def problem(self) -> str:
        return self.store.source_state(SOURCE).problem


async def test_who_was_there_is_told_once_with_what_to_do() -> None:
    """The alert has place, time, minutes, advice and the officer's words; again it is no news."""
    stage = Stage(stay(came=NOW - 10 * MINUTE), stay(PAGODA))
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    done = await stage.sync.once()
    await stage.sync.once()

    assert [(record.keys, record.state) for record in done.records] == [(16, ExportState.MATCHED)]
    (alert,) = stage.told.alerts
    assert (alert.start, alert.end) == (NOW, NOW + 30 * MINUTE)
    assert alert.level is AlertLevel.HIGH
    assert alert.report_type == "contact"
    assert alert.presence is not None
    assert (alert.presence.place, alert.presence.minutes) == ("Chợ Hôm", 30)
    assert (alert.presence.advice, alert.presence.phone) == ("stay_home", "19009095")
    assert alert.presence.texts["vi"] == "Gọi trạm y tế phường."
    assert (alert.presence.party, alert.presence.proved) == (2, False)
    assert stage.chain.exports.fetched.count("00000001.cose") == 1
    assert stage.problem == ""


async def test_a_private_visit_is_told_without_the_place() -> None:
    """Its tags and the key that stayed are enough; the name is gone."""
    stage = Stage(stay(private=True))
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    await stage.sync.once()

    (alert,) = stage.told.alerts
    assert alert.presence is not None
    assert alert.presence.place == ""


async def test_a_code_of_the_screen_proves_the_visit() -> None:
    """The key of the day comes with the notice; the proof of another day's key proves nothing."""
    (key,) = next(iter(text_of().proof_keys.values()))
    true, false = (Proof(step_of(NOW), proof_of(each, step_of(NOW))) for each in (key, bytes(32)))
    stage = Stage(stay(proof=true), stay(came=NOW + 45 * MINUTE, proof=false))
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    await stage.sync.once()

    assert [alert.presence and alert.presence.proved for alert in stage.told.alerts] == [
        True,
        False,
    ]


async def test_a_retracted_notice_withdraws_its_alert() -> None:
    """Also one that is retracted in the bundle that it comes in."""
    stage = Stage(stay())
    wrong, worse = (stage.chain.notice(MARKET, text_of()) for _ in range(2))
    stage.chain.add(wrong)
    await stage.sync.once()
    assert len(stage.store.alerts()) == 1
    stage.chain.add(worse, retracted=[wrong, worse])
    await stage.sync.once()

    assert stage.store.alerts() == []
    assert len(stage.told.alerts) == 1


async def test_an_updated_notice_changes_the_alert_and_tells_nobody_twice() -> None:
    """Retracted and issued anew in one bundle: another time is no news, a higher level is."""
    stage = Stage(stay())
    first = stage.chain.notice(MARKET, replace(text_of(), level=NoticeLevel.INFORM))
    stage.chain.add(first)
    await stage.sync.once()
    second = stage.chain.notice(
        MARKET, replace(text_of(minutes=30), level=NoticeLevel.MONITOR, issued=NOW + 2 * DAY)
    )
    stage.chain.add(second, retracted=[first])
    await stage.sync.once()
    assert len(stage.told.alerts) == 1
    (entry,) = stage.store.alerts()
    assert entry.alert.end == NOW + 30 * MINUTE
    stage.chain.add(stage.chain.notice(MARKET, text_of()), retracted=[second])
    await stage.sync.once()

    assert [alert.level for alert in stage.told.alerts] == [AlertLevel.LOW, AlertLevel.HIGH]


async def test_while_the_circuit_is_broken_nobody_is_told_anything_new() -> None:
    """What was told stays, and does not grow; what waits is told when the circuit is closed."""
    stage = Stage(stay(), stay(PAGODA))
    stage.chain.add(stage.chain.notice(MARKET, replace(text_of(), level=NoticeLevel.INFORM)))
    await stage.sync.once()
    more = [stage.chain.notice(card, text_of()) for card in (MARKET, PAGODA)]
    stage.chain.add(*more, breaker=True)
    await stage.sync.once()
    assert [entry.alert.level for entry in stage.store.alerts()] == [AlertLevel.LOW]
    assert len(stage.told.alerts) == 1
    stage.chain.add()
    await stage.sync.once()

    assert len(stage.told.alerts) == 3


async def test_what_nobody_was_told_of_waits_for_the_circuit_too() -> None:
    """An alert that was judged and not told yet is news."""
    stage = Stage(stay())
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    await stage.sync.once()
    stage.store.put_alerts([], LATER, "places")
    judge = judge_visits(public_bytes(ROOT), OnMemory(stage.store), at_once)
    assert len(await judge(LATER)) == 1
    stage.chain.add(breaker=True)
    await stage.sync.once()
    assert stage.store.alerts() == []


def own_case(number: int, published: datetime | None, report_type: str = "confirmed") -> Report:
    return Report(number, NOW, "t", report_type, None, b"h", (), published=published)


async def test_ones_own_case_is_no_news() -> None:
    """Notices of places that somebody was at before their own diagnosis was published; what was
    not published, or negative, is none."""
    stage = Stage(stay(), stay(came=NOW + 60 * MINUTE, minutes=25))
    for report in (
        own_case(0, NOW + 60 * MINUTE),
        own_case(0, NOW - DAY),
        own_case(0, None),
        own_case(0, LATER, "negative"),
    ):
        stage.store.save_report(report)
    assert len(stage.store.reports()) == 4
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    await stage.sync.once()

    assert [alert.start for alert in stage.told.alerts] == [NOW + 60 * MINUTE]


async def test_what_was_told_before_ones_own_case_stays() -> None:
    """Who falls ill after a warning still reads it."""
    stage = Stage(stay())
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    await stage.sync.once()
    stage.store.save_report(own_case(0, LATER))
    await stage.sync.once()
    assert len(stage.store.alerts()) == 1


async def test_a_visit_that_lasts_is_told_of() -> None:
    """Whoever is still there learns of it at once."""
    [(_, lasting)] = arrive((), Seen(LATER - 30 * MINUTE, "Chợ Hôm", MARKET))
    stage = Stage(lasting)
    stage.chain.add(stage.chain.notice(MARKET, text_of(LATER - 60 * MINUTE)))
    await stage.sync.once()
    assert [alert.end for alert in stage.told.alerts] == [LATER]


async def test_by_another_root_nothing_holds() -> None:
    """Bundles that are kept count by the root that is pinned now."""
    stage = Stage(stay())
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    await stage.sync.once()
    judge = judge_visits(public_bytes(STRANGER), OnMemory(stage.store), at_once)
    assert await judge(LATER) == []
    assert stage.store.alerts() == []


async def test_a_notice_that_has_expired_is_not_told() -> None:
    """From the very second on."""
    for expires, told in ((LATER, 0), (LATER + timedelta(seconds=1), 1)):
        stage = Stage(stay())
        stage.chain.add(stage.chain.notice(MARKET, replace(text_of(), expires=expires)))
        await stage.sync.once()
        assert len(stage.told.alerts) == told


async def test_what_is_older_than_alerts_are_kept_is_not_told_again() -> None:
    """Visits are kept for three weeks, alerts for two: the third week raises nothing."""
    stage = Stage(stay())
    text = replace(text_of(), expires=NOW + 30 * DAY)
    stage.chain.add(stage.chain.notice(MARKET, text))
    stage.clock.advance((16 * DAY).total_seconds())
    stage.store.forget(stage.clock.now() - 14 * DAY)
    await stage.sync.once()

    assert stage.store.visits()
    assert not stage.told.alerts


# Sources that lie


async def test_a_frozen_list_shows() -> None:
    """Without a new bundle for two days something is wrong, however well signed the old ones."""
    stage = Stage()
    stage.chain.add()
    await stage.sync.once()
    assert stage.problem == ""
    stage.clock.advance(STALE.total_seconds() + 86_400)
    await stage.sync.once()

    assert stage.problem == "stale"


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]


@pytest.mark.parametrize("name", ["trust.cose", "00000001.cose"])
async def test_no_bit_may_be_changed(name: str) -> None:
    """Wherever it is: nothing is believed, it is named, and the true file is taken afterwards."""
    stage = Stage(stay())
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    true = stage.chain.exports.files[name]
    assert isinstance(true, bytes)
    for at in random.Random(1).sample(range(len(true)), 40):
        stage.chain.exports.files[name] = flipped(true, at)
        await stage.sync.once()
        assert stage.problem
        assert not stage.told.alerts
    stage.chain.exports.files[name] = true
    await stage.sync.once()

    assert stage.problem == ""
    assert len(stage.told.alerts) == 1


def hide(stage: Stage) -> None:
    del stage.chain.exports.files["00000002.cose"]


def fork(stage: Stage) -> None:
    stage.chain.made[0] = b"another history"
    stage.chain.made.pop()
    stage.chain.add()


LIES: dict[str, tuple[Callable[[Stage], None], str]] = {
    "one is left out": (hide, "bundle_gap"),
    "another history": (fork, "bundle_fork"),
}


@pytest.mark.parametrize(("lie", "reason"), LIES.values(), ids=LIES)
async def test_a_chain_that_does_not_hold_is_named(
    lie: Callable[[Stage], None], reason: str
) -> None:
    """Nothing after the break is taken; what was followed before stands."""
    stage = Stage(stay(), stay(PAGODA))
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    await stage.sync.once()
    stage.chain.add()
    stage.chain.add(stage.chain.notice(PAGODA, text_of()))
    if lie is fork:
        stage.chain.made.pop()
        del stage.chain.exports.files["00000003.cose"]
    lie(stage)
    await stage.sync.once()

    assert stage.problem == reason
    assert len(stage.told.alerts) == 1


async def test_an_older_list_played_again_is_named() -> None:
    """The newest that was followed is no longer on offer, and an older one comes as new."""
    stage = Stage()
    for _ in range(3):
        stage.chain.add()
    await stage.sync.once()
    stage.chain.exports.files = {
        "trust.cose": stage.chain.exports.files["trust.cose"],
        "00000001.cose": stage.chain.made[0],
    }
    await stage.sync.once()
    assert stage.problem == "rolled_back"
    stage.chain.exports.files["00000004.cose"] = stage.chain.made[1]
    await stage.sync.once()
    assert stage.problem == "bundle_rolled_back"
    newest = stage.store.newest_head()
    assert newest is not None
    assert newest.sequence == 3


async def test_who_was_away_for_long_begins_anew_with_something_newer() -> None:
    """The bundles in between are not on offer any more; an older one still is refused."""
    stage = Stage()
    stage.chain.add()
    await stage.sync.once()
    stage.clock.advance((30 * DAY).total_seconds())
    stage.chain.at += 30 * DAY
    for _ in range(3):
        stage.chain.add()
    for gone in ("00000001.cose", "00000002.cose"):
        del stage.chain.exports.files[gone]
    stage.chain.trust(TrustList(8, NOW, (trusted(NOTICES, Role.NOTICES, days=60),)))
    await stage.sync.once()

    assert stage.problem == ""
    newest = stage.store.newest_head()
    assert newest is not None
    assert (newest.sequence, newest.digest) == (4, digest_of(stage.chain.made[3]))


LOST, NEW = NOTICES, STRANGER


def renewed(revoked: datetime | None = None) -> TrustList:
    """The list with another key of notices, a day younger than the one before."""
    old = replace(trusted(LOST, Role.NOTICES), revoked=revoked)
    new = trusted(NEW, Role.NOTICES)
    return TrustList(8, NOW, (trusted(CARDS, Role.CARDS), old, replace(new, start=new.start + DAY)))


async def test_an_authority_that_lost_its_chain_begins_another() -> None:
    """Under a key that the root named since, with a higher number; its notices are told."""
    stage = Stage(stay())
    for _ in range(3):
        stage.chain.add()
    await stage.sync.once()
    stage.chain.trust(renewed())
    stage.chain.add(stage.chain.notice(MARKET, text_of()), anew=100, key=NEW)
    stage.chain.add(key=NEW)
    await stage.sync.once()
    assert len(stage.told.alerts) == 1
    await stage.sync.once()
    assert stage.problem == ""


@pytest.mark.parametrize(
    ("key", "number", "reason"),
    [(LOST, 100, "bundle_gap"), (NEW, 3, "bundle_fork"), (NEW, 2, "bundle_rolled_back")],
)
async def test_nobody_else_begins_a_chain_anew(
    key: Ed25519PrivateKey, number: int, reason: str
) -> None:
    """Not who holds the key of the chain, and nobody with a number that was."""
    stage = Stage(stay())
    for _ in range(3):
        stage.chain.add()
    await stage.sync.once()
    stage.chain.trust(renewed())
    made = stage.chain.add(stage.chain.notice(MARKET, text_of()), anew=number, key=key)
    stage.chain.exports.files = {
        "trust.cose": stage.chain.exports.files["trust.cose"],
        "00000100.cose": made,
    }
    await stage.sync.once()
    assert stage.problem == reason
    assert not stage.told.alerts


async def test_a_trust_list_is_not_held_back_beside_fresh_bundles() -> None:
    """A mirror that hides a revocation is found by the first bundle that was made after it."""
    stage = Stage(stay())
    stage.chain.add()
    await stage.sync.once()
    stage.chain.add(stage.chain.notice(MARKET, text_of()), trust_sequence=8)
    await stage.sync.once()
    assert stage.problem == "trust_withheld"
    assert not stage.told.alerts
    stage.chain.trust(renewed())
    await stage.sync.once()
    assert stage.problem == ""
    assert len(stage.told.alerts) == 1


async def test_a_key_that_was_replaced_does_not_go_on_with_the_chain() -> None:
    """Somebody found it in a backup, and dates a bundle into its time; the newer key goes on."""
    stage = Stage(stay())
    stage.chain.add()
    stage.chain.trust(renewed())
    stage.chain.add(key=NEW)
    await stage.sync.once()
    assert stage.problem == ""
    true = stage.chain.made[:]
    stage.chain.add(stage.chain.notice(MARKET, text_of()), key=LOST)
    await stage.sync.once()
    assert stage.problem == "bundle_key_replaced"
    assert not stage.told.alerts
    stage.chain.made = true
    stage.chain.add(stage.chain.notice(MARKET, text_of()), key=NEW)
    await stage.sync.once()
    assert len(stage.told.alerts) == 1


async def test_after_a_key_was_stolen_the_true_chain_is_followed_again() -> None:
    """What the thief made is dropped when the root revokes the key, however far it went."""
    stage = Stage(stay())
    stage.chain.add()
    await stage.sync.once()
    true = stage.chain.made[:]
    for _ in range(4):
        stage.chain.add(stage.chain.notice(MARKET, text_of()))
    await stage.sync.once()
    assert len(stage.told.alerts) == 1

    stage.chain.made = true
    stage.chain.trust(renewed(revoked=NOW))
    stage.chain.add(anew=3, key=NEW)
    await stage.sync.once()
    assert stage.store.alerts() == []
    newest = stage.store.newest_head()
    assert newest is not None
    assert newest.digest == digest_of(stage.chain.made[0])
    await stage.sync.once()
    assert stage.problem == ""


async def test_a_bundle_dated_far_ahead_is_refused() -> None:
    """Else no list would ever look frozen again, nor be too old to be gone on with."""
    stage = Stage()
    stage.chain.add()
    await stage.sync.once()
    stage.chain.at += 20 * DAY
    stage.chain.add()
    await stage.sync.once()
    assert stage.problem == "bundle_ahead"
    stage.clock.advance((20 * DAY).total_seconds())
    await stage.sync.once()
    assert stage.problem == ""


async def test_another_province_does_not_go_on_with_the_chain() -> None:
    """A list is one authority's: the key of one province is of no use against the others."""
    stage = Stage()
    stage.chain.trust(TrustList(8, NOW, (*TRUST.keys, trusted(STRANGER, Role.NOTICES, "VN-DN"))))
    stage.chain.add()
    await stage.sync.once()
    stage.chain.add(key=STRANGER, province="VN-DN")
    await stage.sync.once()
    assert stage.problem == "bundle_province"


async def test_bundles_that_stay_on_offer_are_not_taken_for_old_ones() -> None:
    """Three weeks of daily bundles, erased as they come due here and there: never a problem."""
    stage = Stage()
    month = (*TRUST.keys, trusted(NOTICES, Role.NOTICES, days=90))
    stage.chain.trust(TrustList(8, NOW, month))
    stage.chain.at = LATER
    for day in range(40):
        stage.chain.add()
        stage.chain.at += DAY - timedelta(hours=1)
        offered = range(max(1, day - 20), day + 2)
        stage.chain.exports.files = {
            "trust.cose": stage.chain.exports.files["trust.cose"],
            **{f"{number:08}.cose": stage.chain.made[number - 1] for number in offered},
        }
        stage.store.forget(stage.clock.now() - 14 * DAY)
        await stage.sync.once()
        assert stage.problem == ""
        stage.clock.advance(86_400)
    fetched = [name for name in stage.chain.exports.fetched if name[0] == "0"]
    assert len(fetched) == len(set(fetched)) == 40


async def test_the_trust_list_does_not_go_back() -> None:
    """Nor is one of another root believed; the last that was is kept."""
    stage = Stage()
    stage.chain.add()
    await stage.sync.once()
    kept = stage.store.place_file("trust.cose")
    stage.chain.trust(replace(TRUST, sequence=TRUST.sequence - 1))
    await stage.sync.once()

    assert stage.problem == "trust_rolled_back"
    assert stage.store.place_file("trust.cose") == kept


async def test_a_key_found_in_wrong_hands_takes_its_notices_along() -> None:
    """With the next trust list nothing that it signed counts, whenever that was."""
    stage = Stage(stay())
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    await stage.sync.once()
    assert stage.store.alerts()
    found_out = replace(trusted(NOTICES, Role.NOTICES), revoked=NOW)
    stage.chain.trust(TrustList(8, NOW, (trusted(CARDS, Role.CARDS), found_out)))
    await stage.sync.once()

    assert stage.store.alerts() == []


async def test_what_is_too_large_or_no_bundle_is_named_and_skipped() -> None:
    """Names that are no bundles are not fetched, whatever an index says."""
    stage = Stage()
    stage.chain.add()
    for name in (
        "../../etc/passwd",
        "index.txt",
        "1.cose",
        "00000002.cose.exe",
        "０００００００２.cose",
    ):
        stage.chain.exports.files[name] = b"nothing"
    stage.chain.exports.files["00000002.cose"] = BadExport("too large", reason="oversized")
    await stage.sync.once()

    assert stage.problem == "oversized"
    assert set(stage.chain.exports.fetched) == {
        "trust.cose",
        "days.cose",
        "00000001.cose",
        "00000002.cose",
    }


async def test_a_stranger_may_sign_no_bundle() -> None:
    """Nor may the key of the cards."""
    for key in (STRANGER, CARDS):
        stage = Stage()
        stage.chain.trust(
            TrustList(9, NOW, tuple(trusted(each, Role.CARDS) for each in (key, NOTICES)))
        )
        stage.chain.add()
        await stage.sync.once()
        assert stage.problem == "bundle_forged"


async def test_a_list_of_day_keys_is_of_bounded_length() -> None:
    """What is longer than any honest one is refused unread; nobody's warning waits for that."""
    for wrong in (bytes(100_000), BadExport("too large", reason="oversized")):
        stage = Stage(stay())
        stage.chain.add(stage.chain.notice(MARKET, text_of()))
        stage.chain.exports.files["days.cose"] = wrong
        await stage.sync.once()
        assert (stage.problem, len(stage.told.alerts)) == ("", 1)
        assert stage.store.place_file("days.cose") is None


# What comes by other ways, late or in part


async def test_a_stick_with_more_of_the_past_is_no_problem() -> None:
    """A device that began later has what is new of it, and nothing is left failing for weeks."""
    stage = Stage(stay())
    for _ in range(5):
        stage.chain.add()
    whole = dict(stage.chain.exports.files)
    for gone in (1, 2):
        del stage.chain.exports.files[f"{gone:08}.cose"]
    await stage.sync.once()
    stage.chain.exports.files = whole
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    await stage.sync.once()
    assert stage.problem == ""
    assert len(stage.told.alerts) == 1
    assert {record.state for record in stage.store.export_records()} == {ExportState.MATCHED}


@pytest.mark.parametrize("days", [18, 22, 60])
async def test_who_was_away_goes_on_where_the_list_begins(days: int) -> None:
    """With the next bundle, or, where that is on offer no more, with the oldest that is."""
    met = NOW + (days - 2) * DAY
    stage = Stage(stay(came=met))
    keys = (*TRUST.keys, trusted(NOTICES, Role.NOTICES, days=90))
    stage.chain.trust(TrustList(8, NOW, keys))
    stage.chain.add()
    await stage.sync.once()
    for _ in range(days):
        stage.chain.at += DAY - timedelta(hours=1)
        stage.chain.add()
    text = replace(text_of(met), issued=met + DAY, expires=met + 14 * DAY)
    stage.chain.add(stage.chain.notice(MARKET, text))
    for gone in range(1, days - 19):
        del stage.chain.exports.files[f"{gone:08}.cose"]
    stage.clock.advance((days * DAY + DAY).total_seconds())
    await stage.sync.once()
    assert (stage.problem, len(stage.told.alerts)) == ("", 1)


async def test_another_provinces_list_neither_goes_on_nor_begins_anew() -> None:
    """A stick of the neighbours, or their stolen key, however young."""
    stage = Stage(stay())
    younger = replace(trusted(STRANGER, Role.NOTICES, "VN-DN"), start=NOW)
    stage.chain.trust(TrustList(8, NOW, (*TRUST.keys, younger)))
    stage.chain.add()
    await stage.sync.once()
    true, trust = dict(stage.chain.exports.files), stage.chain.exports.files["trust.cose"]
    stage.chain.add(stage.chain.notice(MARKET, text_of()), anew=9, key=STRANGER, province="VN-DN")
    await stage.sync.once()
    assert stage.problem == "bundle_province"
    stage.chain.exports.files = true
    await stage.sync.once()
    assert (stage.problem, stage.told.alerts) == ("", [])
    assert stage.chain.exports.files["trust.cose"] == trust


async def test_a_bundle_under_another_name_is_refused() -> None:
    """Else the true one of that name would never be fetched."""
    stage = Stage(stay())
    for _ in range(2):
        stage.chain.add()
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    files = stage.chain.exports.files
    files["00000002.cose"] = files["00000003.cose"]
    del files["00000001.cose"]
    await stage.sync.once()
    assert stage.problem == "bundle_name"
    files["00000002.cose"] = stage.chain.made[1]
    await stage.sync.once()
    assert (stage.problem, len(stage.told.alerts)) == ("", 1)


async def test_an_index_as_long_as_one_may_be_costs_little() -> None:
    """Nothing is fetched beyond the first that fails, and the ledger does not fill."""
    stage = Stage(stay())
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    lies = [f"exports/places/{number:08}.cose" for number in range(2, 75_000)]
    wanted = await stage.source.wanted(["/".join("x" * 9), *lies, "00000001.cose"])
    assert wanted[:2] == ["00000001.cose", "00000002.cose"]
    assert len(wanted) == MOST_AT_ONCE
    stage.chain.exports.files |= dict.fromkeys(wanted[1:], b"no bundle")
    await stage.sync.once()
    assert len(stage.told.alerts) == 1
    assert stage.problem == "cose_malformed"
    assert len(stage.chain.exports.fetched) == 4


async def test_a_file_that_is_listed_and_not_there_holds_up_what_follows_only() -> None:
    """What came before it is judged and told; the next round goes on there."""
    stage = Stage(stay(), stay(PAGODA))
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    stage.chain.add()
    stage.chain.add(stage.chain.notice(PAGODA, text_of()))
    gone = stage.chain.exports.files["00000002.cose"]
    stage.chain.exports.files["00000002.cose"] = Unreachable("HTTP status 404")
    await stage.sync.once()
    assert (stage.problem, len(stage.told.alerts)) == ("unreachable", 1)
    stage.chain.exports.files["00000002.cose"] = gone
    await stage.sync.once()
    assert (stage.problem, len(stage.told.alerts)) == ("", 2)
    assert stage.chain.exports.fetched.count("00000001.cose") == 1


# What the owner does meanwhile


async def test_a_visit_that_is_corrected_changes_its_alert_and_is_told_once() -> None:
    """Shorter: other minutes; at another time: no alert; back again: news, for it was withdrawn."""
    stage = Stage(stay())
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    await stage.sync.once()
    (entry,) = stage.store.visits()

    async def corrected(came: datetime, minutes: int) -> list[float]:
        visit = edit(entry.visit, came, came + minutes * MINUTE, LATER)
        stage.store.change_visits(lambda _: [replace(entry, visit=visit)])
        await stage.sync.once()
        return [alert.alert.score for alert in stage.store.alerts()]

    assert await corrected(NOW, 20) == [20]
    assert len(stage.told.alerts) == 1
    assert await corrected(NOW - 300 * MINUTE, 20) == []
    assert await corrected(NOW, 20) == [20]
    assert len(stage.told.alerts) == 2


@pytest.mark.parametrize(
    "other",
    [
        None,
        stay(PAGODA, LATER - 30 * MINUTE, 20),
        stay(PAGODA, NOW + 40 * MINUTE, 20),
        stay(PAGODA, NOW - 20 * MINUTE, 20),
    ],
    ids=["none", "much later", "just after", "just before"],
)
async def test_another_visit_under_the_same_number_gets_no_alert_of_it(
    other: Visit | None,
) -> None:
    """Somebody forgets a visit while it is judged, and comes to another place."""
    stage = Stage(stay())
    stage.chain.add(stage.chain.notice(MARKET, text_of()))
    await stage.sync.once()
    stage.store.put_alerts([], LATER, "places")

    async def meanwhile(work: Callable[[Callable[[], bool]], Result]) -> Result:
        done = await at_once(work)
        if other is None:
            stage.store.forget_visits()
        else:
            (entry,) = stage.store.visits()
            stage.store.change_visits(lambda _: [replace(entry, visit=other)])
        return done

    judge = judge_visits(public_bytes(ROOT), OnMemory(stage.store), meanwhile)
    assert await judge(LATER) == []
    assert stage.store.alerts() == []


async def test_a_visit_that_is_forgotten_takes_its_alert_along_for_good() -> None:
    """The notice still holds, and says nothing to anybody any more."""
    stage = Stage(stay(), stay(PAGODA))
    for card in (MARKET, PAGODA):
        stage.chain.add(stage.chain.notice(card, text_of()))
    await stage.sync.once()
    stage.store.forget_visits([1])
    await stage.sync.once()
    assert [entry.alert.subject for entry in stage.store.alerts()] == ["2"]
    assert len(stage.told.alerts) == 2
