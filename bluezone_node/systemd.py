"""Tell systemd how the service is, and take what it opened for it.

sd_notify(3) is one datagram a message, sd_listen_fds(3) two environment variables and a number.
The packages that wrap them are from 2017 or do not build for every Raspberry Pi.
"""

import os
import socket
from collections.abc import Mapping

from bluezone_node.errors import BadConfig

FIRST_PASSED = 3
"""Passed descriptors are numbered from here (SD_LISTEN_FDS_START)."""


class ServiceManager:
    """Sends nothing where no service manager asked for it."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for Linux's abstract namespace.
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def ready(self) -> None:
        self._send("READY=1")

    def starting(self) -> None:
        """Ask for two minutes more to start in: to be called while long work makes progress."""
        self._send("EXTEND_TIMEOUT_USEC=120000000")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Feed the watchdog: to be called from work that was done, never from a timer."""
        self._send("WATCHDOG=1")

    def _send(self, state: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.sendto(state.encode(), self._address)


def passed_socket(environ: Mapping[str, str] = os.environ) -> socket.socket | None:
    """Return the socket on which systemd already listens for this process, or None.

    Raises:
        BadConfig: the socket unit passes something else than one TCP socket.
    """
    # A child of the process that was meant inherits the variables, not the right to the socket.
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    hint = "in the .socket unit: one ListenStream=HOST:PORT"
    if environ.get("LISTEN_FDS") != "1":
        raise BadConfig("the service manager must pass exactly one socket", hint=hint)
    passed = socket.socket(fileno=FIRST_PASSED)
    if passed.family not in {socket.AF_INET, socket.AF_INET6} or passed.type != socket.SOCK_STREAM:
        raise BadConfig("the socket that the service manager passed is not for TCP", hint=hint)
    passed.set_inheritable(False)
    return passed
