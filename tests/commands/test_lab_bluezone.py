"""``lab bluezone``: a captured day key against made-up sightings of that phone."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bluezone_node.commands import cli

# The captured phone of 8 August 2020: see the published vectors.
KEY = "4C5224B397F8AB3896781D5AA0F3119F280513F1B592CA280EBDED6357E21084"
DAY_START = 1596844800
SLOT_24 = "3AA8DFC0A15682B27216FC31"


def run(folder: Path, rows: list[str], *options: str) -> Result:
    recording = folder / "s.csv"
    recording.write_text("\n".join(["time,rpi,aem,rssi", *rows]))
    arguments = ["lab", "bluezone", "--key", KEY, "--day-start", str(DAY_START)]
    return CliRunner().invoke(cli, [*arguments, "--sightings", str(recording), *options])


def test_a_captured_phone_is_recognised_in_its_slot(tmp_path: Path) -> None:
    """Slot 24 begins at 06:00 UTC; a stranger beside it is not matched."""
    at = DAY_START + 24 * 900 + 10
    done = run(tmp_path, [f"{at},{SLOT_24},,-60", f"{at},{'00' * 12},,-60"], "--json")

    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "identifiers_heard": 2,
        "matched": [{"slot": 24, "start": "2020-08-08T06:00:00Z"}],
    }


@pytest.mark.parametrize("hours", [-1, 1])
def test_an_identifier_played_back_at_another_hour_is_not(tmp_path: Path, hours: int) -> None:
    """One slot either side is tolerated, an hour is not."""
    at = DAY_START + 24 * 900 + 10 + hours * 3600
    done = run(tmp_path, [f"{at},{SLOT_24},,-60"], "--json")

    assert json.loads(done.stdout)["matched"] == []


def test_people_read_a_table_and_a_wrong_key_is_a_misuse(tmp_path: Path) -> None:
    """Plain output has the time; 31 bytes are not a day key."""
    at = DAY_START + 24 * 900 + 10
    done = run(tmp_path, [f"{at},{SLOT_24},,-60"])
    short = CliRunner().invoke(
        cli,
        [
            "lab",
            "bluezone",
            "--key",
            KEY[2:],
            "--day-start",
            "0",
            "--sightings",
            str(tmp_path / "s.csv"),
        ],
    )

    assert "2020-08-08 06:00" in done.stdout
    assert short.exit_code == 2
