"""Issuing: a health worker says what was found, and gets a code to hand on, or has it sent.

Here is who may do what, and how much of it; codes are made in `mint`.  Who issued a code may take
it back or replace it, by its handle, until it is claimed.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import cast

from bluezone_node.authority.phones import parse_phone
from bluezone_node.authority.ports.accounts import SUPERVISOR, Actor
from bluezone_node.authority.ports.audit import AuditTrail
from bluezone_node.authority.ports.registry import Outcome, RegistryStore, VerificationCode
from bluezone_node.authority.registrar.attempts import Attempts
from bluezone_node.authority.registrar.bulk import BulkResult, Issued, Row, read_rows
from bluezone_node.authority.registrar.codes import REPORT_TYPES, Kind
from bluezone_node.authority.registrar.mint import Mint
from bluezone_node.authority.registrar.orders import CodeOrder, CodeState, CodeStatus, IssuedCode
from bluezone_node.authority.settings import RealmSettings, RegistrarSettings
from bluezone_node.authority.sheets import Rejected
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock

SAME_FILE = timedelta(days=1)
"""Within which a file that comes again is taken for a retry, not for other people."""
LATEST_ZONE = timedelta(hours=14)
"""A test of today is dated tomorrow in UTC's eyes, that far east (Kiribati)."""


