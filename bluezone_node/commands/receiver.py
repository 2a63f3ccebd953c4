"""Which offset a node's receiver has, and how ``status``, ``doctor`` and ``calibrate`` tell it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bluezone_node.config import Settings
from bluezone_node.ports import NodeStore
from bluezone_node.proximity.calibration import Calibration
from bluezone_node.proximity.receiver import (
    OffsetOrigin,
    ReceiverOffset,
    is_old,
    receiver_offset,
)

CURE = "bluezone-node calibrate --with PEER"


Running = Mapping[str, Any] | None
"""What the daemon answers to ``status``; None where none runs."""


def offset_in_use(settings: Settings, store: NodeStore, running: Running) -> ReceiverOffset:
    """Return the offset that levels are judged with now."""
    from bluezone_node.wiring.sync import radio_in_use

    radio = radio_in_use(settings, running)
    return receiver_offset(settings.node.rx_offset, store.calibrations(), radio)


def now_of(running: Running) -> datetime:
    """Return the node's time, which may be a simulated one; this machine's where none runs."""
    return datetime.fromisoformat(running["now"]) if running else datetime.now(UTC)


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
