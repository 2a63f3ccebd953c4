"""Accounts: signing in, sessions, locks, and who may manage whom."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from bluezone_node.authority.people.passwords import Passwords
from bluezone_node.authority.ports.accounts import OPERATOR, ROLES, Actor
from bluezone_node.errors import AuthorityRefused, DatabaseUnusable
from tests.staff import PASSWORD, MemoryAccounts, Staff

NATIONAL = Actor("quoc-gia", "*", "admin")
PROVINCIAL = Actor("tinh", "79", "admin")


@pytest.fixture
def staff() -> Staff:
    return Staff()


def reason(call: Callable[..., object], *given: object, **named: object) -> str:
    """Return for which reason *call* refuses."""
    with pytest.raises(AuthorityRefused) as refused:
        call(*given, **named)
    return refused.value.reason


# Signing in


def test_a_first_sign_in_must_change_the_password(staff: Staff) -> None:
    """With what was handed over one gets in, and with it nothing may be done but that."""
    enrolment = staff.add()
    signed = staff.sign_in(enrolment)
    assert signed.session.actor == Actor("an", "79", "issuer")
    assert signed.session.password_due
    assert signed.session.expires == staff.clock.now() + timedelta(hours=12)
    staff.accounts.change_password(signed.token, enrolment.password, PASSWORD)
    session = staff.accounts.session(signed.token)
    assert session == replace(signed.session, password_due=False)
    assert not staff.sign_in(enrolment, PASSWORD).session.password_due
    assert reason(staff.sign_in, enrolment) == "sign_in_refused"


def test_every_wrong_part_is_answered_alike(staff: Staff) -> None:
    """Nothing tells whether the name, the password, the code or all were wrong."""
    enrolment = staff.add()
    staff.settle(enrolment)
    staff.pass_time(seconds=30)
    code = staff.code(enrolment)
    said = set()
    for name, password, typed in (
        ("binh", PASSWORD, code),
        ("", "", ""),
        ("\udcff", PASSWORD, code),
        ("an", "another password", code),
        ("an", PASSWORD, "000000"),
        ("an", PASSWORD, ""),
    ):
        with pytest.raises(AuthorityRefused) as refused:
            staff.accounts.sign_in(name, password, typed)
        said.add((refused.value.reason, str(refused.value), refused.value.hint))
    assert len(said) == 1
    assert said.pop()[0] == "sign_in_refused"
    assert staff.accounts.sign_in(" AN ", PASSWORD, code).session.actor.name == "an"


def test_a_code_is_good_once(staff: Staff) -> None:
    """Whoever looks over the shoulder comes too late; so does the one of before."""
    enrolment = staff.add()
    staff.settle(enrolment)
    staff.pass_time(seconds=30)
    earlier = staff.code(enrolment)
    staff.pass_time(seconds=30)
    code = staff.code(enrolment)
    staff.accounts.sign_in("an", PASSWORD, code)
    for typed in (code, earlier):
        assert reason(staff.accounts.sign_in, "an", PASSWORD, typed) == "sign_in_refused"


def test_a_wrong_password_does_not_use_up_the_code(staff: Staff) -> None:
    """Who mistyped tries again with the code that the telephone still shows."""
    enrolment = staff.add()
    staff.settle(enrolment)
    staff.pass_time(seconds=30)
    code = staff.code(enrolment)
    assert reason(staff.accounts.sign_in, "an", "mistyped once", code) == "sign_in_refused"
    assert staff.accounts.sign_in("an", PASSWORD, code).session.actor.name == "an"


def test_of_two_with_one_code_one_gets_in() -> None:
    """Both were judged right before either was written down."""

    class Meeting(MemoryAccounts):
        """Lets another sign in between the judgement and the writing."""

        before: Callable[[], object] | None = None

        def change(self, *given: object, **named: object) -> object:  # type: ignore[override]
            if named and self.before is not None:
                before, self.before = self.before, None
                before()
            return super().change(*given, **named)  # type: ignore[arg-type]

    people = Meeting()
    staff = Staff(people=people)
    enrolment = staff.add()
    staff.settle(enrolment)
    staff.pass_time(seconds=30)
    code, inside = staff.code(enrolment), []
    people.before = lambda: inside.append(staff.accounts.sign_in("an", PASSWORD, code))
    assert reason(staff.accounts.sign_in, "an", PASSWORD, code) == "sign_in_refused"
    assert len(inside) == 1


def test_a_first_password_is_over_after_three_days(staff: Staff) -> None:
    """An envelope that nobody opened opens nothing; a new one does."""
    enrolment = staff.add()
    staff.pass_time(hours=72)
    assert reason(staff.sign_in, enrolment) == "password_expired"
    staff.pass_time(hours=1)
    renewed = staff.accounts.reset(OPERATOR, "an")
    assert staff.sign_in(renewed).session.password_due


def test_dearer_parameters_are_taken_up_at_the_next_sign_in(staff: Staff) -> None:
    """Nobody need choose a new password for it."""
    enrolment = staff.add()
    staff.settle(enrolment)
    dearer = Staff(
        clock=staff.clock,
        people=staff.people,
        hasher=PasswordHasher(time_cost=2, memory_cost=8, parallelism=1),
    )
    dearer.sign_in(enrolment, PASSWORD)
    kept = staff.people.user("an")
    assert kept is not None
    assert "$m=8,t=2,p=1$" in kept.password
    assert dearer.sign_in(enrolment, PASSWORD)


def test_a_database_under_another_secret_signs_in_nobody(staff: Staff) -> None:
    """It is said what is missing: the file that the database belongs to."""
    enrolment = staff.add()
    stranger = Staff(clock=staff.clock, people=staff.people)
    stranger.accounts = type(staff.accounts)(
        staff.people,
        staff.trail,
        staff.buckets,
        staff.clock,
        staff.entropy,
        secret=b"another secret of this authority",
        passwords=Passwords(staff.entropy, staff.hasher),
        realms=["79"],
        issuer="x",
    )
    with pytest.raises(DatabaseUnusable, match="second factor"):
        stranger.sign_in(enrolment)


# Locks


def wrong(staff: Staff, times: int = 1, name: str = "an", address: str = "") -> None:
    for _ in range(times):
        refused = reason(staff.accounts.sign_in, name, "wrong", "000000", address=address)
        assert refused == "sign_in_refused"


def test_five_wrong_attempts_lock_the_name(staff: Staff) -> None:
    """For a quarter of an hour; only who has password and code right is told so."""
    enrolment = staff.add()
    staff.settle(enrolment)
    wrong(staff, 5)
    staff.pass_time(seconds=30)
    code = staff.code(enrolment)
    with pytest.raises(AuthorityRefused, match="another 15 minutes") as refused:
        staff.accounts.sign_in("an", PASSWORD, code)
    assert refused.value.reason == "locked"
    wrong(staff)
    staff.pass_time(minutes=14, seconds=30)
    assert staff.sign_in(enrolment, PASSWORD)


def test_each_lock_is_twice_the_one_before(staff: Staff) -> None:
    """Up to four hours; attempts while it is locked do not count."""
    staff.add()
    lengths = []
    for _ in range(7):
        wrong(staff, 8)
        (user,) = staff.accounts.users(OPERATOR)
        assert user.locked_until is not None
        length = user.locked_until - staff.clock.now()
        lengths.append(length / timedelta(minutes=1))
        staff.pass_time(minutes=lengths[-1])
    assert lengths == [15, 30, 60, 120, 240, 240, 240]


def test_signing_in_forgets_the_wrong_attempts(staff: Staff) -> None:
    """And the trail says how many there were."""
    enrolment = staff.add()
    staff.settle(enrolment)
    for _ in range(3):
        wrong(staff, 4)
        staff.sign_in(enrolment, PASSWORD)
    assert staff.trail.entries(limit=1)[0].detail == {"failures": 4}


def test_a_lock_is_written_down_once(staff: Staff) -> None:
    """An attacker cannot fill the trail with attempts."""
    staff.add()
    wrong(staff, 40)
    wrong(staff, 40, name="nobody-of-this-name")
    assert [action for _, action, _ in staff.done()] == ["user_added", "user_locked"]
    assert staff.trail.entries(limit=1)[0].detail == {"failures": 5, "minutes": 15}


def test_an_admin_unlocks_a_name(staff: Staff) -> None:
    """And sessions that are open go on: the worker may be at work all the while."""
    enrolment = staff.add()
    signed = staff.settle(enrolment)
    wrong(staff, 5)
    assert staff.accounts.session(signed.token) is not None
    staff.accounts.unlock(PROVINCIAL, "an")
    (user,) = staff.accounts.users(PROVINCIAL)
    assert user.locked_until is None
    assert staff.accounts.session(signed.token) is not None
    assert staff.sign_in(enrolment, PASSWORD)


def test_an_address_is_wrong_twenty_times_in_ten_minutes(staff: Staff) -> None:
    """Whatever the names. Being right costs nothing, and other addresses go on."""
    enrolment = staff.add()
    staff.settle(enrolment)
    for number in range(20):
        staff.sign_in(enrolment, PASSWORD, address="192.0.2.7")
        wrong(staff, name=f"guess{number}", address="192.0.2.8")
    wrong(staff, 20, name="guess", address="192.0.2.9")
    refused = reason(staff.accounts.sign_in, "an", "wrong", "000000", address="192.0.2.9")
    assert refused == "too_many_attempts"
    assert staff.sign_in(enrolment, PASSWORD, address="192.0.2.9")


def test_a_flood_does_not_lock_anybody(staff: Staff) -> None:
    """Who is turned away because too many are inside has not made an attempt."""
    enrolment = staff.add()
    staff.settle(enrolment)
    crowded = Passwords(staff.entropy, staff.hasher, at_once=1, waiting=0)
    staff.accounts._passwords = crowded
    with ThreadPoolExecutor(1) as pool, crowded.turn():
        for _ in range(10):
            refused = pool.submit(staff.accounts.sign_in, "an", "wrong", "0").exception()
            assert isinstance(refused, AuthorityRefused)
            assert refused.reason == "busy"
    assert staff.sign_in(enrolment, PASSWORD)


# Sessions


def test_a_session_ends_half_an_hour_after_the_last_request(staff: Staff) -> None:
    """Each request makes it last longer, up to twelve hours."""
    token = staff.settle(staff.add()).token
    for _ in range(24):
        staff.pass_time(minutes=29, seconds=59)
        assert staff.accounts.session(token) is not None
    staff.pass_time(minutes=29, seconds=59)
    assert staff.accounts.session(token) is None
    idle = staff.sign_in(staff.accounts.reset(OPERATOR, "an")).token
    staff.pass_time(minutes=30)
    assert staff.accounts.session(idle) is None


def test_signing_out_ends_this_session_alone(staff: Staff) -> None:
    """Another browser's goes on; signing out twice does nothing."""
    enrolment = staff.add()
    here, there = staff.settle(enrolment), staff.sign_in(enrolment, PASSWORD)
    staff.accounts.sign_out(here.token)
    staff.accounts.sign_out(here.token)
    assert staff.accounts.session(here.token) is None
    assert staff.accounts.session(there.token) is not None


