"""The second story: a market with a kiosk, those who come to it, and two cases among them.

One case tells where he was, and an officer warns of the place.  Of the other only the kiosk's own
radio knows: his published keys are found in its log, and it proposes a notice.  Both times exactly
those are warned who were there then, whichever way they checked in.
"""

import asyncio
import re
from datetime import date, datetime
from pathlib import Path

import click

from bluezone_node.commands.demo.cast import Document, StoryFailed
from bluezone_node.commands.demo.devices import Devices
from bluezone_node.commands.demo.door import Door
from bluezone_node.commands.demo.premises import PLACE, Premises
from bluezone_node.commands.demo.roster import (
    DEVICES,
    NOBODY,
    VISITORS,
    Outcome,
    draw,
    is_proved,
    outcome_of,
)
from bluezone_node.commands.demo.squares import photograph, read_display
from bluezone_node.commands.demo.stage import Stage, eventually
from bluezone_node.commands.place_wording import explain_presence
from bluezone_node.venues.card import VIETNAM

ON_AIR = ("door", "tu", "tam")
"""Nodes with a radio."""
SCANNING = tuple(name for name in DEVICES if name not in ON_AIR)
"""Devices that are only ever asked."""

STANDING_PACE = 20.0
"""Simulated seconds per second while people stand at the door: a wearable is held to the kiosk for
a quarter of an hour, which is 45 seconds for a slow machine."""
SHOPPING_PACE = 400.0
"""While radios hear one another: a node that is late by a third of a second still takes minute for
minute.  Nobody stays across a quarter of an hour, when the tag changes: that would be late too."""

ID_CARD = "001085004327|012345678|Đỗ Tiến Dũng|14081985|Nam|Số 2 Lò Đúc, Hà Nội|01012022"
"""What the square of an identity card says; nobody's number."""

PLACES_CONFIG = """
[places]
root = "{root}"
url = "{exports}/places"
"""
DEVICE_CONFIG = """\
[node]
state_dir = "{state}"
radio = "{air}#{name}"   # for its time alone
"""
KIOSK_CONFIG = """
[kiosk]
venue = "{venue}"
listen = "127.0.0.1:0"
"""


