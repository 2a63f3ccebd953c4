"""The audit trail as a chain: whatever is done to it afterwards is found, and where."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.people.audit import ERASED, GENESIS, canonical, check, link, parse_head
from bluezone_node.authority.ports.accounts import OPERATOR, Actor
from bluezone_node.authority.ports.audit import AuditEntry, AuditHead
from bluezone_node.errors import AuthorityRefused, BadInput
from tests.authorities import NOW
from tests.staff import MemoryAudit, Staff

AN = Actor("an", "79", "supervisor")

_text = st.text(max_size=12)
_written = st.tuples(
    st.integers(1_600_000_000, 1_900_000_000).map(lambda at: datetime.fromtimestamp(at, UTC)),
    _text,
    _text,
    _text,
    _text,
)


def chain(*written: tuple[datetime, str, str, str, str]) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for at, actor, realm, action, subject in written:
        previous = entries[-1].head if entries else None
        text = canonical({"n": len(entries)})
        entries.append(link(previous, at, actor, realm, action, subject, text))
    return entries


_chains = st.lists(_written, min_size=2, max_size=8).map(lambda written: chain(*written))


def renumbered(entries: list[AuditEntry]) -> list[AuditEntry]:
    """Return *entries* with numbers without gaps, as one would leave them who hides something."""
    return [replace(entry, sequence=number) for number, entry in enumerate(entries, 1)]


@given(_chains)
def test_a_chain_as_written_is_whole(entries: list[AuditEntry]) -> None:
    """Every head ever noted down is still in it."""
    verdict = check(entries)
    assert verdict.intact
    assert (verdict.entries, verdict.head) == (len(entries), entries[-1].head)
    assert all(check(entries, head=entry.head).intact for entry in entries)


@given(
    _chains,
    st.integers(0, 7),
    st.sampled_from(["at", "actor", "realm", "action", "subject", "text", "hash"]),
)
def test_any_change_is_found_where_it_is(
    entries: list[AuditEntry], place: int, column: str
) -> None:
    """Whichever field, by however little."""
    place %= len(entries)
    was = getattr(entries[place], column)
    if isinstance(was, datetime):
        now = was + timedelta(seconds=1)
    elif isinstance(was, bytes):
        now = was[:-1] + bytes([was[-1] ^ 1])
    else:
        now = was + " "
    altered = list(entries)
    altered[place] = replace(entries[place], **{column: now})
    assert check(altered).broken == place + 1


@given(_chains, st.integers(0, 7), st.booleans())
def test_any_removal_is_found(entries: list[AuditEntry], place: int, renumber: bool) -> None:
    """With the gap closed or open; cut off at the end, by the head that was noted down."""
    place %= len(entries)
    left = entries[:place] + entries[place + 1 :]
    verdict = check(renumbered(left) if renumber else left, head=entries[-1].head)
    assert verdict.broken == place + 1


@given(_chains, st.integers(0, 7), st.integers(0, 7), st.booleans())
def test_any_swap_is_found(entries: list[AuditEntry], one: int, other: int, renumber: bool) -> None:
    """Of neighbours or of any two."""
    one, other = sorted((one % len(entries), other % len(entries)))
    swapped = list(entries)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    verdict = check(renumbered(swapped) if renumber else swapped)
    assert verdict.broken == (one + 1 if one != other else None)


@given(_chains, st.integers(0, 8), _written, st.booleans())
def test_any_insertion_is_found(
    entries: list[AuditEntry],
    place: int,
    written: tuple[datetime, str, str, str, str],
    relinked: bool,
) -> None:
    """Also of one that follows rightly from the one before: it breaks at the next."""
    place %= len(entries)
    previous = entries[place - 1].head if place and relinked else None
    at, *texts = written
    added = link(previous, at, *texts, canonical({"n": -1}))
    verdict = check(renumbered([*entries[:place], added, *entries[place:]]))
    assert verdict.broken in (place + 1, place + 2)


@given(_chains, st.integers(0, 7))
def test_a_chain_made_anew_is_found_by_a_head(entries: list[AuditEntry], place: int) -> None:
    """Whoever can rewrite every entry cannot rewrite what stands on paper."""
    place %= len(entries)
    anew = chain(*((e.at, e.actor + "!", e.realm, e.action, e.subject) for e in entries))
    assert check(anew).intact
    verdict = check(anew, head=entries[place].head)
    assert verdict.broken == place + 1
    assert "rewritten" in verdict.reason


def test_the_hash_is_what_the_page_says() -> None:
    """A vector, so that others can check a trail with a few lines of their own."""
    at = datetime(2026, 3, 10, 9, 30, 0, 999_999, UTC)
    first = link(None, at, "", "*", "user_added", "an", '{"realm":"79","role":"issuer"}')
    assert GENESIS.hex() == "c4cc63fc2ad36742d060a476a91982483520cc3add5fa2930079e497192b50c3"
    assert str(first.head) == "1:547060afed972d53d6237c123212aa4378b119854241ab00cab0ec6dc0dc2714"
    assert first.at == NOW


def test_an_empty_trail_is_whole_until_a_head_says_otherwise() -> None:
    """Emptying the table is found by whoever noted anything down."""
    assert check([]).intact
    assert check([]).head is None
    assert check([], head=AuditHead(7, b"h" * 32)).broken == 1


def test_what_the_program_never_writes_is_found() -> None:
    """A number that is no date, bytes where there is text: no traceback, but the place."""

    def rows() -> object:
        yield first
        raise OverflowError("date value out of range")

    (first,) = chain((NOW, "", "*", "a", ""))
    verdict = check(rows())  # type: ignore[arg-type]
    assert (verdict.entries, verdict.broken) == (1, 2)
    broken = replace(first, actor=b"an")  # type: ignore[arg-type]
    assert check([broken]).broken == 1


@pytest.mark.parametrize(
    "text", ["", "7", "7:", ":00", "0:" + "00" * 32, "-1:" + "00" * 32, "x:y", "7:" + "00" * 31]
)
def test_what_is_no_head_is_refused(text: str) -> None:
    """The sentence says what one looks like."""
    with pytest.raises(BadInput, match="64 hexadecimal digits") as refused:
        parse_head(text)
    assert refused.value.reason == "bad_head"


def test_a_head_is_read_as_it_was_printed() -> None:
    """Also with a line's end behind it."""
    head = AuditHead(7, bytes(range(32)))
    assert parse_head(f"{head}\n") == head


