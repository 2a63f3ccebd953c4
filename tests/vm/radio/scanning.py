"""The receiving half of a controller: when it listens, and what it tells its host."""

import struct
from dataclasses import dataclass, field

from tests.vm.radio import hci
from tests.vm.radio.advertising import SLOT
from tests.vm.radio.pdu import SCANNABLE, Kind, Pdu

_LEGACY_IN_EXTENDED = {
    Kind.ADV_IND: 0x13,
    Kind.ADV_DIRECT_IND: 0x15,
    Kind.ADV_SCAN_IND: 0x12,
    Kind.ADV_NONCONN_IND: 0x10,
}
"""Event_Type of a legacy PDU in an extended report (Vol 4 Part E §7.7.65.13)."""
_RESPONSE_IN_EXTENDED = {Kind.ADV_IND: 0x1B, Kind.ADV_SCAN_IND: 0x1A}
_NO_SET, _NO_POWER = 0xFF, 127


@dataclass(slots=True)
class Scanner:
    extended: bool
    """Whether the host is told in extended reports."""
    on: bool = False
    active: bool = False
    interval: int = 0x10
    window: int = 0x10
    """Units of SLOT; the receiver is on for a window in each interval."""
    policy: int = 0
    filter_duplicates: bool = False
    began: float = 0.0
    seen: set[tuple[bytes, bool, bytes]] = field(default_factory=set)

    def start(self, at: float, *, filter_duplicates: bool) -> bool:
        """Switch on, at *at* of the monotonic clock; return whether it was off.

        A host that enables what is enabled only changes the filter.
        """
        was_off = not self.on
        if was_off:
            self.began = at
            self.seen.clear()
        self.on, self.filter_duplicates = True, filter_duplicates
        return was_off

    def listens(self, at: float) -> bool:
        if not self.on or self.window >= self.interval:
            return self.on
        return (at - self.began) % (self.interval * SLOT) < self.window * SLOT

    def reports(self, pdu: Pdu, rssi: int) -> list[bytes]:
        """Return the events for the host about *pdu*, received with *rssi* dBm."""
        told = []
        if self._is_news(pdu, pdu.data, response=False):
            told.append(self._report(pdu, rssi, pdu.data, response=False))
        asked = self.active and pdu.kind in SCANNABLE
        if asked and self._is_news(pdu, pdu.response, response=True):
            told.append(self._report(pdu, rssi, pdu.response, response=True))
        return told

    def _is_news(self, pdu: Pdu, data: bytes, *, response: bool) -> bool:
        if not self.filter_duplicates:
            return True
        key = (pdu.address, response, data)
        if key in self.seen:
            return False
        self.seen.add(key)
        return True

    def _report(self, pdu: Pdu, rssi: int, data: bytes, *, response: bool) -> bytes:
        level = max(-127, min(20, rssi)) & 0xFF
        if self.extended:
            return self._extended_report(pdu, level, data, response=response)
        kind = Kind.SCAN_RSP if response else pdu.kind
        head = struct.pack("<BBBB", hci.Meta.ADVERTISING_REPORT, 1, kind, pdu.random)
        tail = bytes([len(data)]) + data + bytes([level])
        return hci.event(hci.Event.LE_META, head + pdu.address + tail)

    def _extended_report(self, pdu: Pdu, level: int, data: bytes, *, response: bool) -> bytes:
        primary = 1
        if pdu.kind is Kind.ADV_EXT_IND:
            kind, secondary, set_id = 0, 1, 0
        else:
            kinds = _RESPONSE_IN_EXTENDED if response else _LEGACY_IN_EXTENDED
            kind, secondary, set_id = kinds[pdu.kind], 0, _NO_SET
        head = struct.pack("<BBHB", hci.Meta.EXTENDED_ADVERTISING_REPORT, 1, kind, pdu.random)
        radio = struct.pack("<BBBBB", primary, secondary, set_id, _NO_POWER, level)
        nobody, periodic = bytes(7), bytes(2)
        tail = periodic + nobody + bytes([len(data)]) + data
        return hci.event(hci.Event.LE_META, head + pdu.address + radio + tail)
