"""The first story, told as it happens: a meeting, a diagnosis, and who is warned of it."""

import json
import os
from collections import defaultdict
from datetime import date, timedelta

import click
import msgspec

from bluezone_node.alerts import Alert
from bluezone_node.commands.alerts import tell as tell_alert
from bluezone_node.commands.demo.cast import Document
from bluezone_node.commands.demo.stage import MARGIN, Stage, eventually

NODES = ("kiosk", "an", "binh", "chi")

MEETING_PACE = 150.0
"""Simulated seconds per second while people meet: half an hour in twelve seconds."""


class Story(Stage):
    """Two friends and a passer-by in a market, one of whom turns out to be infectious."""

    scenario = "market.toml"
    day = date(2026, 3, 2)

    async def run(self) -> None:
        await self._open()
        await self._meet()
        await self._two_days()
        code = await self._diagnose()
        await self._report(code)
        await self._warn()
        self._prove_rotation()

    def commands(self) -> list[str]:
        binh = self._config("binh")
        # Each by its name: the market's story adds others.
        exports = sorted((self._authority / "exports").glob("*.zip"))
        return [
            f"alerts --config {binh}",
            f"alerts show 1 --svg {self._folder}/meeting.svg --config {binh}",
            f"encounters --config {binh}",
            f"status --config {binh}",
            *(f"lab inspect {export}" for export in exports),
        ]

    # The acts

    async def _open(self) -> None:
        click.echo("An air, an authority, a kiosk and three people: six processes.\n")
        await self._open_air()
        url, exports, made = await self._open_authority()
        for name in NODES:
            self._configure(name, url, exports, made)
            await self._start_node(name)
        await self._nodes_on_air(*NODES)
        self.check(True, "Four nodes are on the air, each with an identifier of its own.")
        await self._tell_database()

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
        code = await self._issue_code(onset)
        self.check(
            len(code) == 8,
            "An has had a fever since yesterday and tests positive; "
            "a health worker reads out a code of eight digits.",
        )
        return code

    async def _report(self, code: str) -> None:
        config = str(self._config("an"))
        done = await self._cast.ask("diagnosis", "report", code, "--yes", "--config", config)
        self.check(
            done["published"] >= 3,
            f"An agrees, and publishes {done['published']} day keys. Nothing else leaves the node.",
        )
        await self._skip_to("13:30", days=2)
        exports = await eventually(self._exports)
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
            tell_alert(alert, indent=MARGIN)
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


def _at(alert: Alert, hour: int) -> bool:
    """Whether *alert* is about the meeting: the story's first day, at that local hour."""
    start = alert.start.astimezone()
    return (start.day, start.hour) == (2, hour)


def _hours(alert: Alert) -> str:
    return f"{alert.start.astimezone():%H:%M} to {alert.end.astimezone():%H:%M}"
