"""Diagnosis keys in and out of the export's protobuf.

One bad key must not lose a file of honest ones: such a key is left out, and counted by reason.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from bluezone_node.crypto.keys import KEY_BYTES
from bluezone_node.export import export_pb2
from bluezone_node.intervals import ROLLING_PERIOD
from bluezone_node.proximity.model import DiagnosisKey, ReportType

MAX_TRANSMISSION_RISK = 8
LAST_INTERVAL = 2**32 // 600
"""No key starts after it: the year 2106, where 32-bit Unix seconds end."""

Shape = tuple[int, int, str, int, int | None]
"""All of a key but its bytes: rolling start and period, name of the report type, transmission
risk, days since onset (None: not told)."""
KeyRow = tuple[bytes, int, int, str, int, int | None]
"""The 16 bytes of a key, and its shape."""

KEYS, REVISED_KEYS = 7, 8
"""The fields of the export message that the keys stand in."""

_REPORT_TYPES = tuple(ReportType)
_LENGTH_DELIMITED = 2
_MOST_SHAPES = 20_000
"""Kept at a time, some megabytes: fifteen days have far fewer, unless somebody sends odd ones."""
_KEY_DATA = bytes([1 << 3 | _LENGTH_DELIMITED, KEY_BYTES])


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


class KeyMessages:
    """Writes keys of one list of an export, without an object for each.

    The bytes of a key stand first in its message, and what follows them is one of a few hundred
    shapes: each is put together once.
    """

    def __init__(
        self, field: int, report_types: Mapping[str, ReportType] = ReportType.__members__
    ) -> None:
        """*field*: of the export message, `KEYS` or `REVISED_KEYS`. *report_types*: by the names
        that the rows have for them."""
        self._around = _Around(field, report_types)

    def joined(self, rows: Sequence[KeyRow]) -> bytes:
        """Return the messages of *rows*, one after the other.

        Raises:
            ValueError: a key that a reader would leave out.
        """
        if any(len(row[0]) != KEY_BYTES for row in rows):
            raise _uncarried("key_length")
        around = self._around
        # The key is the separator of what stands before and after it.
        return b"".join([row[0].join(around[row[1:]]) for row in rows])


class _Around(dict[Shape, tuple[bytes, bytes]]):
    """What stands before and after the bytes of a key, by its shape."""

    def __init__(self, field: int, report_types: Mapping[str, ReportType]) -> None:
        self._tag = field << 3 | _LENGTH_DELIMITED
        self._report_types = report_types

    def __missing__(self, shape: Shape) -> tuple[bytes, bytes]:
        start, period, name, risk, days = shape
        report_type = self._report_types[name]
        # As Google's server writes it: defaults are left out, the risk never is.
        message = export_pb2.TemporaryExposureKey(
            key_data=bytes(KEY_BYTES),
            transmission_risk_level=risk,
            rolling_start_interval_number=start or None,
            rolling_period=None if period == ROLLING_PERIOD else period,
            report_type=report_type.name if report_type else None,
            days_since_onset_of_symptoms=days,
        )
        _, left_out = read_keys([message], LAST_INTERVAL)
        if left_out:
            raise _uncarried(next(iter(left_out)))
        data = message.SerializeToString()
        key = _KEY_DATA + bytes(KEY_BYTES)
        # Never 128 bytes long, so its length takes one.
        before, after = bytes([self._tag, len(data)]) + _KEY_DATA, data.removeprefix(key)
        if len(self) >= _MOST_SHAPES:
            self.clear()
        self[shape] = before, after
        return before, after


def row_of(key: DiagnosisKey) -> KeyRow:
    """Return *key* as it is written, its report type by the name in the format."""
    return (
        key.key,
        key.rolling_start,
        key.rolling_period,
        key.report_type.name,
        key.transmission_risk,
        key.days_since_onset,
    )


def _uncarried(reason: str) -> ValueError:
    return ValueError(f"an export cannot carry this key: {reason}")
