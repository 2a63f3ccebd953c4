"""A receiver's calibration reaches the judgement, of the adapter that heard and of no other."""

from datetime import UTC, datetime, timedelta

import pytest

from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.crypto.metadata import Metadata
from bluezone_node.intervals import interval_at, rolling_start
from bluezone_node.node.advertiser import beacon
from bluezone_node.node.exposure import Yardstick, windows_of
from bluezone_node.ports import MatchedKey
from bluezone_node.presets import load_preset, load_profile
from bluezone_node.proximity.calibration import Calibration, Level
from bluezone_node.proximity.encounters import fold_all
from bluezone_node.proximity.model import DiagnosisKey, ReportType, Sighting
from tests.stores import MemoryNodeStore

MET = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
AN = TemporaryExposureKey(b"an's key of day1", rolling_start(interval_at(MET)))
DIAGNOSED = DiagnosisKey(
    AN.key, AN.rolling_start, AN.rolling_period, ReportType.CONFIRMED_TEST, days_since_onset=0
)
LEVEL = Level(300, -60.0, 7.0)
CALIBRATED = Calibration(MET, "bluez:hci0", 12.0, LEVEL, LEVEL, 6.0, 2.5)


@pytest.fixture
def store() -> MemoryNodeStore:
    """A node that heard An at -50 dBm for five minutes, and whose hci0 was calibrated."""
    sightings = []
    for second in range(0, 300, 2):
        at = MET + timedelta(seconds=second)
        sent = beacon(AN, interval_at(at), Metadata(12, 3))
        sightings.append(Sighting(at, sent.rpi, sent.aem, -50))
    opened = MemoryNodeStore()
    opened.log(*fold_all(sightings))
    opened.put_calibration(CALIBRATED)
    return opened


@pytest.mark.parametrize(
    ("setting", "radio", "attenuation"),
    [
        (None, "bluez:hci0", 56),
        (None, "bluez:hci1", 62),
        (None, None, 56),
        (2.0, "bluez:hci0", 60),
        (0.0, "bluez:hci0", 62),
    ],
    ids=["calibrated", "another adapter", "adapter not known", "set", "set to nothing"],
)
def test_levels_are_judged_with_the_offset_that_holds(
    store: MemoryNodeStore, setting: float | None, radio: str | None, attenuation: float
) -> None:
    """The setting, else the calibration of the adapter in use, else none."""
    by = Yardstick(load_preset("vn-f1-2m"), load_profile("people"), setting, radio)
    (window,) = windows_of(store, [MatchedKey(DIAGNOSED, "vn", "1.zip")], by)
    assert {scan.mean_attenuation for scan in window.scans} == {attenuation}


def test_a_new_calibration_counts_for_what_is_logged_already(store: MemoryNodeStore) -> None:
    """The store is asked at each judgement: no restart is needed."""
    by = Yardstick(load_preset("vn-f1-2m"), load_profile("people"), None, "bluez:hci0")
    matched = [MatchedKey(DIAGNOSED, "vn", "1.zip")]
    (before,) = windows_of(store, matched, by)
    store.forget_calibrations()
    (after,) = windows_of(store, matched, by)
    assert after.scans[0].mean_attenuation - before.scans[0].mean_attenuation == 6
