"""Whether anybody knows how far this node's receiver reads from the truth."""

from collections.abc import Iterator
from typing import Any

from bluezone_node.commands.doctor.finding import Finding
from bluezone_node.commands.receiver import now_of, offset_in_use, offset_in_words
from bluezone_node.config import Settings
from bluezone_node.errors import BluezoneError

Document = dict[str, Any]


def calibrated(settings: Settings, node: Document | None) -> Iterator[Finding]:
    """Tell the offset in use; a node works without one, so none is no fault."""
    from bluezone_node.commands.doctor.machine import belongs_to_another
    from bluezone_node.wiring.store import open_store

    if belongs_to_another(settings):
        return
    try:
        with open_store(settings) as store:
            offset = offset_in_use(settings, store, node)
    except BluezoneError:
        # The database cannot be opened, and that is a finding of its own.
        return
    told, cure = offset_in_words(offset, now_of(node))
    yield Finding("receiver", True, told, cure)
