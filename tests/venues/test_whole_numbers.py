"""Where a number belongs, True is refused: it would be a second writing of 1."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from bluezone_node.crypto.cose import decode, encode, read_signed, sign
from bluezone_node.errors import BadInput
from bluezone_node.venues.bundle import FIRST_PREVIOUS, Bundle, read_bundle, write_bundle
from bluezone_node.venues.notices import Notice, seal_notice
from bluezone_node.venues.register import DayKeys, read_day_keys, write_day_keys
from bluezone_node.venues.tags import venue_keys
from bluezone_node.venues.trust import Role, TrustList, read_trust_list, write_trust_list
from bluezone_node.venues.warrant import Warrant, read_request, write_warrant
from tests.venues.places import (
    NOTICES,
    NOW,
    ROOT,
    TRUST,
    card_of,
    open_with_card,
    seeded,
    text_of,
    trusted,
)

KEY = NOTICES
LISTED = TrustList(
    1,
    NOW,
    (
        trusted(KEY, Role.NOTICES),
        trusted(KEY, Role.REGISTER),
        trusted(KEY, Role.WARRANT_REQUEST),
    ),
)
WARRANT = Warrant(
    b"w" * 16,
    b"v" * 16,
    NOW - timedelta(hours=2),
    NOW - timedelta(hours=1),
    "F0-1",
    "Luật 03/2007",
    NOW,
    NOW + timedelta(hours=1),
)
HUGE = 2**64 - 1
ROOT_PUBLIC = ROOT.public_key().public_bytes_raw()


def with_another(value: object, other: object) -> Iterator[object]:
    """Yield *value* with each number that is in it, one at a time, replaced by *other*."""
    if type(value) is int:
        yield other
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from ([*value[:at], new, *value[at + 1 :]] for new in with_another(each, other))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from (value | {key: new} for new in with_another(each, other))


@pytest.mark.parametrize("other", [True, HUGE])
@pytest.mark.parametrize(
    ("data", "signer", "read"),
    [
        (write_trust_list(LISTED, ROOT), ROOT, lambda data: read_trust_list(data, ROOT_PUBLIC)),
        (
            write_bundle(Bundle("VN", 1, FIRST_PREVIOUS, NOW), KEY),
            KEY,
            lambda data: read_bundle(data, TRUST),
        ),
        (
            write_day_keys(DayKeys("VN", NOW, {1: b"k" * 32}), KEY),
            KEY,
            lambda data: read_day_keys(data, LISTED, NOW),
        ),
        (write_warrant(WARRANT, KEY), KEY, lambda data: read_request(data, LISTED, NOW)),
    ],
    ids=["trust", "bundle", "days", "warrant"],
)
def test_every_number_is_one_and_within_its_bounds(
    data: bytes, signer: object, read: Callable[[bytes], object], other: object
) -> None:
    """Neither True nor what no clock or counter here reaches is taken for any of them."""
    read(data)
    for changed in with_another(decode(read_signed(data).payload), other):
        with pytest.raises(BadInput):
            read(sign(encode(changed), signer))  # type: ignore[arg-type]


@pytest.mark.parametrize("minutes", [True, -1, 1441, HUGE])
def test_a_notice_of_no_length_of_time_says_nothing(minutes: int) -> None:
    """An authority in wrong hands could else stop the devices of all who were there."""
    card = card_of()
    text = text_of()
    honest = seal_notice(card.payload, text, b"n" * 16, seeded())
    assert open_with_card(honest, venue_keys(card.payload).note) == text
    object.__setattr__(text, "min_overlap", minutes)
    hostile: Notice = seal_notice(card.payload, text, b"n" * 16, seeded())
    assert open_with_card(hostile, venue_keys(card.payload).note) is None
