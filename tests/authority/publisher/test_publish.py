"""The publisher: one upload after another."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bluezone_node.authority.certificate import Certificate, sign
from bluezone_node.authority.ports.windows import ExportBatch
from bluezone_node.authority.publisher.publish import Upload
from bluezone_node.authority.settings import AuthoritySettings
from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.errors import AuthorityRefused
from tests.authorities import NOW, MemoryExposures, Office, key_made_of, keys_of_days, uploaded

HOUR = timedelta(hours=1)


@pytest.fixture
def office() -> Office:
    return Office()


def rows(office: Office) -> MemoryExposures:
    assert isinstance(office.exposures, MemoryExposures)
    return office.exposures


def refusal(office: Office, upload: Upload) -> str:
    """Publish what must be refused; return the reason, having seen that nothing was stored."""
    before = dict(rows(office).rows)
    with pytest.raises(AuthorityRefused) as refused:
        office.publisher.publish(upload)
    assert rows(office).rows == before
    return refused.value.reason


def test_certified_keys_are_stored(office: Office) -> None:
    """Each key with its report type, its days since onset and its truncated arrival."""
    keys = keys_of_days(1, 2, 3)
    published = office.publish(keys, "likely", NOW.date() - timedelta(days=2))
    assert published.inserted == 3
    assert published.revision_token
    stored = sorted(rows(office).rows.values(), key=lambda row: -row.rolling_start)
    assert [row.key for row in stored] == [key.key for key in keys]
    assert [row.days_since_onset for row in stored] == [1, 0, -1]
    assert {row.report_type for row in stored} == {"likely"}
    assert {row.created for row in stored} == {NOW - HOUR / 2}


def test_the_same_publication_twice_is_inserted_once(office: Office) -> None:
    """A device that lost the answer sends again, without a token, and is answered the same."""
    upload = office.upload(keys_of_days(0, 1, 2))
    first = office.publisher.publish(upload)
    before = dict(rows(office).rows)
    office.pass_time(minutes=10)
    again = office.publisher.publish(upload)
    assert again.inserted == first.inserted == 3
    assert again.warnings == first.warnings
    assert rows(office).rows == before


def test_a_publication_can_be_repeated_with_a_new_certificate(office: Office) -> None:
    """The certificate may have run out in between: the same secret proves the same sender."""
    office.publish(keys_of_days(1, 2))
    office.pass_time(hours=1)
    assert office.publish(keys_of_days(1, 2)).inserted == 2
    assert len(rows(office).rows) == 2


def test_a_strangers_copy_of_published_keys_is_refused(office: Office) -> None:
    """Exported keys are public: having them, and a certificate, gives no right over them."""
    office.publish(keys_of_days(1, 2))
    thief = office.upload(keys_of_days(1, 2), secret=b"t" * 16)
    assert refusal(office, thief) == "missing_revision_token"
    token = office.publish(keys_of_days(1, seed=7), secret=b"t" * 16).revision_token
    assert refusal(office, replace(thief, revision_token=token)) == "invalid_revision_token"
    assert refusal(office, replace(thief, revision_token="AQ==")) == "invalid_revision_token"


def test_no_owners_digest_links_two_keys(office: Office) -> None:
    """What recognises the sender differs for each key."""
    office.publish(keys_of_days(1, 2, 3))
    assert len({row.owner for row in rows(office).rows.values()}) == 3


@pytest.mark.parametrize(("first", "then"), [("likely", "confirmed"), ("likely", "negative")])
def test_a_likely_diagnosis_is_revised_once(office: Office, first: str, then: str) -> None:
    """With the token, to what is allowed, and keeping what was first said."""
    keys = keys_of_days(1, 2)
    token = office.publish(keys, first).revision_token
    office.pass_time(hours=30)
    later = office.publish(keys, then, token=token)
    assert later.inserted == 2
    for row in rows(office).rows.values():
        assert row.report_type == first
        assert row.revision is not None
        assert row.revision.report_type == then
        assert row.revision.at == NOW + 29.5 * HOUR
    before = dict(rows(office).rows)
    assert office.publish(keys, then, token=later.revision_token).inserted == 2
    assert office.publish(keys, first, token=later.revision_token).inserted == 2
    assert rows(office).rows == before
    third = "negative" if then == "confirmed" else "confirmed"
    upload = office.upload(keys, third, token=later.revision_token)
    assert refusal(office, upload) == "key_already_revised"


def test_a_confirmed_diagnosis_stands(office: Office) -> None:
    """It becomes neither likely nor negative."""
    keys = keys_of_days(1)
    token = office.publish(keys).revision_token
    for report_type in ("likely", "negative"):
        upload = office.upload(keys, report_type, token=token)
        assert refusal(office, upload) == "invalid_report_type_transition"


def test_revising_needs_the_token(office: Office) -> None:
    """Even the sender is refused without it: the diagnosis would change."""
    keys = keys_of_days(1)
    office.publish(keys, "likely")
    assert refusal(office, office.upload(keys, "confirmed")) == "missing_revision_token"


def test_a_revision_may_bring_new_keys(office: Office) -> None:
    """The days since the first report are added, and the new token holds old and new."""
    token = office.publish(keys_of_days(2, 3), "likely").revision_token
    both = [*keys_of_days(2, 3), *keys_of_days(1, seed=9)]
    published = office.publish(both, "confirmed", token=token)
    assert published.inserted == 3
    types = [(r.report_type, r.revision is not None) for r in rows(office).rows.values()]
    assert sorted(types) == [("confirmed", False), ("likely", True), ("likely", True)]
    again = office.publish(keys_of_days(1, seed=9), token=published.revision_token)
    assert again.inserted == 1


def test_a_revised_key_must_have_the_times_it_had(office: Office) -> None:
    """Neither the token's nor the stored times can be changed, and that is said properly."""
    keys = keys_of_days(1)
    token = office.publish(keys, "likely").revision_token
    other = [replace(keys[0], rolling_period=100)]
    assert refusal(office, office.upload(other, "confirmed", token=token)) == (
        "invalid_revision_token"
    )


