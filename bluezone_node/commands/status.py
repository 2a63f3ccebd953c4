"""``bluezone-node status``: is it working, and how would one know if it were not?

Health is red unless something proves it green: a node that runs but hears nothing at all is
reported deaf, and an export that could not be checked is a problem, not a footnote.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.console import json_option, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.control import ask
from bluezone_node.ports import ExportState, NodeStore

Document = dict[str, Any]


@click.command()
@config_option
@json_option
def status(config: Path | None, as_json: bool) -> None:
    """Show whether the node runs, hears, and is up to date."""
    from bluezone_node.wiring.node import open_store

    settings = settings_file.load(config)
    folder = settings.state_dir()
    running = ask(folder, "status")
    with open_store(settings) as store:
        document = _document(store, running, folder, configured=[s.name for s in settings.sources])
    if as_json:
        print_json(document)
    else:
        _print(document)


def _document(
    store: NodeStore, running: Document | None, folder: Path, configured: list[str]
) -> Document:
    now = datetime.fromisoformat(running["now"]) if running else datetime.now(UTC)
    scans = store.scans(now - timedelta(days=1), now)
    alerts = store.alerts()
    sources = [_source(store, name) for name in configured]
    document: Document = {
        "running": running is not None,
        "state_dir": str(folder),
        "node": running,
        "last_24_hours": {
            "minutes_listened": round(sum(scan.listened for scan in scans) / 60),
            "frames_heard": sum(scan.sightings for scan in scans),
            "foreign_frames": sum(scan.foreign for scan in scans),
        },
        "own_keys": len(store.own_keys()),
        "alerts": {
            "total": len(alerts),
            "unread": sum(entry.acknowledged is None for entry in alerts),
        },
        "sources": sources,
    }
    document["problems"] = list(_problems(document))
    return document


def _source(store: NodeStore, name: str) -> Document:
    state = store.source_state(name)
    records = store.export_records(name)
    failed = [record for record in records if record.state is ExportState.FAILED]
    matched = [record for record in records if record.state is ExportState.MATCHED]
    return {
        "name": name,
        "last_success": state.last_success,
        "last_attempt": state.last_attempt,
        "problem": state.problem,
        "exports_seen": len(records),
        "exports_verified": sum(record.end_timestamp > 0 for record in records),
        "exports_matched": len(matched),
        "exports_failed": [
            {"name": r.name, "reason": r.reason, "tries": r.attempts} for r in failed
        ],
        "keys_checked": sum(record.keys + record.revised_keys for record in records),
        "keys_heard": sum(record.matched_keys for record in records),
    }


def _problems(document: Document) -> list[str]:
    problems = []
    node = document["node"]
    if node is None:
        problems.append("the node is not running: start it with `bluezone-node run` or systemctl")
    else:
        if not node["radio"]["listening"]:
            problems.append("the radio is not listening")
        if not node["radio"]["advertising"]:
            problems.append("no identifier is on the air: others cannot hear this node")
        if node["listener"]["problem"]:
            problems.append(f"encounters wait in memory: {node['listener']['problem']}")
        if node["listener"]["lost_minutes"]:
            problems.append(f"{node['listener']['lost_minutes']} minutes of encounters were lost")
        if node["listener"]["flooded"]:
            problems.append(
                f"{node['listener']['flooded']} sightings were not logged: too many different "
                "identifiers were on the air at once"
            )
    if not document["sources"]:
        problems.append("no source of exports is configured: exposures cannot be found")
    for source in document["sources"]:
        if source["problem"]:
            problems.append(f"source {source['name']}: {source['problem'].replace('_', ' ')}")
        elif source["last_success"] is None:
            problems.append(f"source {source['name']}: never synchronised")
        waiting = source["exports_seen"] - source["exports_matched"] - len(source["exports_failed"])
        if waiting:
            problems.append(f"source {source['name']}: {waiting} exports are still to be checked")
        problems.extend(
            f"export {export['name']} could not be checked: {export['reason'].replace('_', ' ')}"
            for export in source["exports_failed"]
        )
    return problems


def _print(document: Document) -> None:
    node = document["node"]
    click.echo(f"running     {'yes' if document['running'] else 'no'}")
    if node:
        radio, listener = node["radio"], node["listener"]
        click.echo(f"radio       {node['radio_name']} {radio['detail']}".rstrip())
        click.echo(
            f"on the air  {'yes' if radio['advertising'] else 'NO'}, "
            f"{radio['rotations']} identifiers since {_local(node['started'])}"
        )
        click.echo(
            f"hearing     {'yes' if radio['listening'] else 'NO'}, {radio['heard']} of our frames, "
            f"{radio['foreign']} of others"
        )
        for reason, count in radio["refused"].items():
            click.echo(f"            {count} refused: {reason.replace('_', ' ')}")
        written = listener["last_written"]
        click.echo(f"written     {_local(written) if written else 'nothing yet'}")
        if node["clock_jumps"]:
            click.echo(f"clock       was set {node['clock_jumps']} times while running")
    day = document["last_24_hours"]
    click.echo(f"last 24 h   {day['minutes_listened']} minutes listened")
    click.echo(f"own keys    {document['own_keys']} days")
    for source in document["sources"]:
        last = source["last_success"]
        click.echo(
            f"source      {source['name']}: {source['exports_matched']} of "
            f"{source['exports_seen']} exports, "
            f"{source['keys_checked']} keys checked, {source['keys_heard']} heard; "
            f"last success {_local(last.isoformat()) if last else 'never'}"
        )
    alerts = document["alerts"]
    click.echo(f"alerts      {alerts['total']}, unread {alerts['unread']}")
    for problem in document["problems"]:
        click.echo(f"PROBLEM     {problem}")


def _local(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone():%Y-%m-%d %H:%M}"
