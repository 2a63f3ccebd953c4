"""What a publisher that asks the registrar's /jwks makes of certificates while keys change."""

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx2 as httpx

from bluezone_node.authority import certificate as certificates
from bluezone_node.authority.certificate import CertificateRefused
from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.authority.registrar.orders import CodeOrder
from bluezone_node.clock import SimClock
from bluezone_node.store.authority.directory import HttpKeys
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.wiring.application import authority_app
from bluezone_node.wiring.authority import AuthorityParts, open_authority
from tests.authorities import NOW, served

MINUTE = 60.0
WEEK = timedelta(days=7)


def certify(parts: AuthorityParts) -> str:
    verification, issuing = parts.verification, parts.issuing
    assert verification is not None
    assert issuing is not None
    code = issuing.issue(CodeOrder("confirmed"), OPERATOR).code
    return verification.certify(verification.claim(code).token, b"h" * 32)


async def test_a_publisher_sees_a_rotation_through(tmp_path: Path) -> None:
    """Every certificate is taken until it expires, by one who asks as the road allows; a key that
    is gone is not known."""
    clock = SimClock(NOW)
    folder = make_folder(tmp_path / "a", ["registrar"])
    with open_authority(folder, clock, ["registrar"]) as parts:
        async with served(authority_app(folder, parts, clock)) as url:
            directory = HttpKeys(f"{url}/jwks", clock)

            def verdict(text: str) -> str:
                try:
                    certificates.verify(
                        text,
                        directory.key,
                        issuer="bluezone-registrar",
                        audience="bluezone-publisher",
                        now=clock.now(),
                    )
                except CertificateRefused as refused:
                    return refused.reason
                return "taken"

            async def see(text: str) -> str:
                return await asyncio.to_thread(verdict, text)

            async def published() -> list[str]:
                async with httpx.AsyncClient() as client:
                    document = (await client.get(f"{url}/jwks")).json()
                return [key["kid"] for key in document["keys"]]

            assert await see(certify(parts)) == "taken"
            new = folder.registrar_keys().rotate(clock.now(), WEEK).key_id
            assert await published() == ["v1", new]
            # The last report before the take-over asks for the keys, as the answer has grown old.
            clock.advance(WEEK.total_seconds() - 1)
            last = certify(parts)
            assert await see(last) == "taken"
            clock.advance(1)
            first = certify(parts)
            # Within the minute in which nothing is asked: it was known before it signed.
            assert [await see(text) for text in (last, first)] == ["taken", "taken"]
            clock.advance(15 * MINUTE - 2)
            assert [await see(text) for text in (last, first)] == ["taken", "taken"]
            clock.advance(1)
            assert [await see(text) for text in (last, first)] == ["not_valid_now", "taken"]
            clock.advance(45 * MINUTE + 6)
            assert await published() == [new]
            assert [await see(text) for text in (last, first)] == ["unknown_key", "not_valid_now"]
            assert parts.rings[0].tidy(clock.now()) == 1
            assert await see(certify(parts)) == "taken"
