"""``POST /v1/publish``: Google's key server API, field by field."""

from base64 import b64decode
from typing import Any

import msgspec
from starlette.routing import Route

from bluezone_node.authority.publisher.publish import Publisher, Upload
from bluezone_node.authority.publisher.upload import UploadedKey
from bluezone_node.errors import BadInput
from bluezone_node.ports import Entropy
from bluezone_node.web.exchange import Exchange, RequestModel


class PublishedKey(UploadedKey, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One key. What is missing is zero, and costs this key only."""

    text: str = msgspec.field(name="key", default="")
    rolling_start: int = msgspec.field(name="rollingStartNumber", default=0)
    rolling_period: int = 0
    transmission_risk: int = 0


class PublishRequest(RequestModel, frozen=True, rename="camel"):
    """What a device publishes."""

    temporary_exposure_keys: list[PublishedKey] = msgspec.field(default_factory=list)
    health_authority: str = msgspec.field(name="healthAuthorityID", default="")
    verification_payload: str = ""
    """The certificate."""
    hmac_key: str = ""
    hmac_key_lower: str = msgspec.field(name="hmackey", default="")
    """As the documentation spells it; the reference takes both."""
    symptom_onset_interval: int = 0
    """0: not told."""
    traveler: bool = False
    revision_token: str = ""


def publish_routes(publisher: Publisher, entropy: Entropy) -> list[Route]:
    """Return the publisher's route for uploads."""
    exchange = Exchange(entropy, error_name="code", headers={"x-api-version": "v1"})

    async def publish(asked: PublishRequest) -> dict[str, Any]:
        published = await publisher.publish_soon(_upload(asked))
        answer: dict[str, Any] = {"insertedExposures": published.inserted}
        if published.revision_token:
            answer["revisionToken"] = published.revision_token
        if published.warnings:
            answer["warnings"] = published.warnings
        if published.unusable:
            answer["code"] = "partial_failure"
            answer["error"] = f"{len(published.unusable)} keys were not usable: " + "; ".join(
                sorted(set(published.unusable))
            )
        return answer

    return [exchange.post_soon("/v1/publish", PublishRequest, publish)]


def _upload(asked: PublishRequest) -> Upload:
    if asked.hmac_key and asked.hmac_key_lower and asked.hmac_key != asked.hmac_key_lower:
        raise BadInput("hmacKey is given twice, and differs.", reason="bad_request")
    return Upload(
        keys=asked.temporary_exposure_keys,
        health_authority=asked.health_authority,
        certificate=asked.verification_payload,
        hmac_secret=_secret(asked.hmac_key or asked.hmac_key_lower),
        onset_interval=asked.symptom_onset_interval or None,
        traveler=asked.traveler,
        revision_token=asked.revision_token,
    )


def _secret(text: str) -> bytes:
    """Return the secret; what is no base64 certifies nothing, which is found out in its turn."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b""
