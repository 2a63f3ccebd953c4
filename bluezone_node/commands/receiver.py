"""How ``status``, ``doctor`` and ``calibrate --show`` tell which offset a receiver has."""

from datetime import datetime

from bluezone_node.proximity.calibration import Calibration
from bluezone_node.proximity.receiver import OffsetOrigin, ReceiverOffset, is_old

CURE = "bluezone-node calibrate --with PEER"


def offset_in_words(offset: ReceiverOffset, now: datetime) -> tuple[str, str]:
    """Return one line, and what could be done to make it better; empty: nothing."""
    told, cure = f"{offset.decibels:+.1f} dB", ""
    own = offset.calibration
    if offset.origin is OffsetOrigin.SETTING:
        told += ", by the setting node.rx_offset"
        if own is not None:
            told += f", which goes before {own.offset:+.1f} dB, {_calibrated(own)}"
    elif own is not None:
        told += f" ± {own.standard_error:.1f}, {_calibrated(own)}"
    else:
        told += ", as nobody calibrated it"
        cure = CURE
    if own is not None and is_old(own, now):
        told += ": more than a year ago"
        cure = CURE
    if offset.others:
        others = ", ".join(_calibrated(each) for each in offset.others)
        told += f"; of other adapters, and not counted: {others}"
    return told, cure


def _calibrated(calibration: Calibration) -> str:
    return f"calibrated {calibration.made.astimezone():%Y-%m-%d} with {calibration.radio}"
