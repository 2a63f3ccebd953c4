"""Listening, turn after turn, for as long as the node runs; what fails is tried again."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from bleak.backends.scanner import AdvertisementData

from bluezone_node.ble.bluez_bus import BluezBus
from bluezone_node.ble.bluez_scanner import BluezScanner, Report, ScanFailed
from bluezone_node.ble.bluez_turn import Turn
from bluezone_node.ble.rhythm import REPORTS_PER_TURN, Rhythm, Way
from bluezone_node.ports import Clock

log = logging.getLogger(__name__)

RETRY = 2.0
"""Seconds between attempts: what fails because another program is just starting a scan, or
because bluetoothd is just coming up, works at one of the next."""

LONELY_AFTER = 30.0
"""Seconds without a report after which a turn listens to everyone: headphones and watches are what
tells an empty house from a deaf receiver."""


class Listening:
    """The receiving half of the radio. Counters are since it was made."""

    def __init__(
        self,
        bus: BluezBus,
        adapter: str,
        rhythms: Mapping[Way, Rhythm],
        turn: Turn,
        clock: Clock,
        report: Report,
        *,
        monitors: bool,
    ) -> None:
        self.way = Way.MONITORED if monitors else Way.BURSTS
        self.problem = ""
        """Why the last turn failed; empty when it did not."""
        self.reports = 0
        self.last_report = clock.monotonic()
        """Monotonic seconds; of the beginning, while there was none."""
        self._bus = bus
        self._adapter = adapter
        self._rhythms = rhythms
        self._turn = turn
        self._clock = clock
        self._report = report
        self._scanner = self._new_scanner()
        self._listened = 0.0
        self._since: float | None = None
        self._end: asyncio.Timeout | None = None
        """When the turn under way ends."""
        self._enough = 0
        """At how many reports it ends early."""

    @property
    def rhythm(self) -> Rhythm:
        return self._rhythms[self.way]

    def seconds(self) -> float:
        """Return for how long the receiver was on."""
        if self._since is None:
            return self._listened
        return self._listened + self._clock.monotonic() - self._since

    def restart(self) -> None:
        """Take a fresh scanner for the next turn: the present one may be deaf."""
        self._scanner = self._new_scanner()

    def leave_pauses(self) -> None:
        """Listen in short bursts from now on.

        A chip of Bluetooth 4 sends two things by turns of two seconds, with a new address for
        each, and a strict one takes none while it scans: it would fall silent.
        """
        if self.way is not Way.SHORT_BURSTS:
            self.way = Way.SHORT_BURSTS
            self.restart()

    async def run(self) -> None:
        while True:
            reports, seconds = self.reports, self.seconds()
            for _ in range(self.rhythm.turns):
                async with self._turn.patient():
                    await self._listen()
            pause = self.rhythm.pause_after(self.reports - reports, self.seconds() - seconds)
            if self.problem:
                pause = RETRY
            if pause:
                await self._clock.sleep(pause)

    async def _listen(self) -> None:
        scanner = self._scanner
        try:
            lonely = self._clock.monotonic() - self.last_report > LONELY_AFTER
            await scanner.start(everyone=lonely)
            self._since = self._clock.monotonic()
            self._enough = self.reports + REPORTS_PER_TURN
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.rhythm.listen) as self._end:
                    await self._turn.wanted()
            self._note_end()
            await scanner.stop()
            self.problem = ""
        except ScanFailed as failed:
            self._failed(failed)
        except asyncio.CancelledError:
            with contextlib.suppress(ScanFailed):
                await scanner.stop()
            raise
        finally:
            self._note_end()

    def _note_end(self) -> None:
        self._end = None
        if self._since is not None:
            self._listened += self._clock.monotonic() - self._since
            self._since = None

    def _failed(self, failed: ScanFailed) -> None:
        if not self.problem:
            log.warning("listening with %s: %s", self._adapter, failed)
        self.problem = str(failed)
        if self.way is Way.MONITORED and not self.reports:
            # Offered, and yet refused: take the way that works everywhere.
            self.way = Way.BURSTS
        self.restart()

    def _new_scanner(self) -> BluezScanner:
        return BluezScanner(self._adapter, self.way, self._heard, self._bus)

    def _heard(self, advertisement: AdvertisementData) -> None:
        self.reports += 1
        self.last_report = self._clock.monotonic()
        self._report(advertisement)
        if self.reports == self._enough and self._end is not None:
            self._end.reschedule(asyncio.get_running_loop().time())
