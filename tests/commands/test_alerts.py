"""``bluezone-node alerts``: what a person reads, keeps and passes on."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from bluezone_node import config as settings_file
from bluezone_node.alerts import Alert, AlertKind, AlertLevel, Presence
from bluezone_node.commands import cli
from bluezone_node.commands.alerts import tell
from bluezone_node.errors import BadInput
from bluezone_node.wiring.store import open_store
from tests.nearnesses import SAT, START, TWICE, alert_of, in_vietnam, on_a_device_in

NEW = alert_of(SAT)
OLD = replace(alert_of(None), rules="swisscovid")
AT_A_PLACE = replace(
    alert_of(None),
    kind=AlertKind.VENUE,
    level=AlertLevel.HIGH,
    rules="places",
    report_type="contact",
    subject="1",
    presence=Presence(
        "Chợ Hôm",
        20.0,
        "stay_home",
        proved=False,
        party=2,
        phone="19009095",
        texts={"vi": "Gọi trạm\x1b[31m\ny tế."},
    ),
)


@pytest.fixture(autouse=True)
def _in_vietnam() -> Iterator[None]:
    with in_vietnam():
        yield


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of a node that has two alerts: 1 with distances, 2 from before."""
    path = tmp_path / "config.toml"
    path.write_text(f'[node]\nstate_dir = "{tmp_path / "state"}"\n')
    with open_store(settings_file.load(path)) as store:
        for alert in (NEW, OLD):
            store.put_alerts([alert], START, alert.rules)
    return path


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["alerts", *arguments, "--config", str(config)])


def test_the_list_shows_expected_minutes_and_chance(config: Path) -> None:
    """A row for each alert; what was not estimated is not made up."""
    header, old, new = (line.split() for line in run(config, "list").output.splitlines())
    assert " ".join(header) == "id day kind level from to near middle far 2m chance read"
    assert dict(zip(header, new, strict=True))["2m"] == f"{SAT.within_2m.value:.0f}"
    assert dict(zip(header, new, strict=True))["chance"] == f"{SAT.chance * 10:.0f}/10"
    assert old[-3:] == ["-", "medium", "no"]


def test_the_list_tells_no_minute_of_the_day(config: Path) -> None:
    """Lists are passed on: the course of the encounter is not in them, all else is."""
    listed = json.loads(run(config, "list", "--json").output)["alerts"]
    (new,) = [each for each in listed if each["id"] == 1]
    assert new["alert"]["nearness"]["course"] == []
    assert new["alert"]["nearness"]["chance"] == SAT.chance


def test_one_alert_as_json_has_everything(config: Path) -> None:
    """Who asks for one alert gets its course too."""
    shown = json.loads(run(config, "show", "1", "--json").output)
    course = shown["alert"]["nearness"]["course"]
    assert [moment["metres"] for moment in course] == [moment.metres for moment in SAT.course]


def test_one_alert_in_words_ends_with_its_line(config: Path) -> None:
    """Words in both languages, then the encounter over time with its legend."""
    lines = run(config, "show", "1").output.splitlines()
    assert lines[0].startswith("Bạn có thể đã ở gần một người")
    assert lines[1].startswith("    You may have been near a confirmed case")
    blocks, times, vietnamese, english = lines[-4:]
    assert len(blocks.strip()) == 20
    assert times.strip() == "08:02–08:22"
    assert "xa hơn" in vietnamese
    assert "farther" in english


