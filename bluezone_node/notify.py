"""Tell a person: the log is the channel that every installation has."""

import logging

from bluezone_node.alerts import Alert

log = logging.getLogger(__name__)


class LogNotifier:
    """Writes that there is an alert, not what it says: a system's journal is read by others."""

    async def tell(self, alert: Alert) -> None:
        log.warning("new exposure alert: see `bluezone-node alerts`")
