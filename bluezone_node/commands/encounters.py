"""``bluezone-node encounters``: what the log holds, without the identifiers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.proximity.model import Encounter


@click.command()
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    help="Local date or time to begin at. Default: everything kept, which is 14 days.",
)
@config_option
@json_option
def encounters(since: datetime | None, config: Path | None, as_json: bool) -> None:
    """List the encounters in the log. Identifiers are never shown."""
    from bluezone_node.wiring.node import open_store

    # No end: the clock of a simulated node may be ahead of this machine's.
    start = since.astimezone(UTC) if since else datetime(1970, 1, 1, tzinfo=UTC)
    with open_store(settings_file.load(config)) as store:
        found = list(store.encounters(start, datetime(9999, 1, 1, tzinfo=UTC)))
    if as_json:
        print_json({"encounters": [_summary(encounter) for encounter in found]})
        return
    if not found:
        note("Chưa ghi nhận lần gặp nào. / No encounters are logged.")
        return
    columns(
        ("from", "to", "minutes", "packets", "mean dBm", "protocol"),
        (tuple(_summary(encounter).values()) for encounter in found),
    )


def _summary(encounter: Encounter) -> dict[str, object]:
    packets = sum(scan.rssi.total for scan in encounter.scans)
    total = sum(scan.rssi.mean * scan.rssi.total for scan in encounter.scans)
    last = encounter.scans[-1]
    end = last.start + timedelta(seconds=last.seconds)
    return {
        "start": encounter.scans[0].start.astimezone().isoformat(timespec="minutes"),
        "end": end.astimezone().isoformat(timespec="minutes"),
        "minutes": round(sum(scan.seconds for scan in encounter.scans) / 60, 1),
        "packets": packets,
        "mean_rssi": round(total / packets, 1),
        "protocol": encounter.protocol.value,
    }