def test_an_alert_about_a_place_says_where_when_and_what_to_do(tmp_path: Path) -> None:
    """In both languages, with the officer's words in one line; the list names no place."""
    path = tmp_path / "config.toml"
    path.write_text(f'[node]\nstate_dir = "{tmp_path / "state"}"\n')
    with open_store(settings_file.load(path)) as store:
        store.put_alerts([AT_A_PLACE], START, AT_A_PLACE.rules)
    said = run(path, "show", "1").output
    for words in (
        "được xem là người tiếp xúc gần (F1)",
        "count as a close contact (F1)",
        "Địa điểm: Chợ Hôm.",
        "Ngày 02/03/2026, từ 08:02",
        "Thời gian ở đó trong lúc có nguy cơ: 20 phút.",
        "2 people: tell those who were with you",
        "chưa được địa điểm xác minh",
        "Cần làm: Ở nhà",
        "What to do: Stay at home",
        "Cơ quan y tế: Gọi trạm [31m y tế.",
        "Điện thoại: 19009095.",
    ):
        assert words in said
    header, row, zone = run(path, "list").output.splitlines()
    assert "giờ Việt Nam" in zone
    told = dict(zip(header.split(), row.split(), strict=True))
    assert (told["kind"], told["level"], told["near"], told["read"]) == ("venue", "high", "-", "no")
    assert "Chợ" not in run(path, "list", "--json").output
    assert "Chợ Hôm" in run(path, "show", "1", "--json").output


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_times_of_a_place_are_those_of_its_clock(tmp_path: Path, zone: str) -> None:
    """Whatever zone the device is set to; of people met, they are the device's own."""
    path = tmp_path / "config.toml"
    path.write_text(f'[node]\nstate_dir = "{tmp_path / "state"}"\n')
    morning = START.replace(hour=23, minute=30) - timedelta(days=1)
    early = replace(AT_A_PLACE, start=morning, end=morning + timedelta(minutes=20))
    met = replace(OLD, start=morning, end=morning + timedelta(minutes=20))
    with open_store(settings_file.load(path)) as store:
        store.put_alerts([early], START, early.rules)
        store.put_alerts([met], START, met.rules)
    with on_a_device_in(zone):
        table = run(path, "list").output
        listed = {line.split()[2]: line.split() for line in table.splitlines()[1:3]}
        number, day, _, _, *times = listed["venue"][:6]
        assert (day, times) == ("2026-03-02", ["06:30", "06:50"])
        assert listed["proximity"][4] == f"{morning.astimezone():%H:%M}" != "06:30"
        said = run(path, "show", number).output
    assert "Ngày 02/03/2026, từ 06:30 đến 06:50 (giờ Việt Nam)." in said
    assert "On 2026-03-02, from 06:30 to 06:50 (Vietnam time, UTC+7)." in said


def test_an_old_alert_is_still_told_and_has_no_picture(config: Path, tmp_path: Path) -> None:
    """What no distance decided is told as it was; drawing it is refused with the reason."""
    assert "How sure: medium" in run(config, "show", "2").output
    done = run(config, "show", "2", "--svg", str(tmp_path / "a.svg"))
    assert isinstance(done.exception, BadInput)
    assert done.exception.reason == "no_picture"


def test_the_picture_is_written_for_its_owner(config: Path, tmp_path: Path) -> None:
    """The file is SVG, private, and never put in another's place unasked."""
    path = tmp_path / "a.svg"
    done = run(config, "show", "1", "--svg", str(path))
    assert (done.exit_code, done.stdout) == (0, "")
    assert ET.fromstring(path.read_bytes()).tag.endswith("svg")
    assert path.stat().st_mode & 0o777 == 0o600
    again = run(config, "show", "1", "--svg", str(path))
    assert isinstance(again.exception, BadInput)
    assert run(config, "show", "1", "--svg", str(path), "--force").exit_code == 0


def test_the_picture_goes_to_standard_output_alone(config: Path) -> None:
    """With ``-`` nothing but the picture is printed there."""
    done = run(config, "show", "1", "--svg", "-")
    assert ET.fromstring(done.stdout_bytes).tag.endswith("svg")
    assert done.stderr == ""


@pytest.mark.parametrize(
    "options", [("--svg", "-", "--json"), ("--force",), ("--svg", "/")], ids=" ".join
)
def test_options_that_make_no_sense_are_misuse(config: Path, options: tuple[str, ...]) -> None:
    """Two results at once, forcing nothing and drawing into a folder are usage errors."""
    assert run(config, "show", "1", *options).exit_code == 2


def test_an_alert_that_is_not_there(config: Path) -> None:
    """The number is refused by name."""
    done = run(config, "show", "7")
    assert isinstance(done.exception, BadInput)
    assert done.exception.reason == "unknown_alert"


@pytest.mark.parametrize("alert", [NEW, OLD, alert_of(TWICE)], ids=["new", "old", "twice"])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_vietnamese_letters_is_spoken_to_without(
    alert: Alert, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only ASCII can be shown, letters lose their accents and blocks become signs."""
    terminal = TextIOWrapper(BytesIO(), encoding)
    monkeypatch.setattr("sys.stdout", terminal)
    tell(alert, "  ")
    terminal.flush()
    said = terminal.buffer.getvalue()  # type: ignore[attr-defined]
    assert said.isascii()
    assert b"  Quy tac: " in said
