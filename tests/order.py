"""In which order the long tests run, and which of them on one worker, so that two cores suffice.

The machines of tests/vm mostly wait for the air, so the others run beside them: at once those
that may take their time, and what itself counts seconds when the machines are done.  To the
machines they give way, because a kernel that is kept waiting loses what is on the air.
"""

import os
from contextlib import suppress

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

_MACHINES = "tests/vm/test_vm.py"
_PACKAGES = "tests/packaging"
"""One worker: its packages are built once."""
_STORIES = ("tests/system/test_story.py", "tests/system/test_market_story.py")
"""One worker: they are told once."""

_LONG = (
    "tests/store/authority/test_export_killed.py",
    "tests/store/authority/test_backup.py",
    "tests/authority/places/test_bundles.py",
)
"""None of them should be left over."""

_HURRIED = (
    # The longest first.
    *_STORIES,
    "tests/system/test_story_on_postgres.py",
    "tests/ble",
    "tests/system",
    "tests/bluez",
    "tests/commands/test_air.py",
    "tests/commands/test_authority_workers.py",
    "tests/contract/test_radio.py",
    "tests/node/test_daemon.py",
    "tests/test_systemd.py",
    "tests/web/test_workers.py",
)
"""Listen, keep pace with an air, or say within how many seconds something has to happen."""

_AT_FIRST = os.getpriority(os.PRIO_PROCESS, 0)
_GIVING_WAY = 10
"""Of 19: a tenth of the time of what does not."""


class Scheduling(LoadFileScheduling):
    """What shares what is made but once is one worker's; begun in the order of `sort`."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(_STORIES):
            return _STORIES[0]
        return _PACKAGES if nodeid.startswith(_PACKAGES) else super()._split_scope(nodeid)


def sort(items: list[pytest.Item]) -> None:
    """Put what takes long first, and last what counts seconds."""
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    order = (_MACHINES, f"{_PACKAGES}/test_service.py", _PACKAGES, *_LONG)
    for rank, prefix in enumerate(order):
        if nodeid.startswith(prefix):
            return rank
    for rank, prefix in enumerate(_HURRIED, 1):
        if nodeid.startswith(prefix):
            return len(order) + rank
    return len(order)


def give_way(item: pytest.Item) -> None:
    """Let the machines go before *item* where both run side by side, and it does not hurry."""
    if not item.session.items[0].nodeid.startswith(_MACHINES):
        return
    hurries = item.get_closest_marker("vm") or item.nodeid.startswith(_HURRIED)
    # Only root may hurry again after having given way.
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _AT_FIRST + (0 if hurries else _GIVING_WAY))
