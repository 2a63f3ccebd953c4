"""``lab score``: GAEN's windows in, days and levels out, and sentences for whatever is wrong."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bluezone_node.presets import preset_names

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(program: Run) -> Run:
    """Run ``bluezone-node lab score``."""
    return partial(program, "lab", "score")


def window(**told: Any) -> dict[str, Any]:
    """A confirmed, highly infectious window of yesterday: 15 minutes at 50 dB."""
    scan = {"minAttenuation": 50, "typicalAttenuation": 50, "secondsSinceLastScan": 300}
    base = {"ageInDays": 1, "reportType": 1, "infectiousness": 2, "scanInstances": [scan] * 3}
    return {k: v for k, v in (base | told).items() if v is not None}


def written(folder: Path, *windows: dict[str, Any]) -> str:
    path = folder / "windows.json"
    path.write_text(json.dumps({"windows": windows}))
    return str(path)


def test_gaen_scores_in_weighted_seconds(run: Run, tmp_path: Path) -> None:
    """Fifteen minutes at 50 dB weigh 1.75 by LFPH's narrow net: 1575 seconds, an alert."""
    status, out, _ = run("--preset", "lfph-narrow", "--json", written(tmp_path, window()))
    assert status == 0
    assert json.loads(out) == {"days": [{"day": 1, "score": 1575.0, "level": 2}], "level": 2}


def test_cwa_counts_encounters(run: Run, tmp_path: Path) -> None:
    """The German rules answer in minutes and with the distinct encounters they count."""
    file = written(tmp_path, window(), window(calibrationConfidence=3))
    status, out, _ = run("--preset", "cwa-v2", "--json", file)
    assert status == 0
    assert json.loads(out) == {
        "days": [{"day": 1, "score": 38.4, "level": 2}],
        "level": 2,
        "encounters_low": 0,
        "encounters_high": 2,
    }


def test_cwa_without_windows_is_low(run: Run, tmp_path: Path) -> None:
    """The German rules know no total below low."""
    _, out, _ = run("--preset", "cwa-v2", "--json", written(tmp_path))
    assert json.loads(out) == {"days": [], "level": 1, "encounters_low": 0, "encounters_high": 0}


def test_a_date_is_echoed_as_a_date(run: Run, tmp_path: Path) -> None:
    """Windows that tell their date get it back, oldest first."""
    days = [window(ageInDays=None, date=day) for day in ("2021-08-02", "2021-08-01")]
    _, out, _ = run("--preset", "swisscovid", "--json", written(tmp_path, *days))
    assert [day["day"] for day in json.loads(out)["days"]] == ["2021-08-01", "2021-08-02"]


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_alerts_on_an_hour_at_40_db(run: Run, tmp_path: Path, preset: str) -> None:
    """An hour very near a highly infectious person is high by any country's rules."""
    hour = window(
        scanInstances=[
            {"minAttenuation": 40, "typicalAttenuation": 40, "secondsSinceLastScan": 300}
        ]
        * 12
    )
    status, out, _ = run("--preset", preset, "--json", written(tmp_path, hour))
    assert (status, json.loads(out)["level"]) == (0, 2)


def test_a_person_reads_a_table(run: Run, tmp_path: Path) -> None:
    """Without --json the days stand in a table, with the rules that judged."""
    status, out, _ = run(written(tmp_path, window()))
    assert status == 0
    assert "high" in out
    assert "F1" in out


def test_unknown_fields_are_named_and_ignored(run: Run, tmp_path: Path) -> None:
    """A field that no rule reads is said on stderr, so that a misspelling shows."""
    file = written(tmp_path, window(calibrationConfidense=3))
    status, out, err = run("--json", file)
    assert status == 0
    assert "calibrationConfidense" in err
    assert json.loads(out)["level"] == 2


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (window(reportType=9), "$.windows[0].reportType"),
        (window(infectiousness="high"), "$.windows[0].infectiousness"),
        (window(scanInstances=None), "scanInstances"),
        (window(scanInstances=[{"minAttenuation": 1}]), "$.windows[0].scanInstances[0]"),
        (window(ageInDays=None), "either ageInDays or date"),
        (window(date="2021-08-01"), "either ageInDays or date"),
        (window(ageInDays=-1), "$.windows[0].ageInDays"),
        (window(ageInDays=None, date="yesterday"), "$.windows[0].date"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    run: Run, tmp_path: Path, told: dict[str, Any], sentence: str
) -> None:
    """A wrong type or value ends with status 1 and the path of the field."""
    status, out, err = run("--json", written(tmp_path, told))
    assert (status, out) == (1, "")
    assert sentence in err


@pytest.mark.parametrize("text", ["", "{", "nonsense", "\udcff"])
def test_what_is_not_json_is_refused(run: Run, tmp_path: Path, text: str) -> None:
    """Anything but a JSON document is refused in one sentence."""
    path = tmp_path / "windows.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    status, _, err = run(str(path))
    assert status == 1
    assert "not a JSON document" in err


def test_an_unknown_preset_is_a_usage_error_that_lists_the_known(run: Run, tmp_path: Path) -> None:
    """Status 2, and the names there are."""
    status, _, err = run("--preset", "nowhere", written(tmp_path))
    assert status == 2
    assert all(name in err for name in preset_names())


def test_a_day_without_a_morrow_is_refused(run: Run, tmp_path: Path) -> None:
    """The calendar's last day would take the sum over its end."""
    document = {"windows": [window(ageInDays=None, date="9999-12-31", reportType=0)]}
    path = tmp_path / "windows.json"
    path.write_text(json.dumps(document))
    status, _, err = run(str(path))
    assert status == 1
    assert "has no morrow" in err
