"""A diagnosis before the authority: its code, its certificate, its keys."""

import ssl
from base64 import b64encode
from datetime import date

import msgspec

from bluezone_node.client.connection import Connection, checked, not_understood, printable
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.ports import ClaimedCode, Publication, PublishReceipt


class HttpAuthority(Connection):
    """`Authority`: the registrar and the publisher, at their two addresses."""

    def __init__(
        self, registrar: str, publisher: str, *, tls: ssl.SSLContext | None = None
    ) -> None:
        """Raises BadConfig where an address is no http(s) address."""
        super().__init__(tls)
        self._registrar = checked(registrar)
        self._publisher = checked(publisher)

    async def claim(self, code: str, nonce: bytes) -> ClaimedCode:
        document = {
            "code": code,
            # All that diagnosis reports know how to publish.
            "accept": ["confirmed", "likely", "negative"],
            "nonce": b64encode(nonce).decode(),
        }
        answer = await self.ask(f"{self._registrar}/api/verify", document, _Claimed)
        try:
            onset = date.fromisoformat(answer.symptom_date) if answer.symptom_date else None
        except ValueError:
            raise not_understood(self._registrar) from None
        return ClaimedCode(answer.token, answer.testtype, onset)

    async def certify(self, token: str, keys_hmac: bytes) -> str:
        document = {"token": token, "ekeyhmac": b64encode(keys_hmac).decode()}
        url = f"{self._registrar}/api/certificate"
        return (await self.ask(url, document, _Certified)).certificate

    async def publish(self, publication: Publication) -> PublishReceipt:
        document: dict[str, object] = {
            "temporaryExposureKeys": [_key(key) for key in publication.keys],
            "healthAuthorityID": publication.health_authority,
            "verificationPayload": publication.certificate,
            "hmacKey": b64encode(publication.hmac_secret).decode(),
            "revisionToken": publication.revision_token,
        }
        if publication.onset_interval is not None:
            document["symptomOnsetInterval"] = publication.onset_interval
        answer = await self.ask(f"{self._publisher}/v1/publish", document, _Published)
        warnings = [*answer.warnings, *([answer.error] if answer.error else [])]
        return PublishReceipt(
            answer.inserted, answer.revision_token, tuple(map(printable, warnings))
        )


class _Claimed(msgspec.Struct, rename="camel"):
    token: str
    testtype: str
    symptom_date: str = ""


class _Certified(msgspec.Struct):
    certificate: str


class _Published(msgspec.Struct, rename="camel"):
    inserted: int = msgspec.field(name="insertedExposures", default=0)
    revision_token: str = ""
    warnings: list[str] = msgspec.field(default_factory=list)
    error: str = ""


def _key(key: TemporaryExposureKey) -> dict[str, object]:
    return {
        "key": b64encode(key.key).decode(),
        "rollingStartNumber": key.rolling_start,
        "rollingPeriod": key.rolling_period,
        # 0 is what GAEN v2 devices send; the HMAC is made over it.
        "transmissionRisk": 0,
    }
