"""The scenario of a simulated air: who is there, where they walk, and how the place behaves.

A TOML file.  Lengths are metres, levels dBm or dB, durations text such as ``"90s"``, ``"20m"`` or
``"1h30m"``; only ``start`` and one device are required::

    start = 2026-03-02T08:00:00Z     # simulated time when the air opens
    pace = 60                        # simulated seconds in a second; or a list of changes:
    # pace = [{ at = "0m", pace = 60 }, { at = "30m", pace = 20000 }]
    seed = 7                         # the same seed, the same shadows

    [air]                            # how the place behaves: see ble.propagation
    exponent = 1.35

    [[devices]]
    name = "an"
    body = true                      # worn: the body is in the way when its back is turned
    path = [
        { at = "0m", x = 0, y = 0 },
        { at = "20m", x = 0, y = 0 },
        { at = "25m", x = 400, y = 0 },
    ]

    [[devices]]
    name = "kiosk"
    tx_power = 4
    scan = { window = "4s", period = "150s" }
    path = [{ at = "0m", x = 2, y = 1 }]

    [[noise]]                        # somebody else's advertisements: counted as foreign
    name = "headphones"
    path = [{ at = "0m", x = 5, y = 5 }]

Between two points a device walks in a straight line at constant speed; before the first and
after the last it stands still.
"""

import re
import tomllib
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any
from zlib import crc32

import msgspec
from msgspec import Meta

from bluezone_node.ble import propagation
from bluezone_node.ble.duty import Duty
from bluezone_node.ble.frame import LEGACY_PAYLOAD_BYTES
from bluezone_node.ble.propagation import Propagation
from bluezone_node.ble.timeline import FASTEST_PACE
from bluezone_node.errors import BadInput

MOST_DEVICES = 500
"""The air computes every pair: beyond this a tick no longer fits into its time."""

IBEACON = bytes.fromhex("02011a1aff4c000215f7826da64fa24e988024bc5b71e0893e00010002c5")
"""What a thing that is not ours says, unless told: flags and an iBeacon."""

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


class Duration(float):
    """Seconds, written as text with units."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Point(_Strict, frozen=True):
    at: Duration
    """Since the start."""
    x: float
    y: float


class ScanDuty(_Strict, frozen=True):
    window: Duration
    period: Duration


class Device(_Strict, frozen=True):
    name: Annotated[str, Meta(pattern=r"^[^\s#]{1,40}$")]
    path: Annotated[tuple[Point, ...], Meta(min_length=1)]
    tx_power: float = propagation.TX_POWER
    """Radiated, dBm."""
    body: bool = False
    scan: ScanDuty | None = None
    """None: listens all the time."""

    def duty(self, seed: int) -> Duty:
        """Return when it listens; two devices of one period are out of step."""
        if self.scan is None:
            return Duty()
        offset = crc32(f"{seed} {self.name}".encode()) / 2**32 * self.scan.period
        return Duty(self.scan.window, self.scan.period, offset)


class Noise(_Strict, frozen=True):
    name: Annotated[str, Meta(pattern=r"^[^\s#]{1,40}$")]
    path: Annotated[tuple[Point, ...], Meta(min_length=1)]
    tx_power: float = propagation.TX_POWER
    payload: Annotated[str, Meta(pattern=r"^([0-9a-fA-F]{2})*$")] = IBEACON.hex()


class PaceChange(_Strict, frozen=True):
    at: Duration
    pace: Annotated[float, Meta(gt=0, le=FASTEST_PACE)]


class Place(_Strict, frozen=True):
    """See ``propagation.Propagation`` for the first seven."""

    loss_at_1m: float = propagation.LOSS_AT_1M
    exponent: Annotated[float, Meta(ge=0.5, le=6)] = propagation.EXPONENT
    shadowing_sd: Annotated[float, Meta(ge=0, le=30)] = propagation.SHADOWING_SD
    fading_sd: Annotated[float, Meta(ge=0, le=30)] = propagation.FADING_SD
    body_loss: Annotated[float, Meta(ge=0, le=60)] = propagation.BODY_LOSS
    sensitivity: Annotated[float, Meta(ge=-126, le=0)] = propagation.SENSITIVITY
    packet_loss: Annotated[float, Meta(ge=0, lt=1)] = propagation.PACKET_LOSS
    advertising_interval_ms: Annotated[float, Meta(ge=20, le=10_240)] = 270.0
    """Between two advertising events, before the random 0–10 ms that the Core Specification
    adds.  GAEN asks for 200–270 ms; phones were measured at 280–290 with the delay."""

    def propagation(self) -> Propagation:
        return Propagation(
            loss_at_1m=self.loss_at_1m,
            exponent=self.exponent,
            shadowing_sd=self.shadowing_sd,
            fading_sd=self.fading_sd,
            body_loss=self.body_loss,
            sensitivity=self.sensitivity,
            packet_loss=self.packet_loss,
        )


class Scenario(_Strict, frozen=True):
    start: Annotated[datetime, Meta(tz=True)]
    devices: Annotated[tuple[Device, ...], Meta(min_length=1, max_length=MOST_DEVICES)]
    noise: Annotated[tuple[Noise, ...], Meta(max_length=MOST_DEVICES)] = ()
    pace: Annotated[float, Meta(gt=0, le=FASTEST_PACE)] | tuple[PaceChange, ...] = 1.0
    seed: Annotated[int, Meta(ge=0)] = 0
    air: Place = Place()

    def paces(self) -> tuple[tuple[float, float], ...]:
        """Return (seconds since the start, pace) of every change, the first at 0."""
        if isinstance(self.pace, int | float):
            return ((0.0, float(self.pace)),)
        return tuple((float(change.at), change.pace) for change in self.pace)


def parse_scenario(text: str, name: str = "scenario") -> Scenario:
    """Return the scenario written in *text*; *name* is what errors call it.

    Raises:
        BadInput: reason ``scenario_syntax`` or ``scenario_invalid``; the message says where.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{name}: not TOML: {error}", reason="scenario_syntax") from None
    try:
        scenario = msgspec.convert(document, Scenario, dec_hook=_decode)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `")
        raise _invalid(text, name, path.rstrip("`").removeprefix("$"), what) from None
    for path, what in _problems(scenario):
        raise _invalid(text, name, path, what)
    return scenario


