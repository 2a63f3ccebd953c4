"""What an authority is made of: databases and services.

Nothing here is imported by a node, which does without the server's packages.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bluezone_node.ports import Clock
from bluezone_node.wiring.shelves import open_shelf

if TYPE_CHECKING:
    from bluezone_node.authority.distribution.exporter import Exporter
    from bluezone_node.authority.people.accounts import Accounts
    from bluezone_node.authority.people.audit import ChainedTrail
    from bluezone_node.authority.ports.exposures import ExposureStore
    from bluezone_node.authority.ports.keys import KeyDirectory
    from bluezone_node.authority.ports.messages import Messenger
    from bluezone_node.authority.ports.shown import ShownStore
    from bluezone_node.authority.ports.tally import PublicationStats, Tally
    from bluezone_node.authority.publisher.publish import Publisher
    from bluezone_node.authority.publisher.statistics_desk import StatisticsDesk
    from bluezone_node.authority.registrar.issuing import Issuing
    from bluezone_node.authority.registrar.verification import Verification
    from bluezone_node.store.authority.database import Database
    from bluezone_node.store.authority.folder import AuthorityFolder
    from bluezone_node.store.authority.keys import SigningKeys
    from bluezone_node.wiring.federation import Federation
    from bluezone_node.wiring.notices import NoticeParts
    from bluezone_node.wiring.register import RegisterParts
    from bluezone_node.wiring.venues import VenueParts

DATABASE_VARIABLE = "BLUEZONE_DATABASE"
"""Of the environment: takes the place of ``database.url``, and keeps a password out of files."""

SMS_VARIABLE = "BLUEZONE_SMS_SECRET"
"""Of the environment: takes the place of ``registrar.sms.secret_file``."""


@dataclass(frozen=True, slots=True)
class AuthorityParts:
    """The services of the roles that this process plays."""

    verification: "Verification | None"
    issuing: "Issuing | None"
    audit: "ChainedTrail | None"
    accounts: "Accounts | None"
    shown: "ShownStore | None"
    """Results of the console's forms."""
    publisher: "Publisher | None"
    exporter: "Exporter | None"
    exposures: "ExposureStore | None"
    rings: "Sequence[SigningKeys]"
    """Keys that rotate, in the order of *tallies*."""
    tallies: "Mapping[str, Tally]"
    """What was counted, by role."""
    federation: "Federation | None"
    """Other authorities' keys; the publisher's."""
    statistics: "PublicationStats | None"
    """How many published: for the registrar's eyes."""
    statistics_desk: "StatisticsDesk | None"
    """Hands them to a registrar that is another process."""
    notices: "NoticeParts | None"
    """Outbreak notices of places; None too where the places' keys were never made."""
    places: "VenueParts | None"
    """Places; None as with *notices*."""
    register: "RegisterParts | None"
    """Warrants and the keys of days; None as with *notices*."""


def databases_of(folder: "AuthorityFolder") -> "dict[str, Database]":
    """Return the database of each role (registrar, publisher), not opened.

    Raises:
        BadConfig: the URL that was set is none of PostgreSQL.
    """
    from bluezone_node.store.authority import exposure_tables, registry_tables
    from bluezone_node.store.authority.database import Database
    from bluezone_node.store.authority.postgres import parse_url

    given = os.environ.get(DATABASE_VARIABLE) or folder.settings.database.url
    url = None if given is None else parse_url(given)
    return {
        "registrar": Database(registry_tables.LAYOUT, folder.registry_db, url),
        "publisher": Database(exposure_tables.LAYOUT, folder.authority_db, url),
    }


