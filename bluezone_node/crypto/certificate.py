"""The HMAC that binds a verification certificate to keys which the registrar never sees.

The device sends the registrar this HMAC and the publisher the keys with the secret: the publisher
can check that exactly these keys were certified, the registrar learns none of them.
Source: exposure-notifications-server, docs/getting-started/publishing-temporary-exposure-keys.md.
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence

from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import BadInput

SECRET_BYTES = 16
"""The shortest secret accepted: as long as the keys whose order it hides."""


def keys_hmac(
    keys: Sequence[TemporaryExposureKey], secret: bytes, risks: Sequence[int] | None = None
) -> bytes:
    """Return the 32-byte HMAC over *keys*, their starts, periods and transmission *risks*.

    *risks* runs parallel to *keys*; None means 0 for each, which is what GAEN v2 devices send.

    Raises:
        BadInput: reason ``hmac_secret_length``: *secret* has fewer than 16 bytes.
    """
    return _digest(_lines(keys, risks or [0] * len(keys)), secret)


def keys_hmac_forms(
    keys: Sequence[TemporaryExposureKey], secret: bytes, risks: Sequence[int] | None = None
) -> tuple[bytes, ...]:
    """Return every HMAC that a publisher accepts for *keys*: see `keys_hmac`.

    Where all risks are 0 a device may leave them out of the text altogether.
    """
    with_risks = keys_hmac(keys, secret, risks)
    if any(risks or ()):
        return (with_risks,)
    return with_risks, _digest(_lines(keys, None), secret)


def _lines(keys: Sequence[TemporaryExposureKey], risks: Sequence[int] | None) -> list[str]:
    lines = [f"{b64encode(k.key).decode()}.{k.rolling_start}.{k.rolling_period}" for k in keys]
    if risks is None:
        return lines
    return [f"{line}.{risk}" for line, risk in zip(lines, risks, strict=True)]


def _digest(lines: list[str], secret: bytes) -> bytes:
    if len(secret) < SECRET_BYTES:
        raise BadInput(
            f"The HMAC secret needs at least {SECRET_BYTES} bytes.", reason="hmac_secret_length"
        )
    # Sorted as text: base64 does not keep the order of the bytes it stands for.
    ordered = sorted(lines, key=lambda line: line.partition(".")[0])
    return hmac.digest(secret, ",".join(ordered).encode(), "sha256")
