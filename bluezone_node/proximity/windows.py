"""From a matched diagnosis key to exposure windows: what GAEN hands to a risk calculation.

The steps are those of the Google reference implementation (exposure-notifications-internals,
ExposureMatchingTracer and KeyExposureEvaluator), with the shared minute scans of this project in
the place of its 25-second grouping.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from bluezone_node.crypto import metadata as aem
from bluezone_node.crypto.keys import associated_encrypted_metadata_key
from bluezone_node.errors import BadInput
from bluezone_node.intervals import day_of, interval_at, interval_start, to_unix
from bluezone_node.proximity.attenuation import TX_POWER_BOUNDS, attenuations, mean_and_spread
from bluezone_node.proximity.model import (
    SCAN_SECONDS,
    CalibrationConfidence,
    DiagnosisKey,
    Encounter,
    ExposureWindow,
    HeardScan,
    Infectiousness,
    ReportType,
    ScanInstance,
)

TOLERANCE_INTERVALS = 12
"""How far sender's and receiver's clocks may disagree, in intervals: two hours either way."""

LONGEST_ON_AIR = timedelta(minutes=20)
"""No honest sender keeps one identifier longer; what comes later is a replay."""

WINDOW_LENGTH = timedelta(minutes=30)


class _Timed(Protocol):
    @property
    def start(self) -> datetime: ...


_TimedT = TypeVar("_TimedT", bound=_Timed)


@dataclass(slots=True)
class _Minute:
    """What was heard of one key, under any of its identifiers, in one minute."""

    start: datetime
    seconds: int
    confidence: CalibrationConfidence
    attenuations: dict[int, int]


def exposure_windows(
    key: DiagnosisKey,
    identifiers: Iterable[tuple[int, bytes]],
    encounters: Iterable[Encounter],
    *,
    infectiousness: Callable[[int | None], Infectiousness],
    report_type_when_missing: ReportType = ReportType.UNKNOWN,
    rx_offset: float = 0.0,
    link: int = 0,
) -> list[ExposureWindow]:
    """Return the windows of exposure to *key*, in order of time.

    *identifiers* are the matched (interval, identifier) pairs of the key, *encounters* all that
    was logged of them; *infectiousness* maps days since onset (None: not told);
    *report_type_when_missing* is taken for the report type of a key that tells none; *rx_offset*
    is the receiver's correction in dB (see `attenuations`); *link* numbers the windows.

    A scan counts if it lies within two hours of its identifier's interval, begins at most 20
    minutes after the first one that does, and its metadata decrypts to a credible power.
    """
    logged: dict[bytes, list[Encounter]] = {}
    for encounter in encounters:
        logged.setdefault(encounter.identifier, []).append(encounter)
    aemk = associated_encrypted_metadata_key(key.key)
    minutes: dict[int, _Minute] = {}
    for interval, identifier in identifiers:
        heard = logged.get(identifier, [])
        last = _last_credible(interval, heard)
        for encounter in heard:
            sender = _sender(aemk, encounter)
            if sender is None:
                continue
            confidence = CalibrationConfidence(sender.calibration_confidence)
            for scan in encounter.scans:
                if not _timely(scan, interval) or scan.start > last:
                    continue
                if losses := attenuations(sender.tx_power, scan.rssi, rx_offset):
                    _merge(minutes, _Minute(scan.start, scan.seconds, confidence, losses))
    return [
        ExposureWindow(
            day=day_of(part[0].start),
            report_type=key.report_type or report_type_when_missing,
            infectiousness=infectiousness(key.days_since_onset),
            calibration_confidence=part[0].confidence,
            scans=tuple(scan_instance(m.start, m.seconds, m.attenuations) for m in part),
            transmission_risk=key.transmission_risk,
            link=link,
        )
        for part in cut(sorted(minutes.values(), key=lambda minute: minute.start))
    ]


def _timely(scan: HeardScan, interval: int) -> bool:
    return abs(interval_at(scan.start) - interval) <= TOLERANCE_INTERVALS


def _last_credible(interval: int, encounters: Iterable[Encounter]) -> datetime:
    """Return the last instant at which the identifier of *interval* may honestly be heard."""
    starts = (scan.start for e in encounters for scan in e.scans if _timely(scan, interval))
    return min(starts, default=interval_start(interval)) + LONGEST_ON_AIR


def _sender(aemk: bytes, encounter: Encounter) -> aem.Metadata | None:
    """Return what the sender says of itself; None where it says nothing that can be used."""
    if encounter.metadata is None or len(encounter.metadata) != aem.METADATA_BYTES:
        return None
    try:
        sender = aem.decode(aem.decrypt(aemk, encounter.identifier, encounter.metadata))
    except BadInput:
        return None
    lowest, highest = TX_POWER_BOUNDS
    return sender if lowest <= sender.tx_power <= highest else None


def _merge(minutes: dict[int, _Minute], heard: _Minute) -> None:
    """Add a scan to its minute: two identifiers of one person in one scan are one scan."""
    number = to_unix(heard.start) // SCAN_SECONDS
    same = minutes.setdefault(number, heard)
    if same is heard:
        return
    if (heard.start, heard.confidence) < (same.start, same.confidence):
        same.start, same.confidence = heard.start, heard.confidence
    same.seconds = max(same.seconds, heard.seconds)
    for attenuation, count in heard.attenuations.items():
        same.attenuations[attenuation] = same.attenuations.get(attenuation, 0) + count


def cut(scans: Iterable[_TimedT]) -> Iterator[list[_TimedT]]:
    """Cut *scans*, ascending, into parts that span less than `WINDOW_LENGTH` from first to last."""
    part: list[_TimedT] = []
    for scan in scans:
        if part and scan.start - part[0].start >= WINDOW_LENGTH:
            yield part
            part = []
        part.append(scan)
    if part:
        yield part


def scan_instance(start: datetime, seconds: int, attenuations: Mapping[int, int]) -> ScanInstance:
    """Return the scan that began at *start* and heard *attenuations* (dB → packets, not empty)."""
    mean, spread = mean_and_spread(attenuations)
    return ScanInstance(
        start=start,
        seconds=seconds,
        count=sum(attenuations.values()),
        mean_attenuation=mean,
        min_attenuation=min(attenuations),
        spread=spread,
    )
