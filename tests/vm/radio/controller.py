"""One Bluetooth LE chip, played: it answers the commands of a host and tells what it hears.

Only advertising and scanning are played, but those closely, in the dialect of Bluetooth 4
(*legacy*, as the chips of Raspberry Pis up to now) or of Bluetooth 5 (*extended*).  A *strict*
chip goes by the letter of the specification and refuses a new random address while it scans;
which chips are strict cannot be known from here, so both are played.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tests.vm.radio import hci
from tests.vm.radio.advertising import AdvertisingSet
from tests.vm.radio.pdu import ADDRESS_BYTES, Pdu, address_kind, address_text
from tests.vm.radio.scanning import Scanner

TX_POWER = 4
"""dBm, where the host does not say."""


@dataclass(frozen=True, slots=True)
class Model:
    """Which chip it is."""

    extended: bool = False
    strict: bool = True
    dual: bool = True
    """Whether it has the older Bluetooth, BR/EDR, too: BlueZ then leaves out the Flags."""


class Ether(Protocol):
    """What a controller needs of the air."""

    def begin(self, chip: "Controller", advertising: AdvertisingSet) -> None:
        """Send the set's PDU at its intervals until its ``cancel`` is called."""

    def note(self, event: str, **facts: Any) -> None:
        """Write a line into the air log."""


class Controller:
    """The chip. ``send`` is set by whoever carries its events to the host."""

    def __init__(self, ether: Ether, name: str, public: bytes, model: Model) -> None:
        self.name = name
        self.public = public
        self.model = model
        self.send: Callable[[bytes], None] = lambda packet: None
        self.unknown: dict[int, int] = {}
        """Commands that it does not know, counted by opcode."""
        self.reported = 0
        """Advertising reports given to the host."""
        self.deaf_until = ""
        """``scan``, ``reset`` or ``ever``: reports are swallowed until the host does that."""
        self.hung = False
        """Whether commands are swallowed, too."""
        self.answers_after = 0.0
        """Seconds that it takes to answer a command."""
        self._ether = ether
        self.sets: dict[int | None, AdvertisingSet] = {}
        self._forget()

    def _forget(self) -> None:
        self.random_address = bytes(ADDRESS_BYTES)
        self.sets = {} if self.model.extended else {None: AdvertisingSet(None, TX_POWER)}
        self.scanner = Scanner(self.model.extended)

    def reset(self) -> None:
        """Forget everything, silently: what HCI_Reset does, and a brownout."""
        for advertising in self.sets.values():
            self.silence(advertising)
        if self.scanner.on:
            self.note("scan_stop")
        self._forget()

    def note(self, event: str, **facts: Any) -> None:
        self._ether.note(event, node=self.name, **facts)

    # Advertising

    def advertise(self, advertising: AdvertisingSet) -> None:
        if advertising.enabled:
            return
        advertising.enabled, advertising.events = True, 0
        pdu = self.pdu(advertising)
        self.note(
            "adv_start",
            handle=advertising.handle,
            pdu=pdu.kind.name,
            addr=address_text(pdu.address),
            kind=address_kind(pdu.address, pdu.random),
            data=pdu.data.hex(),
            shortest_ms=advertising.shortest * 0.625,
            longest_ms=advertising.longest * 0.625,
            tx_power=pdu.tx_power,
        )
        self._ether.begin(self, advertising)

    def silence(self, advertising: AdvertisingSet) -> None:
        if not advertising.enabled:
            return
        advertising.enabled = False
        if advertising.cancel is not None:
            advertising.cancel()
        self.note("adv_stop", handle=advertising.handle)

    def time_out(self, advertising: AdvertisingSet) -> None:
        """End a set at the end that its host gave it."""
        self.silence(advertising)
        self.send(hci.set_terminated(advertising.handle or 0, advertising.events))

    def pdu(self, advertising: AdvertisingSet) -> Pdu:
        """Return what the set sends now."""
        if advertising.handle is None:
            # Legacy: one random address for the whole controller, read when it is used.
            advertising.random_address = self.random_address
        return advertising.pdu(self.public)

    # Scanning

    def scan(self, on: bool, filter_duplicates: bool) -> None:
        scanner = self.scanner
        if on:
            if self.deaf_until == "scan" and not scanner.on:
                self.deaf_until = ""
            if scanner.start(time.monotonic(), filter_duplicates=filter_duplicates):
                self.note(
                    "scan_start",
                    active=scanner.active,
                    interval_ms=scanner.interval * 0.625,
                    window_ms=scanner.window * 0.625,
                    filter_duplicates=filter_duplicates,
                )
        elif scanner.on:
            scanner.on = False
            self.note("scan_stop")

    def listens(self, at: float) -> bool:
        """Tell whether the receiver is on and its reports reach the host."""
        return self.scanner.listens(at) and not self.deaf_until

    def receive(self, pdu: Pdu, rssi: int) -> None:
        for report in self.scanner.reports(pdu, rssi):
            self.reported += 1
            self.send(report)