def test_a_record_says_who_did_what() -> None:
    """In the actor's province, or in the one that is named."""
    staff = Staff()
    staff.trail.record(AN, "code_issued", "00ff", {"kind": "short", "b": 2})
    staff.trail.record(OPERATOR, "user_added", "binh", realm="01")
    second, first = staff.trail.entries()
    assert (first.actor, first.realm, first.action, first.subject) == (
        "an",
        "79",
        "code_issued",
        "00ff",
    )
    assert first.detail == {"kind": "short", "b": 2}
    assert first.at == NOW
    assert (second.actor, second.realm, second.detail) == ("", "01", {})
    assert staff.trail.entries("79") == [first]
    assert staff.trail.entries(before=2) == [first]
    assert staff.trail.head() == second.head


def test_a_detail_that_was_damaged_is_shown_as_it_stands() -> None:
    """Looking at the trail works, whatever was done to it."""
    (entry,) = chain((NOW, "", "*", "a", ""))
    for text in ("{", "[1]", ""):
        assert replace(entry, text=text).detail == {"unreadable": text}


def aged(staff: Staff, days: int) -> None:
    for number in range(days):
        staff.trail.record(AN, "something", str(number))
        staff.pass_time(days=1)


def test_entries_are_erased_when_their_time_is_over() -> None:
    """A week's worth at once; the trail says so itself, and stays whole."""
    staff = Staff(keep=timedelta(days=30))
    aged(staff, 37)
    assert staff.trail.forget() == 0
    aged(staff, 1)
    assert staff.trail.forget() == 8
    assert staff.trail.forget() == 0
    newest, *_ = staff.trail.entries(limit=1)
    assert (newest.actor, newest.realm, newest.action) == ("", "*", ERASED)
    assert newest.detail["up_to"] == 8
    assert staff.trail.verify().intact
    aged(staff, 50)
    assert staff.trail.forget() > 40
    assert staff.trail.verify().intact


