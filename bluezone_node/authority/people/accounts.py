"""The people who work with the registrar: signing in, sessions, and who may manage whom.

Passwords are kept as Argon2id, second factors encrypted, sessions as HMACs: a stolen database signs
in nobody.  A wrong name, password or code is answered alike, in words and in time.
"""

import hmac
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from bluezone_node.authority.people import one_time
from bluezone_node.authority.people.lockout import (
    WRONG_PER_ADDRESS,
    attempted,
    cleared,
    is_locked,
    locked,
    refused,
    too_many,
)
from bluezone_node.authority.people.managing import (
    check_admin,
    check_change,
    check_name,
    check_other,
    check_place,
    is_name,
    is_national,
    taken,
    unknown,
)
from bluezone_node.authority.people.passwords import Passwords, check_password, normalised
from bluezone_node.authority.people.sessions import Sessions
from bluezone_node.authority.ports.accounts import (
    EVERYWHERE,
    Actor,
    Enrolment,
    Session,
    SignedIn,
    User,
    UserStore,
    UserView,
)
from bluezone_node.authority.ports.allowances import Allowances
from bluezone_node.authority.ports.audit import AuditTrail, Detail
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock, Entropy

FIRST_PASSWORD = timedelta(hours=72)
"""So long a password that we made up is good: a weekend in an envelope."""


