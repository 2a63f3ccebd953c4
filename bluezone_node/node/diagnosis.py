"""A diagnosis reaches others: code, token, certificate, publication.

Nothing leaves the device before its owner agreed, and never anything but the day keys.  Every
step is written down before the next, so that a report that broke off can be taken up again: the
authority gives a code's token to one device only, known by a nonce.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.errors import AuthorityRefused, BadInput, BluezoneError
from bluezone_node.intervals import interval_at, interval_day, midnight
from bluezone_node.node.keyring import retire_key
from bluezone_node.ports import (
    Authority,
    Clock,
    Entropy,
    NodeStore,
    OnStore,
    Publication,
    PublishReceipt,
    Report,
)

HMAC_SECRET_BYTES = 16
"""Length of the secret that binds the certificate to the keys (reference: at least 16)."""

TOKEN_LIFE = timedelta(hours=24)
"""How long the registrar honours a token: a report older than this cannot be taken up again."""

DAYS_BEFORE_ONSET = 5
"""Keys older than this many days before the first symptoms stay on the device.

No rule set in use counts an exposure earlier than 5 days before onset (LFPH "wide" goes
furthest), so publishing older keys would reveal where their owner was and warn nobody.
"""


_BETWEEN = re.compile(r"[\s\u00ad\u200b\u2060\ufeff._\-\u2010-\u2015\u2212]+")
"""What people, telephones and word processors put between the characters of a code."""
_CODE = re.compile(r"[A-Za-z0-9]{6,64}")
"""The shortest that Google's server allows an authority, and more than anybody's longest. Which it
is, and whether it is right, the registrar knows."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a report would send, for its owner to agree to."""

    keys: int
    first_day: date
    last_day: date
    resumes: datetime | None
    """When the unfinished report that would be taken up was begun."""


class NothingToReport(BluezoneError):
    """This node holds no keys of the last fourteen days: there is nothing to publish."""


def code_in(text: str) -> str:
    """Return the code in what was typed or pasted: a code, or the link of a message.

    In a link it is what follows ``#``, or ``c=`` as Google's server makes them.

    Raises:
        BadInput: reason ``code_malformed``: nothing was sent anywhere. The text is not quoted.
    """
    code = text.strip()
    if "://" in code:
        try:
            link = urlsplit(code)
        except ValueError:
            link = urlsplit("")
        code = link.fragment or "".join(parse_qs(link.query).get("c", [])[:1])
    code = _BETWEEN.sub("", code)
    if not _CODE.fullmatch(code):
        raise BadInput(
            "That is no verification code. Nothing was sent.",
            reason="code_malformed",
            hint="type the 8 digits that you were told, or paste the whole link of the message in "
            "quotation marks: the code is what follows #",
        )
    return code


def publishable(
    keys: Sequence[TemporaryExposureKey], onset: date | None
) -> tuple[TemporaryExposureKey, ...]:
    """Return the keys of days on which their owner may have been infectious."""
    if onset is None:
        return tuple(keys)
    first = onset - timedelta(days=DAYS_BEFORE_ONSET)
    return tuple(key for key in keys if interval_day(key.rolling_start) >= first)


def claim_nonce(hmac_secret: bytes) -> bytes:
    """Return the 32 bytes by which the registrar knows who claimed a code, see *protocol.md*."""
    return sha256(b"claim" + hmac_secret).digest()


