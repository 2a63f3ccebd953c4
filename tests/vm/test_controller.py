"""The software controller, command by command: the judge is only as good as it is."""

import random
import struct
from typing import Any

import pytest

from tests.vm.radio import hci
from tests.vm.radio.advertising import AdvertisingSet
from tests.vm.radio.air import Air
from tests.vm.radio.commands import obey
from tests.vm.radio.controller import Controller, Model
from tests.vm.radio.crowd import fresh
from tests.vm.radio.pdu import Kind, Pdu, address_bytes, address_kind, address_text
from tests.vm.radio.scanning import Scanner

PUBLIC = bytes.fromhex("0100007BA100")
RANDOM = address_bytes("12:34:56:78:9A:BC")
BEACON = Pdu(Kind.ADV_NONCONN_IND, RANDOM, True, b"\x02\x01\x1a", 4)

SET_RANDOM, SET_PARAMETERS, SET_DATA, ENABLE = 0x2005, 0x2006, 0x2008, 0x200A
SCAN_PARAMETERS, SCAN_ENABLE = 0x200B, 0x200C
NONCONNECTABLE = struct.pack("<HHBB", 0xA0, 0xF0, Kind.ADV_NONCONN_IND, hci.Own.RANDOM) + bytes(9)


class Notes:
    """An air that only remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.begun: list[AdvertisingSet] = []

    def begin(self, chip: Controller, advertising: AdvertisingSet) -> None:
        self.begun.append(advertising)

    def note(self, event: str, **facts: Any) -> None:
        self.lines.append(event)


class Bench:
    """A controller on a table: commands go in, events come out."""

    def __init__(self, **model: bool) -> None:
        self.air = Notes()
        self.chip = Controller(self.air, "chip", PUBLIC, Model(**model))
        self.events: list[bytes] = []
        self.chip.send = self.events.append

    def do(self, opcode: int, parameters: bytes = b"") -> bytes:
        """Give a command and return what comes back, status first; nothing: no answer."""
        packet = struct.pack("<BHB", hci.COMMAND, opcode, len(parameters)) + parameters
        before = len(self.events)
        obey(self.chip, packet)
        if len(self.events) == before:
            return b""
        answer = self.events[-1]
        assert struct.unpack_from("<H", answer, 4)[0] == opcode
        return answer[6:]

    def advertise(self) -> bytes:
        self.do(SET_RANDOM, RANDOM)
        self.do(SET_PARAMETERS, NONCONNECTABLE)
        self.do(SET_DATA, b"\x03\x02\x01\x1a".ljust(32, b"\0"))
        return self.do(ENABLE, b"\x01")


def test_what_the_host_asked_for_goes_on_the_air() -> None:
    """Address, bytes, kind and interval, as given over HCI."""
    bench = Bench()

    assert bench.advertise() == b"\x00"
    (advertising,) = bench.air.begun
    assert bench.chip.pdu(advertising) == BEACON
    assert 0.1 <= advertising.until_next(random.Random(1)) <= 0.16


def test_a_strict_chip_refuses_a_new_address_while_it_scans() -> None:
    """A lax one does not mind; while it advertises neither takes one."""
    strict, lax = Bench(strict=True), Bench(strict=False)
    for bench in (strict, lax):
        bench.do(SCAN_ENABLE, b"\x01\x00")

    assert strict.do(SET_RANDOM, RANDOM) == bytes([hci.Status.DISALLOWED])
    assert lax.do(SET_RANDOM, RANDOM) == b"\x00"
    assert lax.advertise() == b"\x00"
    assert lax.do(SET_RANDOM, RANDOM) == bytes([hci.Status.DISALLOWED])
    assert "address_refused" in strict.air.lines


def test_new_bytes_under_a_running_advertisement_are_noted() -> None:
    """The judge looks for that line: it is how an identifier gets under an old address."""
    bench = Bench()
    bench.advertise()
    bench.do(SET_DATA, b"\x01\xff".ljust(32, b"\0"))

    assert "data_changed_on_air" in bench.air.lines


def test_each_set_of_an_extended_chip_has_its_own_address() -> None:
    """Unknown handles are refused, parameters answered with the power that was chosen."""
    bench = Bench(extended=True)
    parameters = struct.pack("<BH", 1, 0x10) + b"\xa0\0\0" + b"\xf0\0\0" + b"\x07\x01"
    parameters += bytes(8) + struct.pack("b", -8) + bytes(5)

    assert bench.do(0x2035, b"\x01" + RANDOM) == bytes([hci.Status.UNKNOWN_ADVERTISING_ID])
    assert bench.do(0x2036, parameters) == b"\x00" + struct.pack("b", -8)
    assert bench.do(0x2039, b"\x01\x01\x01\0\0\0") == bytes([hci.Status.INVALID])
    assert bench.do(0x2035, b"\x01" + RANDOM) == b"\x00"
    assert bench.do(0x2037, b"\x01\x03\x01\x03\x02\x01\x1a") == b"\x00"
    assert bench.do(0x2039, b"\x01\x01\x01\0\0\0") == b"\x00"
    (advertising,) = bench.air.begun
    assert bench.chip.pdu(advertising) == Pdu(Kind.ADV_NONCONN_IND, RANDOM, True, BEACON.data, -8)


def test_a_chip_that_hangs_answers_nothing_and_an_unknown_command_is_counted() -> None:
    """Both are what hosts have to live with."""
    bench = Bench()

    assert bench.do(0xFC01) == bytes([hci.Status.UNKNOWN_COMMAND])
    assert bench.chip.unknown == {0xFC01: 1}
    bench.chip.hung = True
    assert bench.do(0x1009) == b""


def test_deafness_ends_with_what_it_lasts_until() -> None:
    """A restarted scan, or a reset; healing is the desk's."""
    bench = Bench()
    bench.do(SCAN_ENABLE, b"\x01\x00")
    bench.chip.deaf_until = "scan"
    assert not bench.chip.listens(0)
    bench.do(SCAN_ENABLE, b"\x00\x00")
    bench.do(SCAN_ENABLE, b"\x01\x00")
    assert bench.chip.listens(0)

    bench.chip.deaf_until = "reset"
    bench.do(SCAN_ENABLE, b"\x00\x00")
    bench.do(SCAN_ENABLE, b"\x01\x00")
    assert not bench.chip.listens(0)
    bench.do(0x0C03)
    assert bench.chip.deaf_until == ""


