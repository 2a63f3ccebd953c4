"""Passwords: what is taken, how it is kept, and what a flood of them may cost."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest
from argon2 import PasswordHasher, extract_parameters

from bluezone_node.authority.people.passwords import (
    PARAMETERS,
    Passwords,
    TooBusy,
    check_password,
    normalised,
)
from bluezone_node.errors import AuthorityRefused
from tests.authorities import seeded
from tests.staff import PASSWORD, QUICK


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(seeded(), QUICK)


def refusal(password: str, name: str = "an.nguyen") -> str:
    try:
        check_password(password, name)
    except AuthorityRefused as refused:
        return refused.reason
    return ""


def test_the_right_password_is_right_and_nothing_else(passwords: Passwords) -> None:
    """One letter, one case or one blank more, and it is another."""
    kept = passwords.keep(PASSWORD)
    assert passwords.right(kept, PASSWORD)
    for wrong in (PASSWORD[:-1], PASSWORD.upper(), PASSWORD + " ", "", "\udcff", "x" * 10_000):
        assert not passwords.right(kept, wrong)


def test_keyboards_that_compose_letters_differently_agree(passwords: Passwords) -> None:
    """Vietnamese letters have several spellings in Unicode; they are one password."""
    kept = passwords.keep(unicodedata.normalize("NFD", PASSWORD))
    assert kept.isascii()
    assert passwords.right(kept, unicodedata.normalize("NFC", PASSWORD))


def test_two_of_one_password_are_kept_differently(passwords: Passwords) -> None:
    """Each has its own salt: a database does not show who shares one."""
    assert passwords.keep(PASSWORD) != passwords.keep(PASSWORD)


def test_nobodys_password_is_never_right(passwords: Passwords) -> None:
    """Also where what is kept was damaged."""
    assert not passwords.right(None, PASSWORD)
    for damaged in ("", "argon2", "$argon2id$v=19$m=8,t=1,p=1$x$y"):
        assert not passwords.right(damaged, PASSWORD)


def test_other_parameters_are_outdated(passwords: Passwords) -> None:
    """What was kept cheaply is kept anew at the next sign-in."""
    kept = passwords.keep(PASSWORD)
    dearer = Passwords(seeded(), PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    assert not passwords.outdated(kept)
    assert dearer.outdated(kept)
    assert dearer.right(kept, PASSWORD)


def test_the_parameters_are_the_rfcs() -> None:
    """Argon2id with 64 MiB, three passes and four lanes."""
    kept = Passwords(seeded()).keep(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert extract_parameters(kept) == PARAMETERS


def test_passwords_made_up_are_long_and_readable(passwords: Passwords) -> None:
    """Sixteen characters in four groups, none mistaken for another, no two alike."""
    made = {passwords.made_up() for _ in range(200)}
    assert len(made) == 200
    for each in made:
        assert [len(group) for group in each.split("-")] == [4, 4, 4, 4]
        assert not set(each) & set("lo01")


@pytest.mark.parametrize("length", [0, 1, 11, 129, 100_000])
def test_too_short_and_too_long_is_refused(length: int) -> None:
    """Twelve to 128 characters, counted after composing."""
    text = (PASSWORD * 5_000)[:length]
    assert refusal(unicodedata.normalize("NFD", text)) == "password_length"


@pytest.mark.parametrize(
    "known",
    [
        "matkhau123456",
        "MatKhau@2021!",
        "bluezone-2021",
        "123456789012",
        "0912 345 678",
        "password1234",
        "aaaaaaaaaaaaaaaa",
        "1a1a1a1a1a1a",
        "an.nguyen2021",
        "ANNGUYEN--90--",
        "iloveyou123456",
        "!!!!!!!!!!!!!",
    ],
)
def test_what_guessers_try_first_is_refused(known: str) -> None:
    """Well-known words with figures, numbers alone, the user's own name, few characters."""
    assert refusal(known) == "password_known"


@pytest.mark.parametrize(
    "good", [PASSWORD, "correct horse battery staple", "matkhaucuatoilacaybang", "k7mq-w2xp-9nrt"]
)
def test_what_has_more_in_it_is_taken(good: str) -> None:
    """No rule asks for a capital, a digit and a sign."""
    assert refusal(good) == ""


def test_the_refusal_does_not_quote_the_password() -> None:
    """It may be mistyped, and right elsewhere."""
    for password in ("canary-x", "matkhau98765432"):
        with pytest.raises(AuthorityRefused) as refused:
            check_password(password, "an")
        assert password not in f"{refused.value} {refused.value.hint} {refused.value!r}"


def test_only_so_many_are_computed_at_once() -> None:
    """Those beyond wait, and those beyond these are told to come back."""
    passwords = Passwords(seeded(), QUICK, at_once=1, waiting=1)
    inside, leave, second_done = Event(), Event(), Event()

    def first() -> None:
        with passwords.turn():
            inside.set()
            leave.wait()

    def second() -> None:
        inside.wait()
        with passwords.turn():
            second_done.set()

    threads = [Thread(target=first), Thread(target=second)]
    threads[0].start()
    inside.wait()
    threads[1].start()
    # Until the second is counted, a try would take its place: it takes none that is free.
    while passwords._inside < 2:
        threads[1].join(0.001)
    assert not second_done.is_set()
    with pytest.raises(TooBusy) as refused, passwords.turn():
        pass
    assert refused.value.reason == "busy"
    leave.set()
    for thread in threads:
        thread.join()
    with passwords.turn():
        assert second_done.is_set()


def test_turns_are_given_back_after_a_failure() -> None:
    """A refusal inside a turn takes no place for ever."""
    passwords = Passwords(seeded(), QUICK, at_once=1, waiting=0)
    for _ in range(3):
        with pytest.raises(KeyError), passwords.turn():
            raise KeyError
    with ThreadPoolExecutor(1) as pool, passwords.turn():
        assert isinstance(pool.submit(passwords.turn().__enter__).exception(), TooBusy)


def test_normalising_a_megabyte_costs_little() -> None:
    """Only the beginning is looked at: what is longer is refused in any case."""
    assert len(normalised("\ufdfa" * 1_000_000)) < 10_000