def test_a_wrong_token_is_nobodys(staff: Staff) -> None:
    """Whatever stands in the cookie."""
    token = staff.settle(staff.add()).token
    for other in ("", token[:-1], token + "A", token.swapcase(), "\udcff", "x" * 10_000):
        assert staff.accounts.session(other) is None


def test_what_forms_send_back_belongs_to_the_session(staff: Staff) -> None:
    """Every session has its own, the same for as long as it lasts."""
    enrolment = staff.add()
    first, second = staff.settle(enrolment), staff.sign_in(enrolment, PASSWORD)
    assert first.session.csrf != second.session.csrf
    again = staff.accounts.session(first.token)
    assert again is not None
    assert again.csrf == first.session.csrf
    assert first.token not in again.csrf


def test_a_new_password_ends_the_other_sessions(staff: Staff) -> None:
    """Whoever changes it because somebody else knew it, has shut that one out."""
    enrolment = staff.add()
    here, there = staff.settle(enrolment), staff.sign_in(enrolment, PASSWORD)
    staff.accounts.change_password(here.token, PASSWORD, PASSWORD + " khác")
    assert staff.accounts.session(here.token) is not None
    assert staff.accounts.session(there.token) is None


def test_a_password_is_changed_by_who_knows_the_old_one(staff: Staff) -> None:
    """A session left open is not enough; guessing there ends it."""
    token = staff.settle(staff.add()).token
    change = staff.accounts.change_password
    assert reason(change, token, PASSWORD, PASSWORD) == "password_unchanged"
    assert reason(change, token, PASSWORD, "short") == "password_length"
    assert reason(change, token, PASSWORD, "matkhau123456") == "password_known"
    assert reason(change, "no session", PASSWORD, PASSWORD + "!") == "signed_out"
    for _ in range(5):
        assert reason(change, token, "wrong", PASSWORD + "!") == "sign_in_refused"
    assert reason(change, token, PASSWORD, PASSWORD + "!") == "signed_out"


