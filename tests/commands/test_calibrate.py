"""``calibrate``: through the socket of a node that is played, to the store and back."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bluezone_node.commands import calibrate as calibrate_command
from bluezone_node.commands import cli
from bluezone_node.commands.calibrate import measuring
from bluezone_node.commands.doctor.receiver import calibrated
from bluezone_node.config import NodeSettings, Settings
from bluezone_node.control import ControlDoor
from bluezone_node.errors import CalibrationRefused, TimeUnknown
from bluezone_node.proximity.calibration import Calibration, Level
from bluezone_node.store.node import open_node_store

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
STEP = 10.0
"""Seconds that pass from question to question."""
MOVED = 170.0
"""When the peer is 2 m away: in the half minute given for that after two minutes of listening."""


@dataclass
class PlayedNode:
    """Answers as a running daemon does, while time passes and a peer sends twice a second."""

    marks: Callable[[float], str] = lambda _now: "a1a1"
    """The peer's at a time; empty: it is silent."""
    metres_at: Callable[[float], float] = lambda now: 1.0 if now < MOVED else 2.0
    weak: float = 8.0
    """dB that the receiver reads too weak."""
    radio: str = "bluez:hci0"
    time_known: bool = True
    now: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    heard: dict[str, dict[str, Any]] = field(default_factory=dict)

    def status(self) -> dict[str, Any]:
        return {
            "radio_name": self.radio,
            "now": (START + timedelta(seconds=self.now)).isoformat(),
            "time": {"known": self.time_known, "problem": "nothing vouches for the clock"},
        }

    def neighbours(self) -> dict[str, Any]:
        self.now += STEP
        if mark := self.marks(self.now):
            self._hear(mark)
        near = [
            {**each, "seconds_ago": self.now - each["seconds_ago"]}
            for each in self.heard.values()
            if self.now - each["seconds_ago"] <= 60
        ]
        return {"mark": "0a0a", "at": self.now, "near": near}

    def _hear(self, mark: str) -> None:
        mean = 12 - 61.3 - self.weak - 6 * (self.metres_at(self.now) - 1)
        each = self.heard.setdefault(
            mark, {"mark": mark, "packets": 0, "level_sum": 0, "level_squares": 0}
        )
        for _ in range(round(2 * STEP)):
            level = round(self.chance.gauss(mean, 5.0))
            each |= {
                "rssi": level,
                "packets": each["packets"] + 1,
                "level_sum": each["level_sum"] + level,
                "level_squares": each["level_squares"] + level**2,
            }
        each["seconds_ago"] = self.now


@dataclass
class Stage:
    """A folder in which a played node answers, and the command beside it."""

    folder: Path
    node: PlayedNode

    async def calibrate(self, *arguments: str, typed: str = "", setting: str = "") -> Result:
        config = self.folder / "config.toml"
        config.write_text(f'[node]\nstate_dir = "{self.folder / "state"}"\n{setting}\n')
        words = ["calibrate", *arguments, "--config", str(config)]
        return await asyncio.to_thread(CliRunner().invoke, cli, words, input=typed)

    def stored(self) -> list[Calibration]:
        with open_node_store(self.folder / "state" / "node.db") as store:
            return store.calibrations()

    def keep(self, radio: str, made: datetime = START) -> None:
        with open_node_store(self.folder / "state" / "node.db") as store:
            near, far = Level(300, -60.0, 5.0), Level(300, -66.0, 5.0)
            store.put_calibration(Calibration(made, radio, 12.0, near, far, 4.0, 2.5))


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    # Time passes by questions here: nothing is to be waited for between them.
    monkeypatch.setattr(measuring, "LOOK_EVERY", 0.0)
    opened = Stage(tmp_path, PlayedNode())
    (tmp_path / "state").mkdir(mode=0o700)
    answers = {
        "status": lambda: opened.node.status(),
        "neighbours": lambda: opened.node.neighbours(),
    }
    door = ControlDoor(tmp_path / "state", answers)
    await door.open()
    yield opened
    await door.close()


QUICK = ("--with", "a1a1", "--minutes", "2", "--yes")


def reason(result: Result) -> str:
    assert isinstance(result.exception, CalibrationRefused)
    assert result.exception.hint
    return result.exception.reason


async def test_a_receiver_that_reads_too_weak_is_found_out(stage: Stage) -> None:
    """Offset, date, adapter and what it rests on are stored; the result says it in words."""
    result = await stage.calibrate(*QUICK)
    assert result.exit_code == 0, result.output
    (found,) = stage.stored()
    assert found.offset == pytest.approx(8, abs=1)
    assert (found.radio, found.peer_tx_power) == ("bluez:hci0", 12)
    assert found.made > START
    assert found.near.packets == found.far.packets == 240
    assert found.near.mean - found.far.mean == pytest.approx(6, abs=1.5)
    assert "too weak" in result.stdout
    assert "yếu hơn thực tế" in result.stdout
    assert "node.tx_power = 4" in result.stdout
    assert "exactly 2 m" in result.stderr


