"""Running the program as a person does, exit status and both streams, without a process."""

import sys
from collections.abc import Callable

import pytest

from bluezone_node.commands import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``bluezone-node`` with arguments and return its exit status, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bluezone-node", *map(str, arguments)])
        status: int | str | None = 0
        try:
            main()
        except SystemExit as finished:
            status = finished.code
        told = capsys.readouterr()
        return int(status or 0), told.out, told.err

    return call
