"""The house keeps its shape: what DESIGN says of imports is checked, not hoped for."""

import subprocess
import sys
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def test_the_import_contracts_hold() -> None:
    """Every contract in pyproject.toml is kept."""
    # In a process of its own: the linter switches off the loggers of whoever calls it.
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--config", PYPROJECT, "--no-cache"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