async def test_json_has_the_figures_and_nothing_else_on_stdout(stage: Stage) -> None:
    """The talk goes to standard error."""
    result = await stage.calibrate(*QUICK, "--json", "--peer-tx-power", "4")
    document = json.loads(result.stdout)
    assert document["calibration"]["offset"] == pytest.approx(0, abs=1)
    assert document["calibration"]["peer_tx_power"] == 4
    assert document["peer_radiates"] == pytest.approx(4, abs=1)
    assert not document["overruled"]


async def test_an_offset_within_the_error_is_called_so(stage: Stage) -> None:
    """Nobody is sent to change the power of a peer for half a decibel."""
    stage.node.weak = 0.5
    result = await stage.calibrate(*QUICK)
    assert "within the error" in result.stdout
    assert "Stored for bluez:hci0" in result.stdout
    assert "node.tx_power" not in result.stdout


async def test_a_person_is_asked_before_each_place(stage: Stage) -> None:
    """Two times Enter; without the second nothing is stored."""
    stage.node.metres_at = lambda now: 1.0 if now < 155 else 2.0
    result = await stage.calibrate(*QUICK[:-1], typed="\n\n")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Press Enter when done") == 2
    assert len(stage.stored()) == 1


async def test_broken_off_half_way_nothing_is_stored(stage: Stage) -> None:
    """Ctrl-C, or the end of what was typed."""
    result = await stage.calibrate(*QUICK[:-1], typed="\n")
    assert result.exit_code == 1
    assert "1 m:" in result.stderr
    assert stage.stored() == []


async def test_a_peer_that_changes_its_mark_is_followed(stage: Stage) -> None:
    """It does so every ten to twenty minutes, and it is said."""
    stage.node.marks = lambda now: "a1a1" if now < 90 else "b2b2"
    result = await stage.calibrate(*QUICK)
    assert result.exit_code == 0, result.output
    assert "mark now is b2b2" in result.stderr
    (found,) = stage.stored()
    assert found.near.packets == 240


async def test_a_mark_that_nobody_bears_is_asked_for_again(stage: Stage) -> None:
    """Who is near is shown; what is no mark is not taken for one."""
    stage.node.metres_at = lambda now: 1.0 if now < 165 else 2.0
    typed = "zzzz\na1a1\n\n\n"
    result = await stage.calibrate("--with", "ffff", "--minutes", "2", typed=typed)
    assert "near are: a1a1" in result.stderr
    assert "is no mark" in result.stderr
    assert result.exit_code == 0, result.output
    assert len(stage.stored()) == 1


# Refusals


async def test_without_a_node_it_says_what_to_start(tmp_path: Path) -> None:
    """Nothing is measured by the command itself."""
    (tmp_path / "state").mkdir(mode=0o700)
    result = await Stage(tmp_path, PlayedNode()).calibrate(*QUICK)
    assert reason(result) == "node_not_running"
    assert "bluezone-node run" in result.exception.hint  # type: ignore[union-attr]


async def test_a_node_that_does_not_know_the_time_cannot_say_when(stage: Stage) -> None:
    """Its calibration would bear a wrong date."""
    stage.node.time_known = False
    result = await stage.calibrate(*QUICK)
    assert isinstance(result.exception, TimeUnknown)


async def test_ones_own_mark_is_refused(stage: Stage) -> None:
    """The mark is to be read on the other screen."""
    result = await stage.calibrate("--with", "0a0a", "--yes")
    assert reason(result) == "peer_unknown"
    assert "this node itself" in str(result.exception)


async def test_an_unknown_peer_is_refused_where_nobody_can_be_asked(stage: Stage) -> None:
    """With --yes, and as JSON for a script."""
    result = await stage.calibrate("--with", "ffff", "--yes", "--json")
    assert reason(result) == "peer_unknown"
    assert json.loads(result.stdout)["refused"] == "peer_unknown"


async def test_a_peer_that_falls_silent_is_refused(stage: Stage) -> None:
    """It was switched off in the middle."""
    stage.node.marks = lambda now: "a1a1" if now < 90 else ""
    assert reason(await stage.calibrate(*QUICK)) == "peer_gone"
    assert stage.stored() == []


async def test_a_peer_that_nobody_moved_is_refused(stage: Stage) -> None:
    """Both levels are the same; what was stored before stays."""
    stage.keep("bluez:hci0")
    stage.node.metres_at = lambda _now: 1.0
    assert reason(await stage.calibrate(*QUICK)) == "not_weaker"
    assert [each.offset for each in stage.stored()] == [4.0]


async def test_a_peer_moved_too_early_is_refused_after_the_first_place(stage: Stage) -> None:
    """Nobody waits at 2 m for what is spoilt already."""
    stage.node.metres_at = lambda now: 1.0 if now < 90 else 2.0
    result = await stage.calibrate(*QUICK)
    assert reason(result) == "moved"
    assert "exactly 2 m" not in result.stderr