def test_a_password_is_not_changed_while_the_name_is_locked(staff: Staff) -> None:
    """Guesses from outside and from a session are counted together."""
    token = staff.settle(staff.add()).token
    wrong(staff, 5)
    assert reason(staff.accounts.change_password, token, PASSWORD, PASSWORD + "!") == "locked"


def test_sessions_that_are_over_are_erased(staff: Staff) -> None:
    """Those idle and those expired, and no other."""
    enrolment = staff.add()
    staff.settle(enrolment)
    staff.pass_time(minutes=29)
    alive = staff.sign_in(enrolment, PASSWORD)
    staff.pass_time(minutes=1)
    assert staff.accounts.forget() == 1
    assert staff.accounts.forget() == 0
    assert staff.accounts.session(alive.token) is not None


# Managing people


@pytest.mark.parametrize("act", ["disable", "reset", "set_role"])
def test_what_is_done_to_a_user_ends_the_sessions(staff: Staff, act: str) -> None:
    """At once, wherever they are open."""
    enrolment = staff.add()
    token = staff.settle(enrolment).token
    more = ("supervisor", "79") if act == "set_role" else ()
    getattr(staff.accounts, act)(NATIONAL, "an", *more)
    assert staff.accounts.session(token) is None


def test_a_disabled_user_is_answered_as_a_wrong_one(staff: Staff) -> None:
    """Enabled again, password and second factor are those of before."""
    enrolment = staff.add()
    staff.settle(enrolment)
    staff.accounts.disable(NATIONAL, "an")
    assert reason(staff.sign_in, enrolment, PASSWORD) == "sign_in_refused"
    (user,) = staff.accounts.users(NATIONAL)
    assert user.disabled == staff.clock.now() - timedelta(seconds=30)
    staff.accounts.enable(NATIONAL, "an")
    assert staff.sign_in(enrolment, PASSWORD)


