"""The HMAC that binds a verification certificate to keys which the registrar never sees.

The device sends the registrar this HMAC and the publisher the keys with the secret: the publisher
can check that exactly these keys were certified, the registrar learns none of them.
Source: exposure-notifications-server, docs/getting-started/publishing-temporary-exposure-keys.md.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterator, Sequence
from operator import itemgetter

from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import BadInput

SECRET_BYTES = 16
"""The shortest secret accepted: as long as the keys whose order it hides."""


KeyText = tuple[str, int, int, int]
"""What is certified of a key: its base64, start, period and transmission risk."""


def key_texts(
    keys: Sequence[TemporaryExposureKey], risks: Sequence[int] | None = None
) -> list[KeyText]:
    """Return what is certified of *keys*.

    *risks* runs parallel to *keys*; None means 0 for each, which is what GAEN v2 devices send.
    """
    return [
        (b64encode(key.key).decode(), key.rolling_start, key.rolling_period, risk)
        for key, risk in zip(keys, risks or [0] * len(keys), strict=True)
    ]


def keys_hmac(
    keys: Sequence[TemporaryExposureKey], secret: bytes, risks: Sequence[int] | None = None
) -> bytes:
    """Return the 32-byte HMAC over *keys* and their transmission *risks*: see `key_texts`.

    Raises:
        BadInput: reason ``hmac_secret_length``: *secret* has fewer than 16 bytes.
    """
    return next(hmac_forms(key_texts(keys, risks), secret))


def hmac_forms(texts: Sequence[KeyText], secret: bytes) -> Iterator[bytes]:
    """Yield every HMAC that a publisher accepts for *texts*; a device sends the first.

    Where all risks are 0 a device may leave them out of the text altogether.

    Raises:
        BadInput: reason ``hmac_secret_length``: *secret* has fewer than 16 bytes.
    """
    if len(secret) < SECRET_BYTES:
        raise BadInput(
            f"The HMAC secret needs at least {SECRET_BYTES} bytes.", reason="hmac_secret_length"
        )
    # Sorted as text: base64 does not keep the order of the bytes it stands for.
    ordered = sorted(texts, key=itemgetter(0))
    lines = [f"{key}.{start}.{period}.{risk}" for key, start, period, risk in ordered]
    yield hmac.digest(secret, ",".join(lines).encode(), "sha256")
    if not any(risk for *_, risk in texts):
        lines = [f"{key}.{start}.{period}" for key, start, period, _ in ordered]
        yield hmac.digest(secret, ",".join(lines).encode(), "sha256")
