"""``lab replay``: recordings in, a judgement of every device out, nothing quietly left out."""

import csv
import gzip
import io
import json
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]
Row = tuple[object, ...]


@pytest.fixture
def run(program: Run) -> Run:
    """Run ``bluezone-node lab replay``."""
    return partial(program, "lab", "replay")


def text(rows: Iterable[Row], header: str = "t_seconds,device,rssi_dbm") -> str:
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return f"{header}\r\n{lines.getvalue()}"


def written(folder: Path, rows: Iterable[Row], header: str = "t_seconds,device,rssi_dbm") -> str:
    path = folder / "recording.csv"
    path.write_text(text(rows, header))
    return str(path)


def devices(out: str) -> dict[str, dict[str, Any]]:
    return {told["device"]: told for told in json.loads(out)["devices"]}


def meeting(device: str, rssi: int, minutes: int, start: int = 0) -> Iterator[Row]:
    """A packet every two seconds, with the spread of a Raspberry Pi."""
    rng = random.Random(f"{device}{rssi}")
    for second in range(start, start + 60 * minutes, 2):
        yield second, device, rssi + round(rng.gauss(0, 4))


def test_who_sat_near_is_told_from_who_passed(run: Run, tmp_path: Path) -> None:
    """Twenty minutes at a metre alert; twenty across the room and two at a metre do not."""
    rows = [
        *meeting("near", -46, 20),
        *meeting("far", -72, 20),
        *meeting("passing", -46, 2),
    ]
    status, out, err = run("--json", written(tmp_path, rows))
    told = devices(out)
    assert (status, err) == (0, "")
    assert [name for name in told if told[name]["alert"]] == ["near"]
    assert told["near"]["minutes_observed"] == 20
    assert told["near"]["minutes_near"] > 13
    assert told["near"]["minutes_within_2m"] > 19
    assert told["far"]["minutes_far"] > 19
    assert told["near"]["dose_minutes"] > 15 > 2 > told["far"]["dose_minutes"]
    assert told["passing"]["minutes_observed"] == 2
    assert told["near"]["score"] > told["far"]["score"]
    assert list(told) == sorted(told, key=lambda name: -told[name]["score"])


@pytest.mark.parametrize("period", [150, 240, 300])
def test_looks_of_four_seconds_come_to_the_same_minutes(
    run: Run, tmp_path: Path, period: int
) -> None:
    """A phone that looks for 4 s every few minutes saw the same hour, and the same contact."""
    rows = [row for row in meeting("near", -46, 60) if int(str(row[0])) % period < 4]
    _, out, _ = run("--json", written(tmp_path, rows))
    told = devices(out)["near"]
    assert told["minutes_observed"] == pytest.approx(60, abs=3)
    assert told["alert"]


def test_a_long_silence_is_absence(run: Run, tmp_path: Path) -> None:
    """Two meetings of five minutes an hour apart are ten minutes, not seventy."""
    rows = [*meeting("b", -46, 5), *meeting("b", -46, 5, start=3600)]
    _, out, _ = run("--json", written(tmp_path, rows))
    assert devices(out)["b"]["minutes_observed"] == 10


def test_a_short_silence_is_presence(run: Run, tmp_path: Path) -> None:
    """A device unheard for three minutes between two hearings had not left."""
    rows = [*meeting("b", -46, 5), *meeting("b", -46, 5, start=480)]
    _, out, _ = run("--json", written(tmp_path, rows))
    assert devices(out)["b"]["minutes_observed"] == 13


def test_transmit_power_is_taken_out(run: Run, tmp_path: Path) -> None:
    """What a weak sender at one metre and a strong one at four have in common is not nearness."""
    rows: list[Row] = [
        (t, d, -62, tx) for t in range(0, 1200, 5) for d, tx in (("a", -10), ("b", 12))
    ]
    _, out, _ = run("--json", written(tmp_path, rows, "t_seconds,device,rssi_dbm,tx_dbm"))
    told = devices(out)
    assert told["a"]["dose_minutes"] > 5 + told["b"]["dose_minutes"]
    assert told["a"]["alert"]
    assert not told["b"]["alert"]


