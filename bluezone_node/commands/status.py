"""``bluezone-node status``: is it working, and how would one know if it were not?

Health is red unless something proves it green: a node that runs but hears nothing at all is
reported deaf, and an export that could not be checked is a problem, not a footnote.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.console import json_option, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.commands.place_status import (
    place_lines,
    place_problems,
    places_document,
    problem_in_words,
)
from bluezone_node.commands.receiver import now_of, offset_in_use, offset_in_words
from bluezone_node.config import PLACES_SOURCE, PlacesSettings, Settings
from bluezone_node.control import ask
from bluezone_node.ports import ExportState, NodeStore
from bluezone_node.wiring.at_rest import AtRest, at_rest

Document = dict[str, Any]

LONGEST_LOOK = timedelta(minutes=2)
"""The radio is looked at every ten seconds, and each look returns within that time."""

CLOCK_CURE = (
    "Let the network set the clock (timedatectl set-ntp true), or set it by hand and say "
    'node.time = "trusted".'
)


@click.command()
@config_option
@json_option
def status(config: Path | None, as_json: bool) -> None:
    """Show whether the node runs, hears, and is up to date."""
    from bluezone_node.wiring.store import open_store

    settings = settings_file.load(config)
    folder = settings.state_dir()
    running = ask(folder, "status")
    with open_store(settings) as store:
        document = _document(
            store, running, folder, at_rest(settings), configured=[s.name for s in settings.sources]
        )
        document["receiver"] = _receiver(store, running, settings)
        if settings.places is not None:
            _add_places(document, store, settings.places, now_of(running))
    if as_json:
        print_json(document)
    else:
        _print(document)


def _document(
    store: NodeStore, running: Document | None, folder: Path, rest: AtRest, configured: list[str]
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
        "at_rest": {
            "encrypted": rest.encrypted,
            "key_source": rest.key_source,
            "told": rest.told,
            "cure": rest.cure,
            "alarming": rest.alarming,
        },
        "own_keys": len(store.own_keys()),
        "alerts": {
            "total": len(alerts),
            "unread": sum(entry.acknowledged is None for entry in alerts),
        },
        "sources": sources,
    }
    document["problems"] = list(_problems(document))
    if rest.alarming:
        document["problems"].append(f"data at rest {rest.told}: {rest.cure}")
    return document


def _add_places(
    document: Document, store: NodeStore, settings: PlacesSettings, now: datetime
) -> None:
    told = places_document(store, settings, now)
    document["places"] = told
    document["problems"] += place_problems(told)
    source = _source(store, told["source"])
    if settings.url or source["last_attempt"] is not None:
        document["sources"].append(source)
        document["problems"] += _source_problems([source])


def _receiver(store: NodeStore, running: Document | None, settings: Settings) -> Document:
    offset = offset_in_use(settings, store, running)
    told, cure = offset_in_words(offset, now_of(running))
    return {
        "offset": offset.decibels,
        "origin": offset.origin.value,
        "calibrated": offset.calibration.made if offset.calibration else None,
        "told": told,
        "cure": cure,
    }


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


def _problems(document: Document) -> Iterator[str]:
    if document["node"] is None:
        yield "the node is not running: start it with `bluezone-node run` or systemctl"
    else:
        yield from _time_problems(document["node"])
        yield from _radio_problems(document["node"])
        yield from _listener_problems(document["node"]["listener"])
        yield from _presence_problems(document["node"]["presence"])
    yield from _source_problems(document["sources"])


def _time_problems(node: Document) -> Iterator[str]:
    time = node["time"]
    if not time["known"]:
        kept = node["listener"]["undated_minutes"]
        yield (
            f"the time is not known: {time['problem'] or 'it was not asked for yet'}. "
            f"The node only listens ({kept} minutes kept so far). {CLOCK_CURE}"
        )
    elif time["problem"]:
        yield (
            f"the clock was set and is not followed: {time['problem']}. "
            f"The node goes on by the time it knew. {CLOCK_CURE}"
        )


def _radio_problems(node: Document) -> Iterator[str]:
    radio, looked_at = node["radio"], node["radio_looked_at"]
    if radio["fault"]:
        yield f"the radio is being mended: {radio['fault']}"
    if not radio["listening"]:
        yield "the radio is not listening"
    if not radio["advertising"] and node["time"]["known"]:
        yield "no identifier is on the air: others cannot hear this node"
    if node["place_problem"] and node["time"]["known"]:
        yield f"the tag of the place is not on the air: {node['place_problem']}"
    now = datetime.fromisoformat(node["now"])
    if looked_at and now - datetime.fromisoformat(looked_at) > LONGEST_LOOK:
        yield f"the radio does not answer since {_local(looked_at)}: restart the node"


def _presence_problems(presence: Document | None) -> Iterator[str]:
    if presence is None:
        return
    if presence["problem"]:
        yield f"visits by radio wait in memory: {presence['problem']}"
    if presence["flooded"]:
        yield (
            f"{presence['flooded']} tags of places were not followed: too many different ones "
            "were on the air"
        )


def _listener_problems(listener: Document) -> Iterator[str]:
    if listener["problem"]:
        yield f"encounters wait in memory: {listener['problem']}"
    if listener["lost_minutes"]:
        yield f"{listener['lost_minutes']} minutes of encounters were lost"
    if listener["flooded"]:
        yield (
            f"{listener['flooded']} sightings were not logged: too many different identifiers "
            "were on the air at once"
        )


def _source_problems(sources: list[Document]) -> Iterator[str]:
    if not sources:
        yield "no source of exports is configured: exposures cannot be found"
    for source in sources:
        if source["problem"]:
            of_places = source["name"] == PLACES_SOURCE
            problem = source["problem"]
            told = problem_in_words(problem) if of_places else problem.replace("_", " ")
            yield f"source {source['name']}: {told}"
        elif source["last_success"] is None:
            yield f"source {source['name']}: never synchronised"
        waiting = source["exports_seen"] - source["exports_matched"] - len(source["exports_failed"])
        if waiting:
            yield f"source {source['name']}: {waiting} exports are still to be checked"
        for export in source["exports_failed"]:
            reason = export["reason"].replace("_", " ")
            yield f"export {export['name']} could not be checked: {reason}"


def _print(document: Document) -> None:
    click.echo(f"running     {'yes' if document['running'] else 'no'}")
    if document["node"]:
        _print_node(document["node"])
    receiver = document["receiver"]
    click.echo(f"receiver    {receiver['told']}{receiver['cure'] and ' → ' + receiver['cure']}")
    day = document["last_24_hours"]
    click.echo(f"last 24 h   {day['minutes_listened']} minutes listened")
    rest = document["at_rest"]
    click.echo(f"at rest     {rest['told']}{rest['cure'] and ' → ' + rest['cure']}")
    click.echo(f"own keys    {document['own_keys']} days")
    for source in document["sources"]:
        last = source["last_success"]
        checked = f"{source['keys_checked']} keys checked, {source['keys_heard']} heard"
        if source["name"] == PLACES_SOURCE:
            checked = f"{source['keys_checked']} notices, made-up ones included"
        click.echo(
            f"source      {source['name']}: {source['exports_matched']} of "
            f"{source['exports_seen']} exports, {checked}; "
            f"last success {_local(last.isoformat()) if last else 'never'}"
        )
    if places := document.get("places"):
        made = places["newest_created"]
        for line in place_lines(places, _local(made.isoformat()) if made else ""):
            click.echo(line)
    alerts = document["alerts"]
    click.echo(f"alerts      {alerts['total']}, unread {alerts['unread']}")
    for problem in document["problems"]:
        click.echo(f"PROBLEM     {problem}")


def _print_node(node: Document) -> None:
    radio, listener, time = node["radio"], node["listener"], node["time"]
    click.echo(f"radio       {node['radio_name']} {radio['detail']}".rstrip())
    for step, count in radio["repairs"].items():
        click.echo(f"            mended {count} times: {step}")
    click.echo(
        f"on the air  {'yes' if radio['advertising'] else 'NO'}, "
        f"{radio['rotations']} identifiers since {_local(node['started'])}"
        + (", and the tag of its place" if radio["announcing"] else "")
    )
    click.echo(
        f"hearing     {'yes' if radio['listening'] else 'NO'}, {radio['heard']} of our frames, "
        f"{radio['foreign']} of others" + (f", {radio['tags']} of places" if radio["tags"] else "")
    )
    if radio["samples_per_minute"] is not None:
        click.echo(f"            each neighbour {radio['samples_per_minute']:.0f} times a minute")
    for reason, count in radio["refused"].items():
        click.echo(f"            {count} refused: {reason.replace('_', ' ')}")
    written = listener["last_written"]
    click.echo(f"written     {_local(written) if written else 'nothing yet'}")
    known = f"known, by {time['vouched_by']}" if time["known"] else "NOT KNOWN"
    jumps = f"; the clock was set {time['jumps']} times while running" if time["jumps"] else ""
    click.echo(f"time        {known}{jumps}")


def _local(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone():%Y-%m-%d %H:%M}"
