"""Passwords of the people who work with the registrar: what is taken, and how it is kept.

Argon2id makes each guess at a stolen database dear in time and memory. It is as dear to us: only a
few are computed at once, and a flood of sign-ins is turned away instead of filling the memory.
"""

import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from argon2.profiles import RFC_9106_LOW_MEMORY

from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Entropy

PARAMETERS = RFC_9106_LOW_MEMORY
"""Second recommended option of RFC 9106 §4: 64 MiB, 3 passes, 4 lanes. The first takes 2 GiB for
each. Measured on two cores of a small server: 0.15 s (`python -m bench.accounts`)."""
AT_ONCE = 2
"""Computed at the same time in one process: 128 MiB, and no more cores than a small server has."""
WAITING = 8
"""So many more wait, for a second at most; the web server's other threads stay free for others."""

SHORTEST, LONGEST = 12, 128
"""Characters. NIST SP 800-63B asks for 8 beside a second factor, and for 64 to be possible;
the upper end keeps a megabyte from being normalised."""
LEAST_DIFFERENT = 5
"""Different characters: *aaaaaaaaaaaa* and *121212121212* are in every guesser's list."""

WELL_KNOWN = frozenset(
    {
        "abc", "abcd", "admin", "administrator", "anhyeuem", "antoan", "antoancovid", "asdfghjkl",
        "bluezone", "boyte", "changeme", "congan", "covid", "dangnhap", "hanoi", "iloveyou",
        "letmein", "login", "matkhau", "password", "passwordpassword", "qazwsx", "qazwsxedc",
        "qwerty", "qwertyui", "qwertyuiop", "qwertyuiopasdf", "qwertyuiopasdfghjkl", "saigon",
        "tphcm", "vietnam", "welcome", "yte", "zxcvbnm",
    }
)  # fmt: skip
"""Letters of the passwords that lists begin with, here and elsewhere, and of what this is about."""

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""32 characters that are not mistaken for one another when read from paper."""
_GROUPS, _GROUP = 4, 4


class TooBusy(AuthorityRefused):
    """Too many are signing in at this moment; try again in a few seconds."""

    def __init__(self) -> None:
        super().__init__(reason="busy")


class Passwords:
    """Makes and checks what is kept of passwords; to do so takes 0.15 s."""

    def __init__(
        self,
        entropy: Entropy,
        hasher: PasswordHasher | None = None,
        *,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
    ) -> None:
        self._entropy = entropy
        self._hasher = hasher or PasswordHasher.from_parameters(PARAMETERS)
        self._running = BoundedSemaphore(at_once)
        self._places = at_once + waiting
        self._inside = 0
        self._counting = Lock()
        self._nobody = _impossible(self._hasher, entropy)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until there is room for a computation: `keep` and `right` belong inside.

        Raises:
            TooBusy: too many wait already.
        """
        with self._counting:
            if self._inside >= self._places:
                raise TooBusy
            self._inside += 1
        try:
            with self._running:
                yield
        finally:
            with self._counting:
                self._inside -= 1

    def keep(self, password: str) -> str:
        """Return what is kept of *password*: Argon2's encoding of parameters, salt and hash."""
        return self._hasher.hash(normalised(password), salt=self._entropy(16))

    def right(self, kept: str | None, password: str) -> bool:
        """Tell whether *password* is the one; None (there is nobody) takes the same time."""
        try:
            matches = self._hasher.verify(kept or self._nobody, normalised(password))
        except (VerificationError, InvalidHashError):
            return False
        return matches and kept is not None

    def outdated(self, kept: str) -> bool:
        """Tell whether *kept* was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(kept)

    def made_up(self) -> str:
        """Return a password to be typed once from paper: 80 bits in four groups."""
        drawn = "".join(_ALPHABET[byte % 32] for byte in self._entropy(_GROUPS * _GROUP))
        return "-".join(drawn[i : i + _GROUP] for i in range(0, len(drawn), _GROUP))


def normalised(password: str) -> str:
    """Return *password* as it is hashed: the same however a keyboard composes its letters.

    NFKC, one of the forms that NIST SP 800-63B names: *ế* is one character or three.
    """
    # Beyond what can be right, the rest does not matter; it must not cost time.
    short = password[: 4 * LONGEST + 1].encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFKC", short)


def check_password(password: str, name: str) -> None:
    """See that *password* may be chosen by the user called *name*.

    Raises:
        AuthorityRefused: reason ``password_length`` or ``password_known``.
    """
    chosen = normalised(password)
    if len(chosen) not in range(SHORTEST, LONGEST + 1):
        raise AuthorityRefused(
            f"A password must have {SHORTEST} to {LONGEST} characters.",
            reason="password_length",
            hint="several words that have nothing to do with one another are easy to remember",
        )
    if _guessable(chosen.casefold(), name.casefold()):
        raise AuthorityRefused(
            "This password is one of the first that a guesser tries.",
            reason="password_known",
            hint="take no name, no well-known word with digits, and no row of digits",
        )


def _impossible(hasher: PasswordHasher, entropy: Entropy) -> str:
    """Return what could be kept of a password, and costs as much to check, but is of none."""
    salt, digest = (
        b64encode(entropy(length)).rstrip(b"=").decode()
        for length in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


def _guessable(chosen: str, name: str) -> bool:
    letters = "".join(filter(str.isalpha, chosen))
    # Nothing but figures is new: matkhau2021!, bluezone-123456, a telephone number.
    known = letters in WELL_KNOWN | {"", "".join(filter(str.isalpha, name))}
    return known or chosen == name or len(set(chosen)) < LEAST_DIFFERENT
