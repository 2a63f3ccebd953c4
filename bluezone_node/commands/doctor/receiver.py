"""Whether anybody knows how far this node's receiver reads from the truth."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bluezone_node.commands.doctor.finding import Finding
from bluezone_node.commands.receiver import offset_in_words
from bluezone_node.config import Settings
from bluezone_node.errors import BluezoneError
from bluezone_node.proximity.receiver import receiver_offset

Document = dict[str, Any]


def calibrated(settings: Settings, node: Document | None) -> Iterator[Finding]:
    """Tell the offset in use; a node works without one, so none is no fault."""
    from bluezone_node.commands.doctor.machine import belongs_to_another
    from bluezone_node.wiring.node import open_store, radio_in_use

    if belongs_to_another(settings):
        return
    try:
        with open_store(settings) as store:
            calibrations = store.calibrations()
    except BluezoneError:
        # The database cannot be opened, and that is a finding of its own.
        return
    offset = receiver_offset(settings.node.rx_offset, calibrations, radio_in_use(settings, node))
    now = datetime.fromisoformat(node["now"]) if node else datetime.now(UTC)
    told, cure = offset_in_words(offset, now)
    yield Finding("receiver", True, told, cure)
