"""``bluezone-node encounters``: what the log holds, without the identifiers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from bluezone_node import config as settings_file
from bluezone_node.alerts import Expected, Nearness
from bluezone_node.commands.console import columns, json_option, note, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.commands.receiver import offset_in_use
from bluezone_node.control import ask
from bluezone_node.proximity.attenuation import RASPBERRY_PI_TX_POWER, attenuations
from bluezone_node.proximity.distance import estimate
from bluezone_node.proximity.model import Encounter
from bluezone_node.proximity.profile import Profile
from bluezone_node.proximity.risk import nearness
from bluezone_node.proximity.rules.verdict import USUAL_CONTACT
from bluezone_node.proximity.windows import scan_instance


@click.command()
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    help="Local date or time to begin at. Default: everything kept, which is 14 days.",
)
@config_option
@json_option
def encounters(since: datetime | None, config: Path | None, as_json: bool) -> None:
    """List the encounters in the log, and how near they may have been.

    Identifiers are never shown. What a sender tells of its power can be read only once its key
    is published: until then it is taken to send at 12 dBm, as a Raspberry Pi does.
    """
    from bluezone_node.presets import load_profile
    from bluezone_node.wiring.store import open_store

    # No end: the clock of a simulated node may be ahead of this machine's.
    start = since.astimezone(UTC) if since else datetime(1970, 1, 1, tzinfo=UTC)
    settings = settings_file.load(config)
    profile = load_profile(settings.node.profile)
    running = ask(settings.state_dir(), "status")
    with open_store(settings) as store:
        offset = offset_in_use(settings, store, running)
        found = store.encounters(start, datetime(9999, 1, 1, tzinfo=UTC))
        told = [_summary(one, _nearness(one, profile, offset.decibels)) for one in found]
    if as_json:
        print_json({"encounters": told})
        return
    if not told:
        note("Chưa ghi nhận lần gặp nào. / No encounters are logged.")
        return
    columns(
        ("from", "to", "minutes", "packets", "mean dBm", "within 1 m", "2 m", "3 m", "dose", "is"),
        map(_row, told),
    )
    note(
        f"Tính như phát {RASPBERRY_PI_TX_POWER} dBm; số phút (khả năng 9 trên 10 là trong khoảng "
        "này). Máy kia đổi mã 10 đến 20 phút một lần: gặp lâu hơn là nhiều dòng. /\n"
        f"As if sent at {RASPBERRY_PI_TX_POWER} dBm; minutes (9 times in 10 between these). "
        "Identifiers change every 10 to 20 minutes: a longer meeting is several lines."
    )


def _nearness(encounter: Encounter, profile: Profile, rx_offset: float) -> Nearness:
    heard = (
        (scan, attenuations(RASPBERRY_PI_TX_POWER, scan.rssi, rx_offset))
        for scan in encounter.scans
    )
    scans = [scan_instance(scan.start, scan.seconds, losses) for scan, losses in heard if losses]
    return nearness(estimate(scans, profile), USUAL_CONTACT)


def _summary(encounter: Encounter, near: Nearness) -> dict[str, object]:
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
        "minutes_within_1m": near.within_1m,
        "minutes_within_2m": near.within_2m,
        "minutes_within_3m": near.within_3m,
        "dose_minutes": near.dose,
        "protocol": encounter.protocol.value,
    }


def _row(summary: dict[str, object]) -> list[object]:
    return [
        f"{told.value:.0f} ({told.low:.0f}-{told.high:.0f})" if isinstance(told, Expected) else told
        for told in summary.values()
    ]
