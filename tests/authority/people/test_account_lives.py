"""Accounts under whatever people do to one another, in any order."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bluezone_node.authority.ports.accounts import (
    ADMIN,
    EVERYWHERE,
    OPERATOR,
    ROLES,
    Actor,
    Enrolment,
    SignedIn,
    User,
)
from bluezone_node.errors import AuthorityRefused
from tests.staff import Staff

NAMES = ("an", "binh", "chi", "dung")
REALMS = ("01", "79", EVERYWHERE)

names = st.sampled_from(NAMES)
actors = st.sampled_from((None, None, *NAMES))
"""Who acts: None is the command line."""


class Lives(RuleBasedStateMachine):
    """Four people, who come, go, rise, forget, guess and manage one another."""

    def __init__(self) -> None:
        super().__init__()
        self.staff = Staff()
        self.enrolments: dict[str, Enrolment] = {}
        self.passwords: dict[str, str] = {}
        self.sessions: list[tuple[str, SignedIn]] = []
        self.steps: set[tuple[str, str, int]] = set()
        self.governed = False

    def actor(self, name: str | None) -> Actor:
        user = None if name is None else self.staff.people.user(name)
        return OPERATOR if user is None else user.actor

    def act(self, who: str | None, whom: str, done: str, *more: str) -> None:
        """Let *who* do it to *whom*: done or refused, nobody beyond their reach is touched."""
        actor, before = self.actor(who), self.staff.people.users()
        try:
            made = getattr(self.staff.accounts, done)(actor, whom, *more)
        except AuthorityRefused:
            assert self.staff.people.users() == before
            return
        assert actor.role == ADMIN
        assert whom != actor.name or done == "unlock"
        now = {user.name: user for user in self.staff.people.users()}
        for user in before:
            if user.name != whom:
                assert now[user.name] == user
            else:
                assert actor.covers(user.realm)
        assert actor.covers(now[whom].realm)
        if isinstance(made, Enrolment):
            self.enrolments[whom], self.passwords[whom] = made, made.password

    @rule(who=actors, whom=names, realm=st.sampled_from(REALMS), role=st.sampled_from(ROLES))
    def add(self, who: str | None, whom: str, realm: str, role: str) -> None:
        self.act(who, whom, "add", realm, role)

    @rule(who=actors, whom=names, done=st.sampled_from(("disable", "enable", "unlock", "reset")))
    def manage(self, who: str | None, whom: str, done: str) -> None:
        self.act(who, whom, done)

    @rule(who=actors, whom=names, realm=st.sampled_from(REALMS), role=st.sampled_from(ROLES))
    def move(self, who: str | None, whom: str, realm: str, role: str) -> None:
        self.act(who, whom, "set_role", role, realm)

    @rule(name=names, right=st.booleans())
    def sign_in(self, name: str, right: bool) -> None:
        """With a right code in any case."""
        if name not in self.enrolments:
            return
        enrolment, user = self.enrolments[name], self.staff.people.user(name)
        assert user is not None
        given = self.passwords[name] if right else "wrong"
        code = self.staff.code(enrolment)
        try:
            signed = self.staff.accounts.sign_in(name, given, code)
        except AuthorityRefused:
            return
        assert right
        assert user.disabled is None
        assert user.locked_until is None or user.locked_until <= self.staff.clock.now()
        step = int(self.staff.clock.now().timestamp()) // 30
        assert (name, enrolment.otpauth, step) not in self.steps, "a code was taken twice"
        self.steps.add((name, enrolment.otpauth, step))
        self.sessions.append((name, signed))

    @rule(chosen=st.integers(0, 99), right=st.booleans())
    def change_password(self, chosen: int, right: bool) -> None:
        if not self.sessions:
            return
        name, signed = self.sessions[chosen % len(self.sessions)]
        new = f"bèo dạt mây trôi {chosen}"
        try:
            old = self.passwords[name] if right else "wrong"
            self.staff.accounts.change_password(signed.token, old, new)
        except AuthorityRefused:
            return
        assert right
        self.passwords[name] = new

    @rule(chosen=st.integers(0, 99))
    def sign_out(self, chosen: int) -> None:
        if self.sessions:
            _, signed = self.sessions.pop(chosen % len(self.sessions))
            self.staff.accounts.sign_out(signed.token)
            assert self.staff.accounts.session(signed.token) is None

    @rule(seconds=st.sampled_from((1, 30, 60, 900, 7200, 100_000)))
    def wait(self, seconds: int) -> None:
        self.staff.pass_time(seconds=seconds)
        self.staff.accounts.forget()

    @invariant()
    def somebody_governs_the_country(self) -> None:
        """Once there is an active national admin, there always is one."""
        governs = any(_active(user) == (ADMIN, EVERYWHERE) for user in self.staff.people.users())
        assert governs or not self.governed
        self.governed = governs

    @invariant()
    def sessions_are_of_people_as_they_are_now(self) -> None:
        """Nobody works on with a role that was taken away, or disabled."""
        for name, signed in self.sessions:
            session, user = self.staff.accounts.session(signed.token), self.staff.people.user(name)
            assert user is not None
            if session is not None:
                assert _active(user) == (session.actor.role, session.actor.realm)
                assert session == replace(signed.session, password_due=user.password_due)

    @invariant()
    def the_trail_is_whole(self) -> None:
        assert self.staff.trail.verify().intact


def _active(user: User) -> tuple[str, str] | None:
    return None if user.disabled is not None else (user.role, user.realm)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
