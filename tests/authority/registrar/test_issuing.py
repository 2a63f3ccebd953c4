"""Issuing codes: what is asked for, by whom, and what becomes of it."""

import itertools
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest

from bluezone_node.authority.ports.accounts import ISSUER, OPERATOR, SUPERVISOR, Actor
from bluezone_node.authority.ports.messages import MessageNotSent
from bluezone_node.authority.ports.registry import Outcome, VerificationCode
from bluezone_node.authority.registrar.mint import SENDERS
from bluezone_node.authority.registrar.orders import CodeOrder, CodeState
from bluezone_node.authority.settings import AuthoritySettings, RealmSettings, RegistrarSettings
from bluezone_node.errors import AuthorityRefused, BadInput, BluezoneError
from tests.authorities import NOW, MemoryRegistry, Office, Telephones

LAN = Actor("lan", "VN-79", ISSUER)
MINH = Actor("minh", "VN-79", ISSUER)
HOA = Actor("hoa", "VN-79", SUPERVISOR)
HANOI = Actor("dung", "VN-HN", SUPERVISOR)
CONFIRMED = CodeOrder("confirmed")
PHONE = "0912000111"


@pytest.fixture
def office() -> Office:
    realms = [
        RealmSettings("VN-79", daily_codes=20, issue_per_minute=12),
        RealmSettings("VN-HN", test_types=["confirmed"]),
    ]
    registrar = RegistrarSettings(public_url="https://codes.example.vn", realms=realms)
    return Office(AuthoritySettings(registrar))


def refusal(call: object, *arguments: object, **named: object) -> str:
    with pytest.raises((AuthorityRefused, BadInput)) as refused:
        call(*arguments, **named)  # type: ignore[operator]
    assert PHONE[1:] not in f"{refused.value}{refused.value.hint}"
    return refused.value.reason


def events(office: Office, realm: str = "VN-79") -> dict[str, int]:
    registry = office.registry
    assert isinstance(registry, MemoryRegistry)
    return {event: n for (_, where, event), n in registry.tally.items() if where == realm and n}


def test_a_short_code_lives_a_quarter_of_an_hour(office: Office) -> None:
    """And a long one a day; each is counted for its province, and written down with its handle."""
    short = office.issuing.issue(CONFIRMED, LAN)
    long = office.issuing.issue(CodeOrder("likely", kind="long"), LAN)
    assert (len(short.code), short.expires - NOW) == (8, timedelta(minutes=15))
    assert (len(long.code), long.expires - NOW) == (16, timedelta(hours=24))
    assert events(office) == {"codes_issued": 2, "codes_issued_long": 1}
    trail = [(entry.actor, entry.action, entry.subject) for entry in office.audited.kept]
    assert trail == [("lan", "code_issued", each.handle.hex()) for each in (short, long)]
    office.pass_time(hours=23, minutes=59)
    assert office.verification.claim(long.code.upper()).report_type == "likely"


@pytest.mark.parametrize("days", [-29, 2])
def test_a_date_out_of_reach_is_refused(days: int) -> None:
    """Dates lie within four weeks; tomorrow is allowed, for those east of Greenwich."""
    office = Office()
    office.issue("confirmed", NOW.date() + timedelta(days=-28))
    late = Office()
    late.pass_time(hours=1)
    late.issue("confirmed", NOW.date() + timedelta(days=1))
    day = NOW.date() + timedelta(days=days)
    for order in (CodeOrder("confirmed", day), CodeOrder("confirmed", None, day)):
        assert refusal(office.issuing.issue, order, OPERATOR) == "invalid_date"


@pytest.mark.parametrize("kind", ["user-report", "", "confirmed\r\n", "' OR 1=1 --"])
def test_an_unknown_test_type_is_refused(office: Office, kind: str) -> None:
    """The registrar issues no user reports."""
    assert refusal(office.issuing.issue, CodeOrder(kind), LAN) == "invalid_test_type"


def test_a_province_issues_what_it_may(office: Office) -> None:
    """Its own test types, and for itself; another is as if it were not there."""
    assert refusal(office.issuing.issue, CodeOrder("likely"), HANOI) == "invalid_test_type"
    for realm in ("VN-HN", "nowhere", "' OR 1=1 --"):
        order = CodeOrder("confirmed", realm=realm)
        assert refusal(office.issuing.issue, order, LAN) == "unknown_realm"
    assert [realm.id for realm in office.issuing.realms(LAN)] == ["VN-79"]
    assert [realm.id for realm in office.issuing.realms(OPERATOR)] == ["VN-79", "VN-HN"]


