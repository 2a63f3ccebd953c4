"""The story of ``bluezone-node demo``, told over BlueZ: a meeting, a diagnosis, an alert.

Real radios cannot be hurried, and the legal quarter of an hour is longer than a test may take.  So
one thing is made shorter: the rules count one minute within 2 m as a contact, in a preset that is
laid beside the program's own within this machine.  Everything else is as in earnest, the
authority's embargo and export periods too: the machine's clock is set two days on, as the time
service of a machine that was asleep would do, under the nodes as they run.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.vm.guest.node import Node, command
from tests.vm.guest.process import until
from tests.vm.judge import pairs
from tests.vm.lab import PATIENCE, Lab, set_wall_clock

CHECKS: Mapping[str, str] = {
    "a code": "a health worker is given a code of eight digits",
    "published": "An publishes day keys with it",
    "the clock was set": "two days on, every node runs, has noticed, and has a new identifier",
    "an export": "the authority signs one export",
    "Binh is warned": "who sat beside An is warned, with at least a minute of evidence",
    "Chi is not": "who was heard from far away is not",
    "An is not": "nobody is warned of himself",
    "never mixed": "over all of it no address outlived its identifier, or the reverse",
}

NEAR, FAR = 50.0, 85.0
"""dB: 58 is a metre and less between two Raspberry Pis, 69 is 3 m (the rules say so)."""

REAL_RULES, SHORT_RULES = "vn-f1-2m", "vm-one-minute"

BEGIN = timedelta(hours=12, minutes=9, seconds=10)
"""Time of day at which the nodes are started.  At ten past, both the minute of their meeting and
the ten minutes of the identifier are over: only what is over is published."""

CONFIG = """
[[sources]]
name = "authority"
url = "{url}/exports"
public_keys = ["{public_key}"]

[authority]
registrar = "{url}"
publisher = "{url}"
health_authority = "{health_authority}"
"""


def play(lab: Lab) -> None:
    lab.radio("an:vhci:legacy", "binh:vhci:extended", "chi:vhci:legacy:lax")
    lab.desk("loss", a="an", b="binh", db=NEAR)
    lab.desk("loss", a="an", b="chi", db=FAR)
    lab.desk("loss", a="binh", b="chi", db=FAR)
    lab.bluetoothd()
    shorten_rules()
    authority, more = open_authority(lab)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    set_wall_clock((today + BEGIN).timestamp())
    nodes = {name: node(lab, name, more) for name in ("an", "binh", "chi")}
    for one in nodes.values():
        until(one.on_air, PATIENCE, f"{one.name} on the air")
    until(
        lambda: (
            datetime.now(UTC) >= today + timedelta(hours=12, minutes=10)
            and all(written_since_ten_past(one) for one in nodes.values())
        ),
        PATIENCE,
        "the minute together written down",
    )

    issued = command(
        *("authority", "code", "issue", "--dir", str(authority), "--type", "confirmed"),
        *("--symptom-date", f"{today - timedelta(days=1):%Y-%m-%d}"),
    )
    lab.check("a code", len(issued["code"]) == 8)
    report = nodes["an"].ask("diagnosis", "report", str(issued["code"]), "--yes")
    lab.check("published", report["published"] >= 1, published=report["published"])

    before = {name: rotations(one) for name, one in nodes.items()}
    set_wall_clock(time.time() + timedelta(days=2).total_seconds())
    until(
        lambda: all(rotations(one) > before[name] for name, one in nodes.items()),
        PATIENCE,
        "new identifiers after two days",
    )
    lab.check("the clock was set", all(one.on_air() for one in nodes.values()))
    command("authority", "export", "run", "--dir", str(authority))
    exports = list((authority / "exports").glob("*.zip"))
    lab.check("an export", len(exports) == 1, bytes=[path.stat().st_size for path in exports])

    for name in nodes:
        nodes[name].ask("sync", "--now")
    alerts = {name: one.ask("alerts", "list")["alerts"] for name, one in nodes.items()}
    near = [entry["alert"] for entry in alerts["binh"]]
    lab.check(
        "Binh is warned",
        near and near[0]["minutes_near"] + near[0]["minutes_middle"] >= 0.5,
        alerts=[{key: a[key] for key in ("minutes_near", "minutes_middle")} for a in near],
    )
    heard_an = nodes["chi"].ask("encounters")["encounters"]
    lab.check("Chi is not", heard_an and not alerts["chi"], encounters=len(heard_an))
    lab.check("An is not", not alerts["an"])
    log = lab.air()
    mixed = {name: pairs(log.of(name)).mixed for name in nodes}
    lab.check("never mixed", not any(mixed.values()), mixed=mixed)


def shorten_rules() -> None:
    """Lay a preset beside the program's own that asks for one minute instead of fifteen."""
    from bluezone_node import presets

    folder = Path(presets.__file__).parent / "proximity" / "presets"
    preset: dict[str, Any] = json.loads((folder / f"{REAL_RULES}.json").read_text())
    preset["name"] = SHORT_RULES
    preset["rules"] |= {"minutes": 1.0, "alert_minutes": 0.5}
    (folder / f"{SHORT_RULES}.json").write_text(json.dumps(preset))


def open_authority(lab: Lab) -> tuple[Path, str]:
    """Start an authority; return its folder, and what nodes must know of it, as TOML."""
    folder = Path("/run/authority")
    made = command("authority", "init", str(folder))
    server = lab.python(
        "authority", "bluezone_node", "authority", "serve",
        *("--dir", str(folder), "--listen", "127.0.0.1:0", "--json"),
    )  # fmt: skip
    line = until(lambda: announced(server.words()), PATIENCE, "the authority's address")
    return folder, CONFIG.format(
        url=line,
        public_key=made["public_key"],
        health_authority=made["health_authority"],
    )


def announced(words: str) -> str:
    """Return the address that the server says it listens on; empty while it does not."""
    for line in words.splitlines():
        if line.startswith("{"):
            return str(json.loads(line)["listening"])
    return ""


def node(lab: Lab, name: str, more: str) -> Node:
    # What the controllers really send: with the default of 12 dBm everyone would seem 8 dB off.
    return lab.node(name, name, rules=SHORT_RULES, tx_power=4, calibration_confidence=3, more=more)


def written_since_ten_past(one: Node) -> bool:
    said = one.condition()
    written = (said or {"listener": {"last_written": None}})["listener"]["last_written"]
    return bool(written) and datetime.fromisoformat(written).minute >= 10


def rotations(one: Node) -> int:
    said = one.condition()
    return int(said["radio"]["rotations"]) if said else 0
