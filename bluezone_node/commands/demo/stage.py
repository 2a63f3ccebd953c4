"""What the demo's stories are told on: an air, an authority, nodes, and lines that must be true."""

import asyncio
import json
import shutil
import textwrap
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from time import monotonic
from typing import ClassVar, TypeVar

import click

from bluezone_node.ble.virtual import AirControl, connect_control
from bluezone_node.commands.demo.cast import Cast, Document, StoryFailed
from bluezone_node.control import ask
from bluezone_node.errors import RadioUnavailable

Found = TypeVar("Found")

WAITING_PACE = 20_000.0
"""Simulated seconds per second while nothing happens: two days in nine seconds."""
TALKING_PACE = 60.0
"""While commands are typed."""
CODE_PACE = 6.0
"""While a code is read out and typed: its 15 minutes are two and a half for a slow machine."""

PATIENCE = 120.0
"""Wall seconds for any process to do what it was started for: more than any machine takes."""

MARGIN = " " * 15
"""Under the words of a line, beside its time and its mark."""
WIDEST = 110
"""Columns: longer lines are hard to read."""

NODE_CONFIG = """\
[node]
state_dir = "{state}"
radio = "{air}#{name}"
tx_power = 12
calibration_confidence = 3
rules = "vn-f1-2m"
profile = "line-of-sight"   # the air of this story is that of bare boards which see each other

[[sources]]
name = "authority"
url = "{exports}"
public_keys = ["{public_key}"]

[authority]
registrar = "{url}"
publisher = "{url}"
health_authority = "{health_authority}"
"""


