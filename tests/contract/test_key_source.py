"""What the authority and its exports promise a device, over HTTP and in memory."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from bluezone_node.authority.distribution.exporter import ROOT
from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.authority.registrar.orders import CodeOrder
from bluezone_node.client import HttpAuthority, HttpExports
from bluezone_node.clock import SimClock
from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.crypto.signing import load_public_key
from bluezone_node.errors import AuthorityRefused, Unreachable
from bluezone_node.export.container import open_verified
from bluezone_node.export.signature import SignatureState
from bluezone_node.ports import Authority, ClaimedCode, KeySource, Publication, PublishReceipt
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.wiring.application import authority_app
from bluezone_node.wiring.authority import open_authority
from tests.authorities import NOW, MemoryShelf, Office, keys_of_days, served, uploaded

NONCE, OTHER_NONCE = b"n" * 32, b"o" * 32


@dataclass
class Country:
    """An authority as a device sees it, and what only its staff can do."""

    authority: Authority
    exports: KeySource
    clock: SimClock
    public_key: object
    issue: Callable[[str, date | None], str]
    export: Callable[[], object]
    withdraw: Callable[[str], None]
    """Remove a file that the index names."""


class OfficeAuthority:
    """`Authority`, calling the services directly."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def claim(self, code: str, nonce: bytes) -> ClaimedCode:
        claimed = self._office.verification.claim(code, nonce=nonce)
        return ClaimedCode(claimed.token, claimed.report_type, claimed.symptom_date)

    async def certify(self, token: str, keys_hmac: bytes) -> str:
        return self._office.verification.certify(token, keys_hmac)

    async def publish(self, publication: Publication) -> PublishReceipt:
        upload = replace(
            self._office.upload(publication.keys),
            keys=[uploaded(key) for key in publication.keys],
            certificate=publication.certificate,
            hmac_secret=publication.hmac_secret,
            onset_interval=publication.onset_interval,
            revision_token=publication.revision_token,
        )
        published = self._office.publisher.publish(upload)
        return PublishReceipt(published.inserted, published.revision_token, published.warnings)


class OfficeExports:
    """`KeySource` on a shelf in memory."""

    name = "office"

    def __init__(self, shelf: MemoryShelf) -> None:
        self._shelf = shelf

    async def index(self) -> list[str]:
        return self._shelf.index()

    async def fetch(self, name: str) -> bytes:
        data = self._shelf.read(name.removeprefix(f"{ROOT}/"))
        if data is None:
            raise Unreachable("There is no such file.")
        return data


@asynccontextmanager
async def in_memory(_folder: Path) -> AsyncIterator[Country]:
    shelf = MemoryShelf()
    office = Office(shelf=shelf)
    yield Country(
        OfficeAuthority(office),
        OfficeExports(shelf),
        office.clock,
        office.export_key.public_key(),
        lambda report_type, onset: office.issue(report_type, onset),
        office.exporter.run,
        lambda name: shelf.remove(name.removeprefix(f"{ROOT}/")),
    )


@asynccontextmanager
async def over_http(tmp: Path) -> AsyncIterator[Country]:
    folder = make_folder(tmp / "authority", ("registrar", "publisher"))
    clock = SimClock(NOW)
    with open_authority(folder, clock, ("registrar", "publisher")) as parts:
        assert parts.verification is not None
        assert parts.exporter is not None
        assert parts.issuing is not None
        issuing = parts.issuing
        async with (
            served(authority_app(folder, parts, clock)) as url,
            HttpAuthority(url, url + "/") as authority,
            HttpExports("home", f"{url}/{ROOT}/") as exports,
        ):
            yield Country(
                authority,
                exports,
                clock,
                load_public_key(folder.export_public_key.read_bytes()),
                lambda kind, onset: issuing.issue(CodeOrder(kind, onset), OPERATOR).code,
                parts.exporter.run,
                lambda name: (folder.path / name).unlink(),
            )


@pytest.fixture(params=[in_memory, over_http], ids=["memory", "http"])
async def country(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Country]:
    async with request.param(tmp_path) as made:
        yield made


async def refusal(asked: Awaitable[object]) -> str:
    """Return the reason for which *asked* is refused."""
    with pytest.raises(AuthorityRefused) as refused:
        await asked
    return refused.value.reason


async def publish(country: Country, *days: int, seed: int = 1) -> Publication:
    """Go a device's whole way; return what it published."""
    keys, secret = keys_of_days(*days, seed=seed), os.urandom(32)
    claimed = await country.authority.claim(country.issue("confirmed", date(2026, 3, 8)), NONCE)
    certificate = await country.authority.certify(claimed.token, keys_hmac(keys, secret))
    publication = Publication(keys, "vn.moh", certificate, secret, None)
    assert (await country.authority.publish(publication)).inserted == len(days)
    return publication


