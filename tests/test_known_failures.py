"""Pages that say what is proved: each test that they name is one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
KNOWN = (DOCS / "known-failures.md").read_text(encoding="utf-8")
TESTS = {
    path.relative_to(ROOT).as_posix(): set(
        re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    )
    for path in (ROOT / "tests").rglob("test_*.py")
}
NAMES = {name for names in TESTS.values() for name in names}
FILES = {Path(path).stem for path in TESTS}


def test_every_known_failure_has_its_tests_or_says_that_there_is_none() -> None:
    """Three cells: what failed, what is done, and tests that exist."""
    rows = [line.strip("|").split(" | ") for line in KNOWN.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if row[0].strip() != "What failed"]
    assert len(rows) > 40
    for row in rows:
        assert len(row) == 3, row[0]
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row[2])
        assert named or row[2].strip() == "–", row[0]
        for file, name in named:
            assert name in TESTS.get(file, ()), f"{file}::{name}"


@pytest.mark.parametrize("page", ["threat-model.md", "privacy.md", "known-failures.md"])
def test_every_test_that_a_page_names_exists(page: str) -> None:
    """By its function or its file; a name that ends in … is a beginning."""
    text = (DOCS / page).read_text(encoding="utf-8")
    named = set(re.findall(r"\b(test_\w+)(…?)", text))
    missing = {
        name
        for name, rest in named
        if name not in NAMES | FILES and not (rest and any(each.startswith(name) for each in NAMES))
    }
    assert missing == set()
