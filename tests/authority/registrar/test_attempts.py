"""Who guesses is slowed down, and who holds a right code is not."""

from datetime import timedelta

import pytest

from bluezone_node.authority.limits import TooManyAttempts
from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.authority.registrar.orders import CodeOrder
from bluezone_node.authority.settings import AuthoritySettings, RegistrarSettings
from bluezone_node.errors import AuthorityRefused
from tests.authorities import MemoryAllowances, Office


def office(wrong_per_minute: int = 10) -> Office:
    return Office(AuthoritySettings(RegistrarSettings(wrong_per_minute=wrong_per_minute)))


def guess(at: Office, address: str, code: str = "00000000") -> str:
    """Try a code from *address*; return what came of it."""
    try:
        at.verification.claim(code, address=address)
    except AuthorityRefused as refused:
        return refused.reason
    return "claimed"


def alarm(at: Office) -> None:
    """Guess from many addresses, until it is noticed."""
    for n in range(10):
        guess(at, f"192.0.2.{n}")


def test_an_address_has_an_allowance_that_all_workers_see() -> None:
    """Two registrars on one database, as two processes are."""
    here = office(1000)
    there = Office(registry=here.registry, allowances=here.allowances, clock=here.clock)
    found = [guess(each, "192.0.2.1") for each in (here, there) for _ in range(11)]
    assert found == ["code_invalid"] * 20 + ["too_many_requests"] * 2
    assert guess(there, "192.0.2.2") == "code_invalid"
    here.pass_time(seconds=3)
    assert guess(there, "192.0.2.1") == "code_invalid"


def test_a_right_code_is_heard_while_others_guess() -> None:
    """Nobody's wrong codes use up what an address has that was not wrong itself."""
    at = office()
    codes = [at.issue("confirmed") for _ in range(10)]
    alarm(at)
    assert {guess(at, "198.51.100.7", code) for code in codes} == {"claimed"}


def test_during_an_alarm_an_address_may_be_wrong_five_times() -> None:
    """Then it is told to wait, also with a right code; long ones are exempt: nobody guesses them.
    When nobody guesses any more, all is as before."""
    at = office()
    right = at.issue("confirmed")
    long = at.issuing.issue(CodeOrder("confirmed", kind="long"), OPERATOR).code
    alarm(at)
    found = [guess(at, "198.51.100.7") for _ in range(6)]
    assert found == ["code_invalid"] * 5 + ["too_many_requests"]
    with pytest.raises(TooManyAttempts, match="Many wrong codes") as refused:
        at.verification.claim(right, address="198.51.100.7")
    assert refused.value.seconds == 180
    assert guess(at, "198.51.100.7", long) == "claimed"
    at.pass_time(minutes=1)
    assert guess(at, "198.51.100.7", right) == "claimed"


def test_during_an_alarm_a_network_may_be_wrong_fifty_times() -> None:
    """Who rents a /48 has 65,536 times the five of an address; others are heard."""
    at = office()
    right = at.issue("confirmed")
    alarm(at)
    found = [guess(at, f"2001:db8:7:{n:x}::1") for n in range(51)]
    assert found == ["code_invalid"] * 50 + ["too_many_requests"]
    assert guess(at, "2001:db8:8::1", right) == "claimed"


def test_what_is_no_code_raises_no_alarm() -> None:
    """Garbage is not a guess, nor is a long code; neither is looked for among short ones."""
    at = office(1)
    for n in range(10):
        for garbage in ("", "x", "7x3k9p2m4q8rt5vw"):
            assert guess(at, f"192.0.2.{n}", garbage) == "code_invalid"
    assert [guess(at, "192.0.2.50") for _ in range(2)] == ["code_invalid"] * 2


def test_addresses_are_kept_nowhere() -> None:
    """A bucket is a digest under the registrar's secret, and goes when it is full again."""
    at = office()
    guess(at, "192.0.2.1")
    limits = at.allowances
    assert isinstance(limits, MemoryAllowances)
    assert limits.until
    assert all(len(bucket) == 32 and b"192" not in bucket for bucket in limits.until)
    at.pass_time(hours=1)
    at.verification.forget()
    assert not limits.until


@pytest.mark.parametrize(("wait", "seconds"), [(0.2, 1), (1.4, 2), (3.0, 3)])
def test_who_waits_as_long_as_told_is_heard(wait: float, seconds: int) -> None:
    """So seconds are rounded up."""
    refused = TooManyAttempts("Too many attempts.", timedelta(seconds=wait))
    assert str(refused) == f"Too many attempts. Try again in {seconds} seconds."
    assert refused.seconds == seconds
