"""The main job through the front door: what a newcomer runs first must be true."""

import base64
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.keys import TemporaryExposureKey

pytestmark = pytest.mark.slow


def own_keys(folder: Path) -> Iterator[TemporaryExposureKey]:
    """Yield the keys of all four nodes."""
    for database in folder.glob("*/node.db"):
        with sqlite3.connect(database) as connection:
            for row in connection.execute("SELECT key, rolling_start FROM own_key"):
                yield TemporaryExposureKey(row[0], row[1])
        connection.close()


def test_the_story_names_who_was_warned_and_who_was_not(told: Path) -> None:
    """Every line came true, in both languages."""
    story = (told / "story.txt").read_text()

    assert story.count("Every line came true") == 1
    assert "NOT SO" not in story
    assert "Bình is warned" in story
    assert "Bạn có thể đã ở gần" in story
    assert "Khả năng bạn đã ở trong vòng 2 m từ 15 phút trở lên: " in story
    assert "▁▂▃ xa hơn" in story or "xa hon" in story


def test_no_process_logged_a_key_an_identifier_or_a_code(told: Path) -> None:
    """All that six processes said, searched for every secret they held, in hex and in base64."""
    said = "".join(path.read_text() for path in [*told.glob("*.log"), told / "story.txt"])
    said += "".join(path.read_text() for path in told.glob("authority/**/*.log"))
    keys = list(own_keys(told))
    secrets = [key.key for key in keys] + [rpi for key in keys for rpi in all_identifiers(key)]

    assert len(secrets) > 1000
    for secret in secrets:
        assert secret.hex() not in said
        assert base64.b64encode(secret).decode() not in said
    assert not re.search(r"\b\d{8}\b", said), "eight digits look like a code"


def test_what_was_on_the_air_was_derived_from_the_keys_and_from_nothing_else(told: Path) -> None:
    """Every frame of ours in the air's log is an identifier of one of the four nodes."""
    known = {rpi.hex() for key in own_keys(told) for rpi in all_identifiers(key)}
    nodes = {"kiosk", "an", "binh", "chi"}
    entries = [json.loads(line) for line in (told / "air.jsonl").read_text().splitlines()]
    aired = {entry["payload"][16:48] for entry in entries if entry["device"] in nodes}

    assert len(aired) > 100
    assert aired <= known


def test_the_folder_can_be_looked_around_in_as_the_story_says(told: Path) -> None:
    """The commands that both stories name work after they have ended."""
    story = (told / "story.txt").read_text()
    commands = re.findall(r"^  \S*bluezone-node (.+)$", story, re.MULTILINE)

    assert len(commands) == 9
    for command in commands:
        program = f"{sys.executable} -m bluezone_node {command}"
        done = subprocess.run(
            program, shell=True, capture_output=True, text=True, env=os.environ, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout or "--svg" in command
    assert "<svg" in (told / "meeting.svg").read_text()
