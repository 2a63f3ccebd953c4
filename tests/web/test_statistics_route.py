"""``POST /v1/stats``, asked by our own client over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import jwt
import pytest

from bluezone_node.authority.certificate import Certificate, sign
from bluezone_node.authority.ports.tally import DayCount
from bluezone_node.authority.publisher.statistics import LEAST_UPLOADS, Statistics
from bluezone_node.authority.publisher.statistics_desk import StatisticsDesk
from bluezone_node.authority.statistics_token import write_token
from bluezone_node.crypto.signing import PrivateKey
from bluezone_node.errors import AuthorityRefused, Unreachable
from bluezone_node.store.authority.statistics import HttpStatistics
from bluezone_node.web.app import build_app
from bluezone_node.web.routes.statistics import statistics_routes
from tests.authorities import NOW, KnownKeys, Office, key_made_of, keys_of_days, seeded, served

DAY = NOW.date()
NAMES = {"issuer": "bluezone-registrar", "audience": "bluezone-publisher"}


@pytest.fixture
async def office() -> Office:
    """Of which the publisher counted ten uploads, three days ago."""
    made = Office()
    for seed in range(LEAST_UPLOADS):
        made.publish(keys_of_days(1, 2, seed=seed))
    made.pass_time(days=3)
    return made


@pytest.fixture
async def url(office: Office) -> AsyncIterator[str]:
    desk = StatisticsDesk(
        Statistics(office.exposures, office.clock),  # type: ignore[arg-type]
        office.clock,
        authorities=office.settings.publisher.health_authorities,
        directories={"vn.moh": KnownKeys({"v1": office.registrar_key})},
    )
    async with served(build_app([*statistics_routes(desk, seeded(2))])) as address:
        yield address


def token(office: Office, key: PrivateKey | None = None, **changes: Any) -> str:
    named = {"key_id": "v1", "now": office.clock.now(), **NAMES, **changes}
    return write_token(key or office.registrar_key, **named)


async def ask(url: str, bearer: str, last: date = DAY) -> list[DayCount]:
    return await asyncio.to_thread(HttpStatistics(url, lambda: bearer).days, DAY, last)


async def test_a_registrar_reads_what_may_be_told(office: Office, url: str) -> None:
    """The same counts as at hand, through token, route and client."""
    counts = {count.event: count.count for count in await ask(url, token(office))}
    assert counts["uploads"] == LEAST_UPLOADS
    assert counts["keys"] == counts["key_age_01"] + counts["key_age_02"] == 2 * LEAST_UPLOADS


async def test_a_day_of_few_is_not_told_of(office: Office, url: str) -> None:
    """One upload three days ago, in another place of time: as if it had not been."""
    office.publish(keys_of_days(4, seed=99))
    today = office.clock.now().date()
    office.pass_time(days=3)
    assert {count.day for count in await ask(url, token(office), today)} == {DAY}


def strangers(office: Office) -> dict[str, str]:
    """Return what is not a token for these statistics, by what it is instead."""
    now = office.clock.now()
    claims = {
        "iss": "bluezone-registrar",
        "aud": "bluezone-publisher/stats",
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + 60,
    }
    headers = {"kid": "v1"}
    return {
        "nothing": "x",
        "another's key": token(office, key_made_of("stranger")),
        "an unknown key": token(office, key_id="v9"),
        "another issuer": token(office, issuer="somebody"),
        "another publisher": token(office, audience="elsewhere"),
        "too old": token(office, now=now - timedelta(minutes=6)),
        "too early": token(office, now=now + timedelta(minutes=1)),
        "a phone's certificate": sign(
            Certificate("confirmed", None, b"h" * 32),
            office.registrar_key,
            key_id="v1",
            now=now,
            lifetime=timedelta(minutes=15),
            **NAMES,
        ),
        "one for ever": jwt.encode(
            claims | {"exp": claims["iat"] + 10**7},  # type: ignore[operator]
            office.registrar_key,
            algorithm="ES256",
            headers=headers,
        ),
        "one without a signature": jwt.encode(claims, None, algorithm="none", headers=headers),
    }


@pytest.mark.parametrize("what", sorted(strangers(Office())))
async def test_nobody_else_reads_anything(office: Office, url: str, what: str) -> None:
    """And is not told why."""
    with pytest.raises(AuthorityRefused, match="does not believe"):
        await ask(url, strangers(office)[what])


async def test_a_year_at_most_is_told_at_once(office: Office, url: str) -> None:
    """More is a bad request, which our client never makes."""
    with pytest.raises(Unreachable):
        await ask(url, token(office), DAY + timedelta(days=367))


async def test_a_publisher_that_is_away_is_named() -> None:
    """A sentence for the console, no traceback."""
    with pytest.raises(Unreachable, match="could not be fetched"):
        await ask("http://127.0.0.1:9", "x")


def test_a_token_does_not_certify_keys() -> None:
    """The two kinds of token cannot take each other's place."""
    office = Office()
    upload = office.upload(keys_of_days(1))
    with pytest.raises(AuthorityRefused) as refused:
        office.publisher.publish(replace(upload, certificate=token(office)))
    assert refused.value.reason == "health_authority_verification_certificate_invalid"