def test_a_reset_user_has_a_new_password_and_a_new_second_factor(staff: Staff) -> None:
    """What a lost telephone shows, and the old password, are worth nothing."""
    before = staff.add()
    staff.settle(before)
    after = staff.accounts.reset(PROVINCIAL, "an")
    assert reason(staff.sign_in, before, PASSWORD) == "sign_in_refused"
    assert reason(staff.sign_in, before, after.password) == "sign_in_refused"
    assert staff.sign_in(after).session.password_due


def test_an_admin_of_a_province_manages_its_people_only(staff: Staff) -> None:
    """Who is elsewhere is as one who is nowhere."""
    staff.add("an", "79")
    staff.add("binh", "01")
    staff.add("chi", "*", "admin")
    accounts = staff.accounts
    assert [user.name for user in accounts.users(PROVINCIAL)] == ["an"]
    assert [user.name for user in accounts.users(NATIONAL)] == ["an", "binh", "chi"]
    for name in ("binh", "chi", "nobody"):
        for act in (accounts.disable, accounts.enable, accounts.unlock, accounts.reset):
            assert reason(act, PROVINCIAL, name) == "unknown_user"
        assert reason(accounts.set_role, PROVINCIAL, name, "issuer", "79") == "unknown_user"
    for realm in ("01", "*"):
        assert reason(accounts.add, PROVINCIAL, "dung", realm, "issuer") == "not_allowed"
        assert reason(accounts.set_role, PROVINCIAL, "an", "issuer", realm) == "not_allowed"
    assert accounts.add(PROVINCIAL, "dung", "79", "admin").name == "dung"


@pytest.mark.parametrize("role", ["issuer", "supervisor"])
def test_only_admins_manage(staff: Staff, role: str) -> None:
    """Whatever the province: not even to look."""
    staff.add()
    accounts = staff.accounts
    for realm in ("79", "*"):
        actor = Actor("b", realm, role)
        assert reason(accounts.users, actor) == "not_allowed"
        assert reason(accounts.add, actor, "c", "79", "issuer") == "not_allowed"
        for act in (accounts.disable, accounts.enable, accounts.unlock, accounts.reset):
            assert reason(act, actor, "an") == "not_allowed"
        assert reason(accounts.set_role, actor, "an", "issuer", "79") == "not_allowed"


def test_the_last_national_admin_stays(staff: Staff) -> None:
    """Neither disabled nor lowered, not even from the command line; the second last may be."""
    staff.add("an", "*", "admin")
    accounts = staff.accounts
    assert reason(accounts.disable, OPERATOR, "an") == "last_admin"
    for role, realm in (("supervisor", "*"), ("admin", "79")):
        assert reason(accounts.set_role, OPERATOR, "an", role, realm) == "last_admin"
    staff.add("binh", "*", "admin")
    accounts.disable(OPERATOR, "an")
    assert reason(accounts.disable, OPERATOR, "binh") == "last_admin"
    accounts.disable(OPERATOR, "an")
    accounts.enable(OPERATOR, "an")
    accounts.set_role(OPERATOR, "binh", "issuer", "79")
    assert accounts.reset(OPERATOR, "an")