async def test_another_adapter_meanwhile_is_refused(stage: Stage) -> None:
    """The node was restarted with another radio between the two places."""
    status = stage.node.status
    asked = iter(("bluez:hci0", "bluez:hci1"))
    stage.node.status = lambda: {**status(), "radio_name": next(asked)}  # type: ignore[method-assign]
    assert reason(await stage.calibrate(*QUICK)) == "node_gone"
    assert stage.stored() == []


async def test_an_older_daemon_is_named_as_one(stage: Stage) -> None:
    """The program was upgraded and the node not restarted."""
    stage.node.neighbours = lambda: {"mark": "0a0a", "near": []}  # type: ignore[method-assign]
    result = await stage.calibrate(*QUICK)
    assert reason(result) == "node_gone"
    assert "older version" in str(result.exception)


@pytest.mark.parametrize("words", [("--with", "3f2"), (), ("--show", "--forget")])
async def test_misuse_is_named(stage: Stage, words: tuple[str, ...]) -> None:
    """Exit status 2, as of any command."""
    assert (await stage.calibrate(*words)).exit_code == 2


def test_every_refusal_is_in_the_manual() -> None:
    """docs/operate.md says of each reason what to do."""
    manual = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    package = Path(calibrate_command.__file__).parent
    rules = ROOT / "bluezone_node" / "proximity" / "calibration.py"
    said = "".join(path.read_text(encoding="utf-8") for path in (*package.glob("*.py"), rules))
    reasons = {part.partition('"')[0] for part in said.split('reason="')[1:]}
    assert len(reasons) > 8
    assert not {each for each in reasons if f"| `{each}` |" not in manual}


# What is told afterwards


async def test_show_tells_which_counts(stage: Stage) -> None:
    """This adapter's calibration; the setting goes before it; another adapter's is nothing."""
    stage.keep("bluez:hci0")
    stage.keep("bluez:hci1")
    shown = (await stage.calibrate("--show")).stdout
    assert "+4.0 dB ± 2.5, calibrated 2026-03-02 with bluez:hci0" in shown
    assert "not counted: calibrated 2026-03-02 with bluez:hci1" in shown
    overruled = (await stage.calibrate("--show", setting="rx_offset = -3")).stdout
    assert "-3.0 dB, by the setting node.rx_offset, which goes before +4.0 dB" in overruled
    stage.node.radio = "bluez:hci7"
    assert "+0.0 dB, as nobody calibrated it" in (await stage.calibrate("--show")).stdout


async def test_show_says_when_it_is_old(stage: Stage) -> None:
    """And what to do."""
    stage.keep("bluez:hci0", START - timedelta(days=400))
    shown = (await stage.calibrate("--show")).stdout
    assert "more than a year ago" in shown
    assert "calibrate --with" in shown
    document = json.loads((await stage.calibrate("--show", "--json")).stdout)
    assert (document["offset"], document["origin"]) == (4.0, "calibration")


async def test_doctor_says_what_holds(stage: Stage) -> None:
    """A node that nobody calibrated is no faulty one, and how to calibrate it stands beside."""
    settings = Settings(node=NodeSettings(state_dir=str(stage.folder / "state")))
    (none,) = calibrated(settings, stage.node.status())
    assert none.good
    assert none.cure.startswith("bluezone-node calibrate")
    stage.keep("bluez:hci0")
    (found,) = calibrated(settings, stage.node.status())
    assert "calibrated 2026-03-02 with bluez:hci0" in found.found
    assert not found.cure


def test_a_stopped_node_tells_its_only_calibration(tmp_path: Path) -> None:
    """Which adapter it will take is not known, and there is but one to be meant."""
    stage = Stage(tmp_path, PlayedNode())
    stage.keep("bluez:hci3")
    words = ["status", "--json"]
    variables = {"BLUEZONE_STATE_DIR": str(tmp_path / "state"), "BLUEZONE_CONFIG": "/dev/null"}
    result = CliRunner().invoke(cli, words, env=variables)
    receiver = json.loads(result.stdout)["receiver"]
    assert (receiver["offset"], receiver["origin"]) == (4.0, "calibration")
    assert "with bluez:hci3" in CliRunner().invoke(cli, ["status"], env=variables).stdout


async def test_forget_forgets_all(stage: Stage) -> None:
    """And says how many there were."""
    stage.keep("bluez:hci0")
    assert "1 calibrations" in (await stage.calibrate("--forget")).stderr
    assert json.loads((await stage.calibrate("--forget", "--json")).stdout) == {"forgotten": 0}
    assert stage.stored() == []


async def test_the_result_says_that_the_setting_goes_before(stage: Stage) -> None:
    """Else its owner would think that something has changed."""
    result = await stage.calibrate(*QUICK, setting="rx_offset = 2.5")
    assert "BUT the setting node.rx_offset = 2.5" in result.stdout
