"""Who may read the statistics of uploads: a registrar, by a token that it signs itself.

A JSON Web Token under the key of its certificates, so that no further secret is shared.  Its
audience is another one: any phone holds a certificate, and must not read statistics with it, nor
may this token certify keys.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import jwt
import msgspec

from bluezone_node.authority import signed
from bluezone_node.authority.certificate import ALGORITHM, CLOCK_SKEW
from bluezone_node.authority.ports.keys import KeyDirectory
from bluezone_node.authority.settings import HealthAuthoritySettings
from bluezone_node.crypto.signing import PrivateKey, PublicKey
from bluezone_node.errors import AuthorityRefused
from bluezone_node.intervals import to_unix

LIFETIME = timedelta(minutes=5)
"""Made for one question, and longer only than clocks may differ."""
LONGEST = timedelta(hours=1)
"""A token that is valid for longer is not taken: it would lie about somewhere."""


class _Claims(msgspec.Struct):
    iss: str
    aud: str
    iat: float
    exp: float


_claims = msgspec.json.Decoder(_Claims)


def audience_of(publisher: str) -> str:
    """Return ``aud`` of a token for *publisher*; the settings allow no certificate such a name."""
    return f"{publisher}/stats"


def write_token(key: PrivateKey, *, key_id: str, issuer: str, audience: str, now: datetime) -> str:
    """Return a token by which *issuer* may read the statistics of the publisher *audience*."""
    claims = {
        "iss": issuer,
        "aud": audience_of(audience),
        "iat": to_unix(now - CLOCK_SKEW),
        "exp": to_unix(now + LIFETIME),
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": key_id})


def check_token(
    text: str,
    authorities: Mapping[str, HealthAuthoritySettings],
    directories: Mapping[str, KeyDirectory],
    now: datetime,
) -> None:
    """See that the token *text* is of one of *authorities*, whose keys *directories* hold.

    Raises:
        AuthorityRefused: reason ``unauthorized``, without saying what is wrong with it.
        Unreachable: the public keys could not be fetched.
    """
    for name, authority in authorities.items():
        if _holds(text, authority, directories[name].key, now):
            return
    raise AuthorityRefused(
        "The statistics are for registrars with a token of their own.", reason="unauthorized"
    )


def _holds(
    text: str,
    authority: HealthAuthoritySettings,
    key_of: Callable[[str], PublicKey | None],
    now: datetime,
) -> bool:
    try:
        payload = signed.payload(text, key_of)
        claims = None if payload is None else _claims.decode(payload)
    except (signed.NotSigned, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return (
        claims is not None
        and claims.iss == authority.issuer
        and claims.aud == audience_of(authority.audience)
        and claims.iat <= now.timestamp() < claims.exp <= claims.iat + LONGEST.total_seconds()
    )