def _decode(kind: type, value: Any) -> Any:
    if kind is Duration and isinstance(value, str) and _WHOLE.fullmatch(value):
        return Duration(sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(value)))
    raise ValueError('Expected a duration such as "90s", "20m" or "1h30m"')


def _problems(scenario: Scenario) -> list[tuple[str, str]]:
    """Return (path, what) of everything that the types alone do not exclude."""
    found: list[tuple[str, str]] = []
    seen: set[str] = set()
    things: list[tuple[str, Device | Noise]] = [
        *((f".devices[{i}]", device) for i, device in enumerate(scenario.devices)),
        *((f".noise[{i}]", noise) for i, noise in enumerate(scenario.noise)),
    ]
    for path, thing in things:
        if thing.name in seen:
            found.append((f"{path}.name", "this name is taken: every name may stand once"))
        seen.add(thing.name)
        times = [point.at for point in thing.path]
        if any(later <= earlier for earlier, later in pairwise(times)):
            found.append((f"{path}.path", "the points must be in order of `at`, each later"))
        if isinstance(thing, Noise) and len(thing.payload) > 2 * LEGACY_PAYLOAD_BYTES:
            found.append((f"{path}.payload", f"at most {LEGACY_PAYLOAD_BYTES} bytes fit"))
        scan = thing.scan if isinstance(thing, Device) else None
        if scan is not None and not 0 < scan.window <= scan.period:
            found.append((f"{path}.scan", "the window must be above 0s and within the period"))
    paces = [at for at, _ in scenario.paces()]
    if not paces or paces[0] != 0:
        found.append((".pace", 'the first change of pace must be at = "0s"'))
    if any(later <= earlier for earlier, later in pairwise(paces)):
        found.append((".pace", "the changes must be in order of `at`, each later"))
    return found


def _invalid(text: str, name: str, path: str, what: str) -> BadInput:
    unknown = re.search(r"unknown field `(.+)`", what)
    if unknown:
        path, what = f"{path}.{unknown[1]}", "there is no such key"
    where = f"line {_line_of(text, path)}: " if path else ""
    key = f"{path.removeprefix('.')}: " if path else ""
    return BadInput(f"{name}: {where}{key}{what}", reason="scenario_invalid")


def _line_of(text: str, path: str) -> int:
    """Return the line that *path* (``.devices[1].name``) most likely was written on."""
    lines = text.splitlines()
    line = 0
    for key, index in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path):
        if index:
            continue
        table = re.compile(rf"\s*\[+\s*{re.escape(key)}\s*\]")
        assignment = re.compile(rf"\s*(?:.*[{{,]\s*)?{re.escape(key)}\s*=")
        tables = [i for i in range(line, len(lines)) if table.match(lines[i])]
        chosen = re.search(rf"\.{re.escape(key)}\[(\d+)\]", path)
        if tables:
            line = tables[min(int(chosen[1]) if chosen else 0, len(tables) - 1)]
        else:
            line = next((i for i in range(line, len(lines)) if assignment.match(lines[i])), line)
    return line + 1
