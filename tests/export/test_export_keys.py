"""Keys pass through the export's protobuf unchanged; unusable ones are left out and counted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.export import export_pb2 as pb
from bluezone_node.export.keys import (
    KEYS,
    LAST_INTERVAL,
    REVISED_KEYS,
    KeyMessages,
    read_keys,
    row_of,
)
from bluezone_node.proximity.model import DiagnosisKey, ReportType

KEY = bytes(range(16))

diagnosis_keys = st.builds(
    DiagnosisKey,
    key=st.binary(min_size=16, max_size=16),
    rolling_start=st.integers(0, LAST_INTERVAL),
    rolling_period=st.integers(1, 144),
    report_type=st.sampled_from(ReportType),
    transmission_risk=st.integers(0, 8),
    days_since_onset=st.none() | st.integers(-(2**31), 2**31 - 1),
)


def written(*keys: DiagnosisKey) -> bytes:
    return KeyMessages(KEYS).joined([row_of(key) for key in keys])


@given(st.lists(diagnosis_keys, max_size=5))
def test_what_is_written_is_read(keys: list[DiagnosisKey]) -> None:
    """Every key that can be, with every field absent or present, survives the format."""
    export = pb.TemporaryExposureKeyExport.FromString(written(*keys))
    assert read_keys(export.keys, LAST_INTERVAL) == (keys, {})


@given(st.lists(diagnosis_keys, max_size=5), st.integers(1, 3))
def test_the_bytes_are_those_of_protobuf(keys: list[DiagnosisKey], times: int) -> None:
    """In either list, whether its shape was met before or not."""
    messages = [
        pb.TemporaryExposureKey(
            key_data=key.key,
            transmission_risk_level=key.transmission_risk,
            rolling_start_interval_number=key.rolling_start or None,
            rolling_period=None if key.rolling_period == 144 else key.rolling_period,
            report_type=key.report_type.name if key.report_type else None,
            days_since_onset_of_symptoms=key.days_since_onset,
        )
        for key in keys
    ]
    for field, whole in (
        (KEYS, pb.TemporaryExposureKeyExport(keys=messages)),
        (REVISED_KEYS, pb.TemporaryExposureKeyExport(revised_keys=messages)),
    ):
        writer = KeyMessages(field)
        for _ in range(times):
            assert writer.joined([row_of(key) for key in keys]) == whole.SerializeToString()


def test_shapes_without_end_do_not_fill_the_memory() -> None:
    """However odd the keys are, they are written, and what was met long ago is let go."""
    writer = KeyMessages(KEYS)
    rows = [row_of(DiagnosisKey(KEY, start, 144)) for start in range(30_000)]
    assert writer.joined(rows) == written(*(DiagnosisKey(KEY, s, 144) for s in range(30_000)))
    assert len(writer._around) <= 20_000


def test_the_bytes_are_those_of_the_format() -> None:
    """Days since onset are zigzag, the risk is always there, a whole day's period is not."""
    key = DiagnosisKey(KEY, 2650000, 144, ReportType.CONFIRMED_TEST, 0, -3)
    assert written(key).hex(" ") == (
        "3a 1d 0a 10 " + KEY.hex(" ") + " 10 00 18 90 df a1 01 28 01 30 05"
    )


def test_what_is_absent_has_its_default() -> None:
    """A key of only its bytes is valid for a day, of unknown report type and onset."""
    keys, left_out = read_keys([pb.TemporaryExposureKey(key_data=KEY)], LAST_INTERVAL)
    assert keys == [DiagnosisKey(KEY, 0, 144)]
    assert not left_out


def test_an_onset_of_zero_is_not_an_absent_one() -> None:
    """The day of onset itself is the most infectious of all."""
    message = pb.TemporaryExposureKey(key_data=KEY, days_since_onset_of_symptoms=0)
    assert read_keys([message], LAST_INTERVAL)[0][0].days_since_onset == 0


def test_a_report_type_of_a_later_version_is_unknown() -> None:
    """A report type nobody has heard of does not cost the key."""
    message = pb.TemporaryExposureKey.FromString(b"\x0a\x10" + KEY + b"\x28\x09")
    assert read_keys([message], LAST_INTERVAL)[0] == [DiagnosisKey(KEY, 0, 144)]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"key_data": KEY + b"x"}, "key_length"),
        ({"key_data": b""}, "key_length"),
        ({"rolling_period": 0}, "key_period"),
        ({"rolling_period": 145}, "key_period"),
        ({"rolling_period": -1}, "key_period"),
        ({"rolling_start_interval_number": -1}, "key_start"),
        ({"rolling_start_interval_number": 101}, "key_in_future"),
        ({"transmission_risk_level": 9}, "key_risk"),
        ({"transmission_risk_level": -1}, "key_risk"),
    ],
)
def test_one_bad_key_costs_only_itself(fields: dict[str, Any], reason: str) -> None:
    """The keys around it are read, and why it was left out is counted."""
    good = pb.TemporaryExposureKey(key_data=KEY, rolling_start_interval_number=100)
    bad = pb.TemporaryExposureKey(**{"key_data": KEY, **fields})
    keys, left_out = read_keys([good, bad, good], 100)
    assert keys == [DiagnosisKey(KEY, 100, 144)] * 2
    assert left_out == {reason: 1}


@pytest.mark.parametrize(
    "key",
    [
        DiagnosisKey(b"short", 1, 144),
        DiagnosisKey(KEY, -1, 144),
        DiagnosisKey(KEY, 2**40, 144),
        DiagnosisKey(KEY, 1, 145),
        DiagnosisKey(KEY, 1, 144, transmission_risk=9),
    ],
)
def test_a_key_that_readers_would_leave_out_is_not_written(key: DiagnosisKey) -> None:
    """An authority learns of it before the file is signed, and the key is not in the message."""
    with pytest.raises(ValueError, match=r".") as refused:
        written(key)
    assert key.key.hex() not in str(refused.value)
