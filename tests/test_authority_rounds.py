"""What a serving authority does again and again with its people and their trail."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.people.audit import ERASED
from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.clock import SimClock
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.wiring.authority import open_authority
from bluezone_node.wiring.serving import rounds
from tests.authorities import NOW


class Done(Exception):
    """The first round is over."""


class OneRound(SimClock):
    """Ends a job where it would wait for its next round."""

    async def sleep(self, seconds: float) -> None:
        raise Done


async def test_old_entries_are_erased_and_the_head_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has what the trail can be compared with later, and nothing else of it."""
    caplog.set_level(logging.INFO, "bluezone_node")
    folder, clock = make_folder(tmp_path / "a", ["registrar"]), OneRound(NOW)
    with open_authority(folder, clock, ["registrar"]) as parts:
        assert parts.audit is not None
        parts.audit.record(OPERATOR, "user_added", "canary-name")
        clock.advance(timedelta(days=730 + 8).total_seconds())
        parts.audit.record(OPERATOR, "user_disabled", "canary-name")
        (job,) = (each for each in rounds(parts, clock) if each.__name__ == "forget")
        with pytest.raises(Done):
            await job()
        assert [entry.action for entry in parts.audit.entries()] == [ERASED, "user_disabled"]
        head = parts.audit.head()
        assert f"audit head {head}" in caplog.messages
        assert "canary-name" not in caplog.text
        assert parts.audit.verify(head).intact


async def test_notices_are_told_and_forgotten(tmp_path: Path) -> None:
    """A server alone, with nothing to tell: a bundle lies there, and another the day after."""
    folder, clock = make_folder(tmp_path / "a", ["registrar"], NOW), OneRound(NOW)
    with open_authority(folder, clock, ["registrar"]) as parts:
        jobs = {each.__name__: each for each in rounds(parts, clock)}
        for _ in range(2):
            with pytest.raises(Done):
                await jobs["tell"]()
            with pytest.raises(Done):
                await jobs["forget"]()
            clock.advance(timedelta(days=1).total_seconds())
    lying = {path.name for path in (folder.exports / "places").iterdir()}
    assert {"00000001.cose", "00000002.cose", "index.txt", "trust.cose"} <= lying
