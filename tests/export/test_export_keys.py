"""Keys pass through the export's protobuf unchanged; unusable ones are left out and counted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.export import export_pb2 as pb
from bluezone_node.export.keys import LAST_INTERVAL, key_message, read_keys
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


@given(diagnosis_keys)
def test_what_is_written_is_read(key: DiagnosisKey) -> None:
    """Every key that can be, with every field absent or present, survives the format."""
    assert read_keys([key_message(key)], LAST_INTERVAL) == ([key], {})


def test_the_bytes_are_those_of_the_format() -> None:
    """Days since onset are zigzag, the risk is always there, a whole day's period is not."""
    key = DiagnosisKey(KEY, 2650000, 144, ReportType.CONFIRMED_TEST, 0, -3)
    assert key_message(key).SerializeToString().hex(" ") == (
        "0a 10 " + KEY.hex(" ") + " 10 00 18 90 df a1 01 28 01 30 05"
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
        key_message(key)
    assert key.key.hex() not in str(refused.value)
