"""``bluezone-node alerts``: read what the node found, and mark it read."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from bluezone_node import config as settings_file
from bluezone_node.alerts import Alert, AlertKind
from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.commands.place_wording import explain_opening, explain_presence
from bluezone_node.commands.private_file import write_private
from bluezone_node.commands.sparkline import sparkline
from bluezone_node.commands.wording import Pair, explain, odds_in_short, unaccented
from bluezone_node.errors import BadInput
from bluezone_node.ports import StoredAlert
from bluezone_node.venues.card import VIETNAM


@click.group(invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def alerts(context: click.Context, config: Path | None, as_json: bool) -> None:
    """Exposure alerts: list, show, ack."""
    if context.invoked_subcommand is None:
        context.invoke(list_alerts, config=config, as_json=as_json)
    elif config is not None or as_json:
        raise click.UsageError(f"name options after `{context.invoked_subcommand}`")


@alerts.command("list")
@config_option
@json_option
def list_alerts(config: Path | None, as_json: bool) -> None:
    """List all alerts, newest exposure first."""
    stored = _stored(config)
    if as_json:
        print_json({"alerts": [_without_course(entry) for entry in stored]})
        return
    if not stored:
        note("Không có cảnh báo nào. / There are no alerts.")
        return
    columns(
        (
            "id",
            "day",
            "kind",
            "level",
            "from",
            "to",
            "near",
            "middle",
            "far",
            "2m",
            "chance",
            "read",
        ),
        (_row(entry) for entry in stored),
    )
    if any(map(_is_of_a_place, stored)):
        note("Địa điểm: giờ Việt Nam. / Of places: Vietnam's day and times (UTC+7).")


@alerts.command()
@click.argument("alert_id", type=int)
@click.option(
    "--svg",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Write the picture of it to this file (-: standard output) instead.",
)
@click.option("--force", is_flag=True, help="With --svg: replace the file if there is one.")
@config_option
@json_option
def show(alert_id: int, svg: Path | None, force: bool, config: Path | None, as_json: bool) -> None:
    """Show one alert with its evidence and the encounter over time."""
    if force and svg is None:
        raise click.UsageError("--force goes with --svg")
    if svg is not None and as_json:
        raise click.UsageError("--svg and --json cannot be combined")
    entry = next((entry for entry in _stored(config) if entry.id == alert_id), None)
    if entry is None:
        raise _unknown(alert_id)
    if as_json:
        print_json(entry)
    elif svg is not None:
        _draw(entry, svg, force)
    else:
        tell(entry.alert)


@alerts.command()
@click.argument("alert_id", type=int)
@config_option
def ack(alert_id: int, config: Path | None) -> None:
    """Mark an alert as read."""
    from bluezone_node.wiring.store import open_store

    with open_store(settings_file.load(config)) as store:
        if not store.acknowledge(alert_id, datetime.now(UTC)):
            raise _unknown(alert_id)
    note(f"alert {alert_id} is marked as read")


def tell(alert: Alert, indent: str = "") -> None:
    """Print *alert* for a person: in words, and the encounter over time in a line."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"

    def say(vietnamese: str, english: str) -> None:
        click.echo(_legible(indent + vietnamese, encoding))
        click.echo(click.style(_legible(f"{indent}    {english}", encoding), dim=True))

    for pair in _about(alert):
        say(*pair)
    if alert.nearness is None:
        return
    lines, legend = sparkline(alert.nearness, encoding)
    for line in lines:
        click.echo(f"{indent}    {line}".rstrip())
    if lines:
        say(*legend)


def _about(alert: Alert) -> Iterator[Pair]:
    if alert.kind is AlertKind.REGISTER:
        return explain_opening(alert)
    return explain_presence(alert, alert.presence) if alert.presence else explain(alert)


def _legible(text: str, encoding: str) -> str:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return unaccented(text)
    return text


def _row(entry: StoredAlert) -> Iterable[object]:
    alert = entry.alert
    near = alert.nearness
    # A place's clock shows Vietnam's time, whatever zone this device is set to.
    there = _is_of_a_place(entry)
    zone = VIETNAM if there else None
    distances = (alert.minutes_near, alert.minutes_middle, alert.minutes_far)
    return (
        entry.id,
        alert.start.astimezone(VIETNAM).date() if there else alert.day,
        alert.kind.value,
        alert.level.name.lower(),
        f"{alert.start.astimezone(zone):%H:%M}",
        f"{alert.end.astimezone(zone):%H:%M}",
        # A notice says who was there, and not how near.
        *("-" if alert.presence else f"{minutes:.0f}" for minutes in distances),
        f"{near.within_2m.value:.0f}" if near else "-",
        odds_in_short(near.chance) if near else alert.confidence,
        "yes" if entry.acknowledged else "no",
    )


def _is_of_a_place(entry: StoredAlert) -> bool:
    return entry.alert.kind in {AlertKind.VENUE, AlertKind.REGISTER}


def _without_course(entry: StoredAlert) -> StoredAlert:
    """Return *entry* without the course of its minutes and the name of its place: lists are pasted
    and mailed, see privacy.md."""
    alert = entry.alert
    if alert.nearness is not None:
        alert = replace(alert, nearness=replace(alert.nearness, course=()))
    if alert.presence is not None:
        alert = replace(alert, presence=replace(alert.presence, place=""))
    return replace(entry, alert=alert)


def _draw(entry: StoredAlert, path: Path, force: bool) -> None:
    from bluezone_node.commands.picture import draw

    if entry.alert.nearness is None:
        raise BadInput(
            f"there is no picture of alert {entry.id}: no distances were estimated for it",
            reason="no_picture",
            hint=f"`bluezone-node alerts show {entry.id}` tells what is known",
        )
    picture = draw(entry.alert, entry.alert.nearness).encode()
    if str(path) == "-":
        click.echo(picture, nl=False)
        return
    write_private(picture, path, replace=force)
    note(f"Hình vẽ: {path}. Chỉ bạn đọc được. / The picture: {path}. Only you can read it.")


def _stored(config: Path | None) -> list[StoredAlert]:
    from bluezone_node.wiring.store import open_store

    with open_store(settings_file.load(config)) as store:
        return store.alerts()


def _unknown(alert_id: int) -> BadInput:
    return BadInput(
        f"there is no alert {alert_id}",
        reason="unknown_alert",
        hint="`bluezone-node alerts` lists them",
    )
