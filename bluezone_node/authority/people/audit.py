"""The audit trail as a chain: each entry's hash covers the one before it.

Whoever changes, removes, adds or swaps an entry breaks the chain at that place, unless every entry
after it is made anew; against that, and against cutting off the end, stands a head (number and
hash of the newest entry) that somebody noted down elsewhere.  To check it takes no secret, but for
one thing: that what is missing before the first entry was erased by us, when its time was over.
"""

import hmac
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from bluezone_node.authority.ports.accounts import EVERYWHERE, OPERATOR, Actor
from bluezone_node.authority.ports.audit import (
    AuditEntry,
    AuditHead,
    AuditStore,
    AuditVerdict,
    Detail,
)
from bluezone_node.errors import AuthorityRefused, BadInput
from bluezone_node.intervals import to_unix
from bluezone_node.ports import Clock

ERASED = "audit_erased"
"""Action of the entry that vouches for what was before the first one kept."""
ERASE_EVERY = timedelta(days=7)
"""Entries are erased a week's worth at a time: each erasing adds one."""

_DOMAIN = b"bluezone-node audit entry 1\0"
"""So that no hash made for another purpose is taken for one of these."""
GENESIS = sha256(b"bluezone-node audit genesis 1\0").digest()
"""Stands for the entry before the first."""

_REWRITTEN = "The entry is not the one that was noted down: all up to it may have been rewritten."


def canonical(detail: Detail) -> str:
    """Return *detail* as JSON, the same text for the same content."""
    return json.dumps(dict(detail), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def link(
    previous: AuditHead | None,
    at: datetime,
    actor: str,
    realm: str,
    action: str,
    subject: str,
    text: str,
) -> AuditEntry:
    """Return the entry that follows *previous*."""
    sequence = 1 if previous is None else previous.sequence + 1
    before = GENESIS if previous is None else previous.hash
    at = at.replace(microsecond=0)
    digest = _digest(before, sequence, at, actor, realm, action, subject, text)
    return AuditEntry(sequence, at, actor, realm, action, subject, text, digest)


def check(
    entries: Iterable[AuditEntry], start: AuditHead | None = None, head: AuditHead | None = None
) -> AuditVerdict:
    """Return whether *entries*, oldest first, are a whole chain; one is in memory at a time.

    *start*: the last entry that was erased. *head*: an entry noted down earlier.
    """
    if head is not None and start is not None and _rewritten(start, head):
        return AuditVerdict(0, None, head.sequence, _REWRITTEN)
    last, count, wrong = start, 0, ""
    noted = head is not None and head == start
    try:
        for entry in entries:
            wrong = _wrong(entry, last, head)
            if wrong:
                break
            last, count = entry.head, count + 1
            noted = noted or last == head
    except (ArithmeticError, OSError, TypeError, ValueError):
        # What the program never writes: a number too large for a date, text where bytes belong.
        wrong = "The entry cannot be read."
    if not wrong and head is not None and not noted:
        wrong = f"The trail once went on to entry {head.sequence}: its end is missing."
    following = 1 if last is None else last.sequence + 1
    shown = last if count else None
    return AuditVerdict(count, shown, following if wrong else None, wrong)


def parse_head(text: str) -> AuditHead:
    """Return the head that was noted down as SEQUENCE:HASH.

    Raises:
        BadInput: reason ``bad_head``.
    """
    number, _, digest = text.strip().partition(":")
    try:
        head = AuditHead(int(number), bytes.fromhex(digest))
    except ValueError:
        head = AuditHead(0, b"")
    if head.sequence < 1 or len(head.hash) != sha256().digest_size:
        raise BadInput(
            "A head is the number of an entry, a colon and 64 hexadecimal digits.",
            reason="bad_head",
            hint="as `authority audit head` printed it",
        )
    return head


class ChainedTrail:
    """`AuditTrail` on a store. Every method blocks."""

    def __init__(self, store: AuditStore, clock: Clock, keep: timedelta, *, secret: bytes) -> None:
        """*secret*: seals what was erased on time, so that nothing else passes for it."""
        self._store = store
        self._clock = clock
        self._keep = keep
        self._secret = hmac.digest(secret, b"audit", "sha256")

    def record(
        self,
        actor: Actor,
        action: str,
        subject: str = "",
        detail: Detail | None = None,
        *,
        realm: str | None = None,
    ) -> None:
        text = canonical(detail or {})
        where = actor.realm if realm is None else realm
        self._store.append(
            lambda last: link(last, self._clock.now(), actor.name, where, action, subject, text)
        )

    def entries(
        self, realm: str | None = None, limit: int = 100, before: int | None = None
    ) -> list[AuditEntry]:
        return self._store.entries(realm, limit, before)

    def verify(self, head: AuditHead | None = None) -> AuditVerdict:
        start = self._start()
        if head is not None and start is not None and head.sequence < start.sequence:
            raise AuthorityRefused(
                f"Entry {head.sequence} was erased when its time was over.",
                reason="head_too_old",
                hint=f"give a head that was noted down later; {start.sequence} is the earliest",
            )
        verdict = check(self._store.walk(), start, head)
        if not verdict.intact and start != self._start():
            # The oldest were erased while we walked.
            return self.verify(head)
        return verdict

    def head(self) -> AuditHead | None:
        return self._store.head()

    def forget(self) -> int:
        """Erase entries whose time is over, once there is a week's worth; return how many."""
        now = self._clock.now()
        before, oldest = now - self._keep, self._store.oldest()
        if oldest is None or oldest >= before - ERASE_EVERY:
            return 0

        def erased(last: AuditHead, upto: AuditHead) -> AuditEntry:
            told: Detail = {
                "up_to": upto.sequence,
                "hash": upto.hash.hex(),
                "seal": self._seal(upto),
            }
            text = canonical(told)
            return link(last, now, OPERATOR.name, EVERYWHERE, ERASED, "", text)

        return self._store.forget(before, erased)

    def _start(self) -> AuditHead | None:
        """Return the last entry that was erased."""
        entry = self._store.newest(ERASED)
        if entry is None:
            return None
        detail = entry.detail
        try:
            upto = parse_head(f"{detail['up_to']}:{detail['hash']}")
        except (BadInput, KeyError):
            upto = None
        if upto is None or detail.get("seal") != self._seal(upto):
            # Not ours: the chain does not begin where it should, and that is found.
            return None
        return upto

    def _seal(self, upto: AuditHead) -> str:
        # In a chain that needs no secret anybody could write an entry that says so.
        return hmac.digest(self._secret, f"erased {upto}".encode(), "sha256").hex()


def _wrong(entry: AuditEntry, last: AuditHead | None, head: AuditHead | None) -> str:
    """Return what is wrong with the entry that should follow *last*; empty: nothing."""
    following = 1 if last is None else last.sequence + 1
    if entry.sequence != following:
        return "The entry is missing."
    made = link(last, entry.at, entry.actor, entry.realm, entry.action, entry.subject, entry.text)
    if made != entry:
        return "The entry is not what was written, or does not follow from the one before it."
    return _REWRITTEN if head is not None and _rewritten(entry.head, head) else ""


def _rewritten(found: AuditHead, noted: AuditHead) -> bool:
    return found.sequence == noted.sequence and found.hash != noted.hash


def _digest(before: bytes, sequence: int, at: datetime, *texts: str) -> bytes:
    # A JSON array: no two lists of fields have one encoding.
    fields = json.dumps([sequence, to_unix(at), *texts], separators=(",", ":"))
    return sha256(_DOMAIN + before + fields.encode()).digest()
