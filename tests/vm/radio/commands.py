"""What a controller does on each command of its host: a table from opcode to a small function.

Each function takes the controller and the parameters and gives the return parameters, of which the
first byte is the status.
"""

import asyncio
import os
import struct
from collections.abc import Callable

from tests.vm.radio import hci
from tests.vm.radio.advertising import AdvertisingSet
from tests.vm.radio.controller import TX_POWER, Controller
from tests.vm.radio.hci import Own, Status
from tests.vm.radio.pdu import Kind, address_text

Handler = Callable[[Controller, bytes], bytes]

_HANDLERS: dict[int, Handler] = {}

OK = bytes([Status.OK])
DISALLOWED = bytes([Status.DISALLOWED])
INVALID = bytes([Status.INVALID])
NO_SUCH_SET = bytes([Status.UNKNOWN_ADVERTISING_ID])

LASTING = frozenset({0x0401, 0x0405, 0x0406, 0x200D, 0x2043})
"""Inquiry, connections and their end: they are answered by a status, and there are none here."""

_LEAST_POWER, _MOST_POWER = -20, 10
"""dBm that can be asked for."""
_HOST_HAS_NO_PREFERENCE = 127

_SET_COUNT = 4
_LONGEST_DATA = 31


def obey(chip: Controller, packet: bytes) -> None:
    """Do what the host asks in *packet* and send the event that answers it.

    A chip that hangs swallows it; data packets are for connections, and there are none.
    """
    told = hci.command(packet)
    if told is None or chip.hung:
        return
    opcode, parameters = told
    answer = _answer(chip, opcode, parameters)
    if chip.answers_after:
        asyncio.get_running_loop().call_later(chip.answers_after, lambda: chip.send(answer))
    else:
        chip.send(answer)


def _answer(chip: Controller, opcode: int, parameters: bytes) -> bytes:
    if opcode in LASTING:
        return hci.refused_at_once(opcode, Status.DISALLOWED)
    handler = _HANDLERS.get(opcode)
    if handler is None:
        chip.unknown[opcode] = chip.unknown.get(opcode, 0) + 1
        return hci.complete(opcode, bytes([Status.UNKNOWN_COMMAND]))
    return hci.complete(opcode, handler(chip, parameters))


def _on(opcode: int) -> Callable[[Handler], Handler]:
    def note(handler: Handler) -> Handler:
        _HANDLERS[opcode] = handler
        return handler

    return note


def _always(returned: bytes, *opcodes: int) -> None:
    for opcode in opcodes:
        _HANDLERS[opcode] = lambda chip, parameters: OK + returned


# Commands that change nothing here: event masks, BR/EDR's settings, accept lists.
_always(b"", 0x0C01, 0x0C63, 0x0C05, 0x0C13, 0x0C16, 0x0C18, 0x0C1A, 0x0C1C, 0x0C1E, 0x0C20)
_always(b"", 0x0C24, 0x0C26, 0x0C3A, 0x0C43, 0x0C45, 0x0C47, 0x0C52, 0x0C56, 0x0C7A, 0x0C6D)
_always(b"", 0x080F, 0x2001, 0x2010, 0x2011, 0x2012, 0x200E, 0x2014)
# And questions with one answer.
_always(struct.pack("<HBHH", 192, 0, 8, 0), 0x1005)  # buffer sizes
_always(bytes(248), 0x0C14)  # local name
_always(bytes(3), 0x0C23)  # class of device
_always(struct.pack("<H", 0x0060), 0x0C25)  # voice setting
_always(b"\x01", 0x0C38)  # number of inquiry access codes
_always(b"\x01\x33\x8b\x9e", 0x0C39)  # the general one
_always(b"\x00", 0x0C58, 0x0C46)  # inquiry response power, page scan type
_always(bytes(4), 0x0C0D)  # stored link keys
_always(struct.pack("<HH", 0x800, 0x12), 0x0C1B)  # page scan activity
_always(struct.pack("<HB", 27, 8), 0x2002)  # LE buffers
_always(b"\x08", 0x200F)  # size of the accept list
_always(b"\xff\xff\xff\xff\xff\x03\x00\x00", 0x201C)  # supported states: all
_always(struct.pack("bb", _LEAST_POWER, _MOST_POWER), 0x204B)
_always(struct.pack("<H", _LONGEST_DATA), 0x203A)
_always(bytes([_SET_COUNT]), 0x203B)


# Who it is


@_on(0x0C03)
def _reset(chip: Controller, _: bytes) -> bytes:
    chip.reset()
    if chip.deaf_until == "reset":
        chip.deaf_until = ""
    return OK


