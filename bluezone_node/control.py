"""The door between the running daemon and the command line: a Unix socket in the state folder.

One JSON line in, one JSON line out.  The folder belongs to its owner alone (0700), so whoever can
reach the socket may already read the database: it needs no further permission, and it carries no
key, identifier or code.
"""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bluezone_node.errors import BadConfig

SOCKET_NAME = "control.sock"

TIMEOUT = 2.0
"""Seconds a command waits for the daemon before it goes on without."""

_LONGEST_LINE = 1 << 20

Answer = Callable[[], Mapping[str, Any]]


class ControlDoor:
    """Answers questions while the daemon runs."""

    def __init__(self, folder: Path, answers: Mapping[str, Answer]) -> None:
        self._path = folder / SOCKET_NAME
        self._answers = answers
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; a socket left behind by a node that was killed is replaced.

        Only the holder of the database lock calls this, so nobody else is listening.
        """
        self._path.unlink(missing_ok=True)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path)
        except OSError as error:
            raise BadConfig(
                f"{self._path} cannot be opened: {error.strerror or error}",
                hint="choose a state folder with a shorter path: Linux allows a socket 107 bytes",
            ) from error
        self._path.chmod(0o600)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(TIMEOUT):
                question = (await reader.readline()).decode().strip()
            answer = self._answers.get(question)
            reply = dict(answer()) if answer else {"error": "unknown question"}
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):
            # The asker went away or spoke something else: its loss, not the daemon's.
            pass
        finally:
            writer.close()


def ask(folder: Path, question: str) -> dict[str, Any] | None:
    """Ask the daemon that runs on *folder*; None where none answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(TIMEOUT)
        try:
            channel.connect(str(folder / SOCKET_NAME))
            channel.sendall(question.encode() + b"\n")
            with channel.makefile("rb") as stream:
                reply = json.loads(stream.readline(_LONGEST_LINE))
        except (OSError, ValueError):
            return None
    return reply if isinstance(reply, dict) else None
