"""What the kernel tells of an adapter, and bluetoothd does not: whether BR/EDR is switched on.

Without BR/EDR (a chip for LE alone, or ``ControllerMode = le`` in bluetoothd's main.conf) the
kernel puts three bytes of Flags before every advertisement, and of one that fills a packet it
cuts the last three.  bluetoothd reports success, and none of its properties tells: those of a chip
for LE alone are the same as those of a dual one that offers no service.  The kernel's management
interface answers any user (BlueZ, doc/mgmt-api.txt, *Read Controller Information Command*).
"""

import ctypes
import os
import socket
import struct

FLAGS_BYTES = 3
"""Length, type and value of the Flags that the kernel puts first (net/bluetooth/eir.c)."""

PATIENCE = 1.0
"""Seconds: the answer is there when the question has been sent, unless the kernel is stuck."""

_AF_BLUETOOTH = 31
_BTPROTO_HCI = 1
_ADDRESS = struct.pack("=HHH", _AF_BLUETOOTH, 0xFFFF, 3)
"""struct sockaddr_hci: no device, HCI_CHANNEL_CONTROL.  The ``bind`` of Python's socket knows
no channels before 3.14, and nothing of Bluetooth in builds without its headers."""

_HEADER = struct.Struct("<HHH")
"""Opcode or event, number of the adapter, bytes that follow."""
_READ_INFORMATION = 0x0004
_COMPLETE, _STATUS = 0x0001, 0x0002
"""Events that answer; others may come between."""
_COMPLETED = struct.Struct("<HB6xBHII")
"""Command, status; address, version, manufacturer; supported settings, current settings."""
_BR_EDR = 1 << 7
_LONGEST = 512


def br_edr(adapter: str) -> bool | None:
    """Tell whether *adapter*, such as ``hci0``, has BR/EDR switched on beside LE.

    None: the kernel cannot be asked (no such adapter; a sandbox, or a network namespace, without
    Bluetooth sockets).
    """
    number = int(adapter.removeprefix("hci"))
    try:
        with open_channel() as channel:
            channel.settimeout(PATIENCE)
            channel.send(_HEADER.pack(_READ_INFORMATION, number, 0))
            while True:
                answer = channel.recv(_LONGEST)
                event, about, _ = _HEADER.unpack_from(answer)
                if about == number and event in (_COMPLETE, _STATUS):
                    return _switched_on(answer[_HEADER.size :]) if event == _COMPLETE else None
    except OSError:
        return None


def open_channel() -> socket.socket:
    """Return a socket to the kernel's management interface.

    Raises:
        OSError: there is none here.
    """
    channel = socket.socket(_AF_BLUETOOTH, socket.SOCK_RAW, _BTPROTO_HCI)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(channel.fileno(), _ADDRESS, len(_ADDRESS)):
        number = ctypes.get_errno()
        channel.close()
        raise OSError(number, os.strerror(number))
    return channel


def _switched_on(answer: bytes) -> bool:
    *_, current = _COMPLETED.unpack_from(answer)
    return bool(current & _BR_EDR)
