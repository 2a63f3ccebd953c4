"""The checks of an upload, one by one."""

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bluezone_node.authority.publisher.upload import (
    Accepted,
    UploadedKey,
    accept,
    certified,
    check_count,
    created_at,
    floor,
    onset_of,
)
from bluezone_node.authority.settings import PublisherSettings
from bluezone_node.crypto.certificate import hmac_forms, key_texts
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import AuthorityRefused
from bluezone_node.intervals import interval_at, interval_start, midnight, rolling_start
from tests.authorities import NOW, keys_of_days, uploaded

SETTINGS = PublisherSettings()
ONSET = NOW - timedelta(days=4)
CURRENT = interval_at(NOW)
TODAY = rolling_start(CURRENT)


def wire(
    number: int = 1, start: int = TODAY - 144, period: int = 144, risk: int = 0
) -> UploadedKey:
    return UploadedKey(b64encode(bytes([number]) * 16).decode(), start, period, risk)


def taken(*keys: UploadedKey, report_type: str = "confirmed") -> Accepted:
    return accept(keys, report_type=report_type, onset=ONSET, now=NOW, settings=SETTINGS)


def test_the_published_hmac_vectors_hold(vectors: Path) -> None:
    """Google's own vectors, as they come over the wire, in both forms."""
    document = json.loads((vectors / "gaen_vectors.json").read_text())["tek_hmac"]
    secret = bytes.fromhex(document["secret_hex"])
    for case in document["cases"]:
        keys = [UploadedKey(*key.values()) for key in case["keys"]]
        assert certified(keys, secret, b64decode(case["hmac_b64"]))
        changed = [structs.replace(keys[0], rolling_period=143), *keys[1:]]
        assert not certified(changed, secret, b64decode(case["hmac_b64"]))


@given(
    st.lists(
        st.builds(
            TemporaryExposureKey,
            st.binary(min_size=16, max_size=16),
            st.integers(0, 2**31),
            st.integers(1, 144),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda key: key.key,
    ),
    st.binary(min_size=16, max_size=40),
    st.integers(0, 3),
)
def test_what_a_device_certifies_is_recognised(
    keys: list[TemporaryExposureKey], secret: bytes, risk: int
) -> None:
    """The wire's HMAC is the ground floor's, in both forms where all risks are 0."""
    risks = [risk] * len(keys)
    sent = [uploaded(key, risk) for key in reversed(keys)]
    for form in hmac_forms(key_texts(keys, risks), secret):
        assert certified(sent, secret, form)
    assert not certified(sent[1:], secret, next(hmac_forms(key_texts(keys, risks), secret)))


def test_a_short_secret_certifies_nothing() -> None:
    """Fifteen bytes are not enough, whatever they were used for."""
    assert not certified([wire()], b"s" * 15, b"x" * 32)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (UploadedKey("not base64", TODAY - 144, 144, 0), "a key is not base64 of 16 bytes"),
        (UploadedKey("AAAA", TODAY - 144, 144, 0), "a key is not base64 of 16 bytes"),
        (UploadedKey("é", TODAY - 144, 144, 0), "a key is not base64 of 16 bytes"),
        (wire(2, period=0), "a rolling period is not 1 to 144"),
        (wire(2, period=145), "a rolling period is not 1 to 144"),
        (wire(2, start=CURRENT - 15 * 144 - 145), "a key is too old"),
        (wire(2, start=CURRENT + 1), "a key starts in the future"),
        (wire(2, start=2**62), "a key starts in the future"),
        (wire(2, start=-(2**62)), "a key is too old"),
        (wire(2, risk=9), "a transmission risk is not 0 to 8"),
        (wire(2, risk=-1), "a transmission risk is not 0 to 8"),
    ],
)
def test_an_unusable_key_costs_only_itself(bad: UploadedKey, why: str) -> None:
    """The good key is taken and the bad one named; alone, it is a refusal."""
    accepted = taken(wire(), bad)
    assert [key.key for key in accepted.keys] == [b"\1" * 16]
    assert accepted.unusable == (why,)
    with pytest.raises(AuthorityRefused, match=why) as refused:
        taken(bad)
    assert refused.value.reason == "bad_request"


@pytest.mark.parametrize(
    "good", [wire(start=CURRENT, period=1), wire(start=CURRENT - 15 * 144 - 144), wire(period=1)]
)
def test_a_key_at_the_edge_is_taken(good: UploadedKey) -> None:
    """The newest, the oldest and the shortest key that may come: checks do not bite early."""
    accepted = accept(
        [good],
        report_type="confirmed",
        onset=interval_start(good.rolling_start),
        now=NOW,
        settings=SETTINGS,
    )
    assert len(accepted.keys) == 1


def test_the_number_of_keys_is_bounded() -> None:
    """None is as wrong as thirty-one."""
    check_count([wire()] * 30, SETTINGS)
    for keys in ([], [wire()] * 31):
        with pytest.raises(AuthorityRefused) as refused:
            check_count(keys, SETTINGS)
        assert refused.value.reason == "bad_request"