@_on(0x1001)
def _version(chip: Controller, _: bytes) -> bytes:
    version = 0x09 if chip.model.extended else 0x08  # 5.0 and 4.2
    return OK + struct.pack("<BHBHH", version, 1, version, 0x05F1, 1)


@_on(0x1002)
def _supported_commands(chip: Controller, _: bytes) -> bytes:
    bits = bytearray(64)
    bits[0], bits[5], bits[14], bits[15] = 0x20, 0xC0, 0xA8, 0x02
    bits[25], bits[26], bits[27], bits[28] = 0xF7, 0xCF, 0x83, 0x08
    if chip.model.extended:
        bits[36], bits[37], bits[38] = 0xFE, 0x63, 0x80
    return OK + bits


def _feature_bits(chip: Controller) -> bytes:
    bits = bytearray(8)
    bits[4] = 0x40  # LE
    if chip.model.dual:
        bits[6] = 0x08  # secure simple pairing: the least that BR/EDR needs
    else:
        bits[4] |= 0x20  # no BR/EDR
    bits[7] = 0x80  # more pages
    return bytes(bits)


@_on(0x1003)
def _features(chip: Controller, _: bytes) -> bytes:
    return OK + _feature_bits(chip)


@_on(0x1004)
def _more_features(chip: Controller, parameters: bytes) -> bytes:
    pages = {0: _feature_bits(chip), 1: b"\x02" + bytes(7)}
    return OK + bytes([parameters[0], 1]) + pages.get(parameters[0], bytes(8))


@_on(0x1009)
def _own_address(chip: Controller, _: bytes) -> bytes:
    return OK + chip.public


@_on(0x2003)
def _le_features(chip: Controller, _: bytes) -> bytes:
    return OK + bytes([0x01, 0x10 if chip.model.extended else 0]) + bytes(6)


@_on(0x2007)
def _advertising_power(_: Controller, __: bytes) -> bytes:
    return OK + struct.pack("b", TX_POWER)


@_on(0x2018)
def _random_number(_: Controller, __: bytes) -> bytes:
    return OK + os.urandom(8)


# Advertising in the dialect of Bluetooth 4


@_on(0x2005)
def _set_random_address(chip: Controller, parameters: bytes) -> bytes:
    legacy = chip.sets.get(None)
    if (chip.scanner.on and chip.model.strict) or (legacy is not None and legacy.enabled):
        chip.note("address_refused", addr=address_text(parameters))
        return DISALLOWED
    chip.random_address = parameters
    return OK


@_on(0x2006)
def _advertising_parameters(chip: Controller, parameters: bytes) -> bytes:
    legacy = chip.sets.get(None)
    if legacy is None or legacy.enabled:
        return DISALLOWED
    legacy.shortest, legacy.longest, kind, legacy.own_type = struct.unpack_from("<HHBB", parameters)
    legacy.kind = Kind(min(kind, Kind.ADV_NONCONN_IND))
    return OK


@_on(0x2008)
def _advertising_data(chip: Controller, parameters: bytes) -> bytes:
    legacy = chip.sets.get(None)
    if legacy is None:
        return DISALLOWED
    _change_data(chip, legacy, parameters[1 : 1 + parameters[0]])
    return OK


@_on(0x2009)
def _scan_response(chip: Controller, parameters: bytes) -> bytes:
    legacy = chip.sets.get(None)
    if legacy is None:
        return DISALLOWED
    legacy.response = parameters[1 : 1 + parameters[0]]
    return OK


@_on(0x200A)
def _advertising_enable(chip: Controller, parameters: bytes) -> bytes:
    legacy = chip.sets.get(None)
    if legacy is None:
        return DISALLOWED
    if not parameters[0]:
        chip.silence(legacy)
    elif legacy.own_type == Own.RANDOM and not any(chip.random_address):
        return INVALID
    else:
        chip.advertise(legacy)
    return OK


# Advertising in the dialect of Bluetooth 5


@_on(0x2035)
def _set_address(chip: Controller, parameters: bytes) -> bytes:
    one = chip.sets.get(parameters[0])
    if one is None:
        return NO_SUCH_SET
    if one.enabled and one.kind is Kind.ADV_EXT_IND:
        return DISALLOWED
    address = parameters[1:7]
    if one.enabled and address != one.random_address:
        chip.note("address_changed_on_air", addr=address_text(address))
    one.random_address = address
    return OK