def test_who_works_for_all_names_the_province(office: Office) -> None:
    """Where there is more than one, and is told which there are."""
    with pytest.raises(AuthorityRefused) as refused:
        office.issuing.issue(CONFIRMED, OPERATOR)
    assert (refused.value.reason, refused.value.hint) == ("unknown_realm", "VN-79, VN-HN")
    issued = office.issuing.issue(CodeOrder("confirmed", realm="VN-HN"), OPERATOR)
    assert office.issuing.status(issued.handle, HANOI).realm == "VN-HN"
    assert office.audited.kept[0].realm == "VN-HN"


def test_a_taken_code_is_not_issued_twice() -> None:
    """Where chance repeats itself, the next number is tried, and in the end it is an error."""
    draws = iter([7, 1, 8, 1, 2])
    office = Office(entropy=lambda length: next(draws).to_bytes(length))
    assert office.issue("confirmed") == "00000001"
    assert office.issue("confirmed") == "00000002"

    class Full(MemoryRegistry):
        def add_codes(self, codes: Sequence[VerificationCode], daily: int) -> list[Outcome]:
            return [Outcome.DIGEST_TAKEN] * len(codes)

    with pytest.raises(BluezoneError, match="No free verification code"):
        Office(registry=Full()).issue("confirmed")


def test_a_quota_ends_with_the_day(office: Office) -> None:
    """Of UTC; what was revoked counts all the same."""
    for n in range(20):
        handle = office.issuing.issue(CONFIRMED, LAN).handle
        if n % 2:
            office.issuing.revoke(handle, LAN)
        office.pass_time(seconds=6)
    assert refusal(office.issuing.issue, CONFIRMED, LAN) == "quota_exceeded"
    assert office.issuing.issue(CONFIRMED, HANOI)
    office.pass_time(hours=15)
    assert office.issuing.issue(CONFIRMED, LAN)


def test_a_province_issues_so_many_a_minute(office: Office) -> None:
    """All its people together; another province is not held up."""
    for _ in range(6):
        office.issuing.issue(CONFIRMED, LAN)
        office.issuing.issue(CONFIRMED, HOA)
    assert refusal(office.issuing.issue, CONFIRMED, LAN) == "too_many_requests"
    office.issuing.issue(CONFIRMED, HANOI)
    office.pass_time(seconds=5)
    office.issuing.issue(CONFIRMED, LAN)


def test_a_handle_is_used_once(office: Office) -> None:
    """A request that is repeated because its answer was lost issues nothing."""
    order = CodeOrder("confirmed", handle=b"h" * 16)
    assert office.issuing.issue(order, LAN).handle == b"h" * 16
    assert refusal(office.issuing.issue, order, LAN) == "uuid_already_exists"
    assert events(office) == {"codes_issued": 1}


def test_a_code_is_sent_as_a_link(office: Office) -> None:
    """To the number in its one form; the code is long, whatever was asked, and the number kept
    nowhere."""
    issued = office.issuing.issue(CodeOrder("confirmed", phone="091 200 0111"), LAN)
    assert issued.sent
    assert issued.kind == "long"
    ((phone, text),) = office.telephones.sent
    assert phone == "+84912000111"
    assert f"https://codes.example.vn/v#{issued.code}" in text
    assert events(office) == {"codes_issued": 1, "codes_issued_long": 1, "sms_sent": 1}
    assert "912000111" not in repr((office.registry.__dict__, office.audited.kept))
    assert "912000111" not in repr(CodeOrder("confirmed", phone="0912000111"))


def test_a_message_that_was_not_sent_leaves_no_code(office: Office) -> None:
    """It does not count, redeems nothing, and the same request may come again."""
    order = CodeOrder("confirmed", phone=PHONE, handle=b"h" * 16)
    office.telephones.fails = True
    assert refusal(office.issuing.issue, order, LAN) == "sms_failure"
    assert events(office) == {"sms_failed": 1}
    assert office.verification.counts().codes_open == 0
    office.telephones.fails = False
    assert office.issuing.issue(order, LAN).sent


def test_what_cannot_be_sent_is_refused_before_it_is_issued(office: Office) -> None:
    """No number, or no address for the link."""
    for order in (CodeOrder("confirmed", phone="113"), CodeOrder("confirmed", phone="+84")):
        assert refusal(office.issuing.issue, order, LAN) == "invalid_phone"
    assert refusal(Office().issuing.issue, CodeOrder("confirmed", phone=PHONE), OPERATOR) == (
        "sms_disabled"
    )
    assert not events(office)


