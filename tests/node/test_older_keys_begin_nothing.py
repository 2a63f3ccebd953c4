"""A key of notices that the root named before the one of the chain: lost long ago, not revoked."""

from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluezone_node.venues.trust import Role
from tests.node.test_notices import MARKET, Stage, stay
from tests.venues.places import TRUST, text_of, trusted

OLDER = Ed25519PrivateKey.from_private_bytes(b"older" * 6 + b"ab")


async def test_an_older_key_begins_no_chain() -> None:
    """Whoever found it would else lead every device away from the authority, for good."""
    stage = Stage(stay())
    older = trusted(OLDER, Role.NOTICES, days=60)
    stage.chain.trust(replace(TRUST, keys=(*TRUST.keys, older)))
    stage.chain.add()
    await stage.sync.once()
    notice = stage.chain.notice(MARKET, text_of())
    made = stage.chain.add(notice, anew=100, key=OLDER)
    stage.chain.trust(replace(TRUST, keys=(*TRUST.keys, older)))
    stage.chain.exports.files["00000100.cose"] = made
    await stage.sync.once()
    assert stage.problem == "bundle_gap"
    assert not stage.told.alerts
