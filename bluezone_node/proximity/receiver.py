"""Which offset a receiver's levels are judged with: its owner's, a calibration's, or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from bluezone_node.proximity.calibration import Calibration

GOOD_FOR = timedelta(days=365)
"""A calibration that is older is still used, and said to be old: adapters do not drift much, but
in a year cases, antennas and places change."""


class OffsetOrigin(Enum):
    """Whose word the offset is; the value is printed in JSON."""

    SETTING = "setting"
    CALIBRATION = "calibration"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class ReceiverOffset:
    """The offset in use, and what is known beside it."""

    decibels: float
    origin: OffsetOrigin
    calibration: Calibration | None
    """Of the adapter in use, whether or not the setting overrules it."""
    others: tuple[Calibration, ...]
    """Of adapters that are not in use: they count for nothing."""


def receiver_offset(
    setting: float | None, calibrations: Sequence[Calibration], radio: str | None
) -> ReceiverOffset:
    """Return the offset for levels read by *radio*.

    *setting* wins; unset, it is the calibration of *radio*; else 0.  *radio* is None where nobody
    can tell which adapter is in use: the only one that was ever calibrated is taken for it.
    """
    if radio is None and len(calibrations) == 1:
        radio = calibrations[0].radio
    own = next((each for each in calibrations if each.radio == radio), None)
    others = tuple(each for each in calibrations if each is not own)
    if setting is not None:
        return ReceiverOffset(setting, OffsetOrigin.SETTING, own, others)
    if own is not None:
        return ReceiverOffset(own.offset, OffsetOrigin.CALIBRATION, own, others)
    return ReceiverOffset(0.0, OffsetOrigin.NOBODY, None, others)


def is_old(calibration: Calibration, now: datetime) -> bool:
    """Tell whether it is time to calibrate anew."""
    return now - calibration.made > GOOD_FOR
