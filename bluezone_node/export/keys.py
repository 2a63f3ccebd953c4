"""Diagnosis keys in and out of the export's protobuf.

One bad key must not lose a file of honest ones: such a key is left out, and counted by reason.
"""

from collections import Counter
from collections.abc import Iterable

from bluezone_node.crypto.keys import KEY_BYTES
from bluezone_node.export import export_pb2
from bluezone_node.intervals import ROLLING_PERIOD
from bluezone_node.proximity.model import DiagnosisKey, ReportType

MAX_TRANSMISSION_RISK = 8
LAST_INTERVAL = 2**32 // 600
"""No key starts after it: the year 2106, where 32-bit Unix seconds end."""

_REPORT_TYPES = tuple(ReportType)


def read_keys(
    messages: Iterable[export_pb2.TemporaryExposureKey], last_interval: int
) -> tuple[list[DiagnosisKey], Counter[str]]:
    """Return the usable keys of *messages*, and how many were left out for which reason.

    A key is left out as ``key_length`` (not 16 bytes), ``key_period`` (not 1..144), ``key_start``
    (negative), ``key_in_future`` (starts after *last_interval*) or ``key_risk`` (not 0..8).
    """
    keys: list[DiagnosisKey] = []
    left_out: Counter[str] = Counter()
    # Written out flat, without a call a key: this loop is most of the time that a file takes.
    for message in messages:
        key = message.key_data
        start = message.rolling_start_interval_number
        period = message.rolling_period
        risk = message.transmission_risk_level
        if len(key) != KEY_BYTES:
            left_out["key_length"] += 1
        elif not 1 <= period <= ROLLING_PERIOD:
            left_out["key_period"] += 1
        elif start < 0:
            left_out["key_start"] += 1
        elif start > last_interval:
            left_out["key_in_future"] += 1
        elif not 0 <= risk <= MAX_TRANSMISSION_RISK:
            left_out["key_risk"] += 1
        else:
            onset: int | None = message.days_since_onset_of_symptoms
            if not onset and not message.HasField("days_since_onset_of_symptoms"):
                onset = None
            report_type = _REPORT_TYPES[message.report_type]
            keys.append(DiagnosisKey(key, start, period, report_type, risk, onset))
    return keys, left_out


def key_message(key: DiagnosisKey) -> export_pb2.TemporaryExposureKey:
    """Return *key* as Google's server writes it: defaults are left out, the risk never is.

    Raises:
        ValueError: a key that a reader would leave out.
    """
    message = export_pb2.TemporaryExposureKey(
        key_data=key.key,
        transmission_risk_level=key.transmission_risk,
        rolling_start_interval_number=key.rolling_start or None,
        rolling_period=None if key.rolling_period == ROLLING_PERIOD else key.rolling_period,
        report_type=key.report_type.name if key.report_type else None,
        days_since_onset_of_symptoms=key.days_since_onset,
    )
    _, left_out = read_keys([message], LAST_INTERVAL)
    if left_out:
        raise ValueError(f"an export cannot carry this key: {next(iter(left_out))}")
    return message
