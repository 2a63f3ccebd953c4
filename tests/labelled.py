"""Labelled recordings, made up: pairs at known distances, heard as an average link would be."""

import csv
import gzip
import random
from collections.abc import Iterable, Iterator
from math import log10
from pathlib import Path

Row = tuple[object, ...]
HEADER = "set,scenario,t_seconds,rssi_dbm,tx_dbm,true_distance_m,tx_device,rx_device,env"
TRUTH = "scenario,rx_device,tx_device,min_within_2m,dose_min_1m"


def heard(
    metres: float,
    minutes: int,
    *,
    sender: str = "b",
    receiver: str = "a",
    scenario: str = "room",
    tx: object = "",
    told: bool = True,
    start: int = 0,
    every: int = 5,
    exponent: float = 2.0,
) -> Iterator[Row]:
    """A packet every few seconds: 61 dB at 1 m, 12 dBm sent where nothing else is told."""
    rng = random.Random(f"{metres}{sender}{receiver}{scenario}")
    power = 12 if tx == "" else float(str(tx))
    for second in range(start, start + 60 * minutes, every):
        level = power - 61 - 10 * exponent * log10(metres) + rng.gauss(0, 2)
        at = metres if told else ""
        yield "set", scenario, second, round(level), tx, at, sender, receiver, "hall"


def write(path: Path, rows: Iterable[Row], header: str = HEADER) -> Path:
    """Write *rows* as CSV, zipped if the name says so."""
    opening = gzip.open if path.name.endswith(".gz") else open
    with opening(path, "wt", encoding="utf-8", newline="") as file:
        file.write(f"{header}\r\n")
        csv.writer(file).writerows(rows)
    return path
