"""The authority's settings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.settings import AuthoritySettings, parse_settings
from bluezone_node.errors import BadConfig


def test_nothing_need_be_set() -> None:
    """Every setting has a default, and the defaults agree with each other."""
    assert parse_settings("", "authority.toml") == AuthoritySettings()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[export]\nperiod_minutes = 7", "must divide a day"),
        ("[export]\nperiod_minutes = 30", "multiple of publisher.truncate_minutes"),
        ("[export]\nperiod_minutes = '60'", "export.period_minutes"),
        ("[export]\ncolour = 1", "colour"),
        ("[registrar]\ncode_minutes = 61", "registrar.code_minutes"),
        ("[export", "not valid TOML"),
        ("[registrar]\nlong_code_hours = 25", "registrar.long_code_hours"),
        ("[registrar]\npublic_url = 'codes.example.vn'", "registrar.public_url"),
        ('[registrar]\npublic_url = "https://a.vn\\n"', "registrar.public_url"),
        ('[[registrar.realms]]\nid = "HN\\n"', "registrar.realms"),
        (f"[[registrar.realms]]\nid = '{'x' * 61}'", "registrar.realms"),
        ('[export]\nkey_id = "452\\n"', "export.key_id"),
        ("[registrar]\nrealms = []", "registrar.realms"),
        ("[[registrar.realms]]\n[[registrar.realms]]", "two realms have the same id"),
        ("[[registrar.realms]]\ntest_types = ['user-report']", "test_types"),
        ("[registrar.sms]\ngateway = 'ftp://a.vn'", "registrar.sms.gateway"),
        (
            "[registrar.sms]\ngateway = 'https://a.vn'\nfields = {to = '{phone}'}",
            "must have {phone} and {text}",
        ),
        ("[serve]\nmetrics_from = ['10.0.0.300']", "serve.metrics_from"),
        ("[serve]\ntrusted_proxies = ['10.0.0.300']", "serve.trusted_proxies"),
        ("[serve]\ntrusted_proxies = ['10.0.0.0/8']", "serve.trusted_proxies"),
        ("[serve]\ntrusted_proxies = ['*']", "serve.trusted_proxies"),
        (
            "[[publisher.health_authorities]]\n[[publisher.health_authorities]]",
            "two health authorities have the same id",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(text: str, says: str) -> None:
    """The sentence names the file and the setting."""
    with pytest.raises(BadConfig, match=says) as refused:
        parse_settings(text, "authority.toml")
    assert "authority.toml" in str(refused.value)


@given(st.text(max_size=80))
def test_any_text_is_settings_or_refused(text: str) -> None:
    """No text raises anything else."""
    try:
        parse_settings(text, "x")
    except BadConfig:
        return