def test_one_bad_revision_undoes_the_whole_upload(office: Office) -> None:
    """New keys beside a refused one are not stored."""
    office.publish(keys_of_days(1))
    mixed = [*keys_of_days(1), *keys_of_days(2, seed=5)]
    upload = office.upload(mixed, "likely")
    assert refusal(office, upload) == "missing_revision_token"


def test_a_negative_first_report_is_taken_and_not_stored(office: Office) -> None:
    """There is nobody to warn."""
    published = office.publish(keys_of_days(1, 2), "negative")
    assert published.inserted == 0
    assert published.revision_token == ""
    assert rows(office).rows == {}


def test_a_living_key_is_revised_only_after_it_arrived(office: Office) -> None:
    """Otherwise an export would revise a key that no export has brought yet."""
    keys = keys_of_days(0)
    token = office.publish(keys, "likely").revision_token
    office.publish(keys, "confirmed", token=token)
    (row,) = rows(office).rows.values()
    assert row.revision is not None
    assert row.revision.at == row.created > office.clock.now()


def test_nothing_arrives_in_a_window_that_was_drawn(office: Office) -> None:
    """Not even with the clock set back: the key would never be handed out."""
    drawn = NOW + 10 * HOUR
    rows(office).drawn.append(ExportBatch(NOW, drawn, 0, 500))
    keys = keys_of_days(1, 2)
    token = office.publish(keys, "likely").revision_token
    office.publish(keys, "confirmed", token=token)
    for row in rows(office).rows.values():
        assert row.created == drawn
        assert row.revision is not None
        assert row.revision.at == drawn


def test_an_unusable_key_does_not_spoil_the_certificate(office: Office) -> None:
    """The HMAC is over what was sent; the usable keys are stored."""
    keys = keys_of_days(1, 2, 20)
    published = office.publish(keys)
    assert published.inserted == 2
    assert published.unusable == ("a key is too old",)


def test_a_certificate_is_for_its_keys_only(office: Office) -> None:
    """Not for others, not for fewer, not with another secret, not after its time."""
    reason = "health_authority_verification_certificate_invalid"
    keys = keys_of_days(1, 2)
    upload = office.upload(keys)
    assert refusal(office, replace(upload, keys=upload.keys[:1])) == reason
    assert refusal(office, replace(upload, hmac_secret=b"x" * 16)) == reason
    assert refusal(office, replace(upload, hmac_secret=b"")) == reason
    assert refusal(office, replace(upload, certificate="x")) == reason
    office.pass_time(minutes=15)
    assert refusal(office, upload) == reason


def test_a_strangers_certificate_is_refused(office: Office) -> None:
    """Only the health authority's own registrar is believed."""
    keys = keys_of_days(1)
    forged = sign(
        Certificate("confirmed", None, keys_hmac(keys, b"s" * 16)),
        key_made_of("stranger"),
        key_id="v1",
        issuer="bluezone-registrar",
        audience="bluezone-publisher",
        now=NOW,
        lifetime=HOUR,
    )
    upload = Upload([uploaded(key) for key in keys], "vn.moh", forged, b"s" * 16)
    assert refusal(office, upload) == "health_authority_verification_certificate_invalid"


def test_an_unknown_health_authority_is_refused(office: Office) -> None:
    """Before anything else is looked at."""
    upload = replace(office.upload(keys_of_days(1)), health_authority="nobody", keys=[])
    assert refusal(office, upload) == "unknown_health_authority_id"


def test_no_secret_shows_in_a_repr(office: Office) -> None:
    """Keys, certificates and tokens are left out of what a log could print."""
    upload = office.upload(keys_of_days(1))
    published = office.publisher.publish(replace(upload, revision_token="abcdef"))
    text = repr((upload, published, rows(office).rows.values(), AuthoritySettings()))
    key = upload.keys[0]
    for secret in (upload.certificate, key.text, "abcdef", published.revision_token):
        assert secret not in text
