"""From matched keys to alerts: the same evaluation after a download and after a USB stick."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bluezone_node.alerts import Alert
from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.intervals import day_of
from bluezone_node.ports import MatchedKey, NodeStore
from bluezone_node.proximity.model import (
    DiagnosisKey,
    Encounter,
    ExposureWindow,
    IdentifierProtocol,
)
from bluezone_node.proximity.preset import Preset
from bluezone_node.proximity.profile import Profile
from bluezone_node.proximity.receiver import receiver_offset
from bluezone_node.proximity.risk import alerts_from, assess
from bluezone_node.proximity.windows import exposure_windows


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What a node measures exposure by."""

    preset: Preset
    profile: Profile
    rx_offset: float | None
    """dB added to what this receiver reads, as its owner set it; None: as it was calibrated."""
    radio: str | None = None
    """The adapter in use, whose calibration counts; None where that is not known."""


def windows_of(
    store: NodeStore, matched: Sequence[MatchedKey], by: Yardstick
) -> list[ExposureWindow]:
    """Return every exposure window that the log holds of the *matched* keys."""
    intervals = [_intervals_of(match.key) for match in matched]
    wanted = {rpi for of_key in intervals for rpi in of_key}
    heard: dict[bytes, list[Encounter]] = {}
    for encounter in store.encounters_with(IdentifierProtocol.GAEN, wanted):
        heard.setdefault(encounter.identifier, []).append(encounter)
    offset = receiver_offset(by.rx_offset, store.calibrations(), by.radio)
    windows: list[ExposureWindow] = []
    for link, (match, of_key) in enumerate(zip(matched, intervals, strict=True)):
        windows += exposure_windows(
            match.key,
            tuple((interval, rpi) for rpi, interval in of_key.items() if rpi in heard),
            [encounter for rpi in of_key for encounter in heard.get(rpi, ())],
            infectiousness=by.preset.infectiousness_of,
            report_type_when_missing=by.preset.report_type_when_missing,
            rx_offset=offset.decibels,
            link=link,
        )
    return windows


def _intervals_of(key: DiagnosisKey) -> dict[bytes, int]:
    """Return the identifiers of *key*, each with its ENIntervalNumber."""
    own = TemporaryExposureKey(key.key, key.rolling_start, key.rolling_period)
    return {rpi: key.rolling_start + i for i, rpi in enumerate(all_identifiers(own))}


def judge(store: NodeStore, by: Yardstick, now: datetime) -> list[Alert]:
    """Weigh everything matched so far, store the alerts, and return the ones to be told."""
    windows = windows_of(store, store.matched_keys(), by)
    assessment = assess(windows, by.preset, by.profile, today=day_of(now))
    return store.put_alerts(alerts_from(assessment, by.preset), now, by.preset.name)
