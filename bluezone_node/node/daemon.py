"""The node: its tasks, which stand or fall together, and which of them need to know the time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bluezone_node.node.advertiser import Advertiser
from bluezone_node.node.listener import Ear, Listener, ListenerCondition
from bluezone_node.node.presence import Presence, PresenceCondition
from bluezone_node.node.retention import Retention
from bluezone_node.node.supervisor import Supervisor
from bluezone_node.node.sync import Sync
from bluezone_node.node.timekeeper import TimeCondition, Timekeeper
from bluezone_node.ports import OnStore, Radio, RadioCondition

log = logging.getLogger(__name__)

LONGEST_START = 60.0
"""Seconds after which the node counts as started though its radio is still being mended: it is
looked after by then, and what cannot be mended ends it with its reason.  A service manager that
waited for the radio would end it without."""

START_LOOK = 0.5
"""Seconds between looks whether the node is up."""


@dataclass(frozen=True, slots=True)
class NodeCondition:
    """How the running node is. Counters are since it started."""

    started: datetime
    now: datetime
    time: TimeCondition
    radio_name: str
    radio: RadioCondition
    radio_looked_at: datetime | None
    """When the radio was last looked at: it is every ten seconds or so."""
    listener: ListenerCondition
    last_forgot: datetime | None
    last_sync: datetime | None
    place_problem: str
    """Why the tag of this node's place is not sent; empty where it is, or where there is none."""
    presence: PresenceCondition | None
    """None where nobody's visits are kept, as at a place."""


class Daemon:
    """Runs until told to stop; stops cleanly, with what it heard written down."""

    def __init__(
        self,
        *,
        radio: Radio,
        timekeeper: Timekeeper,
        on_store: OnStore,
        advertiser: Advertiser,
        sync: Sync,
        alive: Callable[[], None],
        presence: Presence | None = None,
        ears: Sequence[Ear] = (),
    ) -> None:
        """*presence*: of the node's owner; None where no visits are kept, as at a place.

        *ears* are told of everything heard.
        """
        self._radio = radio
        self._timekeeper = timekeeper
        self._advertiser = advertiser
        self._sync = sync
        self._presence = presence
        ears = (*ears, presence.hear) if presence is not None else ears
        self._listener = Listener(radio, timekeeper, on_store, ears)
        self._retention = Retention(timekeeper, on_store)
        self._supervisor = Supervisor(radio, self._listener, timekeeper, alive)
        self._began = timekeeper.monotonic()
        timekeeper.tell(lambda _: advertiser.renew())

    def condition(self) -> NodeCondition:
        now = self._timekeeper.now()
        # By the time known now: at the start it may not have been.
        started = now - timedelta(seconds=self._timekeeper.monotonic() - self._began)
        return NodeCondition(
            started,
            now,
            self._timekeeper.condition(),
            self._radio.name,
            self._radio.condition(),
            self._supervisor.last_look,
            self._listener.condition(),
            self._retention.last_run,
            self._sync.last_round,
            self._advertiser.place_problem(),
            None if self._presence is None else self._presence.condition(),
        )

    def renew(self) -> None:
        """Change the identifier now: today's key was retired."""
        self._advertiser.renew()

    async def run(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Run until *stop* is set; call *ready* when the node is up.

        Raises:
            ExceptionGroup: what made one of the tasks fail; the others were stopped.
        """
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._timekeeper.run(), name="keep time"),
                    group.create_task(self._listener.run_hearing(), name="listen"),
                    group.create_task(self._listener.run_writing(), name="write"),
                    group.create_task(self._supervisor.run(), name="supervise"),
                    group.create_task(self._once_known(self._advertiser.run), name="advertise"),
                    group.create_task(self._once_known(self._run_sync), name="sync"),
                    group.create_task(self._once_known(self._retention.run), name="forget"),
                    group.create_task(self._tell_ready(ready), name="ready"),
                ]
                if self._presence is not None:
                    visits = self._once_known(self._presence.run)
                    tasks.append(group.create_task(visits, name="visits"))
                await stop.wait()
                log.info("stopping")
                for task in tasks:
                    task.cancel()
        finally:
            # First what would be lost if somebody loses patience, then the goodbyes.
            await self._listener.finish()
            if self._presence is not None:
                await self._presence.write()
            await self._radio.close()

    async def _once_known(self, run: Callable[[], Awaitable[None]]) -> None:
        await self._timekeeper.known.wait()
        await run()

    async def _run_sync(self) -> None:
        # An export is matched once: what was heard before the time was known must be in the log.
        await self._listener.write()
        await self._sync.run()

    async def _tell_ready(self, ready: Callable[[], None]) -> None:
        """Call *ready* with the first identifier on the air, or while the time is not known."""
        latest = self._timekeeper.monotonic() + LONGEST_START
        while not self._is_up() and self._timekeeper.monotonic() < latest:
            await self._timekeeper.sleep(START_LOOK)
        ready()

    def _is_up(self) -> bool:
        radio, time = self._radio.condition(), self._timekeeper.condition()
        return radio.advertising if time.known else bool(time.problem) and radio.listening