@contextmanager
def open_authority(
    folder: "AuthorityFolder", clock: Clock, roles: Collection[str]
) -> Iterator[AuthorityParts]:
    """Build the authority's services for *roles* (registrar, publisher), each on its own database.

    Raises:
        BadConfig: a key of a role is missing.
        DatabaseUnusable: a database cannot be opened, or waits for `authority migrate`.
    """
    from bluezone_node.authority.distribution.exporter import Exporter
    from bluezone_node.authority.people.accounts import Accounts
    from bluezone_node.authority.people.audit import ChainedTrail
    from bluezone_node.authority.people.passwords import Passwords
    from bluezone_node.authority.publisher.publish import Publisher
    from bluezone_node.authority.publisher.statistics import Statistics
    from bluezone_node.authority.publisher.statistics_desk import StatisticsDesk
    from bluezone_node.authority.registrar.attempts import Attempts
    from bluezone_node.authority.registrar.issuing import Issuing
    from bluezone_node.authority.registrar.mint import Mint
    from bluezone_node.authority.registrar.verification import Verification
    from bluezone_node.store.authority import (
        exposure_tables,
        exposures,
        registry,
        registry_tables,
        windows,
    )
    from bluezone_node.store.authority.accounts import SqlAccounts
    from bluezone_node.store.authority.allowances import SqlAllowances
    from bluezone_node.store.authority.audit import SqlAudit
    from bluezone_node.store.authority.directory import FileKeys, HttpKeys
    from bluezone_node.store.authority.shown import SqlShown
    from bluezone_node.store.authority.tally import SqlTally
    from bluezone_node.wiring.federation import federate
    from bluezone_node.wiring.notices import notices_of
    from bluezone_node.wiring.register import register_of
    from bluezone_node.wiring.venues import venues_of

    settings, databases = folder.settings, databases_of(folder)
    verification = issuing = audit = accounts = shown = publisher = exporter = store = None
    federation = desk = notices = places = register = None
    statistics: PublicationStats | None = None
    rings: list[SigningKeys] = []
    tallies: dict[str, Tally] = {}
    with ExitStack() as stack:
        if "registrar" in roles:
            registrar_keys = folder.registrar_keys()
            registrar_keys.ring()  # missing or unreadable, it is said now
            rings.append(registrar_keys)
            engine = databases["registrar"].open()
            stack.callback(engine.dispose)
            tallies["registrar"] = SqlTally(engine, registry_tables.daily_counts)
            codes, secret = registry.SqlRegistry(engine), folder.code_secret()
            attempts = Attempts(
                SqlAllowances(engine), clock, secret=secret, settings=settings.registrar
            )
            audit = ChainedTrail(
                SqlAudit(engine),
                clock,
                timedelta(days=settings.registrar.audit_days),
                secret=secret,
            )
            verification = Verification(
                codes,
                attempts,
                clock,
                os.urandom,
                secret=secret,
                keys=registrar_keys,
                settings=settings.registrar,
            )
            messenger = stack.enter_context(open_messenger(folder))
            mint = Mint(
                codes,
                messenger,
                clock,
                os.urandom,
                secret=secret,
                settings=settings.registrar,
            )
            issuing = Issuing(codes, mint, attempts, audit, clock, settings.registrar)
            shown = SqlShown(engine)
            accounts = Accounts(
                SqlAccounts(engine),
                audit,
                SqlAllowances(engine),
                clock,
                os.urandom,
                secret=secret,
                passwords=Passwords(os.urandom),
                realms=[realm.id for realm in settings.registrar.realms],
                issuer=settings.registrar.issuer,
            )
            register = register_of(folder, engine, audit, clock)
            if register is not None:
                notices = notices_of(folder, engine, audit, register.day_keys, clock)
            places = venues_of(folder, engine, audit, messenger, clock)
            if settings.registrar.publisher:
                statistics = statistics_at(folder, registrar_keys, clock)
        if "publisher" in roles:
            secret, export_keys = folder.publisher_secret(), folder.export_keys()
            authorities = settings.publisher.health_authorities
            export_keys.ring()
            rings.append(export_keys)
            engine = databases["publisher"].open()
            stack.callback(engine.dispose)
            tallies["publisher"] = SqlTally(engine, exposure_tables.daily_counts)
            store = exposures.SqlExposures(engine)
            directories: dict[str, KeyDirectory] = {
                entry.id: HttpKeys(entry.jwks, clock)
                if entry.jwks.startswith(("http://", "https://"))
                else FileKeys(folder.path / entry.jwks, clock)
                for entry in authorities
            }
            publisher = Publisher(
                store,
                clock,
                os.urandom,
                secret=secret,
                directories=directories,
                settings=settings.publisher,
            )
            statistics = Statistics(tallies["publisher"], clock)
            desk = StatisticsDesk(
                statistics, clock, authorities=authorities, directories=directories
            )
            exporter = Exporter(
                windows.SqlWindows(engine),
                open_shelf(folder),
                clock,
                os.urandom,
                keys=export_keys,
                settings=settings.export,
            )
            federation = federate(folder, engine, export_keys, clock)
        yield AuthorityParts(
            verification,
            issuing,
            audit,
            accounts,
            shown,
            publisher,
            exporter,
            store,
            rings,
            tallies,
            federation,
            statistics,
            desk,
            notices,
            places,
            register,
        )


def statistics_at(
    folder: "AuthorityFolder", keys: "SigningKeys", clock: Clock
) -> "PublicationStats":
    """Return what asks the publisher of the settings, as the registrar whose *keys* these are."""
    from bluezone_node.authority.statistics_token import write_token
    from bluezone_node.store.authority.statistics import HttpStatistics

    settings = folder.settings.registrar

    def token() -> str:
        now = clock.now()
        key_id, key = keys.signing(now)
        return write_token(
            key, key_id=key_id, issuer=settings.issuer, audience=settings.audience, now=now
        )

    return HttpStatistics(settings.publisher, token)


@contextmanager
def open_messenger(folder: "AuthorityFolder") -> "Iterator[Messenger]":
    """Yield what sends long codes, as the settings say.

    Raises:
        BadConfig: the gateway's secret is missing, or others can read it.
    """
    from bluezone_node.store.authority.gateway import Gateway
    from bluezone_node.store.authority.outbox import Outbox

    sms = folder.settings.registrar.sms
    if not sms.gateway:
        yield Outbox(folder.path / sms.outbox)
        return
    with closing(Gateway(sms, os.environ.get(SMS_VARIABLE) or folder.sms_secret())) as gateway:
        yield gateway
