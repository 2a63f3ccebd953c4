"""From matched keys to alerts: the same evaluation after a download and after a USB stick."""

from collections.abc import Sequence
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
from bluezone_node.proximity.risk import alerts_from, assess
from bluezone_node.proximity.windows import exposure_windows


def windows_of(
    store: NodeStore, matched: Sequence[MatchedKey], preset: Preset, rx_offset: float
) -> list[ExposureWindow]:
    """Return every exposure window that the log holds of the *matched* keys."""
    intervals = [_intervals_of(match.key) for match in matched]
    wanted = {rpi for of_key in intervals for rpi in of_key}
    heard: dict[bytes, list[Encounter]] = {}
    for encounter in store.encounters_with(IdentifierProtocol.GAEN, wanted):
        heard.setdefault(encounter.identifier, []).append(encounter)
    windows: list[ExposureWindow] = []
    for match, of_key in zip(matched, intervals, strict=True):
        windows += exposure_windows(
            match.key,
            tuple((interval, rpi) for rpi, interval in of_key.items() if rpi in heard),
            [encounter for rpi in of_key for encounter in heard.get(rpi, ())],
            infectiousness=preset.infectiousness_of,
            report_type_when_missing=preset.report_type_when_missing,
            rx_offset=rx_offset,
        )
    return windows


def _intervals_of(key: DiagnosisKey) -> dict[bytes, int]:
    """Return the identifiers of *key*, each with its ENIntervalNumber."""
    own = TemporaryExposureKey(key.key, key.rolling_start, key.rolling_period)
    return {rpi: key.rolling_start + i for i, rpi in enumerate(all_identifiers(own))}


def judge(store: NodeStore, preset: Preset, now: datetime, rx_offset: float) -> list[Alert]:
    """Weigh everything matched so far, store the alerts, and return the ones to be told."""
    windows = windows_of(store, store.matched_keys(), preset, rx_offset)
    alerts = alerts_from(assess(windows, preset, today=day_of(now)), preset)
    return store.put_alerts(alerts, now, preset.name)
