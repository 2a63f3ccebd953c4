"""``lab evaluate``: labelled recordings in, the figures of every method out."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from bluezone_node.presets import load_profile, preset_names
from tests.labelled import HEADER, TRUTH, Row, heard, write

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(program: Run) -> Run:
    """Run ``bluezone-node lab evaluate``."""
    return partial(program, "lab", "evaluate")


def sets(out: str) -> dict[str, dict[str, Any]]:
    return {told["set"]: told for told in json.loads(out)["sets"]}


def methods(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["method"]: one for one in told["methods"]}


def hall(*, told: bool = True) -> list[Row]:
    """Three pairs at 1 m and three at 8 m, for half an hour."""
    return [
        row
        for index, metres in enumerate((1.0, 8.0) * 3)
        for row in heard(metres, 30, sender=f"s{index}", scenario=f"room{index // 2}", told=told)
    ]


def truth(*, unheard: bool = False) -> list[Row]:
    rows: list[Row] = [
        (f"room{index // 2}", "a", f"s{index}", *((30, 30) if near else (0, 0.47)))
        for index, near in enumerate((True, False) * 3)
    ]
    # A device that was there in both roles, and a pair of it that never heard each other.
    return [*rows, ("room0", "a", "s9", 20, 15), ("room0", "s9", "a", 20, 15)] if unheard else rows


def test_distances_of_packets_make_windows(run: Run, tmp_path: Path) -> None:
    """Half an hour is two windows; those at one metre are contacts, those at eight are not."""
    write(tmp_path / "hall.csv", hall())
    status, out, err = run(tmp_path, "--json")
    assert (status, err) == (0, "")
    told = sets(out)["hall"]
    assert (told["samples"], told["contacts"], told["scenes"]) == (12, 6, 3)
    assert (told["window"], told["profiles"]) == (15, ["line-of-sight"])
    figures = methods(told)
    assert {*preset_names(), "expected-minutes", "expected-dose"} < figures.keys()
    assert figures["expected-minutes"]["auc"] == 1
    assert figures["expected-minutes"]["ndcf"] == figures["expected-minutes"]["min_ndcf"] == 0
    assert figures["minutes-heard"]["auc"] == 0.5
    assert told["mean_dose"] == pytest.approx((15 + 15 / 64) / 2)
    assert abs(figures["mean-path-loss"]["dose_bias"]) < 1


def test_the_truth_of_links_is_taken_first(run: Run, tmp_path: Path) -> None:
    """With the truth beside it a link is a sample, also one that was never heard."""
    rows = [*hall(told=False), *heard(1, 1, sender="s9", receiver="s0", scenario="room0")]
    write(tmp_path / "hall.csv.gz", rows)
    write(tmp_path / "hall_truth_links.csv", truth(unheard=True), TRUTH)
    status, out, err = run(tmp_path, "--json")
    told = sets(out)["hall"]
    assert status == 0
    assert (told["samples"], told["contacts"], told["unheard"], told["window"]) == (7, 4, 1, None)
    assert methods(told)["expected-minutes"]["p_miss"] == 0.25
    assert methods(told)["minutes-heard"]["recall"] == 0.75
    assert "left out 1 links of devices that took no part" in err
    assert "left out 1 links of which the truth says nothing" in err


def test_phones_are_taken_for_worn_among_people(run: Run, tmp_path: Path) -> None:
    """A power of one's own tells a phone, as in `lab replay`; --profile has the last word."""
    write(tmp_path / "phones.csv", heard(2, 15, tx=-20))
    write(tmp_path / "boards.csv", heard(2, 15, tx=12))
    assert sets(run(tmp_path, "--json")[1])["phones"]["profiles"] == ["people"]
    assert sets(run(tmp_path, "--json")[1])["boards"]["profiles"] == ["line-of-sight"]
    told = sets(run(tmp_path, "--json", "--profile", "kiosk")[1])
    assert [told[name]["profiles"] for name in told] == [["kiosk"], ["kiosk"]]


