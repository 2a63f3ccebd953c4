"""Look after the radio, and tell the service manager that the node does its work.

The watchdog is fed after a look at what was done, never by the clock alone: a loop that is stuck,
a look at the radio that does not come back, and minutes that are no longer written all starve it.
A radio that is being mended does not: its ladder ends by itself, in success or in an error.
"""

from collections.abc import Callable
from datetime import datetime

from bluezone_node.node.listener import Listener
from bluezone_node.ports import Clock, Radio

LOOK_EVERY = 10.0
"""Seconds between looks: a radio that fell silent is to be heard again within a minute."""

LONGEST_TURN = 150.0
"""Seconds within which a minute must have been closed and tried to be written: it is done every
62, and a slow card that is being cleared of two weeks may hold one up for another minute."""


class Supervisor:
    """Keeps a node alive that lives, and lets one die that does not."""

    def __init__(
        self, radio: Radio, listener: Listener, clock: Clock, alive: Callable[[], None]
    ) -> None:
        self._radio = radio
        self._listener = listener
        self._clock = clock
        self._alive = alive
        self.last_look: datetime | None = None
        """When the radio was last looked at."""

    async def run(self) -> None:
        """Look for ever.

        Raises:
            RadioUnavailable: the radio is gone, and nothing is left to try.
        """
        while True:
            await self._clock.sleep(LOOK_EVERY)
            await self._radio.check()
            self.last_look = self._clock.now()
            if self._listener.since_last_turn() <= LONGEST_TURN:
                self._alive()
