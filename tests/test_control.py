"""The door between the running daemon and the command line."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bluezone_node.control import SOCKET_NAME, ControlDoor, ask
from bluezone_node.errors import BadConfig


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    """A folder with an open door that answers one question."""
    door = ControlDoor(tmp_path, {"status": lambda: {"well": True}})
    await door.open()
    yield tmp_path
    await door.close()


async def test_a_question_is_answered(folder: Path) -> None:
    """One line in, one document out."""
    assert await asyncio.to_thread(ask, folder, "status") == {"well": True}


async def test_an_unknown_question_is_named_as_one(folder: Path) -> None:
    """An older daemon and a newer command do not misunderstand each other."""
    assert await asyncio.to_thread(ask, folder, "dance") == {"error": "unknown question"}


async def test_only_the_owner_can_reach_it(folder: Path) -> None:
    """The socket has the rights of the database."""
    assert stat.S_IMODE((folder / SOCKET_NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"x" * 100_000 + b"\n", b"", b"half a lin"])
async def test_nonsense_does_not_close_the_door(folder: Path, content: bytes) -> None:
    """Whoever writes something else loses their own connection."""
    _, writer = await asyncio.open_unix_connection(folder / SOCKET_NAME)
    writer.write(content)
    writer.write_eof()
    writer.close()

    assert await asyncio.to_thread(ask, folder, "status") == {"well": True}


async def test_a_door_left_by_a_killed_node_is_replaced(tmp_path: Path) -> None:
    """The lock on the database says that nobody is behind it."""
    killed = ControlDoor(tmp_path, {})
    await killed.open()
    door = ControlDoor(tmp_path, {"status": lambda: {"new": True}})
    await door.open()

    assert await asyncio.to_thread(ask, tmp_path, "status") == {"new": True}
    await door.close()
    await killed.close()


def test_nobody_behind_the_door_is_no_answer(tmp_path: Path) -> None:
    """A command goes on without the daemon."""
    assert ask(tmp_path, "status") is None
    (tmp_path / SOCKET_NAME).write_text("not a socket")
    assert ask(tmp_path, "status") is None


async def test_a_path_too_long_for_a_socket_says_what_to_do(tmp_path: Path) -> None:
    """Linux allows 107 bytes."""
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    with pytest.raises(BadConfig) as refused:
        await ControlDoor(deep, {}).open()

    assert "shorter" in refused.value.hint
