"""``bluezone-node alerts``: read what the node found, and mark it read."""

from datetime import UTC, datetime
from pathlib import Path

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.commands.wording import explain
from bluezone_node.errors import BadInput
from bluezone_node.ports import StoredAlert


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
        print_json({"alerts": stored})
        return
    if not stored:
        note("Không có cảnh báo nào. / There are no alerts.")
        return
    columns(
        ("id", "day", "level", "from", "to", "near", "middle", "far", "sure", "read"),
        (
            (
                entry.id,
                entry.alert.day,
                entry.alert.level.name.lower(),
                f"{entry.alert.start.astimezone():%H:%M}",
                f"{entry.alert.end.astimezone():%H:%M}",
                f"{entry.alert.minutes_near:.0f}",
                f"{entry.alert.minutes_middle:.0f}",
                f"{entry.alert.minutes_far:.0f}",
                entry.alert.confidence,
                "yes" if entry.acknowledged else "no",
            )
            for entry in stored
        ),
    )


@alerts.command()
@click.argument("alert_id", type=int)
@config_option
@json_option
def show(alert_id: int, config: Path | None, as_json: bool) -> None:
    """Show one alert with its evidence."""
    entry = next((entry for entry in _stored(config) if entry.id == alert_id), None)
    if entry is None:
        raise _unknown(alert_id)
    if as_json:
        print_json(entry)
        return
    for vietnamese, english in explain(entry.alert):
        click.echo(vietnamese)
        click.echo(f"    {english}")


@alerts.command()
@click.argument("alert_id", type=int)
@config_option
def ack(alert_id: int, config: Path | None) -> None:
    """Mark an alert as read."""
    from bluezone_node.wiring.node import open_store

    with open_store(settings_file.load(config)) as store:
        if not store.acknowledge(alert_id, datetime.now(UTC)):
            raise _unknown(alert_id)
    note(f"alert {alert_id} is marked as read")


def _stored(config: Path | None) -> list[StoredAlert]:
    from bluezone_node.wiring.node import open_store

    with open_store(settings_file.load(config)) as store:
        return store.alerts()


def _unknown(alert_id: int) -> BadInput:
    return BadInput(
        f"there is no alert {alert_id}",
        reason="unknown_alert",
        hint="`bluezone-node alerts` lists them",
    )