def test_an_empty_power_is_that_of_a_raspberry_pi(run: Run, tmp_path: Path) -> None:
    """Where the column is empty, as where it is missing, 12 dBm are assumed."""
    rows = [(t, d, -60, tx) for t in range(0, 1200, 5) for d, tx in (("told", 12), ("untold", ""))]
    _, out, _ = run("--json", written(tmp_path, rows, "t_seconds,device,rssi_dbm,tx_dbm"))
    told = devices(out)
    assert {**told["told"], "device": ""} == {**told["untold"], "device": ""}


def test_a_power_nobody_radiates_is_taken_for_that_of_a_raspberry_pi(
    run: Run, tmp_path: Path
) -> None:
    """The device is judged all the same, and the rows are counted."""
    header = "t_seconds,device,rssi_dbm,tx_dbm"
    rows = [(t, d, -60, tx) for t in range(0, 1200, 5) for d, tx in (("told", 12), ("wild", 127))]
    _, out, err = run("--json", written(tmp_path, rows, header))
    told = devices(out)
    assert {**told["told"], "device": ""} == {**told["wild"], "device": ""}
    assert (json.loads(out)["assumed_tx_power"], json.loads(out)["refused"]) == (240, {})
    assert "took 240 rows for sent at 12 dBm" in err


def test_the_answer_is_consistent(run: Run, tmp_path: Path) -> None:
    """Near, middle and far add up; the interval holds what is expected; a score is monotone."""
    rows = [row for level in range(-95, -25, 5) for row in meeting(f"at {level}", level, 20)]
    _, out, _ = run("--json", written(tmp_path, rows))
    told = [devices(out)[f"at {level}"] for level in range(-95, -25, 5)]
    for each in told:
        parts = each["minutes_near"], each["minutes_middle"], each["minutes_far"]
        assert sum(parts) == pytest.approx(each["minutes_observed"])
        assert sum(parts[:2]) == pytest.approx(each["minutes_within_2m"], abs=1e-5)
        low, high = each["interval"]
        assert 0 <= low <= each["minutes_within_2m"] <= high <= each["minutes_observed"]
        assert each["minutes_near"] <= each["dose_minutes"] <= each["minutes_observed"]
    scores = [each["score"] for each in told]
    assert scores == sorted(scores)
    assert len(set(scores)) == len(scores)


def test_most_rows_decide_what_a_device_is_taken_for(run: Run, tmp_path: Path) -> None:
    """One row of another power makes no phone of a board, nor one of 12 dBm a board of a phone."""
    header = "t_seconds,device,rssi_dbm,tx_dbm"
    rows: list[Row] = [(0, "board", -50, 11), (0, "phone", -62, 12)]
    rows += [(t, d, -50, tx) for t in range(5, 1200, 5) for d, tx in (("board", 12), ("phone", 0))]
    _, out, _ = run("--json", written(tmp_path, rows, header))
    assert json.loads(out)["profiles"] == {"board": "line-of-sight", "phone": "people"}
    _, out, _ = run("--json", "--profile", "worn", written(tmp_path, rows, header))
    assert set(json.loads(out)["profiles"].values()) == {"worn"}


def test_the_receiver_can_be_put_right(run: Run, tmp_path: Path) -> None:
    """A receiver that reads six decibels too weak sees the same with an offset of six."""
    right = written(tmp_path, meeting("a", -50, 20))
    _, as_it_is, _ = run("--json", right)
    _, among_people, _ = run("--profile", "people", "--json", right)
    assert devices(among_people)["a"]["dose_minutes"] < devices(as_it_is)["a"]["dose_minutes"]
    weak = written(tmp_path, [(t, d, int(str(rssi)) - 6) for t, d, rssi in meeting("a", -50, 20)])
    _, put_right, _ = run("--rx-offset", "6", "--json", weak)
    assert put_right == as_it_is


