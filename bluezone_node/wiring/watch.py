"""What is looked at while an authority serves: its databases, its keys and its export."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bluezone_node.ports import Clock
from bluezone_node.web.watch import Finding, Gauge, Look

if TYPE_CHECKING:
    from bluezone_node.authority.distribution.exporter import Exporter
    from bluezone_node.authority.places.bundles import Bundles
    from bluezone_node.authority.ports.tally import Tally
    from bluezone_node.store.authority.keys import SigningKeys
    from bluezone_node.wiring.authority import AuthorityParts
    from bluezone_node.wiring.federation import Federation


def looks_of(parts: "AuthorityParts", clock: Clock) -> Mapping[str, Look]:
    """Return how to look at each of *parts*, by name."""
    looks: dict[str, Look] = {
        f"{role}_database": _database(role, tally, clock) for role, tally in parts.tallies.items()
    }
    looks |= {
        f"{role}_keys": _keys(ring) for role, ring in zip(parts.tallies, parts.rings, strict=True)
    }
    if parts.exporter is not None:
        looks["export"] = _export(parts.exporter)
    if parts.notices is not None:
        looks["notices"] = _notices(parts.notices.bundles)
    if parts.federation is not None:
        looks["imports"] = _imports(parts.federation)
    return looks


def _database(role: str, tally: "Tally", clock: Clock) -> Look:
    meaning = "How often it happened on this UTC day, by province."

    def look() -> Finding:
        today = clock.now().date()
        return Finding(
            [
                Gauge(
                    "day_events",
                    meaning,
                    found.count,
                    {"role": role, "realm": found.realm, "event": found.event},
                )
                for found in tally.days(today, today)
            ]
        )

    return look


def _keys(ring: "SigningKeys") -> Look:
    def look() -> Finding:
        ring.ring()  # raises where they are missing or unreadable
        return Finding()

    return look


def _export(exporter: "Exporter") -> Look:
    def look() -> Finding:
        health = exporter.health()
        newest = health.newest_end.timestamp() if health.newest_end else 0.0
        numbers = {
            "export_newest_end_timestamp_seconds": (newest, "End of the newest window; 0: none."),
            "export_late_seconds": (
                health.late_seconds,
                "For how long the oldest window that is due has been waiting.",
            ),
            "export_windows": (health.windows, "Windows on offer, empty ones too."),
            "export_files": (health.files, "Files that should be on offer."),
            "export_files_missing": (health.missing, "Of these, those that are not there."),
            "export_bytes": (health.bytes, "Size of the files on offer."),
            "export_keys_waiting": (health.waiting, "Keys newer than the newest window."),
        }
        gauges = [Gauge(name, meaning, value) for name, (value, meaning) in numbers.items()]
        return Finding(gauges, health.problems)

    return look


def _notices(bundles: "Bundles") -> Look:
    def look() -> Finding:
        health = bundles.health()
        created = health.last.created.timestamp() if health.last else 0.0
        numbers = {
            "notice_bundle_timestamp_seconds": (created, "When the last was written; 0: none."),
            "notice_bundles_missing": (health.missing, "Bundles that should be on offer."),
            "notice_breaker": (
                int(health.last is not None and health.last.breaker),
                "1: alerts from notices are stopped.",
            ),
        }
        gauges = [Gauge(name, meaning, value) for name, (value, meaning) in numbers.items()]
        return Finding(gauges, health.problems)

    return look


def _imports(federation: "Federation") -> Look:
    """Numbers only: that another authority is out of order must not take us out of service."""
    from bluezone_node.authority.ports.imports import ImportSource

    def look() -> Finding:
        known = {each.origin: each for each in federation.store.sources()}
        gauges = []
        # Those in the settings: what was once imported from others fails for ever.
        for origin in (each.name for each in federation.sources):
            source, labels = known.get(origin, ImportSource(origin)), {"origin": origin}
            success = source.succeeded.timestamp() if source.succeeded else 0.0
            gauges += [
                Gauge(
                    "import_last_success_timestamp_seconds",
                    "Begin of the last round in which nothing was wrong; 0: there was none.",
                    success,
                    labels,
                ),
                Gauge(
                    "import_failing", "1: something is wrong.", int(source.problem != ""), labels
                ),
            ]
        return Finding(gauges)

    return look
