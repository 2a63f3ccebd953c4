"""The people who work with the registrar: who they are, what they may do, where they signed in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

ISSUER, SUPERVISOR, ADMIN = "issuer", "supervisor", "admin"
ROLES = (ISSUER, SUPERVISOR, ADMIN)
"""Each may do what those before it may: issue codes; see what others of the province did; manage
its people."""

EVERYWHERE = "*"
"""The realm of who works for the whole country."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person, an API key, or the command line."""

    name: str
    """Empty: the command line."""
    realm: str
    """Province, or `EVERYWHERE`."""
    role: str

    def may(self, role: str) -> bool:
        """Tell whether what *role* may do is allowed."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def covers(self, realm: str) -> bool:
        """Tell whether what belongs to *realm* may be seen and touched."""
        return self.realm in (EVERYWHERE, realm)


OPERATOR = Actor("", EVERYWHERE, ADMIN)
"""Who has a shell on the server and can read its secrets may do everything."""


@dataclass(frozen=True, slots=True)
class User:
    """A person who can sign in. The fields are the columns of their table, in order."""

    name: str
    realm: str
    """Province, or `EVERYWHERE`."""
    role: str
    password: str = field(repr=False)
    """Argon2id's encoding: parameters, salt and hash."""
    password_due: bool
    """The password was made up by us, and must be replaced at the first sign-in."""
    password_set: datetime
    totp_secret: bytes = field(repr=False)
    """Encrypted."""
    totp_step: int | None
    """The last time step whose code was taken: none is taken twice."""
    failures: int
    """Attempts since the last one that succeeded."""
    locked_until: datetime | None
    disabled: datetime | None
    created: datetime

    @property
    def actor(self) -> Actor:
        return Actor(self.name, self.realm, self.role)


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A sign-in that lasts. The token itself is kept nowhere."""

    digest: bytes = field(repr=False)
    """HMAC of the token under the registrar's secret."""
    user: str
    created: datetime
    seen: datetime
    """Time of the last request, to about a minute."""
    expires: datetime
    """No request makes it last longer."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a request with a right token may do."""

    actor: Actor
    csrf: str = field(repr=False)
    """What a form must send back: it follows from the token, and gives no hint of it."""
    expires: datetime
    password_due: bool
    """Nothing but `change_password` and `sign_out` is allowed yet."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session and its token, which only the person's browser keeps."""

    token: str = field(repr=False)
    session: Session


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a person needs for the first sign-in. Shown once, kept nowhere."""

    name: str
    password: str = field(repr=False)
    otpauth: str = field(repr=False)
    """URI for an authenticator app, to be shown as a QR code."""


@dataclass(frozen=True, slots=True)
class UserView:
    """What one who manages people sees of one of them."""

    name: str
    realm: str
    role: str
    password_due: bool
    locked_until: datetime | None
    disabled: datetime | None
    created: datetime


Decide = Callable[[User], User]
"""Given the user as stored, what to store; the name stays."""

Govern = Callable[[User, int], User]
"""As `Decide`, and given how many active admins of `EVERYWHERE` there are beside that user."""


class UserStore(Protocol):
    """The registrar's people and their sessions. Every method is one transaction, and blocks."""

    def add(self, user: User) -> bool:
        """Keep *user*; False where the name is taken."""

    def user(self, name: str) -> User | None: ...

    def users(self, realm: str | None = None) -> list[User]:
        """Return those of *realm* (None: of all), ascending by name."""

    def change(
        self, name: str, decide: Decide, *, begin: StoredSession | None = None
    ) -> User | None:
        """Carry out what *decide* answers, and begin the session with it; None: no such user.

        Nobody else changes the user in between. Where *decide* raises, nothing is written.
        """

    def govern(self, name: str, govern: Govern) -> User | None:
        """As `change`, and nobody changes any user in between; all sessions of that one end."""

    def session(self, digest: bytes) -> tuple[StoredSession, User] | None: ...

    def touch(self, digest: bytes, at: datetime) -> None:
        """Set when the session was last seen."""

    def end_sessions(self, user: str, *, but: bytes | None = None) -> int:
        """Remove the sessions of *user*, except that of the digest *but*; return how many."""

    def end_session(self, digest: bytes) -> None:
        """Remove one session; nothing where there is none."""

    def forget_sessions(self, now: datetime, seen_before: datetime) -> int:
        """Remove those that expired by *now* or were last seen before that; return how many."""