class Diagnosis:
    """Reports a positive test with a health worker's code."""

    def __init__(
        self,
        authority: Authority,
        health_authority: str,
        clock: Clock,
        on_store: OnStore,
        entropy: Entropy,
        key_retired: Callable[[], object],
    ) -> None:
        self._authority = authority
        self._health_authority = health_authority
        self._clock = clock
        self._on_store = on_store
        self._entropy = entropy
        self._key_retired = key_retired

    async def preview(self, onset: date | None) -> Preview:
        """Return what :meth:`report` would send, without telling anyone.

        Raises:
            NothingToReport: there are no keys.
        """
        unfinished = await self._on_store(self._unfinished)
        keys = (unfinished.keys if unfinished else ()) or publishable(
            await self._on_store(lambda store: store.own_keys()), onset
        )
        if not keys:
            raise NothingToReport
        days = [interval_day(key.rolling_start) for key in keys]
        # Without a token nothing was agreed to that would be taken up: any code may be given.
        resumes = unfinished.started if unfinished and unfinished.token else None
        return Preview(len(keys), min(days), max(days), resumes)

    async def report(self, code: str, onset: date | None) -> tuple[Report, PublishReceipt]:
        """Publish the keys; return the finished report and what the publisher answered.

        Raises:
            NothingToReport: there are no keys; the code was not used.
            AuthorityRefused: the code, the token or the publication was refused.
            Unreachable: no answer; calling again takes the report up where it broke off.
        """
        await self.preview(onset)
        report = await self._on_store(self._begun)
        if not report.token:
            report = await self._claim(report, code, onset)
        if not report.keys:
            report = await self._on_store(lambda store: self._gather(store, report))
            self._key_retired()
        if not report.certificate:
            mac = keys_hmac(report.keys, report.hmac_secret)
            report = await self._certify(report, mac)
        return await self._publish(report)

    def _unfinished(self, store: NodeStore) -> Report | None:
        since = self._clock.now() - TOKEN_LIFE
        open_reports = [r for r in store.reports() if r.published is None and r.started > since]
        return max(open_reports, key=lambda report: report.id, default=None)

    def _begun(self, store: NodeStore) -> Report:
        """Return the unfinished report, or a new one: kept before its nonce is sent anywhere."""
        return self._unfinished(store) or _saved(
            store,
            Report(
                id=0,
                started=self._clock.now(),
                token="",
                report_type="",
                onset=None,
                hmac_secret=self._entropy(HMAC_SECRET_BYTES),
                keys=(),
            ),
        )

    async def _claim(self, report: Report, code: str, onset: date | None) -> Report:
        # A refused claim leaves the begun report, which is no more than its nonce: after a lost
        # answer and a mistyped code, the right code still works.
        claimed = await self._authority.claim(code, claim_nonce(report.hmac_secret))
        claimed_report = replace(
            report,
            started=self._clock.now(),
            token=claimed.token,
            report_type=claimed.report_type,
            onset=onset or claimed.symptom_date,
        )
        return await self._on_store(lambda store: _saved(store, claimed_report))

    def _gather(self, store: NodeStore, report: Report) -> Report:
        now = interval_at(self._clock.now())
        retire_key(store, now, self._entropy)
        ended = [key for key in store.own_keys() if key.rolling_end <= now or not key.covers(now)]
        return _saved(store, replace(report, keys=publishable(ended, report.onset)))

    async def _certify(self, report: Report, mac: bytes) -> Report:
        try:
            certificate = await self._authority.certify(report.token, mac)
        except AuthorityRefused:
            await self._give_up(report)
            raise
        return await self._on_store(
            lambda store: _saved(store, replace(report, certificate=certificate))
        )

    async def _publish(self, report: Report) -> tuple[Report, PublishReceipt]:
        onset = report.onset
        publication = Publication(
            keys=report.keys,
            health_authority=self._health_authority,
            certificate=report.certificate,
            hmac_secret=report.hmac_secret,
            onset_interval=interval_at(midnight(onset)) if onset else None,
            revision_token=await self._on_store(_latest_revision_token),
        )
        try:
            receipt = await self._authority.publish(publication)
        except AuthorityRefused:
            await self._give_up(report)
            raise
        finished = replace(
            report,
            published=self._clock.now().astimezone(UTC),
            revision_token=receipt.revision_token,
        )
        return await self._on_store(lambda store: _saved(store, finished)), receipt

    async def _give_up(self, report: Report) -> None:
        """What was refused will be refused for ever: do not take it up again."""
        expired = replace(report, started=self._clock.now() - TOKEN_LIFE, token="")
        await self._on_store(lambda store: _saved(store, expired))


def _saved(store: NodeStore, report: Report) -> Report:
    return replace(report, id=store.save_report(report))


def _latest_revision_token(store: NodeStore) -> str:
    published = [report for report in store.reports() if report.revision_token]
    return max(published, key=lambda report: report.id).revision_token if published else ""
