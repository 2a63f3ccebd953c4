"""A health authority's console on real services and a database file, and browsers before it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx2 import Response
from starlette.testclient import TestClient

from bluezone_node.authority.keyring import KEEP_EXPORT_KEY, KeyRing, RingKey
from bluezone_node.authority.places.openings import Openings
from bluezone_node.authority.places.warrants import Warrants
from bluezone_node.authority.ports.accounts import Actor, Enrolment
from bluezone_node.authority.ports.tally import DayCount
from bluezone_node.authority.publisher.publish import Upload
from bluezone_node.authority.registrar.orders import CodeOrder
from bluezone_node.authority.settings import (
    AuthoritySettings,
    ConsoleSettings,
    RealmSettings,
    RegistrarSettings,
)
from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.crypto.cose import public_bytes
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.store.authority import registry_tables
from bluezone_node.store.authority.accounts import SqlAccounts
from bluezone_node.store.authority.allowances import SqlAllowances
from bluezone_node.store.authority.audit import SqlAudit
from bluezone_node.store.authority.database import Database
from bluezone_node.store.authority.day_keys import FolderDayKeys
from bluezone_node.store.authority.place_keys import PlaceKeys
from bluezone_node.store.authority.postgres import parse_url
from bluezone_node.store.authority.registry import SqlRegistry
from bluezone_node.store.authority.shown import SqlShown
from bluezone_node.store.authority.tally import SqlTally
from bluezone_node.store.authority.venues import SqlVenues
from bluezone_node.store.authority.warrants import SqlWarrants
from bluezone_node.venues.trust import Role, TrustedKey, TrustList
from bluezone_node.web.app import build_app
from bluezone_node.web.console import menu
from bluezone_node.web.console.exports import Publication
from bluezone_node.web.console.notices import Warnings
from bluezone_node.web.console.places import Places
from bluezone_node.web.console.routes import ConsoleParts, console_routes
from bluezone_node.web.observe import Seen
from bluezone_node.wiring.venues import VenueParts, venue_parts
from tests.authorities import NOW, Office, seeded, uploaded
from tests.outbreaks import Outbreaks
from tests.staff import PASSWORD, Staff

ADDRESS = "https://console.example"
REALMS = (
    RealmSettings("01", "Hà Nội", "Hanoi"),
    RealmSettings("79", "Thành phố Hồ Chí Minh", "Ho Chi Minh City"),
)
ASKING = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
APPROVING = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
OFFICERS = TrustList(
    1,
    NOW,
    tuple(
        TrustedKey(public_bytes(key), role, "79", NOW - timedelta(365), NOW + timedelta(365))
        for key, role in ((ASKING, Role.WARRANT_REQUEST), (APPROVING, Role.WARRANT_APPROVE))
    ),
)
SETTINGS = AuthoritySettings(
    registrar=RegistrarSettings(public_url="https://bz.example", realms=list(REALMS))
)


@dataclass
class Released:
    """Statistics that the publisher lets go."""

    counts: list[DayCount] = field(default_factory=list)

    def days(self, first: date, last: date) -> list[DayCount]:
        return [count for count in self.counts if first <= count.day <= last]


class Bureau:
    """The console of a registrar of two provinces, and a publisher beside it."""

    def __init__(
        self,
        folder: Path,
        settings: AuthoritySettings = SETTINGS,
        *,
        with_publisher: bool = True,
        places: bool = True,
        url: str = "",
    ) -> None:
        """*url*: of a PostgreSQL; empty: a file in *folder*."""
        self.folder = folder
        parsed = parse_url(url) if url else None
        self.engine = Database(registry_tables.LAYOUT, folder / "registry.db", parsed).open()
        registry, allowances = SqlRegistry(self.engine), SqlAllowances(self.engine)
        audit = SqlAudit(self.engine)
        self.office = Office(
            settings,
            registry=registry,
            allowances=allowances,
            audited=audit,  # type: ignore[arg-type]
        )
        self.clock = self.office.clock
        self.staff = Staff(
            self.clock,
            SqlAccounts(self.engine),
            audit,
            allowances,
            realms=[realm.id for realm in settings.registrar.realms],
        )
        self.issuing = self.office.issuing
        self.released = Released()
        self.desk = _desk(self, folder, settings)
        names = tuple(realm.id for realm in settings.registrar.realms)
        self.places = Outbreaks(self.engine, folder / "places", names, self.clock)
        ring = KeyRing((RingKey("v1", NOW, NOW),), KEEP_EXPORT_KEY)
        parts = ConsoleParts(
            self.staff.accounts,
            self.issuing,
            self.staff.trail,
            SqlTally(self.engine, registry_tables.daily_counts),
            SqlShown(self.engine),
            self.released if with_publisher else None,
            Publication(self.office.exporter.health, lambda: ring, settings.export)
            if with_publisher
            else None,
            Warnings(
                self.places.directory,
                self.places.notices,
                self.places.proposals,
                self.places.breaker,
            )
            if places
            else None,
            self._places(settings) if places else None,
            self.desk.bulk if places else None,
            self.register() if places else None,
            self.openings() if places else None,
        )
        self.seen: list[Seen] = []
        """What was answered, as metrics are told."""
        self.app = build_app(
            console_routes(parts, self.clock, seeded(7), settings.registrar, ConsoleSettings()),
            self.seen.append,
        )
        self.enrolments: dict[str, Enrolment] = {}

    def _places(self, settings: AuthoritySettings) -> Places:
        desk = self.desk
        return Places(
            desk.communes,
            desk.directory,
            desk.venues,
            desk.renewal,
            desk.kiosk_files,
            desk.claims,
            settings.places.host,
        )

    def register(self) -> Warrants:
        """Return the warrants of registers, which two officers of the second province sign."""
        venues = SqlVenues(self.engine)

        def realm_of(venue_id: bytes) -> str | None:
            venue = venues.venue(venue_id)
            return None if venue is None else venue.realm

        return Warrants(
            SqlWarrants(self.engine),
            self.staff.trail,
            self.clock,
            seeded(17),
            lambda: OFFICERS,
            realm_of,
        )

    def openings(self) -> Openings:
        """Return what places answer."""
        keys = FolderDayKeys(self.folder)
        return Openings(
            self.register(), SqlWarrants(self.engine), keys.private, self.staff.trail, self.clock
        )

    def browser(self, language: str = "en", address: str = ADDRESS) -> "Browser":
        """Return a browser that nobody has signed in with."""
        return Browser(self, language, address)

    def person(self, name: str, role: str, realm: str = "79") -> None:
        """Add somebody who has chosen `PASSWORD` already."""
        self.enrolments[name] = self.staff.add(name, realm, role)
        self.staff.settle(self.enrolments[name])

    def signed_in(
        self, role: str = "issuer", realm: str = "79", *, name: str = "", language: str = "en"
    ) -> "Browser":
        """Return the browser of somebody who is at work."""
        name = name or f"{role}.{realm}".replace("*", "all")
        if name not in self.enrolments:
            self.person(name, role, realm)
        browser = self.browser(language)
        answer = browser.sign_in(name)
        assert answer.headers["location"] == menu.HOME, answer.text
        return browser

    def publish(self, keys: Sequence[TemporaryExposureKey]) -> None:
        """Publish *keys* of somebody who was given a code in the second province."""
        actor, secret = Actor("tram", "79", "issuer"), b"s" * 16
        issued = self.issuing.issue(CodeOrder("confirmed"), actor)
        token = self.office.verification.claim(issued.code).token
        certificate = self.office.verification.certify(token, keys_hmac(keys, secret))
        sent = [uploaded(key) for key in keys]
        self.office.publisher.publish(Upload(sent, "vn.moh", certificate, secret))

    def pass_time(self, **duration: float) -> None:
        self.staff.pass_time(**duration)


def _desk(made: "Bureau", folder: Path, settings: AuthoritySettings) -> VenueParts:
    (folder / "keys").mkdir(exist_ok=True)
    keys = PlaceKeys(folder)
    keys.make(NOW)
    return venue_parts(
        made.engine,
        keys,
        made.staff.trail,
        made.office.telephones,
        made.clock,
        seeded(12),
        realms=settings.registrar.realms,
        settings=settings.places,
        address=ADDRESS,
    )


@contextmanager
def bureau(
    folder: Path,
    settings: AuthoritySettings = SETTINGS,
    *,
    with_publisher: bool = True,
    places: bool = True,
    url: str = "",
) -> Iterator[Bureau]:
    """Yield a console over a new database, see `Bureau`."""
    made = Bureau(folder, settings, with_publisher=with_publisher, places=places, url=url)
    try:
        yield made
    finally:
        made.engine.dispose()


class Browser:
    """A browser without JavaScript: it keeps cookies, and sends back the hidden fields of forms."""

    def __init__(self, bureau: Bureau, language: str, address: str) -> None:
        self.bureau = bureau
        self.page = ""
        """The last page."""
        self.client = TestClient(
            bureau.app,
            base_url=address,
            follow_redirects=False,
            headers={
                "accept-language": language,
                "sec-fetch-site": "same-origin",
                "origin": "null",
            },
        )

    def get(self, path: str) -> Response:
        """Load a page; where it leads on, that answer is returned, not followed."""
        answer = self.client.get(path)
        self.page = answer.text
        return answer

    def see(self, path: str) -> str:
        """Load a page, wherever it leads, and return its text."""
        answer = self.get(path)
        while answer.status_code == 303:
            answer = self.get(answer.headers["location"])
        assert answer.status_code == 200, answer.text
        return self.page

    def send(self, path: str, fields: Mapping[str, str], file: bytes | None = None) -> Response:
        """Send a form of the last page."""
        data = {"csrf": self.hidden("csrf"), "nonce": self.hidden("nonce"), **fields}
        files = None if file is None else {"file": ("list.csv", file, "text/csv")}
        answer = self.client.post(path, data=data, files=files)
        if answer.status_code != 303:
            self.page = answer.text
        return answer

    def hidden(self, name: str, form: str = "") -> str:
        """Return a hidden field of the last page: of the form that goes to *form*, or the last."""
        page = self.page
        if form:
            found = re.search(rf'<form[^>]*action="{form}".*?</form>', page, re.DOTALL)
            assert found is not None, form
            page = found[0]
        values = re.findall(rf'type="hidden" name="{name}" value="([^"]*)"', page)
        return unescape(values[-1]) if values else ""

    def sign_in(self, name: str, password: str = PASSWORD, code: str | None = None) -> Response:
        """Sign in by the page, with the next one-time code."""
        self.bureau.pass_time(seconds=30)
        self.see(menu.SIGN_IN)
        if code is None:
            code = self.bureau.staff.code(self.bureau.enrolments[name])
        return self.send(menu.SIGN_IN, {"name": name, "password": password, "code": code})

    def issue(self, **fields: str) -> str:
        """Issue a code by the page; return the address of its page."""
        self.see(menu.CODES)
        form = {"type": "confirmed", "test": "2026-03-10", "kind": "short", "realm": "79"}
        answer = self.send(menu.CODES, form | fields)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def code(self) -> str:
        """Return the code on the last page."""
        found = re.search(r'id="code" aria-label="([^"]*)"', self.page)
        assert found is not None
        return found[1].replace(" ", "")

    def words(self) -> str:
        """Return the text of the last page as a person reads it."""
        text = re.sub(r"<(head|style)\b.*?</\1>", " ", self.page, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def with_realms(*realms: RealmSettings) -> AuthoritySettings:
    """Return `SETTINGS` with other provinces."""
    registrar = msgspec.structs.replace(SETTINGS.registrar, realms=list(realms))
    return msgspec.structs.replace(SETTINGS, registrar=registrar)