@_on(0x2036)
def _set_parameters(chip: Controller, parameters: bytes) -> bytes:
    handle, properties = struct.unpack_from("<BH", parameters)
    one = chip.sets.setdefault(handle, AdvertisingSet(handle, TX_POWER))
    if one.enabled:
        return DISALLOWED + bytes(1)
    one.shortest = int.from_bytes(parameters[3:6], "little")
    one.longest = int.from_bytes(parameters[6:9], "little")
    one.own_type = parameters[10]
    (asked,) = struct.unpack_from("b", parameters, 19)
    given = TX_POWER if asked == _HOST_HAS_NO_PREFERENCE else asked
    one.tx_power = max(_LEAST_POWER, min(_MOST_POWER, given))
    one.kind = _kind_of(properties)
    return OK + struct.pack("b", one.tx_power)


def _kind_of(properties: int) -> Kind:
    """Return the PDU that Advertising_Event_Properties ask for (Vol 4 Part E §7.8.53)."""
    legacy = {0x13: Kind.ADV_IND, 0x12: Kind.ADV_SCAN_IND, 0x10: Kind.ADV_NONCONN_IND}
    directed = {0x15: Kind.ADV_DIRECT_IND, 0x1D: Kind.ADV_DIRECT_IND}
    return (legacy | directed).get(properties & 0x1F, Kind.ADV_EXT_IND)


@_on(0x2037)
def _set_data(chip: Controller, parameters: bytes) -> bytes:
    one = chip.sets.get(parameters[0])
    if one is None:
        return NO_SUCH_SET
    _change_data(chip, one, _joined(one.data, parameters))
    return OK


@_on(0x2038)
def _set_response(chip: Controller, parameters: bytes) -> bytes:
    one = chip.sets.get(parameters[0])
    if one is None:
        return NO_SUCH_SET
    one.response = _joined(one.response, parameters)
    return OK


def _joined(old: bytes, parameters: bytes) -> bytes:
    operation, fragment = parameters[1], parameters[4 : 4 + parameters[3]]
    middle, first, last, whole = 0, 1, 2, 3
    if operation in (first, whole):
        return fragment
    return old + fragment if operation in (middle, last) else old


def _change_data(chip: Controller, one: AdvertisingSet, data: bytes) -> None:
    if one.enabled and data != one.data:
        chip.note("data_changed_on_air", data=data.hex())
    one.data = data


@_on(0x2039)
def _set_enable(chip: Controller, parameters: bytes) -> bytes:
    enable, count = parameters[0], parameters[1]
    if not enable and not count:
        for one in chip.sets.values():
            chip.silence(one)
        return OK
    for at in range(2, 2 + 4 * count, 4):
        found = chip.sets.get(parameters[at])
        if found is None:
            return NO_SUCH_SET
        if not enable:
            chip.silence(found)
        elif found.own_type == Own.RANDOM and not any(found.random_address):
            return INVALID
        else:
            (hundredths,) = struct.unpack_from("<H", parameters, at + 1)
            found.lasts = hundredths / 100
            chip.advertise(found)
    return OK


@_on(0x203C)
def _remove_set(chip: Controller, parameters: bytes) -> bytes:
    one = chip.sets.get(parameters[0])
    if one is None:
        return NO_SUCH_SET
    if one.enabled:
        return DISALLOWED
    del chip.sets[parameters[0]]
    return OK


@_on(0x203D)
def _clear_sets(chip: Controller, _: bytes) -> bytes:
    if any(one.enabled for one in chip.sets.values()):
        return DISALLOWED
    chip.sets.clear()
    return OK


# Scanning in both dialects


@_on(0x200B)
def _scan_parameters(chip: Controller, parameters: bytes) -> bytes:
    active, interval, window, _, policy = struct.unpack_from("<BHHBB", parameters)
    return _change_scan(chip, active, interval, window, policy)


@_on(0x2041)
def _extended_scan_parameters(chip: Controller, parameters: bytes) -> bytes:
    _, policy, _, active, interval, window = struct.unpack_from("<BBBBHH", parameters)
    return _change_scan(chip, active, interval, window, policy)


def _change_scan(chip: Controller, active: int, interval: int, window: int, policy: int) -> bytes:
    scanner = chip.scanner
    if scanner.on:
        return DISALLOWED
    scanner.active, scanner.policy = bool(active), policy
    scanner.interval, scanner.window = interval, window
    return OK


@_on(0x200C)
@_on(0x2042)
def _scan_enable(chip: Controller, parameters: bytes) -> bytes:
    chip.scan(on=bool(parameters[0]), filter_duplicates=bool(parameters[1]))
    return OK
