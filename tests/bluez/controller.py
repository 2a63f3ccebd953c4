"""A Bluetooth chip and the kernel's part above it: what stays when bluetoothd dies.

Left out of what real ones do: scan windows (a chip that scans hears every advertisement in reach),
scan responses, connections.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from enum import Enum

from tests.bluez.ad import Advertisement
from tests.bluez.ether import Ether, Transmission

RESTART = 10.24
"""Seconds after which the kernel ends an active scan, and bluetoothd begins it anew; the duplicate
filter forgets."""
TURN = 2.0
"""Seconds for which a chip of Bluetooth 4 sends each of several advertisements in turn."""
LEGACY_INTERVAL = 0.125
"""Seconds: the kernel asks for 100-150 ms for what cannot be connected to, whatever BlueZ says."""
EXTENDED_INTERVAL = 1.28
"""Seconds: the kernel's default for Bluetooth 5, used unless bluetoothd may ask for another."""


class Kind(Enum):
    LEGACY = "legacy"
    """Bluetooth 4, to the letter: no new random address while the chip scans."""
    LAX = "lax"
    """Bluetooth 4, and the chip does not mind."""
    EXTENDED = "ext"
    """Bluetooth 5: several advertising sets at once, each with an address of its own."""


class Scan(Enum):
    OFF = "off"
    ACTIVE = "active"
    PASSIVE = "passive"


class Busy(Exception):
    """The chip refused a random address, because it scans: kernel log *opcode 0x2005 … -16*."""


class Controller:
    def __init__(
        self,
        name: str,
        address: str,
        kind: Kind,
        ether: Ether,
        *,
        le_only: bool = False,
        restart: float = RESTART,
    ) -> None:
        """*restart*: see `RESTART`; less where time runs faster elsewhere."""
        self.name = name
        self.address = address
        self.kind = kind
        self.le_only = le_only
        self.powered = True
        self.blocked = False
        self.plugged = True
        self.deaf = False
        """It scans and reports nothing."""
        self.heals = False
        """Switching it off and on makes it hear again."""
        self.monitored = False
        """Whether advertisement monitors are set: read when an active scan (re)starts."""
        self.scan = Scan.OFF
        self.orphaned = False
        """The scan is one of a bluetoothd that died."""
        self.on_report: Callable[[str, bytes, int, bool], None] | None = None
        self.instances: dict[int, Advertisement] = {}
        self._numbers = itertools.count(1)
        self._ether = ether
        self._restart_after = restart
        self._on_air: dict[int, Transmission] = {}
        """By instance; at most one on a chip of Bluetooth 4."""
        self._seen: set[tuple[str, bytes]] = set()
        self._filtering = True
        self._restarts: asyncio.Task[None] | None = None
        self._turns: asyncio.Task[None] | None = None
        ether.receivers[name] = self._hear

    def advertise(self, advertisement: Advertisement, number: int | None = None) -> int:
        """Send *advertisement*; return its number. With the *number* of an old one: replace it.

        Raises:
            Busy: see there. Nothing is on the air then.
        """
        new = next(self._numbers) if number is None else number
        self.instances[new] = advertisement
        try:
            self._start(new)
        except Busy:
            if number is None:
                del self.instances[new]
            raise
        self._take_turns()
        return new

    def withdraw(self, number: int) -> None:
        del self.instances[number]
        if number in self._on_air and self.instances and self.kind is not Kind.EXTENDED:
            with contextlib.suppress(Busy):
                self._start(next(iter(self.instances)))
        self._stop(number)
        self._take_turns()

    def orphan(self) -> None:
        """Its bluetoothd is dead: it sends on, and scans on until the kernel's time is over."""
        self.on_report = None
        self.monitored = False
        self.orphaned = self.scan is Scan.ACTIVE
        if self.scan is Scan.PASSIVE:
            self.listen(Scan.OFF)

    def clear(self) -> None:
        """Forget all advertisements, as a bluetoothd that starts asks for."""
        for number in list(self.instances):
            self._stop(number)
        self.instances.clear()
        self._take_turns()

    def power(self, on: bool) -> None:
        """Switch the chip; its advertisements go on where they were, under new addresses."""
        self.powered = on
        if on:
            self.deaf = self.deaf and not self.heals
            self._resume()
        else:
            self.listen(Scan.OFF)
            for number in list(self._on_air):
                self._stop(number)

    def listen(self, scan: Scan) -> None:
        """Start, restart or stop to scan."""
        self.scan = scan
        self.orphaned = False
        self._forget()
        if self._restarts is not None:
            self._restarts.cancel()
            self._restarts = None
        if scan is Scan.ACTIVE:
            self._restarts = asyncio.get_running_loop().create_task(self._restart())
        elif scan is Scan.OFF and self.powered:
            self._resume()

    def _start(self, number: int) -> None:
        if self.kind is Kind.EXTENDED:
            self._stop(number)
        elif self._on_air:
            # The kernel writes the new bytes first, and changes the address after.
            ((old, sent),) = self._on_air.items()
            advertisement = self.instances[number]
            if sent.payload != advertisement.payload:
                self._ether.flash(sent, advertisement.payload)
            self._stop(old)
        if self.kind is Kind.LEGACY and self.scan is not Scan.OFF:
            raise Busy
        if self.powered:
            self._send(number)

    def _send(self, number: int) -> None:
        advertisement = self.instances[number]
        seconds = LEGACY_INTERVAL
        if self.kind is Kind.EXTENDED:
            asked = advertisement.interval
            seconds = sum(asked) / 2000 if asked else EXTENDED_INTERVAL
        public = advertisement.connectable
        self._on_air[number] = self._ether.send(
            self.name,
            self.address if public else self._ether.private_address(),
            advertisement.payload,
            lambda: seconds,
            connectable=public,
        )

    def _stop(self, number: int) -> None:
        sent = self._on_air.pop(number, None)
        if sent is not None:
            self._ether.stop(sent)

    def _resume(self) -> None:
        for number in self.instances:
            if number not in self._on_air and (self.kind is Kind.EXTENDED or not self._on_air):
                self._send(number)

    def _take_turns(self) -> None:
        needed = self.kind is not Kind.EXTENDED and len(self.instances) > 1
        if needed and self._turns is None:
            self._turns = asyncio.get_running_loop().create_task(self._turn())
        elif not needed and self._turns is not None:
            self._turns.cancel()
            self._turns = None

    async def _turn(self) -> None:
        while True:
            await asyncio.sleep(TURN)
            numbers = list(self.instances)
            current = next(iter(self._on_air), numbers[-1])
            following = numbers[(numbers.index(current) + 1) % len(numbers)]
            with contextlib.suppress(Busy):
                self._start(following)

    async def _restart(self) -> None:
        while True:
            await asyncio.sleep(self._restart_after)
            if self.orphaned:
                self.listen(Scan.OFF)
                return
            self._forget()

    def _forget(self) -> None:
        self._seen.clear()
        self._filtering = not self.monitored

    def _hear(self, address: str, payload: bytes, rssi: int, connectable: bool) -> None:
        if not self.powered or self.deaf or self.scan is Scan.OFF or self.on_report is None:
            return
        if self.scan is Scan.ACTIVE and self._filtering:
            if (address, payload) in self._seen:
                return
            self._seen.add((address, payload))
        self.on_report(address, payload, rssi, connectable)