def test_a_revoked_code_has_expired_for_its_holder(office: Office) -> None:
    """Who revokes is told what it was; nobody can do it twice."""
    issued = office.issuing.issue(CONFIRMED, LAN)
    office.issuing.revoke(issued.handle, LAN)
    with pytest.raises(AuthorityRefused) as refused:
        office.verification.claim(issued.code)
    assert refused.value.reason == "code_expired"
    assert office.issuing.status(issued.handle, LAN).state is CodeState.REVOKED
    assert refusal(office.issuing.revoke, issued.handle, LAN) == "code_revoked"
    assert refusal(office.issuing.reissue, issued.handle, LAN) == "code_revoked"


def test_a_claimed_code_is_out_of_reach(office: Office) -> None:
    """In words: neither revoked nor reissued."""
    issued = office.issuing.issue(CONFIRMED, LAN)
    office.verification.claim(issued.code)
    assert office.issuing.status(issued.handle, LAN).state is CodeState.CLAIMED
    for call in (office.issuing.revoke, office.issuing.reissue):
        assert refusal(call, issued.handle, LAN) == "code_claimed"


def test_a_reissued_code_says_the_same(office: Office) -> None:
    """Also when the old one has expired, which is what it is for; the old one is over."""
    onset, tested = date(2026, 3, 7), date(2026, 3, 9)
    old = office.issuing.issue(CodeOrder("likely", onset, tested), LAN)
    office.pass_time(minutes=20)
    assert office.issuing.status(old.handle, LAN).state is CodeState.EXPIRED
    new = office.issuing.reissue(old.handle, LAN)
    claimed = office.verification.claim(new.code)
    assert (claimed.report_type, claimed.symptom_date, claimed.test_date) == (
        "likely",
        onset,
        tested,
    )
    assert refusal(office.verification.claim, old.code) == "code_expired"
    assert refusal(office.issuing.reissue, old.handle, LAN) == "code_revoked"
    entry = office.audited.kept[-1]
    assert (entry.action, entry.subject) == ("code_reissued", old.handle.hex())
    assert entry.detail == {"new": new.handle.hex()}


def test_a_long_code_is_reissued_by_message(office: Office) -> None:
    """The number must be given again, because it was not kept."""
    old = office.issuing.issue(CodeOrder("likely", phone=PHONE), LAN)
    new = office.issuing.reissue(old.handle, LAN, PHONE)
    assert new.sent
    assert len(office.telephones.sent) == 2
    assert events(office)["codes_revoked"] == 1


def test_codes_belong_to_their_issuer_and_province(office: Office) -> None:
    """A colleague is sent to the supervisor; for another province there is no such code."""
    issued = office.issuing.issue(CONFIRMED, LAN)
    for call in (office.issuing.status, office.issuing.revoke, office.issuing.reissue):
        assert refusal(call, issued.handle, MINH) == "forbidden"
        assert refusal(call, issued.handle, HANOI) == "code_not_found"
        assert refusal(call, b"x" * 16, OPERATOR) == "code_not_found"
    assert office.issuing.status(issued.handle, HOA).issuer == "lan"
    office.issuing.revoke(issued.handle, HOA)


FILE = (
    b"test_type,test_date,phone\r\nconfirmed,2026-03-09,0912000111\r\nlikely,,\r\nlikely,,113\r\n"
)


def test_every_row_of_a_file_is_issued_or_rejected(office: Office) -> None:
    """Sent where there is a number; the totals add up, and the trail has counts alone."""
    result = office.issuing.issue_many(FILE, HOA)
    assert [(each.line, bool(each.code)) for each in result.issued] == [(2, False), (3, True)]
    assert [(each.line, each.reason) for each in result.rejected] == [(4, "invalid_phone")]
    assert (result.totals["read"], result.totals["issued"], result.totals["sent"]) == (3, 2, 1)
    assert office.verification.claim(result.issued[1].code).report_type == "likely"
    (entry,) = office.audited.kept
    assert dict(entry.detail) == {"rows": 3, "rejected": 1}


def test_a_file_is_a_supervisors(office: Office) -> None:
    """An issuer issues one at a time."""
    assert refusal(office.issuing.issue_many, FILE, LAN) == "forbidden"


def test_a_file_that_comes_again_is_a_retry(office: Office) -> None:
    """Nothing is issued twice in silence; another province's file and a forced one are not."""
    office.issuing.issue_many(FILE, HOA)
    assert refusal(office.issuing.issue_many, FILE, HOA) == "file_repeated"
    assert events(office)["codes_issued"] == 2
    assert len(office.issuing.issue_many(FILE, HANOI).issued) == 1
    assert len(office.issuing.issue_many(FILE, HOA, force=True).issued) == 2
    office.pass_time(hours=24)
    assert len(office.issuing.issue_many(FILE, HOA).issued) == 2


