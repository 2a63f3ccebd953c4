"""The breaker: stops the alerts of all notices at once, where the list of them itself is wrong.

It is told by the next bundle to every device in the country, so it takes somebody who works for
all provinces of the registrar.
"""

from collections.abc import Sequence

from bluezone_node.authority.ports.accounts import SUPERVISOR, Actor
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.authority.ports.notices import Breaker, NoticeStore
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock


class AlertBreaker:
    """Stops alerts, and lets them go on. Every method blocks on the store."""

    def __init__(
        self, store: NoticeStore, audit: AuditTrail, clock: Clock, realms: Sequence[str]
    ) -> None:
        """*realms*: all provinces."""
        self._store = store
        self._audit = audit
        self._clock = clock
        self._realms = realms

    def stands(self) -> Breaker:
        """Tell whether alerts are stopped."""
        return self._store.breaker()

    def may_turn(self, actor: Actor) -> bool:
        """Tell whether *actor* may stop all alerts."""
        return actor.may(SUPERVISOR) and all(map(actor.covers, self._realms))

    def turn(self, on: bool, reason: str, actor: Actor) -> Breaker:
        """Stop all alerts from notices everywhere, or let them go on.

        Raises:
            AuthorityRefused: reason ``forbidden`` (it takes a supervisor for the whole country, or
                of the only province), ``breaker_reason``, ``breaker_same``.
        """
        if not self.may_turn(actor):
            raise AuthorityRefused(
                "The breaker stops the notices of all provinces: it takes a supervisor who works "
                "for the whole country.",
                reason="forbidden",
            )
        reason = " ".join(reason.split())
        if not reason:
            raise AuthorityRefused("Say why, in one line.", reason="breaker_reason")
        self._audit.record(actor, f"breaker_{'on' if on else 'off'}", detail={"reason": reason})
        now = self._clock.now().replace(microsecond=0)
        if not self._store.set_breaker(on, now, actor.name):
            raise AuthorityRefused(
                f"The breaker was {'on' if on else 'off'} already.", reason="breaker_same"
            )
        return self._store.breaker()