class Accounts:
    """Signs in and out, and manages people. Every method blocks on the store."""

    def __init__(
        self,
        store: UserStore,
        trail: AuditTrail,
        allowances: Allowances,
        clock: Clock,
        entropy: Entropy,
        *,
        secret: bytes,
        passwords: Passwords,
        realms: Collection[str],
        issuer: str,
    ) -> None:
        """*realms*: of the settings. *issuer*: shown beside the codes in an authenticator app."""
        self._store = store
        self._trail = trail
        self._allowances = allowances
        self._clock = clock
        self._entropy = entropy
        self._secret = hmac.digest(secret, b"accounts", "sha256")
        self._passwords = passwords
        self._realms = frozenset({*realms, EVERYWHERE})
        self._issuer = issuer
        self._sessions = Sessions(store, clock, entropy, secret=self._secret)
        self._box = one_time.SecretBox(self._digest("totp", ""), entropy)

    # Signing in

    def sign_in(
        self, name: str, password: str, one_time_code: str, *, address: str = ""
    ) -> SignedIn:
        """Begin a session.

        *address*: of the one who asks, or its network; empty: it has no limit.

        Raises:
            AuthorityRefused: reason ``sign_in_refused`` (something is wrong, or the user is
                disabled), ``too_many_attempts`` (from this address) or ``busy``; and, only where
                all was right, ``locked`` or ``password_expired`` (a first one, not used in time).
        """
        now, name = self._clock.now(), name.strip().lower()
        if not is_name(name):
            # Of nobody, and perhaps not to be asked of a database: it may hold any character.
            name = ""
        bucket = self._digest("address", address)
        if address and (wait := self._allowances.wait(bucket, WRONG_PER_ADDRESS, now)):
            raise too_many(wait)
        with self._passwords.turn():
            user, counted = self._attempt(name, now)
            right = self._passwords.right(user.password if user else None, password)
            step = self._step(user, one_time_code, now)
            if user is not None and right and step is not None and user.disabled is None:
                return self._begin(user, counted, password, step, now)
        if user is not None and counted:
            self._tell_lock(user, now)
        if address:
            self._allowances.take(bucket, WRONG_PER_ADDRESS, now)
        raise refused()

    def session(self, token: str) -> Session | None:
        """Return what *token* allows; None: it is wrong, or its session is over."""
        return self._sessions.find(token)

    def sign_out(self, token: str) -> None:
        """End the session; nothing where there is none."""
        self._store.end_session(self._sessions.digest(token))

    def change_password(self, token: str, old: str, new: str) -> None:
        """Replace the password of the session's user, whose other sessions end.

        Raises:
            AuthorityRefused: reason ``signed_out``, ``sign_in_refused`` (the old one is wrong),
                ``locked``, ``busy``, ``password_unchanged``, ``password_length`` or
                ``password_known``.
        """
        now, session = self._clock.now(), self.session(token)
        if session is None:
            raise AuthorityRefused("You are signed out. Sign in again.", reason="signed_out")
        name = session.actor.name
        check_password(new, name)
        if normalised(new) == normalised(old):
            raise AuthorityRefused("The new password is the old one.", reason="password_unchanged")
        with self._passwords.turn():
            user, counted = self._attempt(name, now)
            if user is None or not counted:
                raise locked(user, now)
            if not self._passwords.right(user.password, old):
                self._tell_lock(user, now)
                if is_locked(user, now):
                    # Whoever sits there has the session, and does not know the password.
                    self._store.end_sessions(name)
                raise refused()
            kept = self._passwords.keep(new)
        self._trail.record(session.actor, "password_changed", name)

        def changed(found: User) -> User:
            if found.password != user.password:
                raise refused()
            return replace(cleared(found), password=kept, password_due=False, password_set=now)

        self._store.change(name, changed)
        self._store.end_sessions(name, but=self._sessions.digest(token))

    def forget(self) -> int:
        """Erase the sessions that are over; return how many."""
        return self._sessions.forget()

    # Managing people

    def users(self, actor: Actor) -> list[UserView]:
        """Return the people whom *actor* manages, by name.

        Raises:
            AuthorityRefused: reason ``not_allowed``.
        """
        check_admin(actor)
        now = self._clock.now()
        found = self._store.users(None if actor.realm == EVERYWHERE else actor.realm)
        return [
            UserView(
                user.name,
                user.realm,
                user.role,
                user.password_due,
                user.locked_until if is_locked(user, now) else None,
                user.disabled,
                user.created,
            )
            for user in found
        ]

    def add(self, actor: Actor, name: str, realm: str, role: str) -> Enrolment:
        """Let a new person sign in; what is returned is shown once and kept nowhere.

        Raises:
            AuthorityRefused: reason ``invalid_name``, ``name_taken``, ``invalid_role``,
                ``unknown_realm``, ``not_allowed`` or ``busy``.
        """
        check_place(actor, realm, role, self._realms)
        check_name(name)
        if self._store.user(name) is not None:
            raise taken()
        now = self._clock.now()
        enrolment, password, secret = self._enrolment(name)
        self._trail.record(actor, "user_added", name, {"role": role, "realm": realm}, realm=realm)
        user = User(
            name=name,
            realm=realm,
            role=role,
            password=password,
            password_due=True,
            password_set=now,
            totp_secret=secret,
            totp_step=None,
            failures=0,
            locked_until=None,
            disabled=None,
            created=now,
        )
        if not self._store.add(user):
            raise taken()
        return enrolment

    def disable(self, actor: Actor, name: str) -> None:
        """Let a person sign in no more, and end what is open.

        Raises:
            AuthorityRefused: reason ``not_allowed``, ``unknown_user``, ``own_account`` or
                ``last_admin``.
        """
        now = self._clock.now()
        self._govern(
            actor, name, "user_disabled", lambda user: replace(user, disabled=user.disabled or now)
        )

    def enable(self, actor: Actor, name: str) -> None:
        """Undo `disable`; the password and the second factor are those of before."""
        self._govern(
            actor, name, "user_enabled", lambda user: replace(cleared(user), disabled=None)
        )

    def unlock(self, actor: Actor, name: str) -> None:
        """Forget wrong attempts; sessions go on.

        Raises:
            AuthorityRefused: reason ``not_allowed`` or ``unknown_user``.
        """
        realm = self._managed(actor, name).realm
        self._trail.record(actor, "user_unlocked", name, realm=realm)
        self._store.change(name, cleared)

    def reset(self, actor: Actor, name: str) -> Enrolment:
        """Give a person a new first password and second factor, and end what is open.

        Raises:
            AuthorityRefused: as `disable`, or reason ``busy``.
        """
        self._managed(actor, name)
        now = self._clock.now()
        enrolment, password, secret = self._enrolment(name)

        def renewed(user: User) -> User:
            return replace(
                cleared(user),
                password=password,
                password_due=True,
                password_set=now,
                totp_secret=secret,
                totp_step=None,
            )

        self._govern(actor, name, "user_reset", renewed)
        return enrolment

    def set_role(self, actor: Actor, name: str, role: str, realm: str) -> None:
        """Give a person another role or province, and end what is open.

        Raises:
            AuthorityRefused: as `add` and `disable`.
        """
        check_place(actor, realm, role, self._realms)
        self._govern(
            actor,
            name,
            "user_role",
            lambda user: replace(user, role=role, realm=realm),
            {"role": role, "realm": realm},
        )

    # What they share

    def _attempt(self, name: str, now: datetime) -> tuple[User | None, bool]:
        """Count an attempt; return the user and whether it may succeed: it is not locked."""
        counted = False

        def attempt(user: User) -> User:
            nonlocal counted
            counted = not is_locked(user, now) and user.disabled is None
            return attempted(user, now) if counted else user

        # Also for nobody: it takes the same time.
        return self._store.change(name, attempt), counted

    def _step(self, user: User | None, code: str, now: datetime) -> int | None:
        if user is None:
            return None
        step = one_time.matching_step(self._box.open(user.totp_secret, user.name), code, now)
        if step is None or (user.totp_step is not None and step <= user.totp_step):
            return None
        return step

    def _begin(
        self, user: User, counted: bool, password: str, step: int, now: datetime
    ) -> SignedIn:
        if not counted:
            raise locked(user, now)
        if user.password_due and user.password_set + FIRST_PASSWORD <= now:
            raise AuthorityRefused(
                "This first password was not used in time. Ask for a new one.",
                reason="password_expired",
            )
        outdated = self._passwords.outdated(user.password)
        kept = self._passwords.keep(password) if outdated else user.password
        token, stored = self._sessions.new(user.name, now)

        def begin(found: User) -> User:
            # Whoever was quicker with this code, or changed the password, has it.
            again = found.totp_step is not None and step <= found.totp_step
            if again or found.disabled is not None or found.password != user.password:
                raise refused()
            return replace(cleared(found), totp_step=step, password=kept)

        wrong = user.failures - 1
        self._trail.record(user.actor, "sign_in", user.name, {"failures": wrong} if wrong else {})
        if self._store.change(user.name, begin, begin=stored) is None:
            raise refused()
        return SignedIn(token, self._sessions.told(token, stored, user))

    def _tell_lock(self, user: User, now: datetime) -> None:
        """Write it down where the wrong attempt just counted locked the name.

        Not for each: it would take time that tells that there is somebody of that name, and let
        anybody fill the trail. How many there were stands beside the next sign-in.
        """
        if user.locked_until is not None and is_locked(user, now):
            minutes = (user.locked_until - now) // timedelta(minutes=1)
            detail = {"failures": user.failures, "minutes": minutes}
            self._trail.record(user.actor, "user_locked", user.name, detail)

    def _enrolment(self, name: str) -> tuple[Enrolment, str, bytes]:
        """Return what a person is given, and what is kept of it."""
        password = self._passwords.made_up()
        with self._passwords.turn():
            kept = self._passwords.keep(password)
        secret = self._entropy(one_time.SECRET_BYTES)
        uri = one_time.otpauth_uri(secret, name, self._issuer)
        return Enrolment(name, password, uri), kept, self._box.seal(secret, name)

    def _managed(self, actor: Actor, name: str) -> User:
        """Return the user, whom *actor* may manage."""
        check_admin(actor)
        user = self._store.user(name) if is_name(name) else None
        if user is None or not actor.covers(user.realm):
            raise unknown()
        return user

    def _govern(
        self,
        actor: Actor,
        name: str,
        action: str,
        change: Callable[[User], User],
        detail: Detail | None = None,
    ) -> None:
        check_other(actor, name)

        def govern(user: User, others: int) -> User:
            changed = change(user)
            check_change(actor, user, changed, others)
            return changed

        user = self._managed(actor, name)
        # Looked at twice: nothing is written down that is then refused, and nothing is done that
        # somebody else's change in between forbids.
        others = sum(is_national(each) for each in self._store.users(EVERYWHERE) if each != user)
        govern(user, others)
        self._trail.record(actor, action, name, detail, realm=user.realm)
        if self._store.govern(name, govern) is None:
            raise unknown()

    def _digest(self, kind: str, text: str) -> bytes:
        return hmac.digest(self._secret, f"{kind}:{text}".encode("utf-8", "replace"), "sha256")
