"""How long a user's name is locked after wrong attempts, and how often one address may be wrong.

An attempt is counted before it is judged, so that a hundred at the same moment are a hundred.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bluezone_node.authority.ports.accounts import User
from bluezone_node.authority.ports.allowances import Rate
from bluezone_node.errors import AuthorityRefused

TRIES = 5
"""Wrong attempts before a lock, and between two locks: a person mistypes twice, not five times."""
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=4)
"""Each lock is twice the one before. At 30 attempts a day nothing is guessed; a longer one would
only help who wants to keep a worker out."""
WRONG_PER_ADDRESS = Rate(20, timedelta(minutes=10))
"""Wrong attempts, whatever the names: an office behind one router mistypes less often."""


def is_locked(user: User, now: datetime) -> bool:
    return user.locked_until is not None and user.locked_until > now


def attempted(user: User, now: datetime) -> User:
    """Return *user* after one more attempt, thought wrong until it is found right."""
    failures = user.failures + 1
    if failures % TRIES:
        return replace(user, failures=failures)
    doubled = min(failures // TRIES - 1, 10)
    lasting = min(FIRST_LOCK * 2**doubled, LONGEST_LOCK)
    return replace(user, failures=failures, locked_until=now + lasting)


def cleared(user: User) -> User:
    """Return *user* with nothing held against the name."""
    return replace(user, failures=0, locked_until=None)


def refused() -> AuthorityRefused:
    """Return the one refusal for whatever was wrong."""
    return AuthorityRefused(
        "Name, password or code is not right.",
        reason="sign_in_refused",
        hint="each code is good once; after wrong attempts a name is locked for a while",
    )


def locked(user: User | None, now: datetime) -> AuthorityRefused:
    """Return the refusal for who is right, at the wrong time."""
    until = now if user is None or user.locked_until is None else user.locked_until
    minutes = -((now - until) // timedelta(minutes=1))
    return AuthorityRefused(
        f"After wrong attempts this name is locked for another {minutes} minutes.",
        reason="locked",
        hint="an admin of your province can unlock it",
    )


def too_many(wait: timedelta) -> AuthorityRefused:
    """Return the refusal for an address that was wrong too often."""
    minutes = -(-wait // timedelta(minutes=1))
    return AuthorityRefused(
        f"Too many wrong attempts came from here. Try again in {minutes} minutes.",
        reason="too_many_attempts",
    )