def test_nobody_manages_their_own_account(staff: Staff) -> None:
    """A session that was stolen cannot make itself at home."""
    staff.add("an", "*", "admin")
    staff.add("binh", "*", "admin")
    actor, accounts = Actor("an", "*", "admin"), staff.accounts
    for act in (accounts.disable, accounts.enable, accounts.reset):
        assert reason(act, actor, "an") == "own_account"
    assert reason(accounts.set_role, actor, "an", "issuer", "79") == "own_account"


@pytest.mark.parametrize(
    "name", ["", "a", "An", "-an", "an nguyen", "an@x.vn", "thảo", "a" * 33, "an\n", "*"]
)
def test_names_are_plain(staff: Staff, name: str) -> None:
    """They stand in tables, links and the trail."""
    assert reason(staff.add, name) == "invalid_name"


def test_places_and_roles_are_those_that_there_are(staff: Staff) -> None:
    """A name that somebody has is not given again."""
    staff.add()
    assert reason(staff.add, "binh", "99") == "unknown_realm"
    assert reason(staff.add, "binh", "79", "root") == "invalid_role"
    assert reason(staff.add, "an", "01") == "name_taken"
    assert reason(staff.accounts.set_role, OPERATOR, "an", "issuer", "") == "unknown_realm"


def test_what_is_done_is_written_down(staff: Staff) -> None:
    """By whom, to whom, in which province, and before it is done."""
    enrolment = staff.add()
    staff.settle(enrolment)
    staff.accounts.set_role(NATIONAL, "an", "supervisor", "01")
    staff.accounts.disable(NATIONAL, "an")
    staff.accounts.enable(NATIONAL, "an")
    staff.accounts.unlock(NATIONAL, "an")
    staff.accounts.reset(NATIONAL, "an")
    assert staff.done() == [
        ("", "user_added", "an"),
        ("an", "sign_in", "an"),
        ("an", "password_changed", "an"),
        ("quoc-gia", "user_role", "an"),
        ("quoc-gia", "user_disabled", "an"),
        ("quoc-gia", "user_enabled", "an"),
        ("quoc-gia", "user_unlocked", "an"),
        ("quoc-gia", "user_reset", "an"),
    ]
    assert [entry.realm for entry in staff.entries.walk()] == ["79"] * 4 + ["01"] * 4
    assert staff.trail.verify().intact


def test_what_is_refused_is_not_written_down_as_done(staff: Staff) -> None:
    """An entry that nothing followed would accuse somebody."""
    staff.add()
    before = staff.done()
    reason(staff.accounts.disable, PROVINCIAL, "nobody")
    reason(staff.accounts.add, PROVINCIAL, "binh", "01", "issuer")
    reason(staff.accounts.reset, Actor("b", "79", "issuer"), "an")
    assert staff.done() == before
    staff.add("chi", "*", "admin")
    before = staff.done()
    reason(staff.accounts.disable, OPERATOR, "chi")
    reason(staff.accounts.disable, Actor("chi", "*", "admin"), "chi")
    assert staff.done() == before


def test_where_the_trail_cannot_be_written_nothing_is_done(staff: Staff) -> None:
    """No account without an entry."""

    class Full(RuntimeError):
        pass

    def full(*_: object, **__: object) -> None:
        raise Full

    enrolment = staff.add()
    staff.trail.record = full  # type: ignore[method-assign]
    with pytest.raises(Full):
        staff.add("binh")
    with pytest.raises(Full):
        staff.accounts.disable(OPERATOR, "an")
    with pytest.raises(Full):
        staff.sign_in(enrolment)
    assert [(user.name, user.disabled) for user in staff.people.users()] == [("an", None)]


def test_roles_are_a_ladder() -> None:
    """Each may do what those below it may."""
    for height, role in enumerate(ROLES):
        may = [Actor("a", "79", role).may(other) for other in ROLES]
        assert may == [True] * (height + 1) + [False] * (2 - height)


def test_nothing_secret_is_shown(staff: Staff) -> None:
    """Neither password, token, secret nor code stands in what a log or a traceback would print."""
    enrolment = staff.add()
    signed = staff.settle(enrolment)
    user = staff.people.user("an")
    assert user is not None
    shown = f"{enrolment!r} {signed!r} {staff.people.users()!r} {user!r} {staff.done()!r}"
    secrets = (enrolment.password, enrolment.otpauth[-60:], signed.token, signed.session.csrf)
    for secret in (*secrets, user.password, repr(user.totp_secret), PASSWORD):
        assert secret not in shown
