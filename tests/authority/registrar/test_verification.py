"""The registrar: codes, tokens, certificates."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority import certificate as certificates
from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.authority.registrar.orders import CodeOrder
from bluezone_node.crypto.signing import PrivateKey
from bluezone_node.errors import AuthorityRefused, BluezoneError
from bluezone_node.intervals import interval_at, midnight
from tests.authorities import KnownKeys, MemoryRegistry, Office

HMAC = b"h" * 32


@pytest.fixture
def office() -> Office:
    return Office()


def reason_of(refused: pytest.ExceptionInfo[AuthorityRefused]) -> str:
    return refused.value.reason


def read(office: Office, text: str) -> certificates.Certificate:
    """Return what a publisher reads in a certificate."""
    return certificates.verify(
        text,
        office.verification.public_keys().get,
        issuer="bluezone-registrar",
        audience="bluezone-publisher",
        now=office.clock.now(),
    )


def test_a_code_becomes_a_token_becomes_a_certificate(office: Office) -> None:
    """The whole road: what the health worker said is what the publisher reads."""
    code = office.issue("likely", date(2026, 3, 7), date(2026, 3, 9))
    claimed = office.verification.claim(code)
    assert (claimed.report_type, claimed.symptom_date, claimed.test_date) == (
        "likely",
        date(2026, 3, 7),
        date(2026, 3, 9),
    )
    certificate = read(office, office.verification.certify(claimed.token, HMAC))
    onset = interval_at(midnight(date(2026, 3, 7)))
    assert certificate == certificates.Certificate("likely", onset, HMAC, "VN")


def test_refused_claims_are_counted_by_reason(office: Office) -> None:
    """A wrong one for no province, for nobody knows which; others for that of their code."""
    used, late = office.issue("likely"), office.issue("likely")
    office.verification.claim(used)
    for code in (used, "00000000"):
        with pytest.raises(AuthorityRefused):
            office.verification.claim(code)
    office.pass_time(minutes=16)
    with pytest.raises(AuthorityRefused):
        office.verification.claim(late)
    assert isinstance(office.registry, MemoryRegistry)
    found = {
        (realm, event): count
        for (_, realm, event), count in office.registry.tally.items()
        if event.startswith("claims_")
    }
    assert found == {("", "claims_wrong"): 1, ("VN", "claims_used"): 1, ("VN", "claims_expired"): 1}


def test_without_a_symptom_date_there_is_no_onset_claim(office: Office) -> None:
    """The day of the test is not passed off as the day of first symptoms."""
    code = office.issue("confirmed", None, date(2026, 3, 9))
    token = office.verification.claim(code).token
    assert read(office, office.verification.certify(token, HMAC)).onset_interval is None


def test_a_wrong_code_is_invalid(office: Office) -> None:
    """Whatever was typed, the answer to a wrong code is the same."""
    office.issue("confirmed")
    for wrong in ("00000000", "", "abc", "1" * 60, "٠١٢٣٤٥٦٧"):
        with pytest.raises(AuthorityRefused) as refused:
            office.verification.claim(wrong)
        assert reason_of(refused) == "code_invalid"


def test_an_expired_code_says_so(office: Office) -> None:
    """The holder of a code learns that it came too late, to the second."""
    code = office.issue("confirmed")
    office.pass_time(minutes=15)
    with pytest.raises(AuthorityRefused) as refused:
        office.verification.claim(code)
    assert reason_of(refused) == "code_expired"


def test_a_used_code_says_so(office: Office) -> None:
    """A code is for one report, and its holder learns that it was used, even after its time."""
    code = office.issue("confirmed")
    office.verification.claim(code)
    for minutes in (0, 20):
        office.pass_time(minutes=minutes)
        with pytest.raises(AuthorityRefused) as refused:
            office.verification.claim(code)
        assert reason_of(refused) == "code_used"


def test_without_a_nonce_no_claim_is_repeated(office: Office) -> None:
    """Software that sends none meets what it always met; and so does one that sends it late."""
    code = office.issue("confirmed")
    token = office.verification.claim(code).token
    for nonce in (b"", b"n" * 32):
        with pytest.raises(AuthorityRefused) as refused:
            office.verification.claim(code, nonce=nonce)
        assert reason_of(refused) == "code_used"
    assert office.verification.certify(token, HMAC)


@pytest.mark.parametrize("length", [1, 31, 257])
def test_a_nonce_that_could_be_guessed_is_refused(office: Office, length: int) -> None:
    """The code is not used up by it."""
    code = office.issue("confirmed")
    with pytest.raises(AuthorityRefused) as refused:
        office.verification.claim(code, nonce=bytes(length))
    assert reason_of(refused) == "nonce_invalid"
    assert office.verification.claim(code, nonce=bytes(256)).token


def test_a_repeated_claim_is_held_to_what_the_caller_accepts(office: Office) -> None:
    """A refused repetition leaves the token of the first."""
    code = office.issue("likely")
    token = office.verification.claim(code, nonce=b"n" * 32).token
    with pytest.raises(AuthorityRefused) as refused:
        office.verification.claim(code, ["confirmed"], nonce=b"n" * 32)
    assert reason_of(refused) == "unsupported_test_type"
    assert office.verification.certify(token, HMAC)


def test_of_the_nonce_only_an_hmac_is_kept_and_no_longer_than_needed(office: Office) -> None:
    """The store ties no token to its code; once the token is spent, not even to the device."""
    code, nonce = office.issue("confirmed"), b"n" * 32
    token = office.verification.claim(code, nonce=nonce).token
    registry = office.registry
    assert isinstance(registry, MemoryRegistry)
    (kept,) = registry.tokens.values()
    assert kept.claimed_with is not None
    assert kept.claimed_with not in (nonce, *registry.codes)
    assert kept.claimed_with.hex() not in repr(kept)
    office.verification.certify(token, HMAC)
    (kept,) = registry.tokens.values()
    assert kept.claimed_with is None


@pytest.mark.parametrize(
    ("accept", "report_type", "fine"),
    [
        ([], "negative", True),
        (["confirmed"], "confirmed", True),
        (["confirmed"], "likely", False),
        (["likely"], "confirmed", True),
        (["likely"], "negative", False),
        (["negative"], "confirmed", True),
        (["user-report"], "confirmed", False),
        (["nonsense", "likely"], "likely", True),
    ],
)
def test_accept_is_a_hierarchy(
    office: Office, accept: list[str], report_type: str, fine: bool
) -> None:
    """Who accepts a type accepts what is surer; a code not accepted is not used up."""
    code = office.issue(report_type)
    if not fine:
        with pytest.raises(AuthorityRefused) as refused:
            office.verification.claim(code, accept)
        assert reason_of(refused) == "unsupported_test_type"
    assert office.verification.claim(code, accept if fine else ()).report_type == report_type


def test_a_token_is_for_one_set_of_keys(office: Office) -> None:
    """The same keys may be certified again — the answer may have been lost — others may not."""
    token = office.verification.claim(office.issue("confirmed")).token
    assert read(office, office.verification.certify(token, HMAC)).keys_hmac == HMAC
    assert read(office, office.verification.certify(token, HMAC)).keys_hmac == HMAC
    with pytest.raises(AuthorityRefused) as refused:
        office.verification.certify(token, b"x" * 32)
    assert reason_of(refused) == "token_used"


def test_a_token_lives_for_a_day(office: Office) -> None:
    """A token that came too late says so; one that never was is invalid."""
    token = office.verification.claim(office.issue("confirmed")).token
    office.pass_time(hours=24)
    with pytest.raises(AuthorityRefused) as refused:
        office.verification.certify(token, HMAC)
    assert reason_of(refused) == "token_expired"
    with pytest.raises(AuthorityRefused) as refused:
        office.verification.certify("never", HMAC)
    assert reason_of(refused) == "token_invalid"


def test_a_failed_signing_does_not_spend_the_token(office: Office) -> None:
    """The token is spent last: when the key is back, the same token works."""
    token = office.verification.claim(office.issue("confirmed")).token

    class Unavailable(KnownKeys):
        def signing(self, now: datetime) -> tuple[str, PrivateKey]:
            raise BluezoneError("the signing key is not there")

    working, office.verification._keys = office.verification._keys, Unavailable({})
    with pytest.raises(BluezoneError):
        office.verification.certify(token, HMAC)
    office.verification._keys = working
    other = b"y" * 32
    assert read(office, office.verification.certify(token, other)).keys_hmac == other


@given(length=st.integers(0, 64).filter(lambda n: n != 32))
def test_only_an_hmac_is_certified(length: int) -> None:
    """Anything but 32 bytes is no HMAC of keys."""
    office = Office()
    token = office.verification.claim(office.issue("confirmed")).token
    with pytest.raises(AuthorityRefused) as refused:
        office.verification.certify(token, bytes(length))
    assert reason_of(refused) == "hmac_invalid"


def test_neither_codes_nor_tokens_are_kept(office: Office) -> None:
    """What is in the store redeems nothing, and no value shows its secret in a repr."""
    issued = office.issuing.issue(CodeOrder("confirmed"), OPERATOR)
    claimed = office.verification.claim(issued.code)
    registry = office.registry
    assert isinstance(registry, MemoryRegistry)
    kept = b"".join(registry.codes) + b"".join(registry.tokens)
    for secret in (issued.code, claimed.token):
        assert secret.encode() not in kept
        assert secret not in repr((issued, claimed, registry.codes, registry.tokens))


def test_old_codes_are_forgotten(office: Office) -> None:
    """Two days after its expiry a code is as wrong as any other."""
    code = office.issue("confirmed")
    assert office.verification.counts().codes_open == 1
    office.pass_time(hours=49)
    assert office.verification.forget() == 1
    with pytest.raises(AuthorityRefused) as refused:
        office.verification.claim(code)
    assert reason_of(refused) == "code_invalid"
