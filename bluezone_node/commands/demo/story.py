"""The demo's story, told as it happens: every line is checked against what the processes say."""

import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from shutil import which
from time import monotonic
from typing import TypeVar

import click
import msgspec

from bluezone_node.alerts import Alert
from bluezone_node.ble.virtual import AirControl, connect_control
from bluezone_node.commands.alerts import tell as tell_alert
from bluezone_node.commands.demo.cast import Cast, Document, StoryFailed
from bluezone_node.control import ask
from bluezone_node.errors import BluezoneError, RadioUnavailable

Found = TypeVar("Found")

NODES = ("kiosk", "an", "binh", "chi")

MEETING_PACE = 150.0
"""Simulated seconds per second while people meet: half an hour in twelve seconds."""
WAITING_PACE = 20_000.0
"""While nothing happens: two days in nine seconds."""
TALKING_PACE = 60.0
"""While commands are typed: a code is valid for 15 minutes, which must be enough here too."""

PATIENCE = 20.0
"""Wall seconds for any process to do what it was started for, on a busy Raspberry Pi."""

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


async def tell(folder: Path) -> bool:
    """Run the whole story in *folder*; return whether every line of it came true."""
    story = Story(folder)
    try:
        await story.run()
    except BluezoneError as error:
        story.check(False, f"the story broke off: {error}")
    finally:
        await story.end()
    return story.true