def test_a_receiver_is_calibrated_where_it_is_labelled(run: Run, tmp_path: Path) -> None:
    """A receiver that reads 20 dB too weak sees nobody near, until its level is learnt at 1 m."""
    weak = [(*row[:3], int(str(row[3])) - 20, *row[4:]) for row in hall()]
    write(tmp_path / "hall.csv", weak)
    assert methods(sets(run(tmp_path, "--json")[1])["hall"])["vn-f1-2m"]["recall"] == 0
    status, out, err = run(tmp_path, "--json", "--calibrate-at", 1)
    assert (status, err) == (0, "")
    assert methods(sets(out)["hall"])["vn-f1-2m"]["recall"] == 1
    assert "1 receivers have nothing recorded at 3 m" in run(tmp_path, "--calibrate-at", 3)[2]


def test_a_look_now_and_then_is_judged_like_listening(run: Run, tmp_path: Path) -> None:
    """One look in 150 s leaves the samples, their truth and their minutes as they were."""
    write(tmp_path / "hall.csv", hall())
    full, thin = (
        sets(run(tmp_path, "--json", *options)[1])["hall"] for options in ((), ("--thin", 150))
    )
    for same in ("samples", "contacts", "mean_dose", "unheard"):
        assert thin[same] == full[same]
    assert methods(thin)["expected-minutes"]["auc"] == 1
    heard_full, heard_thin = (methods(told)["minutes-heard"]["dose_bias"] for told in (full, thin))
    assert heard_thin == pytest.approx(heard_full, abs=2)


def test_short_windows_are_ranked_but_not_decided(run: Run, tmp_path: Path) -> None:
    """No rule for a quarter of an hour is blamed for not alerting within a minute."""
    write(tmp_path / "hall.csv", hall())
    _, out, err = run(tmp_path, "--json", "--window", 1)
    figures = methods(sets(out)["hall"])["expected-minutes"]
    assert (figures["auc"], figures["ndcf"], figures["precision"]) == (1, None, None)
    assert "too short for thresholds" in err


def test_the_table_names_every_method_once(run: Run, tmp_path: Path) -> None:
    """On a terminal there is a table a recording, and what the estimator's words were worth."""
    write(tmp_path / "hall.csv", hall())
    status, out, _ = run(tmp_path)
    assert status == 0
    lines = out.splitlines()
    for name in [*preset_names(), "expected-minutes", "minutes-heard"]:
        assert sum(line.startswith(f"{name} ") for line in lines) == 1
    assert "6 of them contacts (mostly within 2 m)" in out
    assert "contacts where the estimator's chance was high 6 of 6 (100 %), low 0 of 6" in out


def test_the_chart_is_a_picture(run: Run, tmp_path: Path) -> None:
    """It is well-formed, whatever a recording is called, and names each method and recording."""
    write(tmp_path / "a<b&c.csv", hall())
    (tmp_path / "charts").mkdir()
    chart = tmp_path / "charts" / "chart.svg"
    assert run(tmp_path, "--svg", chart)[0] == 0
    words = {text.text for text in ET.parse(chart).iter("{http://www.w3.org/2000/svg}text")}
    assert {"a<b&c", *preset_names()} <= words


def test_a_recording_for_replay_only_needs_its_distances(run: Run, tmp_path: Path) -> None:
    """With ``device`` for the sender and one place for all, the figures are the same."""
    write(tmp_path / "full.csv", hall())
    rows = [(row[2], f"{row[1]} {row[6]} {row[7]}", row[3], row[5]) for row in hall()]
    write(tmp_path / "plain.csv", rows, "t_seconds,device,rssi_dbm,true_distance_m")
    _, out, _ = run(tmp_path, "--json")
    full, plain = sets(out)["full"], sets(out)["plain"]
    assert (full["samples"], full["contacts"]) == (plain["samples"], plain["contacts"])
    for name, told in methods(full).items():
        assert methods(plain)[name]["auc"] == told["auc"]


