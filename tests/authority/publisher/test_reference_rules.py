"""Every rule of Google's key server about an upload, one row each, through the HTTP door.

Each row says the rule and where it stands: *api* is pkg/api/v1 of exposure-notifications-server,
*publish* its internal/publish, *model* and *db* what lies below, *verify* internal/verification,
*docs* its documentation, a number its issue.  Where it is known to be wrong, or says two things,
the row says what is done here.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bluezone_node.authority.ports.exposures import Exposure, ExposureStore
from bluezone_node.authority.settings import AuthoritySettings, PublisherSettings
from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.intervals import interval_at, interval_start, rolling_start
from bluezone_node.web.app import build_app
from bluezone_node.web.routes.publish import publish_routes
from tests.authorities import NOW, MemoryExposures, Office, keys_of_days, seeded, served
from tests.kept import SQL, kept_in

pytestmark = pytest.mark.slow

NOT_CERTIFIED = (401, "health_authority_verification_certificate_invalid")
CURRENT = interval_at(NOW)
TODAY = rolling_start(CURRENT)
PARTIAL = AuthoritySettings(publisher=PublisherSettings(allow_partial_revisions=True))

Document = dict[str, Any]


def key(
    seed: int = 1, start: int = TODAY - 144, period: int = 144, size: int = 16
) -> TemporaryExposureKey:
    made = TemporaryExposureKey(bytes([seed]) * 16, start, period)
    if size != 16:
        object.__setattr__(made, "key", bytes([seed]) * size)  # as no device of ours would
    return made


@dataclass
class Door:
    """A publisher behind HTTP, and a phone that knocks."""

    office: Office
    http: httpx2.AsyncClient
    token: str = ""
    """Of the last answer that had one."""
    answer: Document = field(default_factory=dict)

    def document(
        self,
        *keys: TemporaryExposureKey,
        report: str = "confirmed",
        onset: date | None = None,
        risks: Sequence[int] | None = None,
        token: bool | str = True,
        secret: bytes = b"s" * 16,
        **fields: Any,
    ) -> Document:
        """Return what a phone sends; *token*: one, or whether to send the last."""
        risks = risks or [0] * len(keys)
        certificate = self.office.certify(keys_hmac(keys, secret, risks), report, onset)
        document = {
            "temporaryExposureKeys": [
                {
                    "key": b64encode(k.key).decode(),
                    "rollingStartNumber": k.rolling_start,
                    "rollingPeriod": k.rolling_period,
                    "transmissionRisk": risk,
                }
                for k, risk in zip(keys, risks, strict=True)
            ],
            "healthAuthorityID": "vn.moh",
            "verificationPayload": certificate,
            "hmacKey": b64encode(secret).decode(),
            "revisionToken": (self.token if token else "") if isinstance(token, bool) else token,
        }
        return document | fields

    async def send(self, document: Document) -> tuple[int, str | None, int | None]:
        """Return status, code, and how many keys were inserted."""
        sent = await self.http.post("/v1/publish", json=document)
        self.answer = sent.json()
        self.token = self.answer.get("revisionToken", self.token)
        code, inserted = self.answer.get("code"), self.answer.get("insertedExposures")
        return sent.status_code, code, inserted


Make = Callable[[Door], Document]


def up(*keys: TemporaryExposureKey, **how: Any) -> Make:
    """Return the upload of *keys*: see `Door.document`."""
    return lambda door: door.document(*keys, **how)


def altered(make: Make, **fields: Any) -> Make:
    """Return an upload with fields changed after it was certified."""
    return lambda door: make(door) | fields


def without(make: Make, *names: str) -> Make:
    return lambda door: {k: v for k, v in make(door).items() if k not in names}


@dataclass(frozen=True)
class Rule:
    """What comes of sending *before* and then *sent*."""

    source: str
    says: str
    sent: Make
    expected: tuple[Any, ...] = (200, None, 1)
    """Status, code, and, of a good answer, the number inserted."""
    before: Sequence[Make] = ()
    rows: int | None = None
    """Keys stored in the end; None: as many as were inserted."""
    holds: Callable[[dict[bytes, Exposure], Document], bool] | None = None
    """Of what is stored, and of the answer."""
    settings: AuthoritySettings = field(default_factory=AuthoritySettings)


def only(rows: dict[bytes, Exposure]) -> Exposure:
    (row,) = rows.values()
    return row


def risk_is(risk: int) -> Callable[[dict[bytes, Exposure], Document], bool]:
    return lambda rows, _answer: only(rows).transmission_risk == risk


def onset_is(days: int) -> Callable[[dict[bytes, Exposure], Document], bool]:
    return lambda rows, _answer: only(rows).days_since_onset == days


REQUEST = [
    Rule(
        "api: PublishV1",
        "hmackey is taken in small letters too",
        lambda door: (d := up(key())(door)) | {"hmackey": d.pop("hmacKey")},
    ),
    Rule("api: PublishV1", "an unknown field", up(key(), regions=["VN"]), (400, "unparsable")),
    Rule(
        "publish: health authority first",
        "an unknown one is told before anything is looked at",
        altered(up(), healthAuthorityID="nobody", verificationPayload="x", hmacKey="?"),
        (401, "unknown_health_authority_id"),
    ),
    Rule(
        "publish: certificate before keys",
        "no keys, and no certificate either: the certificate is told",
        altered(up(), verificationPayload=""),
        NOT_CERTIFIED,
    ),
    Rule("verify: secret", "a secret that is no base64", up(key(), hmacKey="?"), NOT_CERTIFIED),
    Rule(
        "verify: secret",
        "a secret of 15 bytes",
        up(key(), hmacKey=b64encode(b"s" * 15).decode()),
        NOT_CERTIFIED,
    ),
    Rule(
        "verify: HMAC",
        "another order of the keys is the same HMAC",
        lambda door: (
            (d := up(key(1), key(2, TODAY - 288))(door))
            | {"temporaryExposureKeys": d["temporaryExposureKeys"][::-1]}
        ),
        (200, None, 2),
    ),
    Rule(
        "verify: HMAC",
        "one key fewer than certified",
        lambda door: (
            (d := up(key(1), key(2, TODAY - 288))(door))
            | {"temporaryExposureKeys": d["temporaryExposureKeys"][1:]}
        ),
        NOT_CERTIFIED,
    ),
    Rule(
        "verify: HMAC with risks",
        "a risk that was changed on the way",
        lambda door: (
            (d := up(key(), risks=[3])(door))
            | {"temporaryExposureKeys": [d["temporaryExposureKeys"][0] | {"transmissionRisk": 4}]}
        ),
        NOT_CERTIFIED,
    ),
    Rule("publish: transform", "no keys at all", up(), (400, "bad_request")),
    Rule(
        "publish: MAX_KEYS_ON_PUBLISH",
        "30 keys",
        up(*(key(n, TODAY - 144 * (1 + n % 10)) for n in range(1, 31))),
        (200, None, 30),
    ),
    Rule(
        "publish: MAX_KEYS_ON_PUBLISH",
        "31 keys",
        up(*(key(n, TODAY - 144 * (1 + n % 11)) for n in range(1, 32))),
        (400, "bad_request"),
    ),
    Rule(
        "publish: revision token",
        "one that cannot be read is no hindrance to new keys",
        up(key(), token="AAAA"),
    ),
]

GOOD = key(9, TODAY - 432)
"""Beside a key that is dropped."""

DROPPED = [
    Rule(
        f"model: transform, {number}",
        f"{says}: dropped, the others stay",
        up(bad, GOOD, risks=risks),
        (200, "partial_failure", 1),
    )
    for number, says, bad, risks in (
        ("862", "15 bytes", key(size=15), None),
        ("862", "17 bytes", key(size=17), None),
        ("862", "a period of 0", key(period=1), None),
        ("862", "a start in the next interval", key(start=CURRENT + 1), None),
        (
            "MAX_INTERVAL_AGE_ON_PUBLISH",
            "an end one interval before 360 h ago",
            key(start=CURRENT - 2160 - 145),
            None,
        ),
        ("862", "a risk of 9", key(), [9, 0]),
    )
    if says != "a period of 0"
] + [
    Rule(
        "model: transform, 862",
        f"a period of {period}: dropped, the others stay",
        lambda door, period=period: certified_raw(door, period),  # type: ignore[misc]
        (200, "partial_failure", 1),
    )
    for period in (0, 145, -1)
]


def certified_raw(door: Door, period: int) -> Document:
    """Return an upload that is certified with a period no key of ours can have."""
    bad, secret = key(), b"s" * 16
    object.__setattr__(bad, "rolling_period", period)
    return door.document(bad, GOOD, secret=secret)


KEYS = [
    *DROPPED,
    Rule(
        "model: transform",
        "none survives: the whole upload is refused",
        up(key(start=CURRENT + 1)),
        (400, "bad_request"),
    ),
    Rule("model: age", "an end exactly 360 h ago is taken", up(key(start=CURRENT - 2160 - 144))),
    Rule("model: start", "one that starts in this interval is taken", up(key(start=CURRENT))),
    Rule("docs", "a start that is not midnight is taken", up(key(start=TODAY - 100, period=50))),
    Rule("model: risk", "0 is written as 2 where confirmed", up(key()), holds=risk_is(2)),
    Rule("model: risk", "as 4 where likely", up(key(), report="likely"), holds=risk_is(4)),
    Rule("model: risk", "one that was told stays", up(key(), risks=[7]), holds=risk_is(7)),
    Rule(
        "publish: duplicate key",
        "the same key twice counts once, as it was sent last",
        up(key(1, TODAY - 288), key(1, TODAY - 144)),
        holds=lambda rows, _answer: only(rows).rolling_start == TODAY - 144,
    ),
    Rule(
        "model: embargo",
        "a key that ended is told at the truncated time",
        up(key()),
        holds=lambda rows, _answer: only(rows).created == NOW - timedelta(minutes=30),
    ),
    Rule(
        "model: embargo",
        "one that is valid waits for its end, and a window more",
        up(key(start=TODAY)),
        holds=lambda rows, _answer: (
            only(rows).created == interval_start(TODAY + 144) + timedelta(hours=1)
        ),
    ),
    Rule(
        "model: overlap, 705",
        "one start for three keys",
        up(key(1, TODAY, 10), key(2, TODAY, 20), key(3, TODAY, 144)),
        (200, None, 3),
    ),
    Rule(
        "publish: MAX_SAME_START_INTERVAL_KEYS",
        "one start for four keys",
        up(*(key(n, TODAY, 10 * n) for n in range(1, 5))),
        (400, "bad_request"),
    ),
    Rule(
        "model: overlap",
        "a start within another key",
        up(key(1, TODAY - 144), key(2, TODAY - 10, 10)),
        (400, "bad_request"),
    ),
    Rule(
        "model: overlap",
        "a start at another key's end",
        up(key(1, TODAY - 288), key(2, TODAY - 144)),
        (200, None, 2),
    ),
    Rule(
        "model: overlap",
        "a long key hides behind a short one of the same start: here it is found",
        up(key(1, TODAY - 288, 144), key(2, TODAY - 288, 10), key(3, TODAY - 200, 10)),
        (400, "bad_request"),
    ),
]

ONSET = [
    Rule(
        "model: onset",
        "the device's goes before the certificate's",
        up(key(), onset=NOW.date() - timedelta(days=5), symptomOnsetInterval=TODAY - 288),
        holds=onset_is(1),
    ),
    Rule(
        "model: onset",
        "the certificate's before what is assumed",
        up(key(), onset=NOW.date() - timedelta(days=6)),
        holds=onset_is(5),
    ),
    Rule("model: onset", "four days ago where nobody told", up(key()), holds=onset_is(3)),
    Rule(
        "publish: MAX_VALID_SYMPTOM_ONSET_REPORT_DAYS",
        "one of 29 days ago is not believed",
        up(key(), symptomOnsetInterval=TODAY - 29 * 144),
        holds=onset_is(3),
    ),
    Rule(
        "model: onset",
        "one in the future is not believed",
        up(key(), symptomOnsetInterval=CURRENT),
        holds=onset_is(3),
    ),
    Rule(
        "905, 934; docs say otherwise",
        "a key over 14 days from the onset is left out with a warning, and that is no failure",
        up(key(), GOOD, symptomOnsetInterval=TODAY - 17 * 144),
        holds=lambda rows, answer: GOOD.key in rows and len(answer["warnings"]) == 1,
    ),
]

KNOWN = key()
LIKELY = up(KNOWN, report="likely", token=False)

REVISION = [
    Rule(
        "model: revision",
        "a confirmed report without a token",
        up(KNOWN, token=False),
        (400, "missing_revision_token"),
        [LIKELY],
        rows=1,
    ),
    Rule(
        "model: revision",
        "a token that lacks the key",
        up(KNOWN),
        (400, "invalid_revision_token"),
        [LIKELY, up(GOOD, token=False)],
        rows=2,
    ),
    Rule(
        "ALLOW_PARTIAL_REVISIONS, 893",
        "such a key is passed over, where that is allowed",
        up(KNOWN, GOOD),
        (200, None, 1),
        [LIKELY, up(GOOD, report="likely", token=False)],
        rows=2,
        holds=lambda rows, _answer: (
            rows[KNOWN.key].revision is None and rows[GOOD.key].revision is not None
        ),
        settings=PARTIAL,
    ),
    Rule(
        "ALLOW_PARTIAL_REVISIONS",
        "but not without any token",
        up(KNOWN, token=False),
        (400, "missing_revision_token"),
        [LIKELY],
        rows=1,
        settings=PARTIAL,
    ),
    Rule(
        "model: revision, 864",
        "other times than the token's",
        up(replace(KNOWN, rolling_period=100)),
        (400, "invalid_revision_token"),
        [LIKELY],
        rows=1,
    ),
    Rule(
        "model: default; the reference says internal_error",
        "other times than the stored ones, though nothing is revised: here an invalid token",
        up(replace(KNOWN, rolling_period=100), report="likely"),
        (400, "invalid_revision_token"),
        [LIKELY],
        rows=1,
    ),
    *(
        Rule(
            "model: transitions",
            f"{first} becomes {then}: {'may' if code is None else 'may not'}",
            up(KNOWN, report=then),
            (400, code) if code else (200, None, 1),
            [up(KNOWN, report=first, token=False)],
            rows=1,
            holds=None
            if code
            else lambda rows, _answer, then=then: (  # type: ignore[misc]
                only(rows).revision.report_type == then
            ),
        )
        for first, then, code in (
            ("likely", "confirmed", None),
            ("likely", "negative", None),
            ("confirmed", "likely", "invalid_report_type_transition"),
            ("confirmed", "negative", "invalid_report_type_transition"),
        )
    ),
    Rule(
        "db: revised once",
        "a second revision",
        up(KNOWN, report="negative"),
        (400, "key_already_revised"),
        [LIKELY, up(KNOWN)],
        rows=1,
    ),
    Rule("1161", "the same revision again is no-op", up(KNOWN), before=[LIKELY, up(KNOWN)]),
    Rule(
        "1111, 1112",
        "a no-op answers a token with which the key can still be revised",
        up(KNOWN),
        before=[LIKELY, up(KNOWN, report="likely")],
        holds=lambda rows, _answer: only(rows).revision is not None,
    ),
    Rule(
        "model: token",
        "a token holds what an earlier one held",
        up(KNOWN),
        (200, None, 1),
        [LIKELY, up(GOOD)],
        rows=2,
        holds=lambda rows, _answer: rows[KNOWN.key].revision is not None,
    ),
    Rule(
        "publish: negative",
        "as a first report it is taken, and nothing is stored",
        up(KNOWN, report="negative"),
        (200, None, 0),
        rows=0,
    ),
    Rule(
        "db: one transaction",
        "a refused revision takes the new keys beside it back",
        up(KNOWN, GOOD, token=False),
        (400, "missing_revision_token"),
        [LIKELY],
        rows=1,
    ),
    Rule(
        "exports are public: stricter than the reference",
        "somebody else's copy of a key, as new",
        up(KNOWN, report="likely", token=False, secret=b"t" * 16),
        (400, "missing_revision_token"),
        [LIKELY],
        rows=1,
    ),
]


def named(rules: Sequence[Rule]) -> list[Any]:
    return [pytest.param(rule, id=f"{rule.source} - {rule.says}") for rule in rules]


async def obey(rule: Rule, store: ExposureStore) -> tuple[Door, list[tuple[Any, ...]]]:
    """Send what the rule says; return the door, and what came of sending the last one twice."""
    office = Office(settings=rule.settings, exposures=store)
    app = build_app([*publish_routes(office.publisher, seeded(4))])
    async with served(app) as url, httpx2.AsyncClient(base_url=url) as http:
        door = Door(office, http)
        for make in rule.before:
            assert (await door.send(make(door)))[0] == 200
        document = rule.sent(door)
        outcomes: list[tuple[Any, ...]] = [await door.send(document)]
        first = door.answer
        outcomes.append(await door.send(document))
        door.answer = first
    return door, outcomes


@pytest.mark.parametrize("rule", named([*REQUEST, *KEYS, *ONSET, *REVISION]))
async def test_the_rule_holds(rule: Rule) -> None:
    """As the row says; and whatever it says, the same request again is answered the same."""
    store = MemoryExposures()
    door, outcomes = await obey(rule, store)
    expected = rule.expected if len(rule.expected) == 3 else (*rule.expected, None)
    assert outcomes == [expected, expected]
    assert len(store.rows) == (rule.rows if rule.rows is not None else expected[2] or 0)
    assert len(door.answer["padding"]) >= 1024 * 4 // 3
    if rule.holds is not None:
        assert rule.holds(store.rows, door.answer)


@pytest.fixture(params=SQL)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ExposureStore]:
    for kept in kept_in(request, tmp_path):
        yield kept.exposures()


IN_DATABASE = [
    rule
    for rule in REVISION
    if rule.source.startswith(("db", "1111", "model: token", "publish: negative"))
]


@pytest.mark.parametrize("rule", named(IN_DATABASE))
async def test_the_rule_holds_in_a_database(rule: Rule, store: ExposureStore) -> None:
    """Where what is stored matters, it does so on either engine."""
    expected = rule.expected if len(rule.expected) == 3 else (*rule.expected, None)
    _, outcomes = await obey(rule, store)
    assert outcomes == [expected, expected]
    assert store.counts().exposures == (rule.rows if rule.rows is not None else expected[2] or 0)


async def test_a_request_is_repeated_after_a_revision(store: ExposureStore) -> None:
    """The first request, sent again when its keys have become something else: nothing happens."""
    rule = Rule("1161", "", partial(lambda door, make: make(door), make=up(KNOWN)), before=[LIKELY])
    door, _ = await obey(rule, store)
    app = build_app([*publish_routes(door.office.publisher, seeded(5))])
    async with served(app) as url, httpx2.AsyncClient(base_url=url) as http:
        again = Door(door.office, http)
        assert await again.send(LIKELY(again)) == (200, None, 1)
        assert again.answer["revisionToken"]
    counts = store.counts()
    assert (counts.exposures, counts.revised) == (1, 1)


def test_every_day_can_be_reported() -> None:
    """Fifteen days of keys, as a device has them, are all taken."""
    office = Office()
    published = office.publish(keys_of_days(*range(15)), onset=NOW.date() - timedelta(days=7))
    assert published.inserted == 15
