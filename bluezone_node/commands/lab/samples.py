"""What a recording is cut into for an evaluation: samples that were contacts, or were not.

Where the truth is told for a whole link, a link is one sample, heard or not.  Where it is told
for each packet, a link is cut into windows of equal length, and a window was a contact if most of
it was spent within the limit.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import log10
from statistics import fmean, median_high
from typing import NamedTuple

from bluezone_node.commands.lab.labelled import LabelledRecording, Link, LinkTruth, Packets
from bluezone_node.commands.lab.rhythm import scans_of, usual_gap
from bluezone_node.errors import BadInput
from bluezone_node.proximity.model import SCAN_SECONDS, ScanInstance
from bluezone_node.proximity.profile import Profile
from bluezone_node.proximity.rounding import half_up

LOOK_SECONDS = 4
"""How long phones look: GAEN's scans."""

SAME_PLACE = 0.05
"""Metres by which a distance may miss the one that is calibrated at: a hand's breadth."""

LEAST_SPAN = 2 / 3
"""Share of a window that must lie between the first and the last packet heard in it: of the rest
nobody knows how far apart they were."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One link, or a window of it, with what was true of it."""

    scenario: str
    profile: Profile
    scans: tuple[ScanInstance, ...]
    """Ascending; empty if nothing was heard."""
    within: float
    """Minutes truly spent within the limit."""
    needed: float
    """Minutes within the limit that make it a contact."""
    contact: bool
    dose: float
    """∫ min(1, 1/d²) dt, minutes."""


@dataclass(frozen=True, slots=True)
class Cutting:
    """How to make samples."""

    metres: float
    minutes: float
    """What a contact is, where the truth is told for links."""
    window: int
    """Minutes, where it is told for packets."""
    thin: int | None = None
    """Keep one look of `LOOK_SECONDS` per so many seconds."""
    calibrate_at: float | None = None
    """Metres at which each receiver's level is learnt; None: it is not."""


@dataclass(frozen=True, slots=True)
class Samples:
    samples: list[Sample]
    notes: list[str]
    """What was left out, and why, in words."""


_Minutes = dict[int, dict[int, int]]
"""Minute → attenuation in dB → packets."""


def cut_samples(
    recording: LabelledRecording, cutting: Cutting, profile_of: Callable[[str], Profile]
) -> Samples:
    """Cut *recording*; *profile_of* says by which profile a sender is judged.

    Raises:
        BadInput: reason ``no_such_limit``: the truth does not know ``cutting.metres``.
    """
    notes: list[str] = []
    kept = recording.links
    if cutting.thin is not None:
        kept = _thinned(recording.links, cutting.thin)
    heard = {link: _minutes(packets) for link, packets in kept.items()}
    rhythms = _rhythms(heard)
    levels = _levels(recording, cutting.calibrate_at, notes)
    parts = (
        _windows(recording, cutting, notes)
        if recording.truth is None
        else _whole_links(recording, recording.truth, cutting, notes)
    )
    samples = []
    for part in parts:
        link, profile = part.link, profile_of(part.link.sender)
        minutes = heard.get(link, {})
        if part.minutes is not None:
            minutes = {minute: minutes[minute] for minute in part.minutes if minute in minutes}
        shift = 0.0
        if cutting.calibrate_at is not None and link.receiver in levels:
            shift = _expected_loss(profile, cutting.calibrate_at) - levels[link.receiver]
        scans = tuple(
            _shifted(scan, shift) for scan in scans_of(minutes, rhythms.get(link[:2], SCAN_SECONDS))
        )
        samples.append(
            Sample(link.scenario, profile, scans, part.within, part.needed, part.contact, part.dose)
        )
    return Samples(samples, notes)


class _Part(NamedTuple):
    link: Link
    minutes: range | None
    """None: all."""
    within: float
    needed: float
    contact: bool
    dose: float


def _minutes(packets: Packets) -> _Minutes:
    minutes: _Minutes = {}
    for second, loss in zip(packets.seconds, packets.losses, strict=True):
        counts = minutes.setdefault(int(second // SCAN_SECONDS), {})
        counts[loss] = counts.get(loss, 0) + 1
    return minutes


def _rhythms(minutes: Mapping[Link, _Minutes]) -> dict[tuple[str, ...], int]:
    """Return the usual gap of each receiver in each scene."""
    devices: defaultdict[tuple[str, ...], list[_Minutes]] = defaultdict(list)
    for link, heard in minutes.items():
        devices[link[:2]].append(heard)
    return {who: usual_gap(heard) for who, heard in devices.items()}


def _thinned(links: Mapping[Link, Packets], every: int) -> dict[Link, Packets]:
    """Keep what a receiver that looks once in *every* seconds would have heard.

    It looks in the middle of what it heard in that time: recordings have pauses of their own,
    and a look into a pause says nothing of phones.
    """
    times: defaultdict[tuple[str, str, int], list[float]] = defaultdict(list)
    for link, packets in links.items():
        for second in packets.seconds:
            times[link.scenario, link.receiver, int(second // every)].append(second)
    looks = {slot: median_high(heard) - LOOK_SECONDS / 2 for slot, heard in times.items()}
    thinned: dict[Link, Packets] = {}
    for link, packets in links.items():
        kept = Packets()
        for second, loss, metres in zip(
            packets.seconds, packets.losses, packets.metres, strict=True
        ):
            look = looks[link.scenario, link.receiver, int(second // every)]
            if 0 <= second - look < LOOK_SECONDS:
                kept.seconds.append(second)
                kept.losses.append(loss)
                kept.metres.append(metres)
        if kept.seconds:
            thinned[link] = kept
    return thinned


def _levels(
    recording: LabelledRecording, metres: float | None, notes: list[str]
) -> dict[str, float]:
    """Return the mean attenuation of each receiver at *metres*, dB."""
    if metres is None:
        return {}
    heard: defaultdict[str, list[int]] = defaultdict(list)
    for link, packets in recording.links.items():
        for loss, distance in zip(packets.losses, packets.metres, strict=True):
            if abs(distance - metres) <= SAME_PLACE:
                heard[link.receiver].append(loss)
    others = {link.receiver for link in recording.links} - heard.keys()
    if others:
        notes.append(f"{len(others)} receivers have nothing recorded at {metres:g} m: as profiled")
    return {receiver: fmean(losses) for receiver, losses in heard.items()}


def _expected_loss(profile: Profile, metres: float) -> float:
    return profile.loss_at_1m + 10 * profile.exponent * log10(metres)


def _shifted(scan: ScanInstance, shift: float) -> ScanInstance:
    """Return *scan* as a receiver put right by -*shift* dB (`node.rx_offset`) would have it."""
    if not shift:
        return scan
    return replace(
        scan,
        mean_attenuation=scan.mean_attenuation + shift,
        min_attenuation=half_up(scan.min_attenuation + shift),
    )


def _whole_links(
    recording: LabelledRecording,
    truth: Mapping[Link, LinkTruth],
    cutting: Cutting,
    notes: list[str],
) -> Iterator[_Part]:
    """Yield the links of which the truth is told and that could have been heard.

    Who heard nobody in a scene was not recording, and whom nobody heard was not sending: that is
    no fault of a method.
    """
    listening = {link[:2] for link in recording.links}
    sending = {(link.scenario, link.sender) for link in recording.links}
    absent = 0
    for link, told in truth.items():
        if link[:2] not in listening or (link.scenario, link.sender) not in sending:
            absent += 1
            continue
        if cutting.metres not in told.minutes_within:
            known = ", ".join(f"{limit:g}" for limit in sorted(told.minutes_within))
            raise BadInput(
                f"The truth of {recording.name} knows no minutes within {cutting.metres:g} m.",
                reason="no_such_limit",
                hint=f"--metres may be one of: {known}.",
            )
        within = told.minutes_within[cutting.metres]
        yield _Part(link, None, within, cutting.minutes, within >= cutting.minutes, told.dose)
    if absent:
        notes.append(f"left out {absent} links of devices that took no part in a scene")
    unknown = len(recording.links.keys() - truth.keys())
    if unknown:
        notes.append(f"left out {unknown} links of which the truth says nothing")


def _windows(recording: LabelledRecording, cutting: Cutting, notes: list[str]) -> Iterator[_Part]:
    """Yield the windows of all links, by the truth of all packets: also where few are kept."""
    heard = {link: _minutes(packets) for link, packets in recording.links.items()}
    rhythms = _rhythms(heard)
    short = 0
    for link, packets in recording.links.items():
        truth = _truth_by_minute(packets, cutting.metres)
        for number, span in sorted(_spans(packets, cutting.window).items()):
            if span < LEAST_SPAN * cutting.window * SCAN_SECONDS:
                short += 1
                continue
            window = range(number * cutting.window, (number + 1) * cutting.window)
            minutes = [minute for minute in window if minute in truth]
            scans = scans_of({minute: heard[link][minute] for minute in minutes}, rhythms[link[:2]])
            lasted = [scan.seconds / 60 for scan in scans]
            within = sum(t * truth[m].within for m, t in zip(minutes, lasted, strict=True))
            dose = sum(t * truth[m].dose_rate for m, t in zip(minutes, lasted, strict=True))
            needed = sum(lasted) / 2
            yield _Part(link, window, within, needed, within > needed, dose)
    if short:
        notes.append(f"left out {short} windows heard for less than two thirds of their length")


def _spans(packets: Packets, window: int) -> dict[int, float]:
    """Return the seconds from first to last packet in each window that has any."""
    ends: dict[int, tuple[float, float]] = {}
    for second in packets.seconds:
        number = int(second // (window * SCAN_SECONDS))
        first, last = ends.get(number, (second, second))
        ends[number] = min(first, second), max(last, second)
    return {number: last - first for number, (first, last) in ends.items()}


class _MinuteTruth(NamedTuple):
    within: float
    """Share of the packets sent from within the limit."""
    dose_rate: float
    """Mean of min(1, 1/d²)."""


def _truth_by_minute(packets: Packets, limit: float) -> dict[int, _MinuteTruth]:
    distances: defaultdict[int, list[float]] = defaultdict(list)
    for second, metres in zip(packets.seconds, packets.metres, strict=True):
        distances[int(second // SCAN_SECONDS)].append(metres)
    return {
        minute: _MinuteTruth(
            fmean(metres <= limit for metres in told),
            fmean(1.0 if metres <= 1 else metres**-2 for metres in told),
        )
        for minute, told in distances.items()
    }