def test_what_is_not_labelled_is_named_and_skipped(run: Run, tmp_path: Path) -> None:
    """A plain recording, or labels left empty, are said to be so; the others are evaluated."""
    write(tmp_path / "good.csv", hall())
    write(tmp_path / "plain.csv", [(0, "a", -50)], "t_seconds,device,rssi_dbm")
    write(tmp_path / "empty.csv", hall(told=False))
    (tmp_path / "README.md").write_text("not a recording")
    status, out, err = run(tmp_path, "--json")
    assert (status, list(sets(out))) == (0, ["good"])
    assert "plain.csv is skipped: it has no column true_distance_m" in err
    assert "empty.csv is skipped: its column true_distance_m is empty" in err
    assert "README" not in err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("set,room,x,-50,,1,b,a,", "t_seconds is not a number"),
        ("set,room,1e300,-50,,1,b,a,", "t_seconds is no time in seconds"),
        ("set,room,0,loud,,1,b,a,", "rssi_dbm is not a number"),
        ("set,room,0,nan,,1,b,a,", "rssi_dbm is not a number"),
        ("set,room,0,-50,much,1,b,a,", "tx_dbm is not a number"),
        ("set,room,0,-50,,far,b,a,", "true_distance_m is not a number"),
        ("set,room,0,-50,,-1,b,a,", "true_distance_m is less than 0"),
        ("set,room,0", "the row has 3 of 9 columns"),
    ],
)
def test_a_malformed_row_is_told_by_file_and_line(
    run: Run, tmp_path: Path, line: str, said: str
) -> None:
    """Figures are no better than their labels: what cannot be read stops the reading."""
    good = "set,room,0,-50,,1,b,a,"
    (tmp_path / "bad.csv").write_text(f"{HEADER}\n{good}\n\n{line}\n")
    status, out, err = run(tmp_path)
    assert (status, out) == (1, "")
    assert err == f"error: bad.csv, line 4: {said}.\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{TRUTH}\nroom0,a,s0,x,1\n", "line 2: min_within_2m is not a number"),
        (f"{TRUTH}\nroom0,a,s0,1,1\nroom0,a,s0,1,1\n", "line 3: this link was told before"),
        ("scenario,rx_device,tx_device,dose_min_1m\n", "has no column min_within_2m"),
        ("scenario,rx_device\n", "has no column tx_device"),
    ],
)
def test_a_malformed_truth_is_told_by_file_and_line(
    run: Run, tmp_path: Path, content: str, said: str
) -> None:
    """The same for the truth of links."""
    write(tmp_path / "hall.csv", hall())
    (tmp_path / "hall_truth_links.csv").write_text(content)
    status, _, err = run(tmp_path)
    assert status == 1
    assert err.startswith("error: hall_truth_links.csv")
    assert said in err


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08broken", HEADER.encode() + b"\n\xff\xfe\n"])
def test_what_is_not_text_is_refused(run: Run, tmp_path: Path, content: bytes) -> None:
    """A broken archive and bytes that are no text are one sentence."""
    (tmp_path / "bad.csv").write_bytes(content)
    status, _, err = run(tmp_path)
    assert status == 1
    assert err.startswith("error: bad.csv, line ")
    assert "this is not CSV text" in err


def test_what_a_receiver_cannot_measure_is_counted(run: Run, tmp_path: Path) -> None:
    """Strengths of 127 and 0 are real reports and of no use: left out, and said."""
    useless = [(*row[:3], level, *row[4:]) for row in heard(1, 15) for level in (127, 0)]
    write(tmp_path / "hall.csv", [*hall(), *useless])
    _, out, err = run(tmp_path, "--json")
    assert sets(out)["hall"]["samples"] == 12
    assert "hall: left out 180 packets: rssi_unknown" in err
    assert "hall: left out 180 packets: rssi_out_of_range" in err
    write(tmp_path / "hall.csv", useless)
    status, _, err = run(tmp_path)
    assert (status, "none of its packets can be used" in err) == (1, True)


