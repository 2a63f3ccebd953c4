"""Names have one way out: nothing in the program opens a row but what a warrant leads to."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import bluezone_node

PACKAGE = Path(bluezone_node.__file__).parent


@cache
def named() -> dict[str, set[str]]:
    """Return what each module names, by its path; definitions aside."""
    return {
        str(path.relative_to(PACKAGE)): set(_names(ast.parse(path.read_text(encoding="utf-8"))))
        for path in PACKAGE.rglob("*.py")
    }


def users_of(name: str) -> set[str]:
    return {path for path, names in named().items() if name in names}


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name


@pytest.mark.parametrize(
    ("name", "modules"),
    [
        ("open_contact", {"authority/places/contacts.py"}),
        ("release", {"node/kiosk/register.py"}),
        ("read_warrant", {"authority/places/warrants.py", "node/kiosk/register.py"}),
        ("FolderDayKeys", {"wiring/register.py"}),
        ("forget_contacts", {"node/kiosk/register.py"}),
    ],
)
def test_a_row_is_opened_behind_a_warrant_and_nowhere_else(name: str, modules: set[str]) -> None:
    """Each function on the way is called by the one module that checks first."""
    called = {
        path
        for path in users_of(name)
        if name != "release" or "venues.register" in (PACKAGE / path).read_text(encoding="utf-8")
    }
    assert called == modules


def test_the_rows_of_a_kiosk_are_read_by_its_register_alone() -> None:
    """No page, table or command asks the store for contacts."""
    readers = {
        path
        for path in users_of("contacts")
        if "_store.contacts(" in (PACKAGE / path).read_text(encoding="utf-8")
    }
    assert readers == {"node/kiosk/register.py"}