class MarketStory(Stage):
    """Five visitors by five ways, and four who were there at another time, elsewhere, or ill."""

    scenario = "visitors.toml"
    day = date(2026, 3, 5)

    async def run(self) -> None:
        await self._open()
        try:
            await self._five_ways()
            await self._later()
            await self._told_by_a_person()
            await self._told_by_the_radio()
            await self._compare()
        finally:
            await self._door.close()

    def commands(self) -> list[str]:
        made = self.made or {"places_root": ""}
        trust = f"{self._authority}/exports/places/trust.cose --root {made['places_root']}"
        return [
            f"alerts show 1 --config {self._config('minh')}",
            f"lab place - --trust {trust} < {self._folder}/poster.txt",
            f"venue show '{PLACE}' --dir {self._authority}",
            f"notice proposals --all --dir {self._authority}",
        ]

    # The acts

    async def _open(self) -> None:
        click.echo("A market, its kiosk at the door, and who comes and goes: six processes.\n")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._devices = Devices(self._cast, self._config)
        await self._open_air()
        url, exports, made = await self._open_authority()
        with (self._authority / "authority.toml").open("a") as settings:
            settings.write(f'\n[places]\nurl = "{url}"\n')
        places = PLACES_CONFIG.format(root=made["places_root"], exports=exports)
        kiosk = KIOSK_CONFIG.format(venue=self._folder / "venue.json")
        for name in ON_AIR:
            self._configure(name, url, exports, made, kiosk if name == "door" else places)
        for name in SCANNING:
            device = DEVICE_CONFIG.format(state=self._folder / name, air=self._air, name=name)
            self._config(name).write_text(device + places)
        await eventually(self._first_bundle)
        for name in ("tu", "tam"):
            await self._start_node(name)
        self._premises = Premises(self._cast, self._folder, self._authority, self._air)
        spoken, _ = await asyncio.gather(self._premises.register(), self._devices.sync(SCANNING))
        await self._start_node("door")
        await self._nodes_on_air(*ON_AIR)
        await self._cast.start("page", "kiosk", "--config", str(self._config("door")))
        self._door = Door(await eventually(self._page_address))
        door = await self._on_air("door")
        hung = "A poster" if self._premises.has_fonts else "Its bare code, for want of a font,"
        self.check(
            door["radio"]["announcing"] and len(spoken) == 6,
            f"{PLACE} is registered. {hung} hangs at its door, to be known by {spoken[:3]} "
            f"{spoken[3:]}; its kiosk shows a square that changes, and sends a tag by Bluetooth.",
        )

    async def _five_ways(self) -> None:
        await self._skip_to("08:46", days=0)
        await self._pace(STANDING_PACE)
        lan, _ = await asyncio.gather(
            self._devices.scan("lan", self._premises.poster),
            self._devices.scan("hoa", self._premises.pharmacy),
        )
        self.check(
            lan["place"] == PLACE and lan["left"] is None,
            "Lan scans the poster. That she is here, her own device knows, and nobody else.",
        )
        code = await self._devices.code("minh")
        shown = await self._door.see(photograph(code))
        minh = await self._devices.scan("minh", read_display(await self._door.display()))
        self.check(
            shown["sign"] == "in" and minh["screen"],
            f"Minh shows the kiosk's camera a code of his own, good for 15 minutes: "
            f"{_said(shown)}. From its screen he takes the proof that he stood here.",
        )
        shown = await eventually(self._door.tap)
        self.check(
            shown["sign"] == "in",
            f"Tư wears a node without a screen, and holds it to the kiosk: {_said(shown)}.",
        )
        shown = await self._door.scan(ID_CARD)
        self.check(
            shown["sign"] == "in" and not self._is_kept(*ID_CARD.split("|")[:3]),
            f"Dũng has his identity card: {_said(shown)}. Neither number nor name is kept.",
        )
        shown = await self._door.slip()
        self._slip = await self._premises.slip_of(shown["entry"], self._door)
        self._slip_came = self._now()
        inside = await self._door.inside()
        self.check(
            shown["sign"] == "in" and inside == 4,
            f"Bà Năm has nothing, and is given a paper slip. The kiosk counts {inside} inside, and "
            "could name none of them.",
        )

    async def _later(self) -> None:
        await self._skip_to("09:00", days=0, pace=SHOPPING_PACE)
        lan = await self._devices.leave("lan")
        await self._skip_to("11:00", days=0)
        await self._devices.scan("quy", self._premises.poster)
        await self._skip_to("14:57", days=0)
        await self._skip_to("15:08", days=0, pace=SHOPPING_PACE)
        sau = await self._devices.scan("sau", self._premises.poster, "--party", "3")
        await self._skip_to("15:20", days=0, pace=SHOPPING_PACE)
        tu = (await self._devices.visits(["tu"]))["tu"]
        self.check(
            (lan["out"], [each["out"] for each in tu], sau["party"]) == ("scan", ["silence"], 3),
            "Lan checks out; Tư's node hears the market fall silent. Quý comes at eleven, Sáu's "
            "family at three; Hoa was at a pharmacy in the morning.",
        )

    async def _told_by_a_person(self) -> None:
        await self._skip_to("09:00", days=1)
        came = f"{self._slip_came.astimezone(VIETNAM):%Y-%m-%dT%H:%M}"
        await self._devices.scan("chau", self._slip, "--at", came)
        issued = await self._cast.ask(
            *("notice", "issue", PLACE, "--from", f"{self.day} 08:30", "--to", f"{self.day} 09:10"),
            *("--dir", str(self._authority), "--clock", self._air),
        )
        start, end = self._local("08:30"), self._local("09:25")
        self._cases = {"Hùng": (start, end)}
        self.check(
            (_time(issued["from"]), _time(issued["until"])) == (_time(start), _time(end)),
            "Hùng was there too, by no way at all. He tests positive, and tells when: 08:30 to "
            "09:10. An officer warns of the market, the air of a quarter of an hour included.",
        )
        await self._publish(issued["number"])
        alerts = await self._devices.alerts(DEVICES)
        self._warned = {name for name in DEVICES if alerts[name]}
        self.check(
            self._warned == {"lan", "minh", "tu", "chau"},
            "Lan, Minh and Tư are warned, and by the slip that he scanned Bà Năm's grandson: "
            "by their own devices, which told nobody. Lan's says:",
        )
        await self._show("lan")
        self.check(
            {name for name in self._warned if any(map(is_proved, alerts[name]))}
            == {"minh", "chau"},
            "Minh's and the grandson's say that a code of the market confirms the visit.",
        )
        asked = f"{self._slip_came.astimezone(VIETNAM):%Y-%m-%d %H:%M}"
        self._hotline = await self._cast.ask_all(
            *("notice", "check", PLACE, "--from", asked),
            *("--dir", str(self._authority), "--clock", self._air),
        )
        self.check(
            [each["number"] for each in self._hotline] == [issued["number"]],
            "Dũng has no device: the hotline knows by place and time, without his name.",
        )

    async def _told_by_the_radio(self) -> None:
        code = await self._issue_code(f"{self.day}")
        published = await self._devices.report("tam", code)
        before = set((self._authority / "exports").glob("*.zip"))
        await self._skip_to("13:30", days=1)
        fresh = await eventually(lambda: self._exported_since(before))
        self.check(
            published >= 1 and fresh == 1,
            "Tâm scanned nothing and remembers no place. He too is ill, and publishes the day keys "
            "of his node with a health worker's code.",
        )
        await self._devices.sync(["door"])
        place = ("--dir", str(self._authority), "--clock", self._air)
        proposals = await self._cast.ask_all("notice", "proposals", *place)
        if len(proposals) != 1:
            raise StoryFailed(f"the kiosk has proposed {len(proposals)} notices, and not one")
        said = proposals[0]
        self.check(
            self._local("14:55") <= _at(said["from"]) < _at(said["to"]) <= self._local("15:26"),
            f"The kiosk finds them in what its radio heard, and proposes a notice: "
            f"{_time(said['from'])} to {_time(said['to'])}, {said['minutes']} minutes near, "
            f"{said['packets']} packets. It names no key and no identifier.",
        )
        approved = await self._cast.ask("notice", "approve", said["id"], *place)
        self._cases["Tâm"] = (_at(approved["from"]), _at(approved["until"]))
        await self._publish(approved["number"])
        self._alerts = await self._devices.alerts(DEVICES)
        warned = {name for name in DEVICES if self._alerts[name]}
        self.check(
            warned - self._warned == {"sau"} and warned > self._warned,
            "The officer agrees. Sáu is warned, for a family of three, and nobody else anew; "
            "Tâm is not warned of Tâm.",
        )

    async def _compare(self) -> None:
        visits = await self._devices.visits(DEVICES)
        outcomes = {
            name: outcome_of(visits[name], self._alerts[name], self._cases) for name in DEVICES
        }
        called = "hotline" if self._hotline else NOBODY
        outcomes[""] = Outcome(_time(self._slip_came), called, proved=False)
        rows = [(each, outcomes[each.device]) for each in VISITORS]
        click.echo()
        draw(rows)
        self.true = self.true and all(outcome.is_right(each) for each, outcome in rows)

    # What the acts are made of

    async def _first_bundle(self) -> None:
        if not (self._authority / "exports/places/index.txt").exists():
            raise ConnectionError

    async def _page_address(self) -> str:
        found = re.search(r"http://\S+", (self._folder / "page.log").read_text())
        if found is None:
            raise ConnectionError
        return found[0].rstrip("/")

    async def _publish(self, number: int) -> None:
        """Wait for the bundle that has the notice, and let every device fetch it."""
        await eventually(lambda: self._in_bundle(number))
        await self._devices.sync(DEVICES)

    async def _in_bundle(self, number: int) -> None:
        place = ("--dir", str(self._authority), "--clock", self._air)
        if (await self._cast.ask("notice", "show", str(number), *place))["published_in"] is None:
            raise ConnectionError

    async def _show(self, name: str) -> None:
        """Print what the first alert of *name* says to a person."""
        alert = await self._devices.first_alert(name)
        if alert.presence is None:
            raise StoryFailed(f"the first alert of {name} is about no place")
        for vietnamese, english in explain_presence(alert, alert.presence):
            self.tell(vietnamese, english)

    async def _exported_since(self, before: set[Path]) -> int:
        fresh = set((self._authority / "exports").glob("*.zip")) - before
        if not fresh:
            raise ConnectionError
        return len(fresh)

    def _is_kept(self, *texts: str) -> bool:
        """Tell whether any of *texts* is in a file of the kiosk."""
        kept = [file for file in (self._folder / "door").rglob("*") if file.is_file()]
        logs = [self._folder / f"{name}.log" for name in ("door", "page", "authority")]
        content = [file.read_bytes() for file in (*kept, *logs)]
        return any(text.encode() in each for text in texts for each in content)


def _said(shown: Document) -> str:
    """Return by what the kiosk says that it knows a visitor, in both languages."""
    way = shown["notes"][0]
    return f"“{way['vi']} / {way['en']}”"


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def _time(moment: str | datetime) -> str:
    """Return the local time of day."""
    return f"{(_at(moment) if isinstance(moment, str) else moment).astimezone():%H:%M}"