def test_duplicates_are_filtered_until_the_scan_is_restarted() -> None:
    """One report for each address and bytes, as chips do; without the filter all of them."""
    scanner = Scanner(extended=False)
    scanner.start(0, filter_duplicates=True)

    assert [len(scanner.reports(BEACON, -60)) for _ in range(3)] == [1, 0, 0]
    scanner.on = False
    scanner.start(1, filter_duplicates=True)
    assert len(scanner.reports(BEACON, -60)) == 1
    scanner.filter_duplicates = False
    assert len(scanner.reports(BEACON, -60)) == 1


def test_a_report_carries_address_bytes_and_level() -> None:
    """As the specification lays them out, in both dialects."""
    legacy = Scanner(extended=False).reports(BEACON, -60)[0]
    extended = Scanner(extended=True).reports(BEACON, -60)[0]

    level = struct.pack("b", -60)
    head = bytes([hci.EVENT, hci.Event.LE_META])
    assert legacy == head + b"\x0f\x02\x01\x03\x01" + RANDOM + b"\x03" + BEACON.data + level
    assert extended[:3] == head + bytes([len(extended) - 3])
    assert extended[3:16] == b"\x0d\x01\x10\x00\x01" + RANDOM + b"\x01\x00"
    assert extended[17:19] == b"\x7f" + level
    assert extended.endswith(b"\x03" + BEACON.data)


def test_only_an_active_scan_asks_for_more() -> None:
    """And only of an advertisement that can be asked."""
    scannable = Pdu(Kind.ADV_IND, RANDOM, True, b"", 4, response=b"\x01\x09")
    scanner = Scanner(extended=False, active=True)

    assert len(scanner.reports(scannable, -60)) == 2
    assert len(scanner.reports(BEACON, -60)) == 1
    scanner.active = False
    assert len(scanner.reports(scannable, -60)) == 1


def test_a_receiver_listens_in_its_windows_only() -> None:
    """30 ms of every 60, counted from when it was switched on."""
    scanner = Scanner(extended=False, interval=0x60, window=0x30)
    scanner.start(10.0, filter_duplicates=False)

    heard = [at for at in range(0, 120, 10) if scanner.listens(10.001 + at / 1000)]
    assert heard == [0, 10, 20, 60, 70, 80]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("3F:FF:FF:FF:FF:FE", "non-resolvable"),
        ("40:00:00:00:00:01", "resolvable"),
        ("C0:00:00:00:00:01", "static"),
    ],
)
def test_the_kind_of_an_address_is_read_from_its_first_bits(text: str, kind: str) -> None:
    """As a sniffer does."""
    assert address_kind(address_bytes(text), random=True) == kind
    assert address_text(address_bytes(text)) == text
    assert address_kind(address_bytes(text), random=False) == "public"


def test_levels_follow_path_loss_and_end_at_the_sensitivity() -> None:
    """Power sent minus loss, for those who listen; nobody hears himself or what is too weak."""
    air = Air(noise=0.0)
    for name in ("near", "far", "off"):
        air.controllers[name] = chip = Controller(air, name, PUBLIC, Model())
        chip.scanner.on = name != "off"
    air.place("sender", "near", 50)
    air.place("sender", "far", 99)

    assert air.transmit("sender", BEACON) == {"near": -46}
    assert air.transmit("near", BEACON) == {"far": -56}


def test_a_neighbour_takes_a_non_resolvable_address_and_new_bytes() -> None:
    """Two draws share neither; a foreign one is none of ours."""
    chance = random.Random(7)
    one, other, foreign = fresh(chance), fresh(chance), fresh(chance, foreign=True)

    assert address_kind(one.address, one.random) == "non-resolvable"
    assert one.address != other.address
    assert one.data != other.data
    assert len(one.data) == 28
    assert b"\x6f\xfd" not in foreign.data
