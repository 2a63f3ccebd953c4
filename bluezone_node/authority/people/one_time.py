"""One-time codes (TOTP, RFC 6238): the second factor, from an app on the worker's own telephone.

The shared secret must be readable to us, so it is encrypted in the database: who steals that alone
can make no codes.
"""

import hmac
import io
from base64 import b32encode
from datetime import datetime

import pyotp
import segno
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bluezone_node.errors import DatabaseUnusable
from bluezone_node.intervals import to_unix
from bluezone_node.ports import Entropy

SECRET_BYTES = 20
"""160 bits, as RFC 4226 §4 recommends."""
STEP_SECONDS = 30
DIGITS = 6
"""With SHA-1 all three are what every authenticator app takes; some know nothing else."""
DRIFT = 1
"""Steps before and after that are taken too, for a slow hand or clock (RFC 6238 §5.2)."""
_NONCE_BYTES = 12


class SecretBox:
    """Encrypts TOTP secrets, each bound to its user's name."""

    def __init__(self, key: bytes, entropy: Entropy) -> None:
        """*key*: 32 bytes."""
        self._cipher = AESGCM(key)
        self._entropy = entropy

    def seal(self, secret: bytes, name: str) -> bytes:
        nonce = self._entropy(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, name.encode())

    def open(self, sealed: bytes, name: str) -> bytes:
        """Return the secret of the user called *name*.

        Raises:
            DatabaseUnusable: it was sealed under another key, for somebody else, or altered.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            raise DatabaseUnusable(
                "A user's second factor cannot be read with this authority's secret.",
                hint="restore keys/codes.secret of this database, or reset the user",
            ) from None


def matching_step(secret: bytes, code: str, now: datetime) -> int | None:
    """Return the time step whose code this is, of those around *now*; None: of none."""
    typed = "".join(code.split())
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdecimal()):
        return None
    totp = _totp(secret)
    current = to_unix(now) // STEP_SECONDS
    steps = range(current - DRIFT, current + DRIFT + 1)
    # All are compared, so that time does not tell which it was.
    found = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), typed)]
    return found[-1] if found else None


def otpauth_uri(secret: bytes, name: str, issuer: str) -> str:
    """Return what an authenticator app reads from a QR code."""
    return str(_totp(secret).provisioning_uri(name=name, issuer_name=issuer))


def qr_svg(uri: str) -> str:
    """Return an ``<svg>`` element that shows *uri*: black on white, no style, no script."""
    return segno.make(uri, micro=False).svg_inline(scale=4, light="white")


def qr_terminal(uri: str) -> str:
    """Return *uri* as a QR code in half blocks, black on white whatever the terminal's colours."""
    out = io.StringIO()
    segno.make(uri, micro=False).terminal(out, compact=True, border=2)
    return "\n".join(f"\033[97;40m{line}\033[0m" for line in out.getvalue().splitlines())


def _totp(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(b32encode(secret).decode(), digits=DIGITS, interval=STEP_SECONDS)
