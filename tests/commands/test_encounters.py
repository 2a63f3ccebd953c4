"""``encounters``: the log without identifiers, and how near they may have been."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.proximity.encounters import fold_all
from bluezone_node.proximity.model import Sighting
from bluezone_node.store.node import open_node_store

Run = Callable[..., tuple[int, str, str]]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NEAR, FAR = b"\xa1" * 16, b"\xb2" * 16


def heard(identifier: bytes, rssi: int) -> list[Sighting]:
    return [
        Sighting(NOON + timedelta(seconds=second), identifier, bytes(4), rssi)
        for second in range(0, 900, 2)
    ]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A node that heard one neighbour strongly and one weakly, for a quarter of an hour."""
    (tmp_path / "state").mkdir(mode=0o700)
    with open_node_store(tmp_path / "state" / "node.db") as store:
        store.log(*fold_all([*heard(NEAR, -40), *heard(FAR, -85)]))
    file = tmp_path / "node.toml"
    file.write_text(f'[node]\nstate_dir = "{tmp_path / "state"}"\nprofile = "line-of-sight"\n')
    return file


def test_each_encounter_tells_how_near_it_may_have_been(program: Run, config: Path) -> None:
    """Both lasted as long; one was within two metres, and the dose says so."""
    status, out, _ = program("encounters", "--json", "--config", config)
    near, far = sorted(json.loads(out)["encounters"], key=lambda one: -one["mean_rssi"])
    assert (status, near["minutes"], far["minutes"]) == (0, 15, 15)
    assert near["minutes_within_2m"]["low"] == pytest.approx(15, abs=0.01)
    assert far["minutes_within_2m"]["high"] < 1
    assert near["dose_minutes"]["value"] > 10 > 1 > far["dose_minutes"]["value"]
    assert near["packets"] == 450
    widening = [near[f"minutes_within_{metres}m"]["value"] for metres in (1, 2, 3)]
    assert widening == sorted(widening)


def test_no_identifier_is_shown(program: Run, config: Path) -> None:
    """Neither in the table nor in JSON, in no writing."""
    for more in ([], ["--json"]):
        _, out, err = program("encounters", "--config", config, *more)
        assert "15 (15-15)" in out or more
        assert "As if sent at 12 dBm" in err or more
        for identifier in (NEAR, FAR):
            assert identifier.hex()[:8] not in (out + err).lower()
            assert str(identifier)[:12] not in out + err


def test_an_offset_brings_them_nearer(program: Run, config: Path) -> None:
    """A receiver that reads twenty decibels too weak had the far one near, too."""
    config.write_text(config.read_text() + "rx_offset = 40.0\n")
    _, out, _ = program("encounters", "--json", "--config", config)
    assert all(one["minutes_within_2m"]["value"] > 14 for one in json.loads(out)["encounters"])


def test_nothing_logged_is_said(program: Run, config: Path) -> None:
    """From tomorrow on there is nothing."""
    status, out, err = program("encounters", "--since", "2026-03-09", "--config", config)
    assert (status, out) == (0, "")
    assert "No encounters are logged" in err
