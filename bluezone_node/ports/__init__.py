"""What the services need of the world, as protocols: adapters satisfy them, nothing inherits.

Each port has one contract suite in ``tests/contract``; every adapter passes it.
"""

from bluezone_node.ports.authority import (
    Authority,
    ClaimedCode,
    KeySource,
    Publication,
    PublishReceipt,
)
from bluezone_node.ports.ledger import ExportRecord, ExportState, SourceState
from bluezone_node.ports.places import PlaceStore, StoredVisit
from bluezone_node.ports.radio import HeardFrame, Radio, RadioCondition
from bluezone_node.ports.store import (
    MatchedKey,
    NodeStore,
    OnStore,
    Report,
    StoredAlert,
)
from bluezone_node.ports.world import Clock, Entropy, InThread, Notifier, Result, Voucher, Witness

__all__ = [
    "Authority",
    "ClaimedCode",
    "Clock",
    "Entropy",
    "ExportRecord",
    "ExportState",
    "HeardFrame",
    "InThread",
    "KeySource",
    "MatchedKey",
    "NodeStore",
    "Notifier",
    "OnStore",
    "PlaceStore",
    "Publication",
    "PublishReceipt",
    "Radio",
    "RadioCondition",
    "Report",
    "Result",
    "SourceState",
    "StoredAlert",
    "StoredVisit",
    "Voucher",
    "Witness",
]
