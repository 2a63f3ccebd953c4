"""What is kept beside a bundle: the same as it says itself, and asked of the newest trust list."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bluezone_node.errors import BadInput
from bluezone_node.venues.bundle import ChainHead, digest_of, read_bundle
from bluezone_node.venues.head import head_of
from bluezone_node.venues.trust import Role, TrustedKey, TrustList
from tests.notices import Chain
from tests.venues.places import NOTICES, NOW, STRANGER, TRUST, trusted

DATA = Chain().add(breaker=True, revoked=[b"withdrew", b"this too"], opened=[bytes(16)])
HEAD = head_of(read_bundle(DATA, TRUST), DATA)
KEY = trusted(NOTICES, Role.NOTICES)


def test_the_head_says_what_the_bundle_says() -> None:
    """Word for word, and its names are in no log."""
    bundle = read_bundle(DATA, TRUST)
    assert (HEAD.breaker, HEAD.revoked) == (True, (b"withdrew", b"this too"))
    assert (HEAD.created, HEAD.province) == (bundle.created, bundle.province)
    assert len(HEAD.opened) == 16
    assert HEAD.link == ChainHead(1, digest_of(DATA))
    assert "withdrew" not in repr(HEAD)


LISTS: dict[str, tuple[TrustedKey, bool]] = {
    "as before": (KEY, False),
    "another province": (replace(KEY, province="VN-DN"), False),
    "of all provinces": (replace(KEY, province="*"), False),
    "revoked": (replace(KEY, revoked=NOW), True),
    "another key": (trusted(STRANGER, Role.NOTICES), True),
    "another role": (replace(KEY, role=Role.CARDS), True),
    "ended before": (replace(KEY, end=HEAD.created), False),
    "began after": (replace(KEY, start=HEAD.created + timedelta(seconds=1)), False),
}


@pytest.mark.parametrize(("key", "disowned"), LISTS.values(), ids=LISTS)
def test_it_counts_where_the_bundle_would_be_believed(key: TrustedKey, disowned: bool) -> None:
    """By whatever list the root signs later; the chain goes on from it unless its key is gone."""
    trust = TrustList(8, NOW, (key,))
    try:
        read_bundle(DATA, trust)
        believed = True
    except BadInput:
        believed = False
    assert HEAD.counts(trust) is believed
    assert HEAD.is_disowned(trust) is disowned