def test_a_file_beyond_the_quota_is_refused_whole(office: Office) -> None:
    """Before anything is issued, and without being remembered."""
    many = b"test_type\r\n" + b"likely\r\n" * 21
    assert refusal(office.issuing.issue_many, many, HOA) == "quota_exceeded"
    assert not events(office)
    assert not office.audited.kept
    office.issuing.issue_many(many[:-8], HOA)
    assert refusal(office.issuing.issue_many, FILE, HOA) == "quota_exceeded"


def test_rows_whose_message_was_not_sent_are_rejected(office: Office) -> None:
    """With what they were, so that they can be sent again; the others are issued."""
    office.telephones.fails = True
    result = office.issuing.issue_many(FILE, HOA)
    assert [(each.line, each.reason) for each in result.rejected] == [
        (2, "sms_failure"),
        (4, "invalid_phone"),
    ]
    assert result.rejected[0].cells == ("confirmed", "2026-03-09", "0912000111")
    assert events(office) == {"codes_issued": 1, "codes_issued_long": 1, "sms_failed": 1}


def test_a_gateway_that_is_gone_is_not_asked_for_every_row(office: Office) -> None:
    """After twenty failures in a row the rest are rejected untried, and their codes withdrawn."""

    class Gone(Telephones):
        asked = 0

        def send(self, phone: str, text: str) -> None:
            self.asked += 1
            raise MessageNotSent("The mast fell down.")

    gone = Gone()
    registrar = RegistrarSettings(public_url="https://codes.example.vn")
    office = Office(AuthoritySettings(registrar), telephones=gone)
    rows = b"".join(b"likely,09120%05d\r\n" % n for n in range(200))
    result = office.issuing.issue_many(b"test_type,phone\r\n" + rows, OPERATOR)
    assert len(result.rejected) == 200
    assert {each.reason for each in result.rejected} == {"sms_failure"}
    assert 20 <= gone.asked < 20 + SENDERS
    assert office.verification.counts().codes_open == 0
    assert events(office, "VN") == {"sms_failed": 200}


def test_work_that_is_broken_off_is_told_row_by_row() -> None:
    """What was sent until then is issued, the rest rejected, and their codes withdrawn."""
    registrar = RegistrarSettings(public_url="https://codes.example.vn")
    office = Office(AuthoritySettings(registrar))
    rows = b"".join(b"likely,09120%05d\r\n" % n for n in range(100)) + b"likely,\r\n"
    result = office.issuing.issue_many(
        b"test_type,phone\r\n" + rows,
        OPERATOR,
        stopped=lambda: len(office.telephones.sent) >= 30,
    )
    sent = len(office.telephones.sent)
    assert 30 <= sent < 30 + SENDERS
    assert result.totals | {"read": 101, "sent": sent, "rejected": 100 - sent} == result.totals
    assert office.verification.counts().codes_open == sent + 1


def test_a_fault_in_the_middle_loses_no_other_row(caplog: pytest.LogCaptureFixture) -> None:
    """The database may fail while messages go out: who has one must still be told."""
    calls = itertools.count()

    class Flaky(MemoryRegistry):
        def count(self, at: datetime, realm: str, event: str) -> None:
            if event == "sms_sent" and next(calls) == 3:
                raise OSError(PHONE)
            super().count(at, realm, event)

    registrar = RegistrarSettings(public_url="https://codes.example.vn")
    office = Office(AuthoritySettings(registrar), registry=Flaky())
    rows = b"".join(b"likely,09120%05d\r\n" % n for n in range(9))
    result = office.issuing.issue_many(b"test_type,phone\r\n" + rows, OPERATOR)
    assert len(result.issued) == 8
    assert [each.reason for each in result.rejected] == ["row_failed"]
    assert "OSError" in caplog.text
    assert PHONE not in caplog.text


def test_a_file_of_which_nothing_could_be_issued_may_come_again(office: Office) -> None:
    """It is no retry: nobody has a code from it."""
    for _ in range(2):
        result = office.issuing.issue_many(b"test_type\r\nlikely\r\n", HANOI)
        assert [each.reason for each in result.rejected] == ["invalid_test_type"]


def test_neither_codes_nor_numbers_show_in_a_repr(office: Office) -> None:
    """Of anything that is handed about."""
    result = office.issuing.issue_many(FILE, HOA)
    issued = office.issuing.issue(CodeOrder("likely", phone=PHONE), LAN)
    shown = repr((result, issued, CodeOrder("likely", phone=PHONE)))
    assert issued.code not in shown
    assert result.issued[1].code not in shown
    assert "912000111" not in shown
