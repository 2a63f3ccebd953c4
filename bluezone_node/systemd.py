"""Tell systemd how the service is: sd_notify(3), which is one datagram a message.

The packages that wrap it are from 2017 or do not build for every Raspberry Pi; the protocol is
an environment variable and a Unix datagram socket.
"""

import os
import socket
from collections.abc import Mapping


class ServiceManager:
    """Sends nothing where no service manager asked for it."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for Linux's abstract namespace.
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def ready(self) -> None:
        self._send("READY=1")

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
