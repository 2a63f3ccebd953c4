"""Where codes are made: drawn, kept under a digest within the quota, and brought to their holder.

Codes are kept only as HMACs under a server secret, a telephone number not at all.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

from bluezone_node.authority.phones import parse_phone
from bluezone_node.authority.ports.accounts import Actor
from bluezone_node.authority.ports.messages import MessageNotSent, Messenger
from bluezone_node.authority.ports.registry import Outcome, RegistryStore, VerificationCode
from bluezone_node.authority.registrar.codes import Kind, code_digest, make_code
from bluezone_node.authority.registrar.orders import CodeOrder, IssuedCode
from bluezone_node.authority.registrar.sms import message_text
from bluezone_node.authority.settings import RealmSettings, RegistrarSettings
from bluezone_node.errors import AuthorityRefused, BluezoneError
from bluezone_node.ports import Clock, Entropy

log = logging.getLogger(__name__)

COLLISIONS = 6
"""New codes tried before giving up: with 10⁸ of them, meeting six taken ones means a fault."""
NONE_FREE = "No free verification code was found; try again."
AT_ONCE = 500
"""Codes kept in one transaction: others get their turn in between."""
SENDERS = 8
"""Messages of a file under way at a time: a gateway takes some 200 ms for each."""
GIVE_UP = 20
"""Messages of a file that fail in a row, after which no more are tried: each may take as long as
the gateway's time limit, and of ten thousand it would be hours."""
HANDLE_BYTES = 16
"""Those of a UUID."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A code, and what became of it in the store."""

    code: str = field(repr=False)
    record: VerificationCode
    order: CodeOrder
    outcome: Outcome = Outcome.DIGEST_TAKEN


class Mint:
    """Makes codes. Every method blocks on the store, or on who sends messages."""

    def __init__(
        self,
        store: RegistryStore,
        messenger: Messenger,
        clock: Clock,
        entropy: Entropy,
        *,
        secret: bytes,
        settings: RegistrarSettings,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._clock = clock
        self._entropy = entropy
        self._secret = secret
        self._settings = settings

    def message(self, code: str) -> str:
        """Return the text that carries the long *code*, for who sends it by other means.

        Raises:
            AuthorityRefused: reason ``sms_disabled``.
        """
        if not self._settings.public_url:
            raise AuthorityRefused(
                "No message can be sent: the registrar does not know its own address.",
                reason="sms_disabled",
                hint="set registrar.public_url",
            )
        return message_text(
            self._settings.public_url,
            code,
            self._settings.long_code_hours,
            self._settings.sms.language,
        )

    def named(self, order: CodeOrder) -> CodeOrder:
        """Return *order* with a handle, drawn where it has none."""
        return replace(order, handle=order.handle or self._entropy(HANDLE_BYTES))

    def _draw(self, order: CodeOrder, realm: RealmSettings, actor: Actor) -> Drawn:
        now = self._clock.now()
        kind: Kind = "long" if order.phone else order.kind
        life = (
            timedelta(hours=self._settings.long_code_hours)
            if kind == "long"
            else timedelta(minutes=self._settings.code_minutes)
        )
        code = make_code(kind, self._entropy)
        record = VerificationCode(
            code_digest(self._secret, code),
            order.report_type,
            order.symptom_date,
            order.test_date,
            now,
            now + life,
            handle=order.handle,
            kind=kind,
            realm=realm.id,
            issuer=actor.name,
        )
        return Drawn(code, record, order)

    def keep(self, orders: Sequence[CodeOrder], realm: RealmSettings, actor: Actor) -> list[Drawn]:
        """Draw a code for each of *orders* and keep it, as far as the quota goes."""
        drawn = [self._draw(order, realm, actor) for order in orders]
        for _ in range(COLLISIONS):
            open_ = [n for n, each in enumerate(drawn) if each.outcome is Outcome.DIGEST_TAKEN]
            for start in range(0, len(open_), AT_ONCE):
                some = open_[start : start + AT_ONCE]
                outcomes = self._store.add_codes([drawn[n].record for n in some], realm.daily_codes)
                for n, outcome in zip(some, outcomes, strict=True):
                    drawn[n] = (
                        self._draw(orders[n], realm, actor)
                        if outcome is Outcome.DIGEST_TAKEN
                        else replace(drawn[n], outcome=outcome)
                    )
        if any(each.outcome is Outcome.DIGEST_TAKEN for each in drawn):
            raise BluezoneError(NONE_FREE)
        return drawn

    def replace(
        self, old: VerificationCode, order: CodeOrder, realm: RealmSettings, actor: Actor
    ) -> Drawn:
        """Draw a code for *order* and keep it in the place of *old*, which is over."""
        for _ in range(COLLISIONS):
            drawn = self._draw(order, realm, actor)
            outcome = self._store.replace_code(old.handle or b"", drawn.record, realm.daily_codes)
            if outcome is not Outcome.DIGEST_TAKEN:
                return replace(drawn, outcome=outcome)
        raise BluezoneError(NONE_FREE)

    def deliver(self, drawn: Drawn, hint: str = "the same request may be sent again") -> IssuedCode:
        """Return what was drawn, sent where it is to be sent; a code that cannot be is withdrawn.

        Raises:
            AuthorityRefused: it could not be kept, or not be sent.
        """
        if drawn.outcome is Outcome.QUOTA_EXCEEDED:
            raise AuthorityRefused(
                "The province has issued as many codes as it may today.", reason="quota_exceeded"
            )
        if drawn.outcome is Outcome.HANDLE_TAKEN:
            raise AuthorityRefused(
                "A code with this uuid was issued already.", reason="uuid_already_exists"
            )
        record, order = drawn.record, drawn.order
        if order.phone:
            try:
                self._messenger.send(parse_phone(order.phone), self.message(drawn.code))
            except MessageNotSent as error:
                raise self._give_up(drawn, str(error), hint) from error
            self._store.count(self._clock.now(), record.realm, "sms_sent")
        return IssuedCode(
            drawn.code,
            record.expires,
            order.handle,
            cast("Kind", record.kind),
            sent=bool(order.phone),
        )

    def deliver_all(
        self, drawn: Sequence[Drawn], stopped: Callable[[], bool]
    ) -> list[IssuedCode | AuthorityRefused]:
        """Bring many codes to their holders, some at a time; return what became of each."""
        failed = 0

        def deliver(code: Drawn) -> IssuedCode | AuthorityRefused:
            nonlocal failed
            try:
                if code.order.phone and code.outcome is Outcome.KEPT:
                    if failed >= GIVE_UP:
                        return self._give_up(code, "It was not tried, as those before it failed.")
                    if stopped():
                        return self._give_up(code, "It was not tried: the work was broken off.")
                made = self.deliver(code)
            except AuthorityRefused as refused:
                failed += refused.reason == "sms_failure"
                return refused
            except Exception as error:  # what became of the other rows must be told all the same
                log.error("a code of a file was not delivered: %s", type(error).__name__)
                return AuthorityRefused(
                    "The server failed; the message may have been sent.", reason="row_failed"
                )
            failed = 0 if made.sent else failed
            return made

        with ThreadPoolExecutor(SENDERS) as pool:
            return list(pool.map(deliver, drawn))

    def _give_up(self, drawn: Drawn, why: str, hint: str = "") -> AuthorityRefused:
        """Withdraw what cannot be sent; return what to tell."""
        self._store.withdraw_code(drawn.record.digest, self._clock.now())
        return AuthorityRefused(
            f"The message could not be sent, and its code is void. {why}",
            reason="sms_failure",
            hint=hint,
        )
