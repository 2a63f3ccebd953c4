"""A diagnosis report: what is sent, when, and what happens when a step fails."""

import random
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest

from bluezone_node.clock import SimClock
from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.errors import AuthorityRefused, BadInput, Unreachable
from bluezone_node.intervals import interval_at, interval_day, midnight
from bluezone_node.node.diagnosis import DAYS_BEFORE_ONSET, Diagnosis, NothingToReport, code_in
from bluezone_node.node.keyring import key_for
from tests.sources import MemoryAuthority
from tests.stores import MemoryNodeStore, OnMemory

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
CODE = "12345678"


class Stage:
    """A node that has run for so many days, and an authority."""

    def __init__(self, days: int = 14) -> None:
        self.clock = SimClock(NOW)
        self.store = MemoryNodeStore()
        self.entropy = random.Random(5).randbytes
        self.authority = MemoryAuthority()
        self.retired = 0
        for ago in range(days):
            key_for(self.store, interval_at(NOW - timedelta(days=ago)), self.entropy)
        self.diagnosis = Diagnosis(
            self.authority,
            "vn.moh",
            self.clock,
            OnMemory(self.store),
            self.entropy,
            key_retired=self._count,
        )

    def _count(self) -> None:
        self.retired += 1


async def test_all_keys_that_ended_are_published_and_todays_is_cut_short() -> None:
    """Nothing that is published is ever broadcast again."""
    stage = Stage()
    await stage.diagnosis.report(CODE, None)
    (sent,) = stage.authority.published
    in_use = key_for(stage.store, interval_at(NOW), stage.entropy)

    assert len(sent.keys) == 14
    assert all(key.rolling_end <= interval_at(NOW) for key in sent.keys)
    assert in_use.key not in {key.key for key in sent.keys}
    assert stage.retired == 1


async def test_the_certificate_is_bound_to_exactly_the_keys_sent() -> None:
    """The registrar saw their HMAC, and never the keys."""
    stage = Stage()
    await stage.diagnosis.report(CODE, None)
    (sent,) = stage.authority.published

    assert stage.authority.certified == keys_hmac(sent.keys, sent.hmac_secret)
    assert sent.certificate == "certificate"


async def test_days_before_anyone_could_have_been_infected_stay_on_the_device() -> None:
    """With a known onset only the days that may matter are published."""
    stage = Stage()
    onset = NOW.date() - timedelta(days=3)
    await stage.diagnosis.report(CODE, onset)
    (sent,) = stage.authority.published

    assert min(interval_day(key.rolling_start) for key in sent.keys) == onset - timedelta(
        days=DAYS_BEFORE_ONSET
    )
    assert sent.onset_interval == interval_at(midnight(onset))


async def test_the_onset_that_the_health_worker_gave_is_used_where_none_is_told() -> None:
    """The code carries it."""
    stage = Stage()
    stage.authority.symptom_date = date(2026, 3, 12)
    done, _ = await stage.diagnosis.report(CODE, None)

    assert done.onset == date(2026, 3, 12)
    assert len(stage.authority.published[0].keys) == 8


@pytest.mark.parametrize("step", ["certify", "publish"])
async def test_a_report_that_broke_off_is_taken_up_with_the_same_keys(step: str) -> None:
    """The code is claimed once; the second call needs no new one and sends what was certified."""
    stage = Stage()
    stage.authority.failing = {step}
    with pytest.raises(Unreachable):
        await stage.diagnosis.report(CODE, None)
    stage.authority.failing = set()
    stage.clock.advance(3600)
    done, _ = await stage.diagnosis.report(CODE, None)

    assert stage.authority.claims == 1
    assert done.published is not None
    assert stage.authority.certified == keys_hmac(
        stage.authority.published[0].keys, stage.authority.published[0].hmac_secret
    )
    assert stage.retired == 1


async def test_an_authority_that_does_not_answer_costs_nothing() -> None:
    """The code is still good, and today's key still in use."""
    stage = Stage()
    stage.authority.failing = {"claim"}
    with pytest.raises(Unreachable):
        await stage.diagnosis.report(CODE, None)

    assert (await stage.diagnosis.preview(None)).resumes is None
    assert stage.authority.claims == 0
    assert stage.retired == 0


async def test_a_claim_whose_answer_was_lost_is_repeated_with_the_same_code() -> None:
    """The health worker need not issue another; what the retry says of the onset counts."""
    stage = Stage()
    stage.authority.losing = {"claim"}
    with pytest.raises(Unreachable):
        await stage.diagnosis.report(CODE, None)
    stage.authority.losing = set()
    stage.clock.advance(60)
    onset = NOW.date() - timedelta(days=3)
    preview = await stage.diagnosis.preview(onset)
    assert (preview.keys, preview.resumes) == (DAYS_BEFORE_ONSET + 4, None)
    done, _ = await stage.diagnosis.report(CODE, onset)

    assert stage.authority.claims == 2
    assert (done.report_type, done.onset) == ("confirmed", onset)
    assert done.started == NOW + timedelta(seconds=60)
    assert [report.id for report in stage.store.reports()] == [done.id]
    assert len(stage.authority.published) == 1


async def test_a_report_without_a_token_serves_another_code() -> None:
    """Where the first never got through, the health worker may have given a new one."""
    stage = Stage()
    stage.authority.failing = {"claim"}
    with pytest.raises(Unreachable):
        await stage.diagnosis.report("87654321", None)
    stage.authority.failing = set()
    await stage.diagnosis.report(CODE, None)

    assert len(stage.store.reports()) == 1
    assert len(stage.authority.published) == 1


