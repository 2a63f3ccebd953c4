"""What the authority's stores promise, whatever they are made of."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from bluezone_node.authority.ports.exposures import Changes, Exposure, ExposureStore, Revision
from bluezone_node.authority.ports.registry import (
    RegistryStore,
    VerificationCode,
    VerificationToken,
)
from tests.authorities import MemoryExposures, MemoryRegistry
from tests.kept import HOUR, NOON, SQL, Kept, adding, exposure, kept_in

CODE = VerificationCode(
    b"c" * 32, "likely", date(2026, 3, 8), date(2026, 3, 9), NOON, NOON + HOUR / 4
)
TOKEN = VerificationToken(b"t" * 32, "likely", date(2026, 3, 8), NOON, NOON + 24 * HOUR)


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


@pytest.fixture(params=["memory", *SQL])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ExposureStore]:
    if request.param == "memory":
        yield MemoryExposures()
    else:
        for kept in kept_in(request, tmp_path):
            yield kept.exposures()


# Registry


def test_a_code_comes_back_as_it_was_kept(codes: RegistryStore) -> None:
    """Nothing of a code is lost or changed, and another digest finds nothing."""
    assert codes.add_code(CODE)
    assert codes.code(CODE.digest) == CODE
    assert codes.code(b"x" * 32) is None


def test_a_taken_digest_is_not_overwritten(codes: RegistryStore) -> None:
    """Two people never share a code."""
    codes.add_code(CODE)
    assert not codes.add_code(replace(CODE, report_type="negative"))
    assert codes.code(CODE.digest) == CODE


def test_a_code_is_claimed_once_and_its_token_kept(codes: RegistryStore) -> None:
    """The second claim of a code gets nothing."""
    codes.add_code(CODE)
    assert codes.claim_code(CODE.digest, TOKEN, NOON)
    assert not codes.claim_code(CODE.digest, replace(TOKEN, digest=b"u" * 32), NOON)
    found = codes.code(CODE.digest)
    assert found is not None
    assert found.claimed == NOON
    assert codes.token(TOKEN.digest) == TOKEN
    assert codes.token(b"u" * 32) is None


def test_an_expired_code_is_not_claimed(codes: RegistryStore) -> None:
    """At the instant of its expiry a code is dead."""
    codes.add_code(CODE)
    assert not codes.claim_code(CODE.digest, TOKEN, CODE.expires)
    assert codes.token(TOKEN.digest) is None


def test_an_unknown_code_is_not_claimed(codes: RegistryStore) -> None:
    """There is no token without a code."""
    assert not codes.claim_code(b"x" * 32, TOKEN, NOON)


def test_a_repeated_claim_replaces_the_token(codes: RegistryStore) -> None:
    """Made with the same code and nonce: there is one token afterwards, the new one."""
    codes.add_code(CODE)
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
    codes.add_code(CODE)
    first = replace(TOKEN, claimed_with=b"n" * 32)
    codes.claim_code(CODE.digest, first, NOON)
    for claimed_with, at in ((b"o" * 32, NOON), (None, NOON), (b"n" * 32, CODE.expires)):
        second = replace(first, digest=b"u" * 32, claimed_with=claimed_with)
        assert not codes.claim_code(CODE.digest, second, at)
        assert codes.token(second.digest) is None
        assert codes.token(first.digest) == first


def test_a_spent_token_is_not_replaced(codes: RegistryStore) -> None:
    """Spending it removes what it was claimed with: nobody needs to know any more."""
    codes.add_code(CODE)
    first = replace(TOKEN, claimed_with=b"n" * 32)
    codes.claim_code(CODE.digest, first, NOON)
    assert codes.spend_token(first.digest, b"a" * 32, NOON)
    assert not codes.repeatable(b"n" * 32)
    assert not codes.claim_code(CODE.digest, replace(first, digest=b"u" * 32), NOON)
    assert codes.token(first.digest) == replace(TOKEN, spent_on=b"a" * 32)


def test_a_replaced_token_cannot_be_spent(codes: RegistryStore) -> None:
    """Whichever of the two comes first excludes the other."""
    codes.add_code(CODE)
    first = replace(TOKEN, claimed_with=b"n" * 32)
    codes.claim_code(CODE.digest, first, NOON)
    codes.claim_code(CODE.digest, replace(first, digest=b"u" * 32), NOON)
    assert not codes.spend_token(first.digest, b"a" * 32, NOON)


def test_of_many_racing_repetitions_one_token_is_left(kept: Kept) -> None:
    """Two processes each with its own connections: the last to come has the token."""
    here, there = kept.registry(), kept.registry()
    with ThreadPoolExecutor(8) as pool:
        here.add_code(CODE)
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
        codes.add_code(CODE)
        tokens = [replace(TOKEN, digest=bytes([n]) * 32) for n in range(16)]
        won = list(pool.map(lambda token: codes.claim_code(CODE.digest, token, NOON), tokens))
        assert sum(won) == 1
        assert sum(codes.token(token.digest) is not None for token in tokens) == 1


def test_a_token_is_spent_on_one_thing(codes: RegistryStore) -> None:
    """Spending it again on the same is allowed, on another not, nor after its time."""
    codes.add_code(CODE)
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
        codes.add_code(replace(CODE, digest=bytes([n]) * 32))
    codes.claim_code(bytes(32), TOKEN, NOON)
    counts = codes.counts(NOON)
    assert (counts.codes_open, counts.codes_claimed, counts.codes_expired) == (2, 1, 0)
    assert codes.counts(NOON + HOUR).codes_expired == 2
    assert codes.forget(NOON + HOUR) == 3
    assert codes.counts(NOON).tokens == 1
    assert codes.forget(NOON + 25 * HOUR) == 1


# Exposures


def test_decide_sees_what_is_stored_and_nothing_else(keys: ExposureStore) -> None:
    """Of the keys asked for, those that are stored come back whole."""
    known = exposure(1, traveler=True, days_since_onset=None)
    keys.publish([known.key], adding(known))
    seen: list[Mapping[bytes, Exposure]] = []

    def look(stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
        seen.append(stored)
        return Changes()

    keys.publish([known.key, b"x" * 16], look)
    assert seen == [{known.key: known}]


def test_a_refused_publication_leaves_nothing(keys: ExposureStore) -> None:
    """Where the decision raises, the store is as before."""

    def refuse(_stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        keys.publish([bytes(16)], refuse)
    assert keys.counts().exposures == 0


def test_racing_publications_of_one_key_store_it_once(kept: Kept) -> None:
    """Each decision sees all that was stored before it."""

    def add_if_new(stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
        return Changes() if stored else Changes(added=[exposure(1)])

    here, there = kept.exposures(), kept.exposures()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda keys: keys.publish([exposure(1).key], add_if_new), [here, there] * 8))
    assert here.counts().exposures == 1


def test_racing_publications_of_overlapping_keys_all_succeed(kept: Kept) -> None:
    """Whatever order the keys come in: none waits forever, each key is stored by one of them."""
    here, there = kept.exposures(), kept.exposures()

    def publish(store: ExposureStore, turn: int) -> int:
        numbers = [(turn * 5 + n * (-1) ** turn) % 12 for n in range(8)]

        def decide(stored: Mapping[bytes, Exposure], _drawn: datetime | None) -> Changes:
            mine = [exposure(n) for n in numbers]
            at = NOON + (turn + 1) * HOUR
            return Changes(
                added=[e for e in mine if e.key not in stored],
                revised=[
                    replace(e, revision=Revision("negative", turn, at))
                    for e in mine
                    if e.key in stored
                ],
            )

        return len(store.publish([exposure(n).key for n in numbers], decide).added)

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(publish, [here, there] * 16, range(32)))
    assert sum(added) == here.counts().exposures == 12
