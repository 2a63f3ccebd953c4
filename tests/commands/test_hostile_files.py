"""Whatever is in a file that a person names: an answer or a named error, never a traceback."""

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node import config
from bluezone_node.authority.settings import parse_settings
from bluezone_node.commands import cli
from bluezone_node.commands.lab.recording import read_recording
from bluezone_node.commands.lab.sightings import read_sightings
from bluezone_node.errors import BluezoneError

LINES = st.lists(
    st.sampled_from(
        [
            "time,rpi,aem,rssi",
            "t_seconds,device,rssi_dbm",
            "0,a,-60",
            "1e400,a,-60",
            "nan,a,-60",
            f"1600000000,{'0' * 32},00000000,-60",
            '"unclosed',
            "[node]",
            "tx_power = 99",
            "[[sources]]",
            "\x00",
            "\u2028",
        ]
    )
    | st.text(max_size=30)
).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass"))
ANYTHING = st.binary(max_size=300) | LINES | LINES.map(gzip.compress)


def recording(path: Path) -> object:
    with path.open("rb") as file:
        return read_recording(file, lambda _: None)


def score(path: Path) -> object:
    done = CliRunner().invoke(cli, ["lab", "score", str(path)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


READERS: dict[str, Callable[[Path], object]] = {
    "sightings": lambda path: list(read_sightings(path)),
    "recording": recording,
    "windows": score,
    "node settings": config.load,
    "authority settings": lambda path: parse_settings(
        path.read_bytes().decode("utf-8", "replace"), "authority.toml"
    ),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@given(content=ANYTHING)
def test_any_content_is_read_or_refused_in_words(
    reader: Callable[[Path], object],
    content: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Only errors of our own family leave a reader."""
    path = tmp_path_factory.getbasetemp() / "hostile"
    path.write_bytes(content)
    with suppress(BluezoneError):
        reader(path)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system")
def test_a_node_on_a_full_disk_says_so(tmp_path: Path) -> None:
    """One sentence with the place, exit status 1."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(tmp_path)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("this machine does not let root mount")
    try:
        (tmp_path / "filler").write_bytes(b"x" * 8192)
        done = subprocess.run(
            [sys.executable, "-m", "bluezone_node", "status"],
            env={
                **os.environ,
                "BLUEZONE_STATE_DIR": str(tmp_path),
                "BLUEZONE_CONFIG": os.devnull,
            },
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)

    assert done.returncode == 1
    assert "error: " in done.stderr
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr
