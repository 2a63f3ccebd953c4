"""``bluezone-node calibrate``: how far this receiver reads from the truth, by a second node."""

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.calibrate import talk
from bluezone_node.commands.calibrate.measuring import Listening, find, looking_at, meter, pause
from bluezone_node.commands.calibrate.peer import PeerWatch
from bluezone_node.commands.console import json_option, note, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.commands.receiver import now_of, offset_in_use, offset_in_words
from bluezone_node.config import GUESSED_TX_POWER, Settings
from bluezone_node.control import ask
from bluezone_node.errors import CalibrationRefused, TimeUnknown
from bluezone_node.proximity.calibration import FAR, NEAR, Level, calibrate, level_of

Document = dict[str, Any]

MOVING = 30.0
"""Seconds given between the two places where nobody is asked: enough to move a board by a metre."""

LOST = ("peer_unknown", "peer_gone", "peer_ambiguous")
"""Reasons that a person at the other node can put right by reading its mark."""


class Mark(click.ParamType[str]):
    """Four hexadecimal digits, as ``doctor`` shows them."""

    name = "mark"

    def convert(self, value: str, param: object, ctx: object) -> str:
        if not re.fullmatch("[0-9a-fA-F]{4}", value.strip()):
            self.fail(f"{value!r} is no mark: four digits such as 3f2a, as the other's doctor says")
        return value.strip().lower()


@click.command("calibrate")
@click.option(
    "--with", "peer", type=Mark(), metavar="PEER", help="Mark that the other node's doctor shows."
)
@click.option(
    "--peer-tx-power",
    type=click.FloatRange(-50, 20),
    help=f"What the other node tells of its power, dBm (its node.tx_power). "
    f"Default: {GUESSED_TX_POWER}, as a Raspberry Pi tells.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(1, 60),
    default=5.0,
    show_default=True,
    help="How long to listen at each distance.",
)
@click.option("--yes", is_flag=True, help="Ask nothing; 30 s to move from 1 m to 2 m.")
@click.option("--show", is_flag=True, help="Only tell which calibrations are stored.")
@click.option("--forget", is_flag=True, help="Only forget all of them.")
@config_option
@json_option
def command(
    peer: str | None,
    peer_tx_power: float | None,
    minutes: float,
    yes: bool,
    show: bool,
    forget: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Measure how far this receiver reads from the truth, by a second node at 1 m and at 2 m.

    The node must be running, and the other one near it. PEER is the mark after "this node is" in
    what `bluezone-node doctor` says on the other one.
    """
    settings = settings_file.load(config)
    if sum((show, forget, peer is not None)) != 1:
        raise click.UsageError("say one of --with PEER, --show and --forget")
    if show:
        _show(settings, as_json)
    elif forget:
        _forget(settings, as_json)
    elif peer is not None:
        try:
            _calibrate(settings, peer, peer_tx_power, minutes, yes, as_json)
        except CalibrationRefused as refusal:
            if as_json:
                print_json({"refused": refusal.reason, "message": str(refusal)})
            raise


def _calibrate(
    settings: Settings, peer: str, told: float | None, minutes: float, yes: bool, as_json: bool
) -> None:
    from bluezone_node.presets import load_profile
    from bluezone_node.wiring.store import open_store

    folder = settings.state_dir()
    radio = _running(folder)["radio_name"]
    power = float(GUESSED_TX_POWER) if told is None else told
    _say(talk.opening(radio, peer, power, told is not None, minutes))
    looking = looking_at(folder)
    watch = PeerWatch(peer)
    while True:
        try:
            find(looking, watch)
            break
        except CalibrationRefused as lost:
            _name_again(watch, lost, yes)
    levels: list[Level] = []
    for metres, what_to_do in zip((NEAR, FAR), talk.PLACES, strict=True):
        note("")
        _say(what_to_do)
        if not yes:
            click.prompt(
                "   Nhấn Enter khi xong / Press Enter when done",
                default="",
                show_default=False,
                err=True,
            )
        elif levels:
            _say([talk.going_on_in(MOVING)])
            pause(looking, watch, MOVING)
        listening = Listening(looking, watch, minutes * 60)
        _listen(listening, watch, metres, minutes * 60, yes)
        levels.append(level_of(listening.batches, metres))
        note(talk.heard(metres, levels[-1]))
    after = _running(folder)
    if after["radio_name"] != radio:
        raise CalibrationRefused(
            f"the node went from {radio} to {after['radio_name']} meanwhile",
            reason="node_gone",
            hint="begin again with the adapter that it has now",
        )
    found = calibrate(
        *levels,
        peer_tx_power=power,
        radio=radio,
        made=datetime.fromisoformat(after["now"]),
        profile=load_profile("line-of-sight"),
    )
    with open_store(settings) as store:
        store.put_calibration(found)
    if as_json:
        overruled = settings.node.rx_offset is not None
        print_json(
            {"calibration": found, "peer_radiates": found.peer_radiates, "overruled": overruled}
        )
        return
    note("")
    for vietnamese, english in talk.result(found, settings.node.rx_offset):
        click.echo(vietnamese)
        click.echo(f"    {english}")


def _running(folder: Path) -> Document:
    """Return what the daemon answers to ``status``.

    Raises:
        CalibrationRefused: reason ``node_not_running``.
        TimeUnknown: it could not say when it was calibrated.
    """
    node = ask(folder, "status")
    if node is None:
        raise CalibrationRefused(
            "no node answers: calibrating is done through the running one",
            reason="node_not_running",
            hint="start it with `bluezone-node run`, or beside the service: "
            "sudo -u bluezone bluezone-node calibrate …",
        )
    if not node["time"]["known"]:
        raise TimeUnknown(
            f"the node does not know the time yet: {node['time']['problem']}",
            hint="bluezone-node status says what to do; then try again",
        )
    return node


def _listen(
    listening: Listening, watch: PeerWatch, metres: float, seconds: float, yes: bool
) -> None:
    while True:
        before = watch.mark
        try:
            with meter(f"   {metres:.0f} m", seconds) as show:
                listening.go_on(show)
        except CalibrationRefused as lost:
            _name_again(watch, lost, yes)
            continue
        if watch.mark != before:
            _say([talk.followed(watch.mark)])
        return


def _name_again(watch: PeerWatch, lost: CalibrationRefused, yes: bool) -> None:
    """Have a person say which mark the other node has now, where one is there to be asked."""
    if yes or lost.reason not in LOST:
        raise lost
    note(f"{lost}\n    → {lost.hint}")
    watch.name(click.prompt("Nhãn của máy kia / Its mark now", type=Mark(), err=True))


def _say(lines: Iterable[talk.Line]) -> None:
    for vietnamese, english in lines:
        note(vietnamese)
        note(f"    {english}")


def _show(settings: Settings, as_json: bool) -> None:
    from bluezone_node.wiring.store import open_store

    running = ask(settings.state_dir(), "status")
    with open_store(settings) as store:
        stored = store.calibrations()
        offset = offset_in_use(settings, store, running)
    if as_json:
        print_json({"offset": offset.decibels, "origin": offset.origin, "calibrations": stored})
        return
    told, cure = offset_in_words(offset, now_of(running))
    click.echo(told)
    if cure:
        click.echo(f"    → {cure}")
    for each in stored:
        click.echo(f"{each.radio}, {each.made.astimezone():%Y-%m-%d %H:%M}: {each.offset:+.1f} dB")
        for metres, level in ((NEAR, each.near), (FAR, each.far)):
            click.echo(talk.heard(metres, level))


def _forget(settings: Settings, as_json: bool) -> None:
    from bluezone_node.wiring.store import open_store

    with open_store(settings) as store:
        forgotten = store.forget_calibrations()
    if as_json:
        print_json({"forgotten": forgotten})
    else:
        note(f"Đã quên {forgotten} lần hiệu chuẩn. / {forgotten} calibrations are forgotten.")