class Story:
    serving: tuple[str, ...] = ()
    """Options of `authority serve`."""

    def __init__(self, folder: Path) -> None:
        self.true = True
        self._folder = folder
        self._cast = Cast(folder)
        self._air = f"air:{folder / 'air.sock'}"
        self._authority = folder / "authority"
        self._started = monotonic()
        self._control: AirControl | None = None

    async def run(self) -> None:
        await self._open()
        await self._meet()
        await self._two_days()
        code = await self._diagnose()
        await self._report(code)
        await self._warn()
        self._prove_rotation()

    async def end(self) -> None:
        if self._control is not None:
            await self._control.close()
        await self._cast.stop()
        click.echo()
        click.echo(
            f"{'Every line came true' if self.true else 'NOT every line came true'}, "
            f"in {monotonic() - self._started:.0f} s. Look around:"
        )
        binh = self._config("binh")
        for command in (
            f"alerts --config {binh}",
            f"alerts show 1 --svg {self._folder}/meeting.svg --config {binh}",
            f"encounters --config {binh}",
            f"status --config {binh}",
            f"lab inspect {self._folder}/authority/exports/*.zip",
        ):
            click.echo(f"  {_program()} {command}")
        click.echo(f"Logs and databases are in {self._folder}; delete it when you are done.")

    def check(self, true: bool, line: str) -> None:
        """Tell one line of the story, marked by whether it is so."""
        self.true = self.true and true
        mark = click.style("✓", fg="green") if true else click.style("✗ NOT SO:", fg="red")
        when = f"{self._now().astimezone():%d/%m %H:%M}" if self._control else " " * 11
        click.echo(f"{when}  {mark} {line}")

    # The acts

    async def _open(self) -> None:
        click.echo("An air, an authority, a kiosk and three people: six processes.\n")
        scenario = self._folder / "market.toml"
        scenario.write_bytes((files(__package__) / "market.toml").read_bytes())
        air_log = str(self._folder / "air.jsonl")
        listen = self._air.removeprefix("air:")
        await self._cast.start(
            "air", "air", "serve", str(scenario), "--listen", listen, "--log", air_log
        )
        self._control = await _eventually(lambda: connect_control(self._air))
        url, exports, made = await self._open_authority()
        for name in NODES:
            self._config(name).write_text(
                NODE_CONFIG.format(
                    state=self._folder / name,
                    air=self._air,
                    name=name,
                    url=url,
                    exports=exports,
                    public_key=made["public_key"],
                    health_authority=made["health_authority"],
                )
            )
            await self._cast.start(name, "run", "--config", str(self._config(name)))
        for name in NODES:
            await _eventually(partial(self._on_air, name))
        self.check(True, "Four nodes are on the air, each with an identifier of its own.")
        await self._tell_database()

    async def _open_authority(self) -> tuple[str, str, Document]:
        """Return the authority's address, that of its exports, and what `init` said."""
        made = await self._make_authority()
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
        return await self._cast.ask("authority", "init", str(self._authority))

    async def _tell_database(self) -> None:
        status = await self._cast.ask("authority", "status", "--dir", str(self._authority))
        places = [each["place"] for each in status["databases"].values()]
        files = all(place.startswith(str(self._authority)) for place in places)
        where = "in two files of SQLite" if files else f"on PostgreSQL: {'; '.join(places)}"
        on_postgres = bool(os.environ.get("BLUEZONE_DATABASE"))
        self.check(files != on_postgres, f"The authority keeps what it knows {where}.")

    async def _meet(self) -> None:
        await self._pace(MEETING_PACE)
        await self._until("08:05")
        self.check(True, "An and Bình sit down at a table in the market, a metre apart.")
        await self._until("08:11")
        self.check(True, "Chi walks past at eight metres.")
        await self._until("08:26")
        binh = await self._encounters("binh")
        longest = max((e["minutes"] for e in binh), default=0)
        self.check(
            sum(e["minutes"] for e in binh) >= 15,
            f"An and Bình go home. Bình's log holds {len(binh)} encounters, {longest:.0f} minutes "
            "the longest, and no name.",
        )

    async def _two_days(self) -> None:
        await self._until("08:31")
        await self._skip_to("09:00", days=2)
        self.check(not self._cast.fallen(), "Two days pass; nobody knows anything yet.")

    async def _diagnose(self) -> str:
        onset = f"{self._now().astimezone() - timedelta(days=1):%Y-%m-%d}"
        issued = await self._cast.ask(
            *("authority", "code", "issue", "--dir", str(self._authority)),
            *("--type", "confirmed", "--symptom-date", onset, "--clock", self._air),
        )
        self.check(
            len(issued["code"]) == 8,
            "An has had a fever since yesterday and tests positive; "
            "a health worker reads out a code of eight digits.",
        )
        return str(issued["code"])

    async def _report(self, code: str) -> None:
        config = str(self._config("an"))
        done = await self._cast.ask("diagnosis", "report", code, "--yes", "--config", config)
        self.check(
            done["published"] >= 3,
            f"An agrees, and publishes {done['published']} day keys. Nothing else leaves the node.",
        )
        await self._skip_to("13:30", days=2)
        exports = await _eventually(self._exports)
        self.check(
            len(exports) == 1,
            f"The authority has signed an export of {exports[0] // 1000} kB: An's "
            "keys among a thousand made-up ones.",
        )

    async def _warn(self) -> None:
        for name in ("binh", "chi", "kiosk"):
            await self._cast.ask("sync", "--now", "--config", str(self._config(name)))
        alerts = {name: await self._alerts(name) for name in NODES}
        met = [alert for alert in alerts["binh"] if _at(alert, 8)]
        self.check(
            bool(met) and met[0].minutes_near + met[0].minutes_middle >= 10,
            "Bình is warned, with the evidence:",
        )
        for alert in met[:1]:
            _show(alert)
        self.check(not alerts["chi"], "Chi is not: walking past at eight metres is no contact.")
        touched = [alert for alert in alerts["kiosk"] if _at(alert, 8)]
        self.check(
            bool(touched),
            "The kiosk learns that its market was touched"
            + (f", from {_hours(touched[0])}." if touched else "."),
        )
        self.check(not alerts["an"], "An is not warned of An.")

    def _prove_rotation(self) -> None:
        pairs: dict[str, set[str]] = defaultdict(set)
        backwards: dict[str, set[str]] = defaultdict(set)
        for line in (self._folder / "air.jsonl").read_text().splitlines():
            entry = json.loads(line)
            if entry.get("address") and entry.get("payload"):
                pairs[entry["address"]].add(entry["payload"])
                backwards[entry["payload"]].add(entry["address"])
        mixed = sum(len(seen) > 1 for seen in (*pairs.values(), *backwards.values()))
        self.check(
            len(pairs) > 100 and mixed == 0,
            f"{len(pairs)} identifiers were on the air in these days; "
            "not one of them outlived its address, nor an address its identifier.",
        )

    # What the acts are made of

    def _config(self, name: str) -> Path:
        return self._folder / f"{name}.toml"

    def _now(self) -> datetime:
        return self._control.clock.now() if self._control else datetime.now(UTC)

    async def _pace(self, pace: float) -> None:
        assert self._control is not None  # noqa: S101 - opened first
        await self._control.set_pace(pace)

    async def _skip_to(self, time: str, days: int) -> None:
        """Let time fly until that local *time*, *days* after the story's first day."""
        assert self._control is not None  # noqa: S101 - opened first
        await self._pace(WAITING_PACE)
        await self._control.set_pace(TALKING_PACE, at=_local(time, days))
        await self._until(time, days)

    async def _until(self, time: str, days: int = 0) -> None:
        """Wait until that local *time*, *days* after the story's first day."""
        assert self._control is not None  # noqa: S101 - opened first
        due = _local(time, days)
        await self._control.clock.sleep((due - self._now()).total_seconds())
        if fallen := self._cast.fallen():
            raise StoryFailed(f"{fallen[0]} has ended: see {self._folder}/{fallen[0]}.log")

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

    async def _encounters(self, name: str) -> list[Document]:
        config = str(self._config(name))
        found: list[Document] = (await self._cast.ask("encounters", "--config", config))[
            "encounters"
        ]
        return found

    async def _alerts(self, name: str) -> list[Alert]:
        config = str(self._config(name))
        listed = (await self._cast.ask("alerts", "list", "--config", config))["alerts"]
        shown = [
            await self._cast.ask("alerts", "show", str(entry["id"]), "--config", config)
            for entry in listed
        ]
        return [msgspec.convert(entry["alert"], Alert) for entry in shown]


async def _eventually(attempt: Callable[[], Awaitable[Found]]) -> Found:
    """Try until it works: a process that was just started takes a moment to answer."""
    deadline = monotonic() + PATIENCE
    while True:
        try:
            return await attempt()
        except (RadioUnavailable, ConnectionError) as error:
            if monotonic() > deadline:
                raise StoryFailed("a process did not come up in time") from error
            await asyncio.sleep(0.05)


def _program() -> str:
    """Return what to type for this program: from a clone, it is not on the PATH."""
    installed = Path(sys.executable).with_name("bluezone-node")
    return "bluezone-node" if which("bluezone-node") else os.path.relpath(installed)


def _local(time: str, days: int) -> datetime:
    hour, minute = map(int, time.split(":"))
    return datetime(2026, 3, 2, hour, minute).astimezone() + timedelta(days=days)


def _at(alert: Alert, hour: int) -> bool:
    """Whether *alert* is about the meeting: the story's first day, at that local hour."""
    start = alert.start.astimezone()
    return (start.day, start.hour) == (2, hour)


def _hours(alert: Alert) -> str:
    return f"{alert.start.astimezone():%H:%M} to {alert.end.astimezone():%H:%M}"


def _show(alert: Alert) -> None:
    tell_alert(alert, indent=" " * 15)
