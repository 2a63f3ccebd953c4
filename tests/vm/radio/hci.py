"""The host controller interface in bytes: what a host says to a controller, and back.

Bluetooth Core Specification, Vol 4: Part A for the one-byte packet indicators (H4), Part E for
commands, return parameters and events.
"""

import struct
from enum import IntEnum

COMMAND, EVENT, VENDOR = 0x01, 0x04, 0xFF
"""Packet indicators; VENDOR is /dev/vhci's own, to create a device and to name it."""


class Status(IntEnum):
    OK = 0x00
    UNKNOWN_COMMAND = 0x01
    DISALLOWED = 0x0C
    INVALID = 0x12
    UNKNOWN_ADVERTISING_ID = 0x42


class Event(IntEnum):
    COMMAND_COMPLETE = 0x0E
    COMMAND_STATUS = 0x0F
    HARDWARE_ERROR = 0x10
    LE_META = 0x3E


class Meta(IntEnum):
    """Subevents of LE_META."""

    ADVERTISING_REPORT = 0x02
    EXTENDED_ADVERTISING_REPORT = 0x0D
    ADVERTISING_SET_TERMINATED = 0x12


class Own(IntEnum):
    """Own_Address_Type: the odd ones are random."""

    PUBLIC = 0
    RANDOM = 1
    RESOLVABLE_OR_PUBLIC = 2
    RESOLVABLE_OR_RANDOM = 3


def command(packet: bytes) -> tuple[int, bytes] | None:
    """Return opcode and parameters of a command *packet*; None for any other packet."""
    if len(packet) < 4 or packet[0] != COMMAND:
        return None
    opcode, length = struct.unpack_from("<HB", packet, 1)
    return opcode, packet[4 : 4 + length]


def event(code: Event, parameters: bytes) -> bytes:
    return bytes([EVENT, code, len(parameters)]) + parameters


def complete(opcode: int, returned: bytes) -> bytes:
    """Return the answer to a command; its first byte is the status."""
    return event(Event.COMMAND_COMPLETE, struct.pack("<BH", 1, opcode) + returned)


def refused_at_once(opcode: int, status: Status) -> bytes:
    """Return the answer to a command that would begin something lasting."""
    return event(Event.COMMAND_STATUS, struct.pack("<BBH", status, 1, opcode))


def hardware_error(code: int) -> bytes:
    return event(Event.HARDWARE_ERROR, bytes([code]))


def set_terminated(handle: int, events: int) -> bytes:
    """Return the news that an advertising set reached the end that its host gave it."""
    timeout = 0x3C
    told = struct.pack("<BBBHB", timeout, handle, 0, 0, min(255, events))
    return event(Event.LE_META, bytes([Meta.ADVERTISING_SET_TERMINATED]) + told)
