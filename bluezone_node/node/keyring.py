"""Which Temporary Exposure Key is in use: rolled at UTC midnight, and early after a report."""

from bluezone_node.crypto.keys import KEY_BYTES, TemporaryExposureKey, retire, roll
from bluezone_node.ports import Entropy, NodeStore


def key_for(store: NodeStore, interval: int, entropy: Entropy) -> TemporaryExposureKey:
    """Return the key to broadcast with during *interval*; make and store it if there is none.

    A day that was seen before keeps its key: a clock that was set back does not make a second
    one.  Of several keys with one start, the one that ends last has never been published.
    """
    candidates = [key for key in store.own_keys() if key.covers(interval)]
    if candidates:
        return max(candidates, key=lambda key: key.rolling_end)
    fresh = roll(interval, entropy(KEY_BYTES))
    store.add_own_key(fresh)
    return fresh


def retire_key(store: NodeStore, interval: int, entropy: Entropy) -> TemporaryExposureKey | None:
    """End the key in use at *interval* and start its successor; return the ended one.

    To be called before today's key is published: an identifier of a public key must never go on
    the air again.  None where today has no key yet.
    """
    candidates = [key for key in store.own_keys() if key.covers(interval)]
    if not candidates:
        return None
    current = max(candidates, key=lambda key: key.rolling_end)
    ended, successor = retire(current, interval, entropy(KEY_BYTES))
    store.retire_own_key(current, ended, successor)
    return ended
