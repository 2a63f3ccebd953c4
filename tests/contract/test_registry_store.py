"""What the registrar's stores promise, whatever they are made of."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta, timezone
from pathlib import Path

import pytest

from bluezone_node.authority.ports.registry import (
    Outcome,
    RegistryStore,
    VerificationCode,
    VerificationToken,
)
from tests.authorities import MemoryRegistry
from tests.kept import HOUR, NOON, SQL, Kept, kept_in

CODE = VerificationCode(
    b"c" * 32,
    "likely",
    date(2026, 3, 8),
    date(2026, 3, 9),
    NOON,
    NOON + HOUR / 4,
    handle=b"h" * 16,
    realm="VN-79",
    issuer="lan",
)
TOKEN = VerificationToken(
    b"t" * 32, "likely", date(2026, 3, 8), NOON, NOON + 24 * HOUR, realm="VN-79"
)
DAILY = 100


def numbered(number: int, **changes: object) -> VerificationCode:
    """Return one of many codes."""
    digest, handle = bytes([number]) * 32, bytes([number]) * 16
    return replace(CODE, digest=digest, handle=handle, **changes)  # type: ignore[arg-type]


@pytest.fixture(params=SQL)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    yield from kept_in(request, tmp_path)


@pytest.fixture(params=["memory", *SQL])
def codes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RegistryStore]:
    if request.param == "memory":
        yield MemoryRegistry()
    else:
        for kept in kept_in(request, tmp_path):
            yield kept.registry()


def test_a_code_comes_back_as_it_was_kept(codes: RegistryStore) -> None:
    """Nothing of a code is lost or changed, and another digest finds nothing."""
    assert codes.add_codes([CODE], DAILY) == [Outcome.KEPT]
    assert codes.code(CODE.digest) == CODE
    assert codes.code(b"x" * 32) is None


def test_a_taken_digest_is_not_overwritten(codes: RegistryStore) -> None:
    """Two people never share a code."""
    codes.add_codes([CODE], DAILY)
    again = replace(CODE, report_type="negative", handle=b"i" * 16)
    assert codes.add_codes([again], DAILY) == [Outcome.DIGEST_TAKEN]
    assert codes.code(CODE.digest) == CODE


def test_a_code_is_claimed_once_and_its_token_kept(codes: RegistryStore) -> None:
    """The second claim of a code gets nothing."""
    codes.add_codes([CODE], DAILY)
    assert codes.claim_code(CODE.digest, TOKEN, NOON)
    assert not codes.claim_code(CODE.digest, replace(TOKEN, digest=b"u" * 32), NOON)
    found = codes.code(CODE.digest)
    assert found is not None
    assert found.claimed == NOON
    assert codes.token(TOKEN.digest) == TOKEN
    assert codes.token(b"u" * 32) is None


def test_an_expired_code_is_not_claimed(codes: RegistryStore) -> None:
    """At the instant of its expiry a code is dead."""
    codes.add_codes([CODE], DAILY)
    assert not codes.claim_code(CODE.digest, TOKEN, CODE.expires)
    assert codes.token(TOKEN.digest) is None


def test_an_unknown_code_is_not_claimed(codes: RegistryStore) -> None:
    """There is no token without a code."""
    assert not codes.claim_code(b"x" * 32, TOKEN, NOON)


def test_a_repeated_claim_replaces_the_token(codes: RegistryStore) -> None:
    """Made with the same code and nonce: there is one token afterwards, the new one."""
    codes.add_codes([CODE], DAILY)
    first = replace(TOKEN, claimed_with=b"n" * 32)
    second = replace(first, digest=b"u" * 32)
    assert not codes.repeatable(b"n" * 32)
    assert codes.claim_code(CODE.digest, first, NOON)
    assert codes.repeatable(b"n" * 32)
    assert codes.claim_code(CODE.digest, second, NOON)
    assert codes.token(first.digest) is None
    assert codes.token(second.digest) == second
    assert codes.counts(NOON).tokens == 1


def test_a_claim_that_is_no_repetition_changes_nothing(codes: RegistryStore) -> None:
    """With another nonce, with none, or too late."""
    codes.add_codes([CODE], DAILY)
    first = replace(TOKEN, claimed_with=b"n" * 32)
    codes.claim_code(CODE.digest, first, NOON)
    for claimed_with, at in ((b"o" * 32, NOON), (None, NOON), (b"n" * 32, CODE.expires)):
        second = replace(first, digest=b"u" * 32, claimed_with=claimed_with)
        assert not codes.claim_code(CODE.digest, second, at)
        assert codes.token(second.digest) is None
        assert codes.token(first.digest) == first


def test_a_spent_token_is_not_replaced(codes: RegistryStore) -> None:
    """Spending it removes what it was claimed with: nobody needs to know any more."""
    codes.add_codes([CODE], DAILY)
    first = replace(TOKEN, claimed_with=b"n" * 32)
    codes.claim_code(CODE.digest, first, NOON)
    assert codes.spend_token(first.digest, b"a" * 32, NOON)
    assert not codes.repeatable(b"n" * 32)
    assert not codes.claim_code(CODE.digest, replace(first, digest=b"u" * 32), NOON)
    assert codes.token(first.digest) == replace(TOKEN, spent_on=b"a" * 32)


def test_a_replaced_token_cannot_be_spent(codes: RegistryStore) -> None:
    """Whichever of the two comes first excludes the other."""
    codes.add_codes([CODE], DAILY)
    first = replace(TOKEN, claimed_with=b"n" * 32)
    codes.claim_code(CODE.digest, first, NOON)
    codes.claim_code(CODE.digest, replace(first, digest=b"u" * 32), NOON)
    assert not codes.spend_token(first.digest, b"a" * 32, NOON)


def test_of_many_racing_repetitions_one_token_is_left(kept: Kept) -> None:
    """Two processes each with its own connections: the last to come has the token."""
    here, there = kept.registry(), kept.registry()
    with ThreadPoolExecutor(8) as pool:
        here.add_codes([CODE], DAILY)
        tokens = [replace(TOKEN, digest=bytes([n]) * 32, claimed_with=b"n" * 32) for n in range(16)]
        won = pool.map(
            lambda store, token: store.claim_code(CODE.digest, token, NOON),
            [here, there] * 8,
            tokens,
        )
        assert all(won)
        assert sum(here.token(token.digest) is not None for token in tokens) == 1
        assert here.counts(NOON).tokens == 1


def test_of_many_racing_claims_one_wins(kept: Kept) -> None:
    """Requests that redeem one code at the same time get one token between them."""
    codes = kept.registry()
    with ThreadPoolExecutor(8) as pool:
        codes.add_codes([CODE], DAILY)
        tokens = [replace(TOKEN, digest=bytes([n]) * 32) for n in range(16)]
        won = list(pool.map(lambda token: codes.claim_code(CODE.digest, token, NOON), tokens))
        assert sum(won) == 1
        assert sum(codes.token(token.digest) is not None for token in tokens) == 1


def test_a_token_is_spent_on_one_thing(codes: RegistryStore) -> None:
    """Spending it again on the same is allowed, on another not, nor after its time."""
    codes.add_codes([CODE], DAILY)
    codes.claim_code(CODE.digest, TOKEN, NOON)
    assert not codes.spend_token(TOKEN.digest, b"a" * 32, TOKEN.expires)
    assert codes.spend_token(TOKEN.digest, b"a" * 32, NOON)
    assert codes.spend_token(TOKEN.digest, b"a" * 32, NOON)
    assert not codes.spend_token(TOKEN.digest, b"b" * 32, NOON)
    assert not codes.spend_token(b"x" * 32, b"a" * 32, NOON)
    assert codes.token(TOKEN.digest) == replace(TOKEN, spent_on=b"a" * 32)


def test_codes_and_tokens_are_counted_and_forgotten(codes: RegistryStore) -> None:
    """Counts tell open from claimed from expired; forgetting goes by expiry."""
    for n in range(3):
        codes.add_codes([numbered(n)], DAILY)
    codes.claim_code(bytes(32), TOKEN, NOON)
    counts = codes.counts(NOON)
    assert (counts.codes_open, counts.codes_claimed, counts.codes_expired) == (2, 1, 0)
    assert codes.counts(NOON + HOUR).codes_expired == 2
    assert codes.forget(NOON + HOUR) == 3
    assert codes.counts(NOON).tokens == 1
    assert codes.forget(NOON + 25 * HOUR) == 1


def counted(kept: Kept, realm: str = "VN-79") -> dict[str, int]:
    """Return what was counted on the day, by event."""
    return {each.event: each.count for each in kept.tally().days(NOON.date(), NOON.date(), realm)}


def test_a_code_is_found_by_its_handle(codes: RegistryStore) -> None:
    """Which names it without giving anything away; two never have the same."""
    codes.add_codes([CODE], DAILY)
    assert codes.code_of(b"h" * 16) == CODE
    assert codes.code_of(b"x" * 16) is None
    other = replace(CODE, digest=b"d" * 32)
    assert codes.add_codes([other], DAILY) == [Outcome.HANDLE_TAKEN]
    assert codes.code(other.digest) is None


def test_a_quota_is_kept_to_by_province_and_day(codes: RegistryStore) -> None:
    """What does not fit is not kept; other provinces and tomorrow have their own."""
    many = [numbered(n) for n in range(4)]
    assert codes.add_codes(many, 3) == [*[Outcome.KEPT] * 3, Outcome.QUOTA_EXCEEDED]
    assert codes.issued_on(NOON.date(), "VN-79") == 3
    assert codes.add_codes([numbered(5, realm="VN-HN")], 3) == [Outcome.KEPT]
    tomorrow = NOON + 24 * HOUR
    assert codes.add_codes([numbered(6, created=tomorrow)], 3) == [Outcome.KEPT]


def test_codes_that_are_alike_in_one_call_are_told_apart(codes: RegistryStore) -> None:
    """The first is kept; the second is drawn again by who asked."""
    twin = replace(CODE, handle=b"i" * 16)
    assert codes.add_codes([CODE, twin], DAILY) == [Outcome.KEPT, Outcome.DIGEST_TAKEN]


def test_a_revoked_code_cannot_be_claimed(codes: RegistryStore) -> None:
    """It expired at that instant, also for a process whose clock is behind."""
    codes.add_codes([CODE], DAILY)
    assert codes.revoke_code(b"h" * 16, NOON + HOUR / 12)
    assert not codes.revoke_code(b"h" * 16, NOON + HOUR / 12)
    assert not codes.claim_code(CODE.digest, TOKEN, NOON)
    found = codes.code(CODE.digest)
    assert found is not None
    assert found.revoked == found.expires == NOON + HOUR / 12
    assert not codes.revoke_code(b"x" * 16, NOON)


def test_a_claimed_code_is_neither_revoked_nor_replaced(codes: RegistryStore) -> None:
    """What the holder did is done."""
    codes.add_codes([CODE], DAILY)
    codes.claim_code(CODE.digest, TOKEN, NOON)
    assert not codes.revoke_code(b"h" * 16, NOON)
    assert codes.replace_code(b"h" * 16, numbered(1), DAILY) is Outcome.NOT_OPEN
    assert codes.code_of(numbered(1).handle or b"") is None


def test_a_replaced_code_is_over_and_the_new_one_open(codes: RegistryStore) -> None:
    """Both or neither: where the quota is used up the old one stays."""
    codes.add_codes([CODE], DAILY)
    assert codes.replace_code(b"h" * 16, numbered(1), 1) is Outcome.QUOTA_EXCEEDED
    assert codes.code(CODE.digest) == CODE
    assert codes.replace_code(b"h" * 16, numbered(1), DAILY) is Outcome.KEPT
    old = codes.code(CODE.digest)
    assert old is not None
    assert old.revoked == NOON
    assert codes.code(numbered(1).digest) == numbered(1)
    assert codes.replace_code(b"h" * 16, numbered(2), DAILY) is Outcome.NOT_OPEN


def test_a_withdrawn_code_was_never_issued(codes: RegistryStore) -> None:
    """It redeems nothing, its handle is free, and the quota is as before."""
    codes.add_codes([CODE], 1)
    codes.withdraw_code(CODE.digest, NOON)
    assert not codes.claim_code(CODE.digest, TOKEN, NOON)
    assert codes.code_of(b"h" * 16) is None
    assert codes.issued_on(NOON.date(), "VN-79") == 0
    assert codes.add_codes([replace(CODE, digest=b"d" * 32)], 1) == [Outcome.KEPT]


def test_what_happens_is_counted_once(kept: Kept) -> None:
    """By day and province, in the same transaction; a repetition is not another claim."""
    codes = kept.registry()
    codes.add_codes([CODE, numbered(1, kind="long"), numbered(2), numbered(3, kind="long")], DAILY)
    first = replace(TOKEN, claimed_with=b"n" * 32)
    codes.claim_code(CODE.digest, first, NOON)
    again = replace(first, digest=b"u" * 32)
    codes.claim_code(CODE.digest, again, NOON)
    for _ in range(2):
        codes.spend_token(again.digest, b"a" * 32, NOON)
    codes.revoke_code(numbered(1).handle or b"", NOON)
    codes.withdraw_code(numbered(3).digest, NOON)
    codes.count(NOON, "", "claims_wrong")
    codes.forget(NOON + HOUR)
    assert counted(kept) == {
        "codes_issued": 3,
        "codes_issued_long": 1,
        "codes_claimed": 1,
        "certificates": 1,
        "codes_revoked": 1,
        "sms_failed": 1,
        "codes_expired_unclaimed": 1,
    }
    assert counted(kept, "") == {"claims_wrong": 1}


def test_the_day_is_that_of_utc(kept: Kept) -> None:
    """Whatever zone an instant was written in."""
    hanoi = timezone(timedelta(hours=7))
    late = (NOON + 11.5 * HOUR).astimezone(hanoi)
    kept.registry().add_codes([replace(CODE, created=late)], DAILY)
    assert counted(kept)["codes_issued"] == 1


def test_of_many_racing_for_the_last_of_a_quota_one_gets_it(kept: Kept) -> None:
    """Two processes, each with its own connections."""
    here, there = kept.registry(), kept.registry()
    with ThreadPoolExecutor(8) as pool:
        outcomes = pool.map(
            lambda store, n: store.add_codes([numbered(n)], 5), [here, there] * 8, range(16)
        )
    assert sum(outcome == [Outcome.KEPT] for outcome in outcomes) == 5
    assert here.issued_on(NOON.date(), "VN-79") == 5


def test_of_a_racing_claim_and_revocation_one_wins(kept: Kept) -> None:
    """A code is never both claimed and revoked."""
    here, there = kept.registry(), kept.registry()
    for n in range(8):
        code, token = numbered(n), replace(TOKEN, digest=bytes([n]) * 32)
        here.add_codes([code], DAILY)
        with ThreadPoolExecutor(2) as pool:
            claimed = pool.submit(here.claim_code, code.digest, token, NOON)
            revoked = pool.submit(there.revoke_code, code.handle or b"", NOON)
        assert claimed.result() != revoked.result()
