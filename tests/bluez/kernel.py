"""The kernel's management interface, played: what it tells of an adapter to whoever asks."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bluezone_node.ble import bluez_mgmt

BR_EDR, LE = 1 << 7, 1 << 9
INDEX_ADDED = struct.pack("<HHH", 0x0004, 7, 0)
"""An event that nobody asked for."""


def information(adapter: int, settings: int) -> bytes:
    """Return the answer to *Read Controller Information* on hci *adapter*, to the byte."""
    told = struct.pack("<HB", 0x0004, 0)
    told += bytes(6) + struct.pack("<BHII", 8, 0x05F1, BR_EDR | LE, settings) + bytes(3 + 249 + 11)
    return struct.pack("<HHH", 0x0001, adapter, len(told)) + told


def refusal(adapter: int) -> bytes:
    """Return the answer where there is no hci *adapter*: Invalid Index."""
    return struct.pack("<HHHHB", 0x0002, adapter, 3, 0x0004, 0x11)


@contextmanager
def kernel_tells(monkeypatch: pytest.MonkeyPatch, *answers: bytes) -> Iterator[list[socket.socket]]:
    """Let every question have these *answers*; give the kernel's end of each."""
    ends: list[socket.socket] = []

    def open_channel() -> socket.socket:
        ours, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for answer in answers:
            kernel.send(answer)
        ends.append(kernel)
        return ours

    with monkeypatch.context() as patched:
        patched.setattr(bluez_mgmt, "open_channel", open_channel)
        yield ends
    for end in ends:
        end.close()
