"""``lab identifiers`` prints published vectors, and says clearly what is missing."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bluezone_node.commands import cli

TEK = "75c734c6dd1a782de7a965da5eb93125"
DAY_KEY = "4C5224B397F8AB3896781D5AA0F3119F280513F1B592CA280EBDED6357E21084"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["lab", "identifiers", *arguments])


def test_googles_day_as_json(vectors: Path) -> None:
    """A whole day of identifiers and metadata is the published one, in the promised shape."""
    published = json.loads((vectors / "gaen_vectors.json").read_text())
    result = run(
        "--protocol", "gaen", "--key", TEK, "--start", "2642976", "--metadata", "40080000", "--json"
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "identifiers": [
            {"interval": row["interval"], "rpi": row["rpi"], "aem": row["aem"]}
            for row in published["intervals"]
        ]
    }


def test_without_metadata_aem_is_null() -> None:
    """No metadata is made up."""
    result = run("--key", TEK, "--start", "2642976", "--period", "1", "--json")
    assert json.loads(result.stdout) == {
        "identifiers": [
            {"interval": 2642976, "rpi": "8be6cd371c5c891604bfbe49df845096", "aem": None}
        ]
    }


def test_a_bluezone_day_as_json(vectors: Path) -> None:
    """A captured phone's identifiers appear in their slots."""
    captured = json.loads((vectors / "bluezone_v2_vectors.json").read_text())["captured"]
    result = run(
        "--protocol", "bluezone", "--key", captured["base_id"],
        "--day-start", str(captured["day_start_unix"]), "--json",
    )  # fmt: skip
    rows = json.loads(result.stdout)["identifiers"]
    assert [row["slot"] for row in rows] == list(range(96))
    for slot, identifier in captured["slots"].items():
        assert rows[int(slot)] == {"slot": int(slot), "id": identifier.lower()}


def test_plain_output_is_a_table_with_times() -> None:
    """Without --json a person reads when each identifier was on the air."""
    result = run("--key", TEK, "--start", "2642976", "--period", "2")
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert lines[1].split() == [
        "2642976", "2020-04-02", "00:00", "8be6cd371c5c891604bfbe49df845096", "-",
    ]  # fmt: skip
    bluezone = run("--protocol", "bluezone", "--key", DAY_KEY, "--day-start", "1596844800")
    assert bluezone.stdout.splitlines()[24].split() == [
        "23", "1596865500", "b9a665d754fe65e665d76a45",
    ]  # fmt: skip


def test_the_last_intervals_there_are() -> None:
    """An interval beyond the calendar has identifiers, and no time."""
    result = run("--key", TEK, "--start", str(2**32 - 144))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith(str(2**32 - 1))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--start", "1"], "Missing option '--key'"),
        (["--key", "xy", "--start", "1"], "must be hexadecimal"),
        (["--key", "75c7", "--start", "1"], "--key must have 16 bytes, this has 2"),
        (["--key", TEK], "needs --start"),
        (["--key", TEK, "--start", "-1"], "-1 is not in the range"),
        (["--key", TEK, "--start", "1", "--period", "0"], "0 is not in the range"),
        (["--key", TEK, "--start", "1", "--period", "145"], "145 is not in the range"),
        (["--key", TEK, "--start", "1", "--metadata", "40"], "--metadata must have 4 bytes"),
        (["--key", TEK, "--start", "1", "--day-start", "1"], "--day-start belongs to Bluezone"),
        (["--protocol", "bluezone", "--key", DAY_KEY], "needs --day-start"),
        (["--protocol", "bluezone", "--key", TEK, "--day-start", "0"], "must have 32 bytes"),
        (
            ["--protocol", "bluezone", "--key", DAY_KEY, "--day-start", "0", "--start", "1"],
            "belong to gaen keys",
        ),
        (["--protocol", "other", "--key", TEK], "'other' is not one of"),
    ],
)
def test_a_misuse_is_a_clear_sentence_and_exit_2(arguments: list[str], sentence: str) -> None:
    """What is missing or wrong is named, on stderr, and no key is repeated."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert sentence in result.stderr
    assert TEK not in result.stderr