def test_a_folder_without_recordings_is_an_error(run: Run, tmp_path: Path) -> None:
    """Nothing to read, nothing labelled, nothing long enough: words, and exit 1."""
    status, _, err = run(tmp_path)
    assert (status, "There is no CSV file" in err) == (1, True)
    write(tmp_path / "short.csv", heard(1, 2))
    status, _, err = run(tmp_path)
    assert status == 1
    assert "short: left out 1 windows" in err
    assert "nothing is left of it: a shorter --window?" in err
    assert "can be evaluated" in err


def test_recordings_are_chosen_by_name(run: Run, tmp_path: Path) -> None:
    """--set takes one of several; a name that is not there lists those that are."""
    write(tmp_path / "one.csv", hall())
    write(tmp_path / "two.csv", hall())
    assert list(sets(run(tmp_path, "--json", "--set", "two")[1])) == ["two"]
    status, _, err = run(tmp_path, "--set", "three")
    assert (status, "There are: one, two." in err) == (1, True)
    write(tmp_path / "two.csv.gz", hall())
    status, _, err = run(tmp_path)
    assert (status, "stand for one recording" in err) == (1, True)


def test_a_limit_that_the_truth_does_not_know_is_refused(run: Run, tmp_path: Path) -> None:
    """The truth of links is told for some limits only; the hint says for which."""
    write(tmp_path / "hall.csv", hall())
    write(tmp_path / "hall_truth_links.csv", truth(), TRUTH)
    status, _, err = run(tmp_path, "--metres", 1.8)
    assert (status, "--metres may be one of: 2." in err) == (1, True)


def absurd(**constants: float) -> str:
    """The profile of people, with constants that mean nothing."""
    return json.dumps(msgspec.to_builtins(load_profile("people")) | constants)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no profile"),
        ("not json", "is not a JSON document"),
        ("{}", "is no profile"),
        (absurd(exponent=1e-5), "exponent must be 0.2 to 10"),
        (absurd(link_spread=1e200), "link_spread must be 0 to 40"),
        (absurd(distance_spread=1000.0), "distance_spread must be 0.01 to 5"),
    ],
)
def test_a_profile_must_be_one(run: Run, tmp_path: Path, content: str | None, said: str) -> None:
    """A name that is none, a file that is none: misuse, and why."""
    file = tmp_path / "mine.json"
    if content is not None:
        file.write_text(content)
    status, _, err = run(tmp_path, "--profile", file)
    assert (status, said in err) == (2, True)


def test_two_raspberry_pis_are_told_as_measured(run: Run, recordings: Path) -> None:
    """NIST's boards, each level from its 1 m recordings alone: 250 windows, AUC 0.97, nDCF 0.25."""
    _, out, _ = run(recordings, "--set", "nist_rpi3", "--calibrate-at", 1, "--json")
    told = sets(out)["nist_rpi3"]
    assert (told["samples"], told["contacts"]) == (250, 121)
    figures = methods(told)["expected-minutes"]
    assert figures["auc"] >= 0.97
    assert figures["ndcf"] <= 0.25


@pytest.mark.slow
@pytest.mark.parametrize("thin", [(), ("--thin", 150)])
def test_phones_among_people_are_told_as_measured(
    run: Run, recordings: Path, thin: tuple[object, ...]
) -> None:
    """DP-3T's experiment 05, constants from elsewhere: AUC 0.78 or more, dose within 4.2 min."""
    _, out, _ = run(recordings, "--set", "dp3t_exp05", "--json", *thin)
    told = sets(out)["dp3t_exp05"]
    assert (told["samples"], told["contacts"]) == (1334, 370)
    figures = methods(told)
    assert figures["expected-minutes"]["auc"] >= (0.78 if thin else 0.79)
    assert figures["expected-dose"]["dose_mae"] <= 4.2
    assert abs(figures["expected-dose"]["dose_bias"]) <= 1


@pytest.mark.slow
def test_all_recordings_are_read(run: Run, recordings: Path) -> None:
    """The whole folder, as it is, gives figures for those that are long enough."""
    status, out, err = run(recordings, "--json")
    assert (status, list(sets(out))) == (0, ["dp3t_exp05", "nist_rpi3"])
    assert "danis_rpi_walk: nothing is left of it" in err