class Stage:
    """One story: its processes, its time, and whether every line of it came true so far."""

    scenario: ClassVar[str]
    """File of the air's scenario, beside this module."""
    day: ClassVar[date]
    """The first day of the story, as in the scenario."""
    serving: tuple[str, ...] = ()
    """Options of `authority serve`."""

    def __init__(
        self, folder: Path, authority: Path | None = None, made: Document | None = None
    ) -> None:
        """*authority*: its folder. *made*: what `init` said of it, where it is there already."""
        self.true = True
        self.made = made
        self._folder = folder
        self._cast = Cast(folder)
        self._air = f"air:{folder / 'air.sock'}"
        self._authority = authority or folder / "authority"
        self._control: AirControl | None = None

    async def run(self) -> None:
        """Tell the story from its beginning to its end."""
        raise NotImplementedError

    def commands(self) -> list[str]:
        """Return what can be asked afterwards, about what the story left in its folder."""
        raise NotImplementedError

    async def end(self) -> None:
        """Stop every process."""
        if self._control is not None:
            await self._control.close()
        await self._cast.stop()

    def check(self, true: bool, line: str) -> None:
        """Tell one line of the story, marked by whether it is so."""
        self.true = self.true and true
        mark = click.style("✓", fg="green") if true else click.style("✗ NOT SO:", fg="red")
        when = f"{self._now().astimezone():%d/%m %H:%M}" if self._control else " " * 11
        first, *rest = _wrapped(line)
        click.echo(f"{when}  {mark} {first}")
        for each in rest:
            click.echo(MARGIN + each)

    def tell(self, line: str, beside: str = "") -> None:
        """Tell *line* under the one before, and *beside* it the same in another language."""
        for each in _wrapped(line):
            click.echo(MARGIN + each)
        for each in _wrapped(beside, inward=4) if beside else ():
            click.echo(click.style(MARGIN + each, dim=True))

    # The air, the authority and the nodes

    async def _open_air(self) -> None:
        scenario = self._folder / self.scenario
        scenario.write_bytes((files(__package__) / self.scenario).read_bytes())
        air_log = str(self._folder / "air.jsonl")
        listen = self._air.removeprefix("air:")
        await self._cast.start(
            "air", "air", "serve", str(scenario), "--listen", listen, "--log", air_log
        )
        self._control = await eventually(lambda: connect_control(self._air))

    async def _open_authority(self) -> tuple[str, str, Document]:
        """Return the authority's address, that of its exports, and what `init` said."""
        made = self.made = self.made or await self._make_authority()
        server = await self._cast.start(
            "authority",
            *("authority", "serve", "--dir", str(self._authority), "--listen", "127.0.0.1:0"),
            *("--clock", self._air, "--json", *self.serving),
        )
        assert server.stdout is not None  # noqa: S101 - it was started with a pipe
        async with asyncio.timeout(PATIENCE):
            line = await server.stdout.readline()
        if not line:
            raise StoryFailed(f"the authority did not start: see {self._folder}/authority.log")
        url = json.loads(line)["listening"]
        return url, f"{url}/exports", made

    async def _make_authority(self) -> Document:
        return await self._cast.ask("authority", "init", str(self._authority), "--clock", self._air)

    async def _start_node(self, name: str) -> None:
        await self._cast.start(name, "run", "--config", str(self._config(name)))

    async def _nodes_on_air(self, *names: str) -> None:
        for name in names:
            await eventually(partial(self._on_air, name))

    def _configure(self, name: str, url: str, exports: str, made: Document, more: str = "") -> None:
        """Write the settings of the node *name*."""
        settings = NODE_CONFIG.format(
            state=self._folder / name,
            air=self._air,
            name=name,
            url=url,
            exports=exports,
            public_key=made["public_key"],
            health_authority=made["health_authority"],
        )
        self._config(name).write_text(settings + more)

    def _config(self, name: str) -> Path:
        return self._folder / f"{name}.toml"

    async def _on_air(self, name: str) -> Document:
        if name in self._cast.fallen():
            log = (self._folder / f"{name}.log").read_text().strip()
            raise StoryFailed(f"{name} has ended: {log}")
        state = await asyncio.to_thread(ask, self._folder / name, "status")
        if state is None or not state["radio"]["advertising"]:
            raise ConnectionError
        return state

    async def _exports(self) -> list[int]:
        """Return the size of each file of keys that is on offer, in bytes."""
        found = [file.stat().st_size for file in (self._authority / "exports").glob("*.zip")]
        if not found:
            raise ConnectionError
        return found

    async def _issue_code(self, symptom_date: str) -> str:
        """Return the code that a health worker reads out to somebody who tested positive.

        Time goes slowly from here on, until it is skipped again.
        """
        await self._pace(CODE_PACE)
        issued = await self._cast.ask(
            *("authority", "code", "issue", "--dir", str(self._authority)),
            *("--type", "confirmed", "--symptom-date", symptom_date, "--clock", self._air),
        )
        return str(issued["code"])

    # Time

    def _now(self) -> datetime:
        return self._control.clock.now() if self._control else datetime.now(UTC)

    async def _pace(self, pace: float) -> None:
        assert self._control is not None  # noqa: S101 - opened first
        await self._control.set_pace(pace)

    async def _skip_to(self, at: str, days: int, pace: float = WAITING_PACE) -> None:
        """Let time fly until that local time, *days* after the story's first day."""
        assert self._control is not None  # noqa: S101 - opened first
        await self._control.skip_to(self._local(at, days), pace, TALKING_PACE)
        await self._until(at, days)

    async def _until(self, at: str, days: int = 0) -> None:
        """Wait until that local time, *days* after the story's first day."""
        assert self._control is not None  # noqa: S101 - opened first
        due = self._local(at, days)
        await self._control.clock.sleep((due - self._now()).total_seconds())
        if fallen := self._cast.fallen():
            raise StoryFailed(f"{fallen[0]} has ended: see {self._folder}/{fallen[0]}.log")

    def _local(self, at: str, days: int = 0) -> datetime:
        moment = datetime.combine(self.day, time.fromisoformat(at))
        return moment.astimezone() + timedelta(days=days)


async def eventually(attempt: Callable[[], Awaitable[Found]]) -> Found:
    """Try until it works: a process that was just started takes a moment to answer."""
    deadline = monotonic() + PATIENCE
    while True:
        try:
            return await attempt()
        except (RadioUnavailable, ConnectionError) as error:
            if monotonic() > deadline:
                raise StoryFailed("a process did not come up in time") from error
            await asyncio.sleep(0.05)


def _wrapped(line: str, inward: int = 0) -> list[str]:
    """Return *line* in as many as the terminal needs; in one, where there is no terminal."""
    columns = shutil.get_terminal_size((0, 0)).columns
    if not columns:
        return [" " * inward + line]
    width = max(min(columns, WIDEST) - len(MARGIN), 30)
    return textwrap.wrap(line, width, initial_indent=" " * inward, subsequent_indent=" " * inward)
