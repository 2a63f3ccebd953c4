"""The node: advertise, listen, sync and forget, as tasks that stand or fall together."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bluezone_node.node.advertiser import Advertiser
from bluezone_node.node.listener import Listener, ListenerCondition
from bluezone_node.node.retention import Retention
from bluezone_node.node.sync import Sync
from bluezone_node.node.timekeeper import Timekeeper
from bluezone_node.ports import Clock, OnStore, Radio, RadioCondition

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NodeCondition:
    """How the running node is. Counters are since it started."""

    started: datetime
    now: datetime
    radio_name: str
    radio: RadioCondition
    listener: ListenerCondition
    clock_jumps: int
    last_forgot: datetime | None
    last_sync: datetime | None


class Daemon:
    """Runs until told to stop; stops cleanly, with what it heard written down."""

    def __init__(
        self,
        *,
        radio: Radio,
        clock: Clock,
        on_store: OnStore,
        advertiser: Advertiser,
        sync: Sync,
        alive: Callable[[], None],
    ) -> None:
        self._radio = radio
        self._clock = clock
        self._advertiser = advertiser
        self._sync = sync
        self._alive = alive
        self._listener = Listener(radio, clock, on_store)
        self._timekeeper = Timekeeper(clock, jumped=advertiser.renew)
        self._retention = Retention(clock, on_store, self._timekeeper)
        self._started = clock.now()

    def condition(self) -> NodeCondition:
        return NodeCondition(
            self._started,
            self._clock.now(),
            self._radio.name,
            self._radio.condition(),
            self._listener.condition(),
            self._timekeeper.jumps,
            self._retention.last_run,
            self._sync.last_round,
        )

    def renew(self) -> None:
        """Change the identifier now: today's key was retired."""
        self._advertiser.renew()

    async def run(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Run until *stop* is set; call *ready* when the first identifier is on the air.

        Raises:
            ExceptionGroup: what made one of the tasks fail; the others were stopped.
        """
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._advertiser.run(), name="advertise"),
                    group.create_task(self._listener.run_hearing(), name="listen"),
                    group.create_task(self._listener.run_writing(self._alive), name="write"),
                    group.create_task(self._sync.run(), name="sync"),
                    group.create_task(self._retention.run(), name="forget"),
                    group.create_task(self._timekeeper.run(), name="keep time"),
                    group.create_task(self._tell_ready(ready), name="ready"),
                ]
                await stop.wait()
                log.info("stopping")
                for task in tasks:
                    task.cancel()
        finally:
            await self._radio.close()
            await self._listener.finish()

    async def _tell_ready(self, ready: Callable[[], None]) -> None:
        await self._advertiser.on_air.wait()
        ready()
