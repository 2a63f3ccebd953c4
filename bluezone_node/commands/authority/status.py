"""``authority status``: how much is kept, and up to when keys were exported."""

from dataclasses import asdict
from typing import Any

import click

from bluezone_node.clock import SystemClock
from bluezone_node.commands.authority.options import dir_option
from bluezone_node.commands.console import json_option, print_json


@click.command()
@dir_option
@json_option
def status(folder: Any, as_json: bool) -> None:
    """Say how much is kept, and up to when keys were exported."""
    from bluezone_node.wiring.authority import databases_of, open_authority

    there = {role: each for role, each in databases_of(folder).items() if each.exists()}
    document: dict[str, Any] = {"dir": str(folder.path)}
    with open_authority(folder, SystemClock(), there) as parts:
        if parts.verification is not None:
            document["registrar"] = parts.verification.counts()
        if parts.notices is not None and (newest := parts.notices.bundles.newest()):
            from bluezone_node.venues.bundle import shown_digest

            document["notices"] = {
                "newest_bundle": newest.sequence,
                "newest_digest": shown_digest(newest.digest),
            }
        if parts.exposures is not None:
            document["publisher"] = parts.exposures.counts()
        if parts.exporter is not None:
            from bluezone_node.wiring.shelves import place_of

            health = parts.exporter.health()
            document["exports"] = {"place": place_of(folder), **asdict(health)}
        if parts.federation is not None:
            from bluezone_node.commands.authority.imports import standing

            named = [each.name for each in folder.settings.imports]
            document["imports"] = standing(parts.federation.store, named)
    document["databases"] = {
        role: {"place": each.label, "layout": each.layout.revision} for role, each in there.items()
    }
    if as_json:
        print_json(document)
        return
    import msgspec

    click.echo(f"folder  {folder.path}")
    for part in ("registrar", "publisher"):
        for name, value in msgspec.to_builtins(document.get(part, {})).items():
            click.echo(f"{part}  {name.replace('_', ' ')}: {'never' if value is None else value}")
    if "notices" in document:
        number, digest = document["notices"].values()
        click.echo(f"registrar  newest bundle of notices: {number}, digest {digest}")
    if "exports" in document:
        from bluezone_node.commands.authority.export import lines_of

        click.echo("\n".join(lines_of(document["exports"]["place"], health)))
    for known in document.get("imports", []):
        click.echo(
            f"publisher  import of {known['origin']}: {known['keys']} keys, {known['failed']} "
            f"files failed, {known['problem'] or 'no problem'}"
        )
    for role, each in there.items():
        click.echo(f"{role}  database: {each.label} (layout {each.layout.revision})")
