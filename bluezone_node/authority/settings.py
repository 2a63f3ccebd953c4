"""The authority's settings: one TOML file, read and checked once.

Every knob has a default and the reason for it.  What has no source named is from Google's key
server or verification server, whose clients this authority must please.
"""

import tomllib
from datetime import date
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bluezone_node.errors import BadConfig

# Patterns end in \Z: to $ a line's end is an end, too.
_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
_Minutes = Annotated[int, Meta(ge=1, le=1440)]

MAX_CERTIFICATE_MINUTES = 60
"""A certificate speaks for one upload: who needs longer gets another for the same token. Keys that
sign no more stay published this long."""


TestType = Literal["confirmed", "likely", "negative"]


class RealmSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One province, or another unit that issues codes for itself."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,60}\Z")] = "VN"
    """Kept with each code and told to the publisher; never renamed. As an issuer a program of the
    province is ``key:ID``, for which the databases have 64 characters."""
    name_vi: Annotated[str, Meta(min_length=1, max_length=100)] = "Cả nước"
    name_en: Annotated[str, Meta(min_length=1, max_length=100)] = "Nationwide"
    daily_codes: Annotated[int, Meta(ge=1, le=1_000_000)] = 2000
    """Codes that may be issued on one UTC day: bounds what a stolen password or key can do."""
    issue_per_minute: Annotated[int, Meta(ge=1, le=10_000)] = 120
    """Codes that may be issued one by one in a minute, as Google's server allows requests."""
    test_types: Annotated[list[TestType], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: ["confirmed", "likely", "negative"]
    )
    """What may be issued."""
    province: Annotated[str, Meta(pattern=r"^(\d\d)?\Z")] = ""
    """Number of the province in the list of communes: its places are of communes of it, by name.
    Empty: of all."""
    api_key_file: str = ""
    """What a program of this province sends as ``X-API-Key``: a file in the authority's folder.
    Empty: ``keys/api.key`` for the first province, none for the others."""


class SmsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a long code reaches its holder."""

    gateway: Annotated[str, Meta(pattern=r"^(https?://[!-~]+)?\Z")] = ""
    """http(s) address that messages are posted to; empty: files in *outbox*, for a modem."""
    outbox: str = "outbox"
    """Folder in the authority's, in the form of smstools3's outgoing spool."""
    format: Literal["json", "form"] = "json"
    """Of what is posted to the gateway."""
    fields: dict[str, str] = msgspec.field(
        default_factory=lambda: {"to": "{phone}", "text": "{text}"}
    )
    """What is posted: {phone} and {text} are filled in."""
    header: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,64}\Z")] = "Authorization"
    """In which the gateway's secret is sent."""
    secret_file: str = ""
    """The header's value, in a file of the authority's folder, 0600; stronger is the environment's
    ``BLUEZONE_SMS_SECRET``. Neither: the header is not sent."""
    timeout_seconds: Annotated[int, Meta(ge=1, le=60)] = 10
    language: Literal["vi", "en"] = "vi"


class RegistrarSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Codes, tokens and certificates."""

    issuer: _Name = "bluezone-registrar"
    """``iss`` of the certificates."""
    audience: _Name = "bluezone-publisher"
    """``aud`` of the certificates."""
    key_id: _Name = "v1"
    """``kid`` of the first signing key; the first rotation writes it down with the keys."""
    code_minutes: Annotated[int, Meta(ge=1, le=60)] = 15
    """Life of a code: 8 digits can be guessed, so they must not live long."""
    long_code_hours: Annotated[int, Meta(ge=1, le=24)] = 24
    """Life of a long code: 80 bits cannot be guessed, and a message may be read in the evening."""
    public_url: Annotated[str, Meta(pattern=r"^(https?://[A-Za-z0-9.:/_-]{1,56})?\Z")] = ""
    """Where the registrar is on the Internet: links in messages begin with it. Empty: no message
    can be sent. Short, so that one SMS holds it."""
    token_hours: Annotated[int, Meta(ge=1, le=48)] = 24
    """Life of a token: a phone that lost the network may finish tomorrow."""
    certificate_minutes: Annotated[int, Meta(ge=1, le=MAX_CERTIFICATE_MINUTES)] = 15
    """Life of a certificate: long enough for one upload on a bad line."""
    oldest_date_days: Annotated[int, Meta(ge=1, le=60)] = 28
    """How long ago a test or a symptom may lie."""
    verify_per_minute: Annotated[int, Meta(ge=1)] = 20
    """Attempts to redeem a code, per address: a family behind one router, not a guesser.
    At 20 a minute one address meets one of 100 living codes once in 35 days."""
    wrong_per_minute: Annotated[int, Meta(ge=1)] = 300
    """Wrong short codes in a minute, from all addresses together, that are thought mistyped. Above
    that somebody is guessing from many, and each address has five attempts in 15 minutes. A million
    reports a day with one in five mistyped are 140."""
    realms: Annotated[list[RealmSettings], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [RealmSettings()]
    )
    audit_days: Annotated[int, Meta(ge=30, le=3660)] = 730
    """Who did what is kept so long: an audit once a year finds the whole year before it too."""
    sms: SmsSettings = msgspec.field(default_factory=SmsSettings)
    publisher: Annotated[str, Meta(pattern=r"^(https?://[A-Za-z0-9.:/_\[\]-]+)?\Z")] = ""
    """Address of the publisher whose statistics the console shows; empty: it is this process."""


class HealthAuthoritySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One registrar whose certificates the publisher believes."""

    id: _Name = "vn.moh"
    """``healthAuthorityID`` of the publish request."""
    issuer: _Name = "bluezone-registrar"
    audience: _Name = "bluezone-publisher"
    jwks: str = "registrar.jwks.json"
    """Its public keys (JSON Web Key Set): a file beside this one, or an http(s) address."""


class PublisherSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which keys are taken."""

    health_authorities: list[HealthAuthoritySettings] = msgspec.field(
        default_factory=lambda: [HealthAuthoritySettings()]
    )
    max_keys: Annotated[int, Meta(ge=1, le=100)] = 30
    """In one request: 14 days, some of them with more than one key."""
    max_same_start: Annotated[int, Meta(ge=1, le=10)] = 3
    """Keys with one start: the one released on the day of the report, and its successors."""
    max_age_hours: Annotated[int, Meta(ge=24, le=720)] = 360
    """Oldest key taken: 14 days and the day that has just begun."""
    truncate_minutes: _Minutes = 60
    """Arrival is stored only this exactly, so that keys of one upload do not stand together."""
    max_onset_days: Annotated[int, Meta(ge=1, le=14)] = 14
    """Keys further from the onset of symptoms than this say nothing about infection. The export
    format and GAEN's infectiousness map end there."""
    oldest_onset_days: Annotated[int, Meta(ge=1, le=60)] = 28
    """An onset longer ago than this is not believed."""
    default_onset_days: Annotated[int, Meta(ge=0, le=14)] = 4
    """Onset assumed where nobody told: that many days before the report."""
    allow_partial_revisions: bool = False
    """A token revises the keys that it vouches for, although the upload has stored ones that it
    does not: who roamed published those elsewhere, and they came back by federation (Google's
    issue #893).  Otherwise such an upload is refused as a whole."""


class BucketSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Object storage for the export files; credentials are the environment's or the machine's."""

    url: (
        Annotated[str, Meta(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w./-]*)?\Z")] | None
    ) = None
    """``s3://BUCKET/PREFIX``: the files lie there under ``exports/``, for a CDN to hand out.
    Otherwise in the folder, and this server hands them out."""
    endpoint: Annotated[str, Meta(pattern=r"^(https?://[A-Za-z0-9.:\[\]-]+/?)?\Z")] = ""
    """Address of the storage; empty: Amazon's of the region. http:// goes without encryption."""
    region: Annotated[str, Meta(pattern=r"^[a-z0-9-]{0,64}\Z")] = ""
    """Empty: what ``AWS_REGION`` says, or us-east-1, which other makers' storages take for any."""


class ExportSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How keys are handed out."""

    region: _Name = "VN"
    key_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]{1,16}\Z")] = "452"
    """``verification_key_id``: by custom the mobile country code, 452 for Vietnam."""
    key_version: _Name = "v1"
    """``verification_key_version`` of the first signing key, as ``registrar.key_id``."""
    period_minutes: _Minutes = 240
    """One export file for each. Four hours is how often phones ask; it must divide a day."""
    min_age_minutes: Annotated[int, Meta(ge=0, le=1440)] = 120
    """A window is exported only this long after its end: phones accept identifiers for 2 h past
    their time, so a key handed out sooner could be played back."""
    min_records: Annotated[int, Meta(ge=0, le=100_000)] = 1000
    """A smaller window is filled up with made-up keys: a handful could be tied to a person."""
    padding_spread: Annotated[int, Meta(ge=1, le=10_000)] = 100
    """Up to this many more made-up keys, by chance, so that their number gives nothing away."""
    max_records: Annotated[int, Meta(ge=1, le=750_000)] = 500_000
    """In one file; phones give up on much larger ones."""
    retention_days: Annotated[int, Meta(ge=1, le=30)] = 14
    """Keys and files are removed after this: they can infect nobody any more."""
    bucket: BucketSettings = msgspec.field(default_factory=BucketSettings)


class ImportSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One other authority whose exports are imported."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")]
    """What its keys are kept under, and the folder that they are handed out in."""
    url: str
    """Address of the folder with its ``index.txt``, or of that file."""
    public_keys: Annotated[list[str], Meta(min_length=1)]
    """Base64 of the SubjectPublicKeyInfo, or PEM files beside this one. Any may have signed."""
    region: Annotated[str, Meta(min_length=1, max_length=64)]
    """That its files must be of; files of another are refused whole."""
    report_type: Literal["confirmed", "likely", "user-report"] = "confirmed"
    """Of keys that do not say it: only files of GAEN's version 1.5 and later can."""
    onset_days: Annotated[int, Meta(ge=-14, le=14)] = 10
    """Days since onset of symptoms of keys that do not say it: the reference's back-fill, which is
    late in the infectious time."""
    period_minutes: _Minutes = 60
    """Between two looks at its index."""
    republish: bool = True
    """Whether its keys are handed out to one's own nodes, in a series of their own."""


class ServeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The HTTP server."""

    listen: str = "127.0.0.1:8600"
    """HOST:PORT. A reverse proxy with TLS stands before it in earnest."""
    trusted_proxies: list[str] = msgspec.field(default_factory=list)
    """Addresses of reverse proxies whose X-Forwarded-For is believed."""
    metrics_from: list[str] = msgspec.field(default_factory=lambda: ["127.0.0.1", "::1"])
    """Addresses and networks that may read ``/metrics``: counts by the minute can be about one
    person."""


class ConsoleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pages for health workers, served with the registrar."""

    enabled: bool = True
    """Served at ``/console``; nobody can sign in before `authority users add` made somebody."""
    url: Annotated[str, Meta(pattern=r"^(https?://[A-Za-z0-9.:\[\]_-]{1,100})?\Z")] = ""
    """Where browsers find the server, without a path. Only http to this very machine lets cookies
    do without ``Secure``. Empty: every request is judged by the name that it asks for."""


class RegisterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of place that a law requires a register of names of."""

    kind: Literal[
        "other",
        "office",
        "health-facility",
        "school",
        "supermarket",
        "market",
        "lodging",
        "restaurant",
        "transport",
        "worship",
        "event",
        "control-post",
        "residential-block",
        "factory",
    ]
    since: date
    """First day on which the law asks for it: kiosks and cards made from then on keep one."""
    basis: Annotated[str, Meta(min_length=1, max_length=200)]
    """The law, with number and day."""


class PlacesSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Public places that visitors check in at."""

    host: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]{2,60}[a-z0-9]\Z")] = "q.example.vn"
    """What the link in a poster's square begins with; visitors' nodes must have it in ``hosts``.
    The card stands behind its ``#``, which browsers keep to themselves."""
    url: Annotated[str, Meta(pattern=r"^(https?://[A-Za-z0-9.:/_\[\]-]{1,100})?\Z")] = ""
    """Where kiosks find this server; empty: at ``registrar.public_url``, or without that at
    ``serve.listen``."""
    card_days: Annotated[int, Meta(ge=1, le=730)] = 365
    """Life of a card: posters are printed once a year, as licences are renewed."""
    notice_days: Annotated[int, Meta(ge=1, le=21)] = 14
    """For so long people are told of an outbreak's notice: as long as quarantine lasted in 2021.
    Nobody's device remembers a visit longer than 21 days."""
    registers: list[RegisterSettings] = msgspec.field(default_factory=list)
    """Kinds of places that must keep a register of names. None is the default: what a law asks for
    differs from province to province and from month to month."""
    claims: bool = True
    """Whether owners may register their places at ``/venues/claim``."""
    claim_minutes: Annotated[int, Meta(ge=5, le=60)] = 15
    """Life of the code that an owner is sent."""
    claims_per_address: Annotated[int, Meta(ge=1, le=10_000)] = 20
    """In an hour: an office that registers for a market's stalls, not a flood."""
    claims_per_phone: Annotated[int, Meta(ge=1, le=100)] = 3
    """In a day: nobody is to be pestered with messages."""
    claims_per_day: Annotated[int, Meta(ge=1, le=1_000_000)] = 2000
    """Messages for claims from everywhere: bounds what a flood of them can cost."""


class DatabaseSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where codes and keys are kept."""

    url: str | None = None
    """``postgresql://…``: there, in a schema for each role. Otherwise in files of this folder."""

    def __repr__(self) -> str:
        # It may hold a password.
        return f"DatabaseSettings(url={self.url and '…'})"


class AuthoritySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything an authority needs to know."""

    registrar: RegistrarSettings = msgspec.field(default_factory=RegistrarSettings)
    publisher: PublisherSettings = msgspec.field(default_factory=PublisherSettings)
    export: ExportSettings = msgspec.field(default_factory=ExportSettings)
    serve: ServeSettings = msgspec.field(default_factory=ServeSettings)
    console: ConsoleSettings = msgspec.field(default_factory=ConsoleSettings)
    places: PlacesSettings = msgspec.field(default_factory=PlacesSettings)
    database: DatabaseSettings = msgspec.field(default_factory=DatabaseSettings)
    imports: list[ImportSettings] = msgspec.field(default_factory=list)


def parse_settings(text: str, name: str) -> AuthoritySettings:
    """Return the settings in the TOML *text* of the file called *name*.

    Raises:
        BadConfig: not TOML, a setting unknown or out of range, or two that contradict each other.
    """
    try:
        settings = msgspec.convert(tomllib.loads(text), AuthoritySettings)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{name} is not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise BadConfig(f"{name}: {error}") from error
    _check(settings, name)
    return settings


def _check(settings: AuthoritySettings, name: str) -> None:
    export, truncate = settings.export, settings.publisher.truncate_minutes
    if 1440 % export.period_minutes:
        raise BadConfig(f"{name}: export.period_minutes must divide a day (1440 minutes)")
    if export.period_minutes % truncate:
        # Else a key could be handed out before its identifiers have gone stale.
        raise BadConfig(
            f"{name}: export.period_minutes must be a multiple of publisher.truncate_minutes"
        )
    for proxy in settings.serve.trusted_proxies:
        try:
            ip_address(proxy)
        except ValueError:
            raise BadConfig(f"{name}: serve.trusted_proxies: {proxy!r} is no address") from None
    for network in settings.serve.metrics_from:
        try:
            ip_network(network, strict=False)
        except ValueError:
            raise BadConfig(f"{name}: serve.metrics_from: {network!r} is no network") from None
    sms = " ".join(settings.registrar.sms.fields.values())
    if settings.registrar.sms.gateway and not ("{phone}" in sms and "{text}" in sms):
        raise BadConfig(f"{name}: registrar.sms.fields must have {{phone}} and {{text}}")
    realms = [realm.id for realm in settings.registrar.realms]
    if len(realms) != len(set(realms)):
        raise BadConfig(f"{name}: two realms have the same id")
    ids = [authority.id for authority in settings.publisher.health_authorities]
    if len(ids) != len(set(ids)):
        raise BadConfig(f"{name}: two health authorities have the same id")
    names = [each.name for each in settings.imports]
    if len(names) != len(set(names)):
        raise BadConfig(f"{name}: two imports have the same name")
