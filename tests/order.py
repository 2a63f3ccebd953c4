"""In which order the long tests run, and which of them on one worker, so that two cores suffice.

Those that may take their time first, and what itself counts seconds when they are done.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

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
    for rank, prefix in enumerate(_LONG):
        if nodeid.startswith(prefix):
            return rank
    for rank, prefix in enumerate(_HURRIED, 1):
        if nodeid.startswith(prefix):
            return len(_LONG) + rank
    return len(_LONG)