class Issuing:
    """Issues, revokes and reissues codes. Every method blocks on the stores."""

    def __init__(
        self,
        store: RegistryStore,
        mint: Mint,
        attempts: Attempts,
        audit: AuditTrail,
        clock: Clock,
        settings: RegistrarSettings,
    ) -> None:
        self._store = store
        self._mint = mint
        self._attempts = attempts
        self._audit = audit
        self._clock = clock
        self._settings = settings

    def issue(self, order: CodeOrder, actor: Actor) -> IssuedCode:
        """Return a new code for one person; with a telephone number it is sent there as well.

        Raises:
            AuthorityRefused: reason ``invalid_test_type``, ``invalid_date``, ``invalid_phone``,
                ``unknown_realm``, ``uuid_already_exists``, ``quota_exceeded``, ``sms_disabled``,
                ``sms_failure`` (then the code is withdrawn), or ``too_many_requests``.
        """
        realm = self.realm_for(order.realm, actor)
        self.check(order, realm)
        self._attempts.before_issue(realm.id, realm.issue_per_minute)
        order = self._mint.named(order)
        self._audit.record(actor, "code_issued", order.handle.hex(), realm=realm.id)
        (drawn,) = self._mint.keep([order], realm, actor)
        return self._mint.deliver(drawn)

    def issue_many(
        self,
        data: bytes,
        actor: Actor,
        *,
        realm: str = "",
        force: bool = False,
        stopped: Callable[[], bool] = lambda: False,
    ) -> BulkResult:
        """Issue a long code for each row of a CSV file, and say what became of every row.

        Either the whole file is refused and nothing was issued, or each row is issued or rejected.
        *force*: although the same file came within a day. *stopped*: asked before each message;
        from when it is true no more are sent, and their rows rejected.

        Raises:
            AuthorityRefused: reason ``forbidden``, ``unknown_realm``, ``quota_exceeded`` (for the
                whole file), ``file_repeated``, or one of `read_rows`.
        """
        if not actor.may(SUPERVISOR):
            raise _forbidden("Only a supervisor may issue codes in bulk.")
        province = self.realm_for(realm, actor)
        sheet = read_rows(data)
        rejected = list(sheet.rejected)
        ordered: list[tuple[Row, CodeOrder]] = []
        for row in sheet.rows:
            order = CodeOrder(
                row.report_type, row.symptom_date, row.test_date, "long", row.phone, province.id
            )
            try:
                self.check(order, province)
                ordered.append((row, self._mint.named(order)))
            except AuthorityRefused as refused:
                rejected.append(Rejected(row.line, row.cells, refused.reason, str(refused)))
        left = province.daily_codes - self._store.issued_on(_day(self._clock.now()), province.id)
        if len(ordered) > left:
            raise AuthorityRefused(
                f"The file asks for {len(ordered)} codes; the province may issue {max(0, left)} "
                "more today. Nothing was issued.",
                reason="quota_exceeded",
            )
        # Remembered before anything is issued: whoever breaks off and retries is told.
        name = sha256(f"{province.id}:".encode() + data).digest()
        if ordered and not self._attempts.first("file", name, SAME_FILE) and not force:
            raise AuthorityRefused(
                "The same file was taken within the last day. Nothing was issued.",
                reason="file_repeated",
                hint="look for the result of the first time; force it if these are other people",
            )
        counts = {"rows": sheet.read, "rejected": len(rejected)}
        self._audit.record(actor, "codes_issued", detail=counts, realm=province.id)
        drawn = self._mint.keep([order for _, order in ordered], province, actor)
        issued: list[Issued] = []
        for (row, _), made in zip(ordered, self._mint.deliver_all(drawn, stopped), strict=True):
            if isinstance(made, AuthorityRefused):
                rejected.append(Rejected(row.line, row.cells, made.reason, str(made)))
            else:
                code = "" if made.sent else made.code
                issued.append(Issued(row.line, row.report_type, code, made.expires, made.handle))
        return BulkResult(sheet, issued, sorted(rejected, key=lambda each: each.line))

    def status(self, handle: bytes, actor: Actor) -> CodeStatus:
        """Return what became of the code.

        Raises:
            AuthorityRefused: reason ``code_not_found``, or ``forbidden``: somebody else issued it.
        """
        found = self._reachable(handle, actor)
        return CodeStatus(
            handle,
            self._state(found),
            _kind(found),
            found.report_type,
            found.realm,
            found.issuer,
            found.created,
            found.expires,
        )

    def revoke(self, handle: bytes, actor: Actor) -> None:
        """End the code: its holder will be told that it has expired.

        Raises:
            AuthorityRefused: reason ``code_not_found``, ``forbidden``, ``code_claimed`` or
                ``code_revoked``.
        """
        found = self._reachable(handle, actor)
        self._check_open(found)
        self._audit.record(actor, "code_revoked", handle.hex(), realm=found.realm)
        if not self._store.revoke_code(handle, self._clock.now()):
            self._check_open(self._reachable(handle, actor))

    def reissue(self, handle: bytes, actor: Actor, phone: str = "") -> IssuedCode:
        """Return a new code with the same facts; the old one is over. An expired one will do.

        *phone*: where it is sent, as the number of the first time was not kept.

        Raises:
            AuthorityRefused: as `revoke` and `issue`.
        """
        found = self._reachable(handle, actor)
        self._check_open(found)
        realm = self.realm_for(found.realm, actor)
        order = self._mint.named(
            CodeOrder(
                found.report_type,
                found.symptom_date,
                found.test_date,
                _kind(found),
                phone,
                realm.id,
            )
        )
        self._check_sending(order)
        self._attempts.before_issue(realm.id, realm.issue_per_minute)
        new = {"new": order.handle.hex()}
        self._audit.record(actor, "code_reissued", handle.hex(), new, realm=realm.id)
        drawn = self._mint.replace(found, order, realm, actor)
        if drawn.outcome is Outcome.NOT_OPEN:
            self._check_open(self._reachable(handle, actor))
        return self._mint.deliver(drawn, hint="the old code is over: issue a new one")

    def message(self, code: str) -> str:
        """Return the text that carries the long *code*, for who sends it by other means.

        Raises:
            AuthorityRefused: reason ``sms_disabled``.
        """
        return self._mint.message(code)

    def realms(self, actor: Actor) -> list[RealmSettings]:
        """Return the provinces that *actor* may issue for."""
        return [realm for realm in self._settings.realms if actor.covers(realm.id)]

    def realm_for(self, realm_id: str, actor: Actor) -> RealmSettings:
        """Return the province of that id; empty: the actor's own, or the only one that there is.

        Raises:
            AuthorityRefused: reason ``unknown_realm``, also for one that the actor may not see.
        """
        own = self.realms(actor)
        if not realm_id and len(own) == 1:
            return own[0]
        realm = next((realm for realm in own if realm.id == realm_id), None)
        if realm is None:
            raise AuthorityRefused(
                "Name a province that you may issue codes for.",
                reason="unknown_realm",
                hint=", ".join(realm.id for realm in own),
            )
        return realm

    def check(self, order: CodeOrder, realm: RealmSettings) -> None:
        """Refuse an order that could not be carried out.

        Raises:
            AuthorityRefused: as `issue`.
        """
        if order.report_type not in REPORT_TYPES or order.report_type not in realm.test_types:
            raise AuthorityRefused(
                f"The test type must be one of: {', '.join(realm.test_types)}.",
                reason="invalid_test_type",
            )
        now = self._clock.now()
        oldest = (now - timedelta(days=self._settings.oldest_date_days)).date()
        for day in (order.symptom_date, order.test_date):
            if day is not None and not oldest <= day <= (now + LATEST_ZONE).date():
                raise AuthorityRefused(
                    f"A date must lie within the last {self._settings.oldest_date_days} days.",
                    reason="invalid_date",
                )
        self._check_sending(order)

    def _check_sending(self, order: CodeOrder) -> None:
        if order.phone:
            parse_phone(order.phone)
            self._mint.message("")

    def _reachable(self, handle: bytes, actor: Actor) -> VerificationCode:
        found = self._store.code_of(handle)
        if found is None or not actor.covers(found.realm):
            raise AuthorityRefused("There is no such code.", reason="code_not_found")
        if not actor.may(SUPERVISOR) and found.issuer != actor.name:
            raise _forbidden("Somebody else issued this code; ask a supervisor.")
        return found

    def _state(self, code: VerificationCode) -> CodeState:
        if code.claimed is not None:
            return CodeState.CLAIMED
        if code.revoked is not None:
            return CodeState.REVOKED
        return CodeState.EXPIRED if code.expires <= self._clock.now() else CodeState.OPEN

    def _check_open(self, code: VerificationCode) -> None:
        if code.claimed is not None:
            raise AuthorityRefused(
                "The code has been used by its holder: it cannot be taken back.",
                reason="code_claimed",
            )
        if code.revoked is not None:
            raise AuthorityRefused("The code was taken back already.", reason="code_revoked")


def _kind(code: VerificationCode) -> Kind:
    return cast("Kind", code.kind)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _forbidden(sentence: str) -> AuthorityRefused:
    return AuthorityRefused(sentence, reason="forbidden")