def test_order_and_other_columns_do_not_matter(run: Run, tmp_path: Path) -> None:
    """Rows may go back in time, and columns stand anywhere."""
    rows = [*meeting("a", -50, 20), *meeting("b", -60, 20)]
    _, sorted_out, _ = run("--json", written(tmp_path, rows))
    random.Random(1).shuffle(rows)
    mixed = [("x", rssi, device, second) for second, device, rssi in rows]
    _, mixed_out, _ = run("--json", written(tmp_path, mixed, "note,RSSI_dBm,Device, t_seconds"))
    assert mixed_out == sorted_out


@pytest.mark.parametrize("preset", ["lfph-narrow", "cwa-v2", "nhs-like", "swisscovid", "vn-f1-1m"])
def test_any_preset_can_judge(run: Run, tmp_path: Path, preset: str) -> None:
    """The score is in the unit of the preset, and the nearer device has the larger."""
    rows = [*meeting("near", -38, 20), *meeting("far", -85, 20)]
    status, out, _ = run("--preset", preset, "--json", written(tmp_path, rows))
    told = devices(out)
    assert status == 0
    assert (told["near"]["alert"], told["far"]["alert"]) == (True, False)


def test_unusable_rows_are_counted_by_reason(run: Run, tmp_path: Path) -> None:
    """127 and 0 are not signal strengths; nothing unusable is left out in silence."""
    header = "t_seconds,device,rssi_dbm,tx_dbm"
    rows: list[Row] = [
        (0, "a", -60, 12),
        (1, "a", 127, 12),
        (1, "a", 0, 12),
        (1, "a", -200, 12),
        (1, "a", "loud", 12),
        (1, "a", "nan", 12),
        ("noon", "a", -60, 12),
        (1.6e12, "a", -60, 12),
        ("inf", "a", -60, 12),
        (1, "", -60, 12),
        (1, "a", -60, 99),
        (1, "a", -60, "high"),
        (1, "a"),
    ]
    status, out, err = run("--json", written(tmp_path, rows, header))
    assert status == 0
    assert devices(out)["a"]["minutes_observed"] == 1
    assert json.loads(out)["refused"] == {
        "rssi_unknown": 1,
        "rssi_out_of_range": 2,
        "bad_rssi": 2,
        "bad_time": 3,
        "no_device": 1,
        "bad_tx_power": 1,
        "short_row": 1,
    }
    assert "rssi_unknown (first in line 3)" in err


def test_gzip_and_a_byte_order_mark_are_read(run: Run, tmp_path: Path) -> None:
    """Recordings come packed, and from spreadsheets."""
    path = tmp_path / "recording.csv.gz"
    path.write_bytes(gzip.compress(("\ufeff" + text(meeting("a", -50, 2))).encode()))
    status, out, _ = run("--json", str(path))
    assert (status, list(devices(out))) == (0, ["a"])