def test_a_key_sent_twice_counts_once_as_it_was_last() -> None:
    """The same bytes are the same key."""
    (key,) = taken(wire(risk=1), wire(risk=5)).keys
    assert key.transmission_risk == 5


@pytest.mark.parametrize(
    ("report_type", "risk"), [("confirmed", 2), ("likely", 4), ("negative", 6)]
)
def test_a_missing_risk_is_filled_in_by_report_type(report_type: str, risk: int) -> None:
    """Version 1 phones still look at it."""
    assert taken(wire(), report_type=report_type).keys[0].transmission_risk == risk
    assert taken(wire(risk=3), report_type=report_type).keys[0].transmission_risk == 3


def test_days_since_onset_are_whole_utc_days() -> None:
    """From the day of the onset to the day of the key; before it they are negative."""
    days = [k.days_since_onset for k in taken(*map(uploaded, keys_of_days(0, 4, 9))).keys]
    assert days == [-5, 0, 4]


def test_a_key_far_from_the_onset_is_left_out_with_a_warning() -> None:
    """Not a failure: phones cannot handle a partial one for what was their own good data."""
    far = wire(9, start=TODAY - 144 * 15)
    accepted = accept([wire(), far], report_type="confirmed", onset=NOW, now=NOW, settings=SETTINGS)
    assert [key.key for key in accepted.keys] == [b"\1" * 16]
    assert accepted.unusable == ()
    assert accepted.warnings == ("1 keys were left out: over 14 days from the onset of symptoms.",)


def test_overlapping_keys_cost_the_whole_upload() -> None:
    """Nobody was two people at once — but keys of one start may share their time."""
    same = [wire(n, start=TODAY - 144, period=n) for n in (10, 20, 30)]
    assert len(taken(*same).keys) == 3
    for bad in (
        [wire(1, start=TODAY - 144), wire(2, start=TODAY - 143)],
        [*same, wire(40, start=TODAY - 144, period=40)],
        [wire(1, TODAY - 144, 10), wire(2, TODAY - 144, 100), wire(3, TODAY - 100, 1)],
    ):
        with pytest.raises(AuthorityRefused) as refused:
            taken(*bad)
        assert refused.value.reason == "bad_request"


def test_keys_that_touch_do_not_overlap() -> None:
    """Ranges are half-open, and starts need not be midnight."""
    assert len(taken(wire(1, TODAY - 144, 77), wire(2, TODAY - 67, 67)).keys) == 2


def test_a_living_key_is_embargoed() -> None:
    """It arrives only after its end; a dead one at the truncated time of arrival."""
    hour = timedelta(hours=1)
    assert created_at(CURRENT, NOW, SETTINGS) == NOW - timedelta(minutes=30)
    assert created_at(TODAY + 144, NOW, SETTINGS) == interval_start(TODAY + 144) + hour
    assert created_at(CURRENT + 1, NOW, SETTINGS) == datetime(2026, 3, 10, 10, tzinfo=UTC)


@given(
    instant=st.datetimes(timezones=st.just(UTC), min_value=datetime(1971, 1, 1)),  # noqa: DTZ001
    minutes=st.sampled_from([1, 15, 60, 240, 1440]),
)
def test_floor_is_the_last_multiple(instant: datetime, minutes: int) -> None:
    """Not after the instant, less than one step before it, and a multiple from midnight."""
    step = timedelta(minutes=minutes)
    floored = floor(instant, step)
    assert floored <= instant < floored + step
    assert not (floored - midnight(floored.date())) % step


@pytest.mark.parametrize(
    ("told", "certified_onset", "expected"),
    [
        (TODAY - 288, TODAY - 432, TODAY - 288),
        (None, TODAY - 432, TODAY - 432),
        (CURRENT, TODAY - 432, TODAY - 432),
        (TODAY - 29 * 144, TODAY - 432, TODAY - 432),
        (None, None, None),
        (None, 2**32 - 1, None),
    ],
)
def test_the_onset_is_the_devices_else_the_certificates_else_unknown(
    told: int | None, certified_onset: int | None, expected: int | None
) -> None:
    """What cannot be believed is passed over."""
    onset = onset_of(told, certified_onset, NOW, SETTINGS)
    assert (onset and interval_at(onset)) == expected


@given(
    st.lists(
        st.builds(
            UploadedKey,
            st.text(max_size=30)
            | st.binary(min_size=16, max_size=16).map(lambda b: b64encode(b).decode()),
            st.integers(CURRENT - 2500, CURRENT + 10) | st.integers(-(2**63), 2**63),
            st.integers(-1, 150),
            st.integers(-1, 10),
        ),
        max_size=8,
    )
)
def test_whatever_is_accepted_is_sound(keys: list[UploadedKey]) -> None:
    """No upload raises anything but the refusal, and nothing illegal gets through."""
    try:
        accepted = taken(*keys)
    except AuthorityRefused:
        return
    sent = {b64decode(key.text) for key in keys if len(key.text) == 24}
    for key in accepted.keys:
        assert key.key in sent
        assert key.rolling_start <= CURRENT
        assert abs(key.days_since_onset) <= 14
        assert key.created >= interval_start(key.rolling_end) or key.created <= NOW
