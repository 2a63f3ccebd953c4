"""From matched keys to alerts: the same evaluation after a download and after a USB stick."""

from collections.abc import Sequence
from datetime import datetime

from bluezone_node.alerts import Alert
from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.intervals import day_of
from bluezone_node.ports import MatchedKey, NodeStore
from bluezone_node.proximity.model import ExposureWindow, IdentifierProtocol
from bluezone_node.proximity.preset import Preset
from bluezone_node.proximity.risk import alerts_from, assess
from bluezone_node.proximity.windows import exposure_windows


def windows_of(
    store: NodeStore, matched: Sequence[MatchedKey], preset: Preset, rx_offset: float
) -> list[ExposureWindow]:
    """Return every exposure window that the log holds of the *matched* keys."""
    windows: list[ExposureWindow] = []
    for match in matched:
        key = match.key
        own = TemporaryExposureKey(key.key, key.rolling_start, key.rolling_period)
        identifiers = {rpi: key.rolling_start + i for i, rpi in enumerate(all_identifiers(own))}
        encounters = store.encounters_with(IdentifierProtocol.GAEN, identifiers)
        heard = {encounter.identifier for encounter in encounters}
        windows += exposure_windows(
            key,
            tuple((interval, rpi) for rpi, interval in identifiers.items() if rpi in heard),
            encounters,
            infectiousness=preset.infectiousness_of,
            report_type_when_missing=preset.report_type_when_missing,
            rx_offset=rx_offset,
        )
    return windows


def judge(store: NodeStore, preset: Preset, now: datetime, rx_offset: float) -> list[Alert]:
    """Weigh everything matched so far, store the alerts, and return the ones to be told."""
    windows = windows_of(store, store.matched_keys(), preset, rx_offset)
    alerts = alerts_from(assess(windows, preset, today=day_of(now)), preset)
    return store.put_alerts(alerts, now, preset.name)
