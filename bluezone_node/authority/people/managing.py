"""Who may manage whom: an admin the people of the own province, a national one everybody.

Nobody can shut themselves or the whole country out by mistake.
"""

import re
from collections.abc import Collection

from bluezone_node.authority.ports.accounts import ADMIN, EVERYWHERE, ROLES, Actor, User
from bluezone_node.errors import AuthorityRefused

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")


def check_admin(actor: Actor) -> None:
    """See that *actor* manages people at all.

    Raises:
        AuthorityRefused: reason ``not_allowed``.
    """
    if not actor.may(ADMIN):
        raise _not_allowed()


def is_name(name: str) -> bool:
    """Tell whether a user may be called *name*."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> None:
    """See that a user may be called *name*.

    Raises:
        AuthorityRefused: reason ``invalid_name``.
    """
    if not is_name(name):
        raise AuthorityRefused(
            "A user's name has 2 to 32 small letters a to z, digits, dots, dashes and "
            "underscores, and begins with a letter or a digit.",
            reason="invalid_name",
        )


def check_place(actor: Actor, realm: str, role: str, realms: Collection[str]) -> None:
    """See that *actor* may give *role* in *realm*; *realms*: all that there are.

    Raises:
        AuthorityRefused: reason ``not_allowed``, ``invalid_role`` or ``unknown_realm``.
    """
    check_admin(actor)
    if role not in ROLES:
        raise AuthorityRefused(f"A role is one of: {', '.join(ROLES)}.", reason="invalid_role")
    if realm not in realms:
        raise AuthorityRefused(
            "There is no such province in the settings.",
            reason="unknown_realm",
            hint=f"registrar.realms names them; {EVERYWHERE} is the whole country",
        )
    if not actor.covers(realm):
        raise _not_allowed()


def check_other(actor: Actor, name: str) -> None:
    """See that *actor* is not the user called *name*.

    Raises:
        AuthorityRefused: reason ``own_account``.
    """
    if name == actor.name:
        raise AuthorityRefused(
            "Nobody manages their own account. Ask another admin.", reason="own_account"
        )


def check_change(actor: Actor, user: User, changed: User, others: int) -> None:
    """See that *actor* may make *changed* of *user*.

    *others*: how many active admins of `EVERYWHERE` there are beside *user*.

    Raises:
        AuthorityRefused: reason ``unknown_user`` or ``last_admin``.
    """
    if not actor.covers(user.realm):
        raise unknown()
    if is_national(user) and not is_national(changed) and others == 0:
        raise AuthorityRefused(
            "This is the last admin for the whole country.",
            reason="last_admin",
            hint="make another one first",
        )


def unknown() -> AuthorityRefused:
    """Return the refusal for who is not there, and for who is of another province: nobody's
    business."""
    return AuthorityRefused("There is no such user.", reason="unknown_user")


def taken() -> AuthorityRefused:
    """Return the refusal of a name that somebody has."""
    return AuthorityRefused("There is a user of that name already.", reason="name_taken")


def is_national(user: User) -> bool:
    """Tell whether this is an active admin of the whole country."""
    return user.role == ADMIN and user.realm == EVERYWHERE and user.disabled is None


def _not_allowed() -> AuthorityRefused:
    return AuthorityRefused("Your role does not allow this.", reason="not_allowed")
