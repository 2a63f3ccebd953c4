"""The values that proximity tracing is made of, from one packet to one window of exposure.

``Sighting`` → ``Encounter`` of ``HeardScan`` s (before a key is known, signal strength only)
→ ``ExposureWindow`` of ``ScanInstance`` s (after a match, attenuation).

Identifiers and metadata never appear in a ``repr``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum, IntEnum

from bluezone_node.proximity.rounding import half_up

SCAN_SECONDS = 60
"""Length of one scan of a radio that listens all the time, aligned to the UTC minute.

GAEN's phones look for 4 s every 2.5 to 5 minutes; a mains-powered node listens always, and a
minute is short enough to follow a walk past and long enough to hold the 15 packets that a
Raspberry Pi's jumping levels need.  All peers share the same scans, so two identifiers of one
person heard in one minute are one scan, not two.
"""


class IdentifierProtocol(Enum):
    """Whose identifiers these are."""

    GAEN = "gaen"
    """Google/Apple Exposure Notification: 16-byte identifier, 4-byte metadata."""
    BLUEZONE = "bluezone"
    """Bluezone v2 (2020): 12-byte identifier, no metadata. Recognised, never sent."""


@dataclass(frozen=True, slots=True)
class Beacon:
    """What a node puts on the air: a rolling identifier and the metadata that belongs to it."""

    rpi: bytes = field(repr=False)
    """RollingProximityIdentifier, 16 bytes."""
    aem: bytes = field(repr=False)
    """AssociatedEncryptedMetadata, 4 bytes."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One advertisement heard once."""

    at: datetime
    """When, UTC."""
    identifier: bytes = field(repr=False)
    """16 bytes (GAEN) or 12 (Bluezone)."""
    metadata: bytes | None = field(repr=False)
    """The 4 encrypted bytes, or None where the frame carried none."""
    rssi: int
    """Received signal strength, dBm, −126..20. (127 means *unknown* and is refused earlier.)"""
    protocol: IdentifierProtocol = IdentifierProtocol.GAEN


@dataclass(frozen=True, slots=True)
class RssiHistogram:
    """How often each signal strength was heard: exact at 1 dB, and compact.

    A histogram and not a running mean: a Raspberry Pi reads one packet in five 12 dB too strong,
    and what to do about that is decided when the encounter is judged, not when it is logged.
    """

    counts: tuple[tuple[int, int], ...]
    """(rssi in dBm, times heard ≥ 1), ascending by rssi, each rssi once."""

    @property
    def total(self) -> int:
        return sum(count for _, count in self.counts)

    @property
    def mean(self) -> float:
        """Mean signal strength, dBm."""
        return sum(rssi * count for rssi, count in self.counts) / self.total

    @property
    def strongest(self) -> int:
        return self.counts[-1][0]

    def __add__(self, other: "RssiHistogram") -> "RssiHistogram":
        merged = dict(self.counts)
        for rssi, count in other.counts:
            merged[rssi] = merged.get(rssi, 0) + count
        return RssiHistogram(tuple(sorted(merged.items())))

    def to_bytes(self) -> bytes:
        """Two bytes a level: rssi as int8, count as uint8; a count over 255 takes more pairs."""
        return bytes(
            byte
            for rssi, count in self.counts
            for part in _parts_of(count)
            for byte in (rssi & 0xFF, part)
        )

    @classmethod
    def from_bytes(cls, packed: bytes) -> "RssiHistogram":
        merged: dict[int, int] = {}
        for raw, count in zip(packed[::2], packed[1::2], strict=True):
            rssi = raw - 256 if raw > 127 else raw
            merged[rssi] = merged.get(rssi, 0) + count
        return cls(tuple(sorted(merged.items())))


def _parts_of(count: int) -> Iterator[int]:
    while count > 255:
        yield 255
        count -= 255
    yield count


@dataclass(frozen=True, slots=True)
class HeardScan:
    """One identifier during one scan, as logged: before its key is known."""

    start: datetime
    """When it was first heard in this scan, whole seconds, UTC."""
    seconds: int
    """How long this scan stands for: the time since the previous scan began, at most 300 s."""
    rssi: RssiHistogram


@dataclass(frozen=True, slots=True)
class Encounter:
    """One rolling identifier heard over some scans. People rotate, so one meeting is several."""

    identifier: bytes = field(repr=False)
    metadata: bytes | None = field(repr=False)
    scans: tuple[HeardScan, ...]
    """Ascending by start, at least one."""
    protocol: IdentifierProtocol = IdentifierProtocol.GAEN


@dataclass(frozen=True, slots=True)
class HeardIdentifier:
    """An identifier of the log and when it was heard: all that matching needs."""

    identifier: bytes = field(repr=False)
    first: int
    """Unix seconds, first time heard."""
    last: int
    """Unix seconds, last scan in which it was heard began."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A stretch of time in which the radio listened (coverage): silence is not deafness."""

    start: datetime
    """The minute it belongs to, UTC."""
    seconds: int
    """How long it stands for: see HeardScan.seconds."""
    listened: float
    """Seconds of it in which the receiver was really on."""
    sightings: int
    """Frames of ours heard in it."""
    foreign: int
    """Frames heard that were not ours: proof that the receiver works in a quiet room."""


class ReportType(IntEnum):
    """Why a key was published (GAEN export format)."""

    UNKNOWN = 0
    CONFIRMED_TEST = 1
    CONFIRMED_CLINICAL = 2
    SELF_REPORT = 3
    RECURSIVE = 4
    REVOKED = 5


class Infectiousness(IntEnum):
    NONE = 0
    STANDARD = 1
    HIGH = 2


class CalibrationConfidence(IntEnum):
    """How well the *sender* knew its own transmit power (metadata v1.1)."""

    LOWEST = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class DiagnosisKey:
    """A Temporary Exposure Key that its owner published after a diagnosis."""

    key: bytes = field(repr=False)
    """16 bytes. Public once exported, yet kept out of every log."""
    rolling_start: int
    """First ENIntervalNumber."""
    rolling_period: int
    """1..144 intervals."""
    report_type: ReportType = ReportType.UNKNOWN
    transmission_risk: int = 0
    """0..8, deprecated by GAEN v2 but still in files."""
    days_since_onset: int | None = None
    """Days from the onset of symptoms to the day of this key; None where not told."""

    @property
    def rolling_end(self) -> int:
        """First interval after the key's validity."""
        return self.rolling_start + self.rolling_period


@dataclass(frozen=True, slots=True)
class ScanInstance:
    """One scan of a match: attenuation is known, the identifier no longer matters."""

    start: datetime
    seconds: int
    """secondsSinceLastScan in GAEN's words."""
    count: int
    """Packets heard."""
    mean_attenuation: float
    """Over the packets, dB."""
    min_attenuation: int
    """dB."""
    spread: float | None = None
    """Standard deviation over the packets, dB; None where it was not told."""

    @property
    def typical_attenuation(self) -> int:
        """The mean, rounded with halves up as GAEN does."""
        return half_up(self.mean_attenuation)


@dataclass(frozen=True, slots=True)
class ExposureWindow:
    """At most 30 minutes near one diagnosis key."""

    day: date
    """UTC day of the window's start."""
    report_type: ReportType
    infectiousness: Infectiousness
    calibration_confidence: CalibrationConfidence
    scans: tuple[ScanInstance, ...]
    transmission_risk: int = 0
    link: int = 0
    """Windows near one key bear one number, which means nothing beyond the windows it came with."""