async def test_a_diagnosis_becomes_a_verified_export(country: Country) -> None:
    """Code, token, certificate, publication, index, file: the keys come out as they went in."""
    country.export()
    assert await country.exports.index() == []
    publication = await publish(country, 1, 2, 3)
    country.clock.advance(12 * 3600)
    country.export()
    (name,) = await country.exports.index()
    export = open_verified(await country.exports.fetch(name), [country.public_key])  # type: ignore[list-item]
    assert export.signature is SignatureState.VERIFIED
    assert export.problems == ()
    found = {key.key: key for batch in export.key_batches() for key in batch}
    assert len(found) >= 1000
    for key in publication.keys:
        assert found[key.key].rolling_start == key.rolling_start
        assert found[key.key].days_since_onset is not None


async def test_a_claim_tells_what_the_health_worker_said(country: Country) -> None:
    """Report type and day of first symptoms, or none."""
    claimed = await country.authority.claim(country.issue("likely", date(2026, 3, 8)), NONCE)
    assert (claimed.report_type, claimed.symptom_date) == ("likely", date(2026, 3, 8))
    negative = await country.authority.claim(country.issue("negative", None), NONCE)
    assert negative.symptom_date is None


async def test_wrong_used_and_expired_codes_are_told_apart(country: Country) -> None:
    """The person can be told what to do."""
    code, late = country.issue("confirmed", None), country.issue("confirmed", None)
    await country.authority.claim(code, NONCE)
    country.clock.advance(15 * 60)
    for tried, reason in ((code, "code_used"), (late, "code_expired"), ("x", "code_invalid")):
        assert await refusal(country.authority.claim(tried, OTHER_NONCE)) == reason


async def test_a_claim_whose_answer_was_lost_is_repeated(country: Country) -> None:
    """The same device gets a token that works, and the one that was lost works no more."""
    code, mac = country.issue("likely", date(2026, 3, 8)), b"h" * 32
    lost = await country.authority.claim(code, NONCE)
    again = await country.authority.claim(code, NONCE)
    assert (again.report_type, again.symptom_date) == ("likely", date(2026, 3, 8))
    assert await refusal(country.authority.certify(lost.token, mac)) == "token_invalid"
    assert await country.authority.certify(again.token, mac)


async def test_only_the_device_that_claimed_a_code_repeats_the_claim(country: Country) -> None:
    """Whoever overheard the code learns that it is used, and takes nothing away."""
    code = country.issue("confirmed", None)
    claimed = await country.authority.claim(code, NONCE)
    assert await refusal(country.authority.claim(code, OTHER_NONCE)) == "code_used"
    assert await country.authority.certify(claimed.token, b"h" * 32)


async def test_a_claim_is_not_repeated_after_the_certificate(country: Country) -> None:
    """One code, one set of keys."""
    code = country.issue("confirmed", None)
    claimed = await country.authority.claim(code, NONCE)
    await country.authority.certify(claimed.token, b"h" * 32)
    assert await refusal(country.authority.claim(code, NONCE)) == "code_used"
    assert await country.authority.certify(claimed.token, b"h" * 32)


async def test_a_claim_is_not_repeated_once_the_code_has_expired(country: Country) -> None:
    """The device that claimed it is told why; its token is as good as before."""
    code = country.issue("confirmed", None)
    claimed = await country.authority.claim(code, NONCE)
    country.clock.advance(15 * 60)
    assert await refusal(country.authority.claim(code, NONCE)) == "code_expired"
    assert await country.authority.certify(claimed.token, b"h" * 32)


async def test_one_nonce_does_for_several_codes(country: Country) -> None:
    """A device that gave up on one code claims the next: neither touches the other."""
    first, second = country.issue("confirmed", None), country.issue("likely", None)
    claimed = await country.authority.claim(first, NONCE)
    assert (await country.authority.claim(second, NONCE)).report_type == "likely"
    assert await country.authority.certify(claimed.token, b"h" * 32)


async def test_the_same_publication_twice_is_inserted_once(country: Country) -> None:
    """The answer is the same, and so is the export."""
    publication = await publish(country, 1, 2)
    assert (await country.authority.publish(publication)).inserted == 2
    country.clock.advance(12 * 3600)
    country.export()
    (name,) = await country.exports.index()
    export = open_verified(await country.exports.fetch(name), [country.public_key])  # type: ignore[list-item]
    keys = [key.key for batch in export.key_batches() for key in batch]
    assert len(keys) == len(set(keys))


async def test_a_publication_that_was_not_certified_is_refused(country: Country) -> None:
    """The reason is the key server's."""
    publication = await publish(country, 1, 2)
    with pytest.raises(AuthorityRefused) as refused:
        await country.authority.publish(replace(publication, keys=keys_of_days(5, seed=6)))
    assert refused.value.reason == "health_authority_verification_certificate_invalid"


async def test_a_withdrawn_file_is_unreachable(country: Country) -> None:
    """It may be tried again."""
    await publish(country, 1)
    country.clock.advance(12 * 3600)
    country.export()
    (name,) = await country.exports.index()
    country.withdraw(name)
    with pytest.raises(Unreachable):
        await country.exports.fetch(name)