async def test_a_code_that_another_device_used_leaves_the_way_free_for_a_new_one() -> None:
    """What was begun is no more than a nonce: nothing is taken up, and the new code works."""
    stage = Stage()
    stage.authority.claims, stage.authority.claimed_with = 1, b"another device"
    with pytest.raises(AuthorityRefused) as refused:
        await stage.diagnosis.report(CODE, None)
    assert refused.value.reason == "code_used"
    assert (await stage.diagnosis.preview(None)).resumes is None
    stage.authority.claims = 0
    done, _ = await stage.diagnosis.report(CODE, None)

    assert stage.store.reports() == [done]


async def test_mistyping_the_code_after_a_lost_answer_does_not_lose_it() -> None:
    """The right code is still this device's: its nonce was kept."""
    stage = Stage()
    stage.authority.losing = {"claim"}
    with pytest.raises(Unreachable):
        await stage.diagnosis.report(CODE, None)
    stage.authority.losing = set()
    with pytest.raises(AuthorityRefused):
        await stage.diagnosis.report("12345687", None)
    done, _ = await stage.diagnosis.report(CODE, None)

    assert done.published is not None


async def test_the_nonce_tells_nothing_of_the_secret_it_is_made_from() -> None:
    """The registrar gets the nonce; the secret would let it try keys against their HMAC."""
    stage = Stage()
    done, _ = await stage.diagnosis.report(CODE, None)

    assert stage.authority.claimed_with == sha256(b"claim" + done.hmac_secret).digest()


async def test_a_wrong_code_publishes_nothing() -> None:
    """The reason is the authority's."""
    stage = Stage()
    with pytest.raises(AuthorityRefused) as refused:
        await stage.diagnosis.report("00000000", None)

    assert refused.value.reason == "code_invalid"
    assert not stage.authority.published
    assert stage.retired == 0


async def test_a_refused_publication_is_given_up_so_that_a_new_code_works() -> None:
    """An expired certificate would be refused for ever."""
    stage = Stage()
    stage.authority.refuse_publication = "health_authority_verification_certificate_invalid"
    with pytest.raises(AuthorityRefused):
        await stage.diagnosis.report(CODE, None)
    stage.authority.refuse_publication = ""
    stage.authority.claims = 0
    await stage.diagnosis.report(CODE, None)

    assert stage.authority.claims == 1
    assert len(stage.authority.published) == 1


async def test_a_second_report_proves_that_it_is_of_the_same_person() -> None:
    """The revision token of the first is sent along: a likely case may become a confirmed one."""
    stage = Stage()
    await stage.diagnosis.report(CODE, None)
    stage.authority.claims = 0
    stage.clock.advance(86400)
    await stage.diagnosis.report(CODE, None)

    assert [sent.revision_token for sent in stage.authority.published] == ["", "revision-1"]


async def test_a_node_without_keys_has_nothing_to_report_and_wastes_no_code() -> None:
    """A node that never ran does not claim the code."""
    stage = Stage(days=0)
    with pytest.raises(NothingToReport):
        await stage.diagnosis.report(CODE, None)

    assert stage.authority.claims == 0


async def test_the_preview_says_what_would_be_sent_and_sends_nothing() -> None:
    """It is what the owner agrees to."""
    stage = Stage()
    preview = await stage.diagnosis.preview(NOW.date())

    assert preview.keys == DAYS_BEFORE_ONSET + 1
    assert preview.last_day == NOW.date()
    assert stage.authority.claims == 0
    assert stage.retired == 0


def test_secrets_of_a_report_are_not_in_its_repr() -> None:
    """A report may be printed in an error."""
    stage = Stage()
    keys = stage.store.own_keys()

    assert all(key.key.hex() not in repr(key) for key in keys)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("12345678", "12345678"),
        (" 1234 5678\n", "12345678"),
        ("1234\u20115678", "12345678"),
        ("7x3k-9p2m-4q8r-t5vw", "7x3k9p2m4q8rt5vw"),
        ("https://codes.example.vn/v#7x3k9p2m4q8rt5vw", "7x3k9p2m4q8rt5vw"),
        ("  HTTPS://codes.example.vn/v#7X3K-9P2M-4Q8R-T5VW ", "7X3K9P2M4Q8RT5VW"),
        ("https://vn.example.org/v?c=7x3k9p2m4q8rt5vw", "7x3k9p2m4q8rt5vw"),
        ("http://[::1]:8600/v#7x3k9p2m4q8rt5vw", "7x3k9p2m4q8rt5vw"),
    ],
)
def test_a_code_is_found_in_what_was_typed_or_pasted(typed: str, code: str) -> None:
    """Dictated, printed in groups, or a whole link; the registrar judges it."""
    assert code_in(typed) == code


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12345",
        "https://codes.example.vn/v",
        "https://[broken/v#12345678",
        "1234567é",
        "12345678; rm -rf /",
        "12345678\r\nX-Api-Key: x",
        "x" * 65,
        "ftp://x/y?d=12345678",
    ],
)
def test_what_holds_no_code_is_refused_before_anything_is_sent(typed: str) -> None:
    """With what to do instead, and without repeating what was pasted."""
    with pytest.raises(BadInput) as refused:
        code_in(typed)
    assert refused.value.reason == "code_malformed"
    assert "nothing was sent" in str(refused.value).lower()
    assert not typed or typed not in f"{refused.value}{refused.value.hint}"