def test_heads_from_before_an_erasing() -> None:
    """The last erased one can still be checked; of earlier ones it is said that they are over."""
    staff = Staff(keep=timedelta(days=30))
    aged(staff, 38)
    entries = list(staff.entries.walk())
    staff.trail.forget()
    assert staff.trail.verify(entries[-1].head).intact
    assert staff.trail.verify(entries[7].head).intact
    with pytest.raises(AuthorityRefused) as refused:
        staff.trail.verify(entries[6].head)
    assert refused.value.reason == "head_too_old"
    assert staff.trail.verify(AuditHead(8, b"h" * 32)).broken == 8


def test_erasing_by_hand_is_found() -> None:
    """Without an entry that vouches for what was there, the chain has no beginning."""
    store = MemoryAudit()
    staff = Staff(entries=store, keep=timedelta(days=30))
    aged(staff, 38)
    del store.rows[:3]
    assert staff.trail.verify().broken == 1
    staff = Staff(entries=(store := MemoryAudit()), keep=timedelta(days=30))
    aged(staff, 38)
    staff.trail.forget()
    del store.rows[:3]
    assert staff.trail.verify().broken == 9
    store.rows[-1] = replace(store.rows[-1], text="{}")
    assert staff.trail.verify().broken == 1


def test_nobody_else_can_say_that_entries_were_erased() -> None:
    """Who owns the database could chain such an entry, and cut off what it vouches for."""
    store = MemoryAudit()
    staff = Staff(entries=store)
    aged(staff, 9)
    upto = store.rows[4].head
    for detail in (
        {"up_to": upto.sequence, "hash": upto.hash.hex()},
        {"up_to": upto.sequence, "hash": upto.hash.hex(), "seal": "00" * 32},
        {"up_to": upto.sequence, "hash": upto.hash.hex(), "seal": 7},
        {"up_to": upto.sequence, "hash": upto.hash.hex(), "seal": "\u00e9"},
    ):
        forged = Staff(entries=MemoryAudit(), clock=staff.clock)
        assert isinstance(forged.entries, MemoryAudit)
        forged.entries.rows = store.rows[5:]
        forged.trail.record(OPERATOR, ERASED, "", detail)
        assert forged.trail.verify(store.rows[-1].head).broken == 1


def test_an_entry_stays_while_it_is_the_only_one() -> None:
    """Numbers are never used twice, so the last is always known."""
    staff = Staff(keep=timedelta(days=30))
    aged(staff, 1)
    staff.pass_time(days=100)
    assert staff.trail.forget() == 0
    staff.trail.record(AN, "something")
    assert staff.trail.forget() == 1
    assert [entry.sequence for entry in staff.entries.walk()] == [2, 3]
    assert staff.trail.verify().intact


def test_an_erasing_while_the_chain_is_walked_is_no_fault() -> None:
    """It is looked at once more."""

    class Erasing(MemoryAudit):
        erase = False

        def walk(self) -> object:  # type: ignore[override]
            if self.erase:
                self.erase = False
                assert staff.trail.forget() == 8
            return super().walk()

    store = Erasing()
    staff = Staff(entries=store, keep=timedelta(days=30))
    aged(staff, 38)
    store.erase = True
    assert staff.trail.verify().intact


def test_details_are_the_same_text_for_the_same_content() -> None:
    """In whatever order they were given; and letters stay letters."""
    assert canonical({"b": 1, "a": "Đà Nẵng"}) == canonical({"a": "Đà Nẵng", "b": 1})
    assert json.loads(canonical({"a": "Đà Nẵng"})) == {"a": "Đà Nẵng"}
