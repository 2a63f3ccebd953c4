"""The code on the kiosk's own screen: the place's card, and a proof that changes every 5 minutes.

Whoever has a picture of the poster can say that they were here; whoever has the code of the
screen stood before it, in those five minutes.
"""

import hmac
from datetime import datetime

from bluezone_node.intervals import from_unix
from bluezone_node.venues.card import SignedCard, day_number
from bluezone_node.venues.tags import PROOF_SECONDS, proof_day_key, proof_of, step_of
from bluezone_node.venues.text import Proof, to_url


class Screen:
    """Makes the codes of one place's screen and slips, and knows its own again."""

    def __init__(self, card: SignedCard, proof_key: bytes, host: str) -> None:
        self._card = card
        self._key = proof_key
        self._host = host

    def text(self, at: datetime) -> str:
        """Return the link to be shown at that time."""
        step = step_of(at)
        return to_url(self._card.cose, self._host, proof=Proof(step, self._mac(at, step)))

    def proved(self, proof: Proof, at: datetime) -> bool:
        """Tell whether this kiosk made *proof* earlier on the day of *at*, or in this step."""
        shown = from_unix(proof.step * PROOF_SECONDS)
        return (
            shown <= at
            and day_number(shown) == day_number(at)
            and hmac.compare_digest(proof.mac, self._mac(shown, proof.step))
        )

    def _mac(self, at: datetime, step: int) -> bytes:
        return proof_of(proof_day_key(self._key, day_number(at)), step)