def test_standard_input_is_read(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A dash stands for standard input."""
    with Path(written(tmp_path, meeting("a", -50, 2))).open() as recorded:
        monkeypatch.setattr(sys, "stdin", recorded)
        status, out, _ = run("--json", "-")
    assert (status, list(devices(out))) == (0, ["a"])


def test_a_header_alone_has_no_devices(run: Run, tmp_path: Path) -> None:
    """An empty recording is not an error."""
    status, out, _ = run("--json", written(tmp_path, []))
    assert (status, json.loads(out)["devices"], json.loads(out)["refused"]) == (0, [], {})


def test_a_person_reads_a_table(run: Run, tmp_path: Path) -> None:
    """Without --json the devices stand in a table."""
    status, out, _ = run(written(tmp_path, meeting("a", -46, 20)))
    assert status == 0
    name, observed, *_, alert, profile = out.splitlines()[1].split()
    assert (name, observed, alert, profile) == ("a", "20.0", "yes", "line-of-sight")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no column t_seconds and no device and no rssi_dbm"),
        (b"t_seconds,device\r\n1,a\r\n", "no column rssi_dbm"),
        (b"t_seconds,device,rssi_dbm\r\n1,a,127\r\n", "none of the 1 rows can be used"),
        (
            b"t_seconds,device,rssi_dbm\r\n1,\xff\xfe,-60\r\n",
            "line 1 or after: this is not CSV text",
        ),
        (
            b't_seconds,device,rssi_dbm\r\n1,"' + b"a" * 200_000,
            "line 2 or after: this is not CSV text",
        ),
        (gzip.compress(b"t_seconds,device,rssi_dbm\r\n1,a,-60\r\n", mtime=0)[:-12], "not CSV text"),
        (b"\x1f\x8b" + bytes(20), "not CSV text"),
    ],
)
def test_what_is_not_a_recording_is_refused(
    run: Run, tmp_path: Path, content: bytes, sentence: str
) -> None:
    """One sentence and status 1, for whatever file is given."""
    path = tmp_path / "recording.csv"
    path.write_bytes(content)
    status, out, err = run("--json", str(path))
    assert (status, out) == (1, "")
    assert sentence in err


def auc(scores: list[tuple[float, bool]]) -> float:
    """Probability that a positive scores above a negative, ties half."""
    positive = [score for score, is_near in scores if is_near]
    negative = [score for score, is_near in scores if not is_near]
    wins = sum((p > n) + (p == n) / 2 for p in positive for n in negative)
    return wins / (len(positive) * len(negative))


@pytest.mark.parametrize(("spacing", "at_least"), [(0, 0.98), (150, 0.9), (300, 0.82)])
def test_two_metres_are_told_apart_between_raspberry_pis(
    run: Run, tmp_path: Path, recordings: Path, spacing: int, at_least: float
) -> None:
    """NIST's recordings of two Raspberry Pi 3 in quarters of an hour, whole and thinned out."""
    heard: dict[str, float] = {}
    rows: list[Row] = []
    with gzip.open(recordings / "nist_rpi3.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            second = float(row["t_seconds"])
            quarter = int(second // 900)
            device = f"{row['true_distance_m']} {row['scenario']} {quarter}"
            if second - heard.get(device, -900) >= spacing - 5:
                heard[device] = second
                rows.append((second - 900 * quarter, device, row["rssi_dbm"]))
    _, out, _ = run("--json", written(tmp_path, rows))
    scores = [
        (told["score"], float(name.split()[0]) <= 2)
        for name, told in devices(out).items()
        if told["minutes_observed"] >= 12
    ]
    assert len(scores) > 100
    assert auc(scores) > at_least


def test_long_contacts_among_phones_score_higher(
    run: Run, tmp_path: Path, recordings: Path
) -> None:
    """DP-3T's experiment 05, people with phones: no method is much above 0.8 there."""
    rows: list[Row] = []
    with gzip.open(recordings / "dp3t_exp05.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            device = f"{row['scenario']} {row['rx_device']} {row['tx_device']}"
            rows.append((row["t_seconds"], device, row["rssi_dbm"], row["tx_dbm"]))
    _, out, _ = run("--json", written(tmp_path, rows, "t_seconds,device,rssi_dbm,tx_dbm"))
    told = devices(out)
    with gzip.open(recordings / "dp3t_exp05_truth_links.csv.gz", "rt", newline="") as file:
        scores = [
            (told[name]["score"], float(link["min_within_2m"]) >= 15)
            for link in csv.DictReader(file)
            if (name := f"{link['scenario']} {link['rx_device']} {link['tx_device']}") in told
        ]
    assert auc(scores) > 0.77
