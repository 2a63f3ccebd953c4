"""How a controller reaches its host: the kernel through /dev/vhci, or a program through a socket.

``/dev/vhci`` makes the controller appear as hciN, driven by the kernel and bluetoothd like a real
one.  The socket carries the same packets (H4) to an independent host stack such as bumble.
"""

import asyncio
import os
import struct
from pathlib import Path

from tests.vm.radio import hci
from tests.vm.radio.commands import obey
from tests.vm.radio.controller import Controller

VHCI = Path("/dev/vhci")

_PRIMARY = 0x00
_LONGEST_PACKET = 4096


class KernelHost:
    """A controller in the machine's own USB socket, so to say: it can be pulled out."""

    def __init__(self, chip: Controller) -> None:
        self.index: int | None = None
        """N of hciN while it is plugged in."""
        self._chip = chip
        self._device = -1

    async def plug(self) -> int:
        """Appear as a device; return its index."""
        loop = asyncio.get_running_loop()
        named: asyncio.Future[int] = loop.create_future()
        device = self._device = os.open(VHCI, os.O_RDWR | os.O_NONBLOCK)

        def readable() -> None:
            packet = os.read(device, _LONGEST_PACKET)
            if packet[0] == hci.VENDOR:
                named.set_result(struct.unpack_from("<H", packet, 2)[0])
            else:
                obey(self._chip, packet)

        self._chip.send = self._send
        loop.add_reader(device, readable)
        os.write(device, bytes([hci.VENDOR, _PRIMARY]))
        self.index = await named
        self._chip.note("fault", what="plugged in", index=self.index)
        return self.index

    def unplug(self) -> None:
        """Disappear, as a dongle that is pulled out: without a word to anyone."""
        if self.index is None:
            return
        self._chip.note("fault", what="unplugged")
        self._chip.reset()
        self._chip.send = lambda packet: None
        asyncio.get_running_loop().remove_reader(self._device)
        os.close(self._device)
        self.index = None

    def _send(self, packet: bytes) -> None:
        os.write(self._device, packet)


async def serve_host(chip: Controller, path: Path) -> None:
    """Offer *chip* on a Unix socket, to one host at a time."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chip.send = writer.write
        try:
            while True:
                obey(chip, await _packet(reader))
        except (asyncio.IncompleteReadError, ConnectionError):
            # The host is gone: nobody would ever switch off what it had switched on.
            chip.reset()
            chip.send = lambda packet: None

    await asyncio.start_unix_server(serve, path)


async def _packet(reader: asyncio.StreamReader) -> bytes:
    kind = await reader.readexactly(1)
    if kind[0] == hci.COMMAND:
        head = await reader.readexactly(3)
        return kind + head + await reader.readexactly(head[2])
    head = await reader.readexactly(4)
    (length,) = struct.unpack_from("<H", head, 2)
    return kind + head + await reader.readexactly(length)
