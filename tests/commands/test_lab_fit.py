"""``lab fit``: labelled recordings in, a profile out that `lab evaluate` takes."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest

from bluezone_node.presets import load_profile, profile_names
from bluezone_node.proximity.profile import Profile
from tests.labelled import TRUTH, Row, heard, write

Run = Callable[..., tuple[int, str, str]]
DISTANCES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)


@pytest.fixture
def run(program: Run) -> Run:
    """Run ``bluezone-node lab COMMAND``."""
    return partial(program, "lab")


def rows(exponent: float = 2.0, metres: tuple[float, ...] = DISTANCES) -> list[Row]:
    return [
        row for far in metres for row in heard(far, 15, scenario=f"at {far}", exponent=exponent)
    ]


def test_a_fit_is_a_profile_that_can_be_tested(run: Run, tmp_path: Path) -> None:
    """What --json prints is taken by --profile of `lab evaluate`, and says what it is from."""
    write(tmp_path / "here.csv", rows())
    status, out, err = run("fit", tmp_path, "--json")
    assert status == 0
    profile = msgspec.json.decode(out, type=Profile)
    assert profile.loss_at_1m == pytest.approx(61, abs=1)
    assert profile.exponent == pytest.approx(2, abs=0.1)
    assert profile.packet_spread == pytest.approx(2, abs=0.2)
    assert profile.fitted_on == "here"
    assert "6 links at 6 distances" in err
    assert profile.drift == load_profile("line-of-sight").drift
    assert "drift cannot be told" in err
    file = tmp_path / "mine.json"
    file.write_text(out)
    status, out, _ = run("evaluate", tmp_path, "--profile", file, "--json")
    assert (status, json.loads(out)["sets"][0]["profiles"]) == (0, ["fitted"])


def test_the_table_has_every_constant(run: Run, tmp_path: Path) -> None:
    """On a terminal the constants stand one a line."""
    write(tmp_path / "here.csv", rows())
    status, out, _ = run("fit", tmp_path)
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == [
        "constant",
        "loss_at_1m",
        "exponent",
        "link_spread",
        "fading",
        "packet_spread",
        "typical_distance",
        "distance_spread",
        "drift",
    ]


def test_no_slope_no_profile(run: Run, tmp_path: Path) -> None:
    """Recordings in which distance changes nothing are refused, unless the slope is given."""
    write(tmp_path / "here.csv", rows(exponent=0.0))
    status, out, err = run("fit", tmp_path, "--json")
    assert (status, out) == (1, "")
    assert "hardly grows with distance" in err
    assert "--exponent" in err
    status, out, _ = run("fit", tmp_path, "--json", "--exponent", 1.05)
    assert (status, json.loads(out)["exponent"]) == (0, 1.05)


def test_two_distances_are_no_slope(run: Run, tmp_path: Path) -> None:
    """Many links at two distances are refused by their distances."""
    made = [row for index in range(6) for row in heard(1.0 + index % 2, 5, scenario=str(index))]
    write(tmp_path / "here.csv", made)
    status, _, err = run("fit", tmp_path)
    assert (status, "takes 3 distances or more" in err) == (1, True)


def test_passers_by_are_not_links(run: Run, tmp_path: Path) -> None:
    """Links of a minute or two are left out, and then there may be none."""
    write(tmp_path / "here.csv", [r for d in DISTANCES for r in heard(d, 2, scenario=str(d))])
    status, _, err = run("fit", tmp_path)
    assert (status, "0 links are too few" in err) == (1, True)


def test_the_truth_of_links_alone_is_not_enough(run: Run, tmp_path: Path) -> None:
    """A fit needs the distance of packets."""
    write(tmp_path / "here.csv", heard(1, 15, told=False))
    write(tmp_path / "here_truth_links.csv", [("room", "a", "b", 15, 15)], TRUTH)
    status, _, err = run("fit", tmp_path)
    assert (status, "No packet of here tells its true_distance_m" in err) == (1, True)


def test_one_of_several_must_be_chosen(run: Run, tmp_path: Path) -> None:
    """Fitted on all there would be nothing to test on; named, they are pooled."""
    write(tmp_path / "here.csv", rows())
    write(tmp_path / "there.csv", rows())
    status, _, err = run("fit", tmp_path)
    assert (status, "Choose with --set: here, there." in err) == (1, True)
    status, out, _ = run("fit", tmp_path, "--set", "here", "--set", "there", "--json")
    assert (status, json.loads(out)["fitted_on"]) == (0, "here, there")


def test_nothing_labelled_is_an_error(run: Run, tmp_path: Path) -> None:
    """The file is named, and so is the folder."""
    write(tmp_path / "plain.csv", [(0, "a", -50)], "t_seconds,device,rssi_dbm")
    status, _, err = run("fit", tmp_path)
    assert status == 1
    assert "plain.csv is skipped" in err
    assert "is labelled" in err


def test_two_raspberry_pis_show_free_space(run: Run, recordings: Path) -> None:
    """NIST's boards in line of sight: 61.7 dB at 1 m and an exponent near 2."""
    _, out, _ = run("fit", recordings, "--set", "nist_rpi3", "--json")
    told = json.loads(out)
    assert told["loss_at_1m"] == pytest.approx(61.7, abs=0.1)
    assert told["exponent"] == pytest.approx(1.83, abs=0.02)


def test_pockets_show_no_slope(run: Run, recordings: Path) -> None:
    """Different people at different distances: refused."""
    status, _, err = run("fit", recordings, "--set", "mitll_range_angle")
    assert (status, "there is no slope to fit" in err) == (1, True)


def test_the_page_shows_the_constants_that_are_shipped() -> None:
    """The table of docs/distance.md is the profiles', number by number."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "distance.md").read_text("utf-8")
    table = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("| ")
    ]
    head = next(row for row in table if "`people`" in row)
    assert {name.strip("`") for name in head[1:]} == set(profile_names())
    for index, name in enumerate(head[1:], start=1):
        profile = load_profile(name.strip("`"))
        shown = {
            "L: level": f"{profile.loss_at_1m}",
            "n: exponent": f"{profile.exponent}",
            "link spread": f"{profile.link_spread}",
            "fading": f"{profile.fading}",
            "packet spread": f"{profile.packet_spread}",
            "typical distance": f"{profile.typical_distance}; {profile.distance_spread}",
            "drift": f"{profile.drift}",
        }
        for start, constants in shown.items():
            assert next(row for row in table if row[0].startswith(start))[index] == constants
