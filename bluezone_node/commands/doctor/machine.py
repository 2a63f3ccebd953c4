"""What a node needs beside its radio: settings, database, room, the time, sources."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bluezone_node import __released__
from bluezone_node.commands.doctor.finding import Finding
from bluezone_node.commands.status import CLOCK_CURE
from bluezone_node.config import PLACES_SOURCE, Settings
from bluezone_node.errors import BluezoneError

Document = dict[str, Any]

LEAST_FREE = 200 << 20
"""Bytes: two weeks of a busy place with room to spare (docs/operate.md has the arithmetic)."""


def rules(settings: Settings) -> Finding:
    from bluezone_node.presets import load_preset, load_profile

    try:
        preset = load_preset(settings.node.rules)
        profile = load_profile(settings.node.profile)
    except BluezoneError as error:
        return Finding("settings", False, str(error), error.hint)
    worn = settings.node.scan == "wearable" and profile.name != "worn"
    return Finding(
        "settings",
        True,
        f"read; rules {preset.name}: {preset.title}; profile {profile.name}",
        'what is worn has a body beside it: node.profile = "worn"' if worn else "",
    )


def store(settings: Settings) -> Iterator[Finding]:
    from bluezone_node.wiring.store import check_store

    folder = settings.state_dir()
    if belongs_to_another(settings):
        yield Finding(
            "database",
            False,
            f"{folder} is another user's, and only that user may look into it",
            as_owner(settings),
        )
        return
    try:
        yield Finding("database", True, check_store(settings))
    except BluezoneError as error:
        yield Finding("database", False, str(error), error.hint)
    yield from _at_rest(settings)
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    yield Finding(
        "disk",
        free >= LEAST_FREE,
        f"{free >> 20} MB free at {existing}",
        "" if free >= LEAST_FREE else f"free at least {LEAST_FREE >> 20} MB",
    )


def _at_rest(settings: Settings) -> Iterator[Finding]:
    from bluezone_node.wiring.at_rest import at_rest

    try:
        rest = at_rest(settings)
    except BluezoneError:
        # The database cannot be opened, and that is the finding.
        return
    yield Finding("at rest", not rest.alarming, rest.told, rest.cure)


def belongs_to_another(settings: Settings) -> bool:
    """Tell whether the node's folder is closed to this user: then nothing of it can be asked."""
    folder = settings.state_dir()
    try:
        return folder.exists() and not os.access(folder, os.R_OK | os.X_OK, effective_ids=True)
    except PermissionError:
        return True


def as_owner(settings: Settings) -> str:
    """Return how to ask as the user whose folder it is."""
    try:
        owner = settings.state_dir().owner()
    except (OSError, KeyError):
        owner = "bluezone"
    return f"sudo -u {owner} bluezone-node doctor"


def time_of_node(node: Document) -> Finding:
    """Judge what the daemon answered to ``status``."""
    time = node["time"]
    if not time["known"]:
        problem = time["problem"] or "the node has just started"
        return Finding("time", False, f"not known: {problem}; the node only listens", CLOCK_CURE)
    if time["problem"]:
        return Finding(
            "time", False, f"the clock was set and is not followed: {time['problem']}", CLOCK_CURE
        )
    return Finding("time", True, f"known, by {time['vouched_by']}")


def time_of_machine(settings: Settings) -> Finding:
    """Judge the clock as a node would that starts now."""
    from bluezone_node.node.trust import newest_entry, objection
    from bluezone_node.wiring.clock import witness_of
    from bluezone_node.wiring.store import open_store

    witness = witness_of(settings.node.radio, owner_vouches=settings.node.time == "trusted")
    newest = None
    if not belongs_to_another(settings):
        try:
            with open_store(settings) as opened:
                newest = newest_entry(opened)
        except BluezoneError:
            # It has a finding of its own; the clock is judged without the log.
            newest = None
    now = datetime.now(UTC)
    voucher = witness(now)
    if problem := objection(now, voucher, __released__, newest):
        return Finding(
            "time", False, f"a node would only listen for the time being: {problem}", CLOCK_CURE
        )
    return Finding("time", True, f"known, by {voucher.value}")


def sources(settings: Settings) -> Iterator[Finding]:
    from bluezone_node.wiring.sync import check_places, check_source

    if not settings.sources:
        yield Finding(
            "sources", False, "none configured", "add a [[sources]] section: docs/operate.md"
        )
    for source in settings.sources:
        try:
            count = asyncio.run(check_source(source))
            yield Finding(f"source {source.name}", True, f"{count} exports on offer")
        except BluezoneError as error:
            yield Finding(f"source {source.name}", False, str(error), error.hint)
    if settings.places is not None and settings.places.url:
        name = f"source {PLACES_SOURCE}"
        try:
            count = asyncio.run(check_places(settings.places))
            yield Finding(name, True, f"{count} bundles on offer, trust list as the root signed it")
        except BluezoneError as error:
            yield Finding(name, False, str(error), error.hint)
