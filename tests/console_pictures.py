"""Pictures of the console for docs/console.md: ``python -m tests.console_pictures``.

A console on real services goes through two weeks in four provinces; then Chromium, without
JavaScript, looks at its pages on a desk and on a telephone.  Names and numbers are made up.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import uvicorn
from playwright.sync_api import Page, sync_playwright

from bluezone_node.authority.places.notice_orders import NoticeOrder
from bluezone_node.authority.places.orders import VenueOrder
from bluezone_node.authority.ports.accounts import OPERATOR, Actor
from bluezone_node.authority.ports.notices import Evidence
from bluezone_node.authority.ports.tally import DayCount
from bluezone_node.authority.ports.venues import Venue
from bluezone_node.authority.publisher.publish import Upload
from bluezone_node.authority.registrar.orders import CodeOrder
from bluezone_node.authority.settings import RealmSettings
from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.venues.kinds import VenueKind
from bluezone_node.venues.notices import NoticeLevel
from bluezone_node.venues.warrant import LONGEST_LIFE, write_warrant
from bluezone_node.web import server
from bluezone_node.web.console import menu
from tests.authorities import NOW, keys_of_days, uploaded
from tests.bureau import APPROVING, ASKING, Bureau, bureau, with_realms
from tests.staff import PASSWORD

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "console"
DESK, TELEPHONE = (1180, 820), (360, 740)
DAYS = 14
LOCALES = {"vi": "vi-VN", "en": "en-GB"}
REALMS = (
    RealmSettings("01", "Hà Nội", "Hanoi"),
    RealmSettings("48", "Đà Nẵng", "Da Nang"),
    RealmSettings("79", "Thành phố Hồ Chí Minh", "Ho Chi Minh City", province="79"),
    RealmSettings("92", "Cần Thơ", "Can Tho"),
)
A_DAY = {"01": 34, "48": 12, "79": 46, "92": 5}
"""Codes of each province on a middling day."""
REDEEMED, CERTIFIED, PUBLISHED = 0.78, 0.93, 0.97
"""Share of those before; peers.md has 0.5 to 0.8 for the first, of countries that counted it."""

COMMUNES = """\
code,name,province
26740,Phường Sài Gòn,79
26743,Phường Bến Thành,79
26758,Phường Cầu Ông Lãnh,79
26944,Phường Gia Định,79
27139,Phường Xuân Hoà,79
"""
"""A few of the official list."""

SATURDAY = "2026-03-21"
"""The one before the day of the pictures."""
PLACES = """\
tên địa điểm,loại,xã phường,địa chỉ,giờ mở cửa
Chợ Dân Sinh,chợ,Cầu Ông Lãnh,104 Yersin,06:00-18:00
Siêu thị Gia Định,siêu thị,26944,70 Phan Đăng Lưu,08:00-22:00
Trường THPT Bùi Thị Xuân,trường học,Bến Thành,73 Bùi Thị Xuân,06:30-17:00
Rạp Vinh Quang,cung trăng,Sài Gòn,59 Pasteur,
Chợ Dân Sinh,chợ,Cầu Ông Lãnh,104 Yersin,
"""

SHEET = """\
test_type,test_date,symptom_date,phone
confirmed,2026-03-23,2026-03-21,
confirmed,2026-03-23,,0912 345 678
likely,23/03/2026,20/03/2026,
dương tính,2026-03-22,2026-03-20,0987654321
positive,2026-03-23,,
confirmed,2026-03-32,,
confirmed,2026-03-23,2026-03-21,0241 23
confirmed,2026-03-22,2026-03-19,
"""


def fill(made: Bureau) -> None:
    """Let two weeks pass: codes issued, redeemed, certified, published and exported."""
    draw = random.Random(5)
    published: Counter[tuple[date, str, str]] = Counter()
    actors = {realm: Actor(f"tram.{realm}", realm, "issuer") for realm in A_DAY}
    for number in range(DAYS):
        swell = (0.6 + 0.06 * number) * (
            0.6 if (NOW.date() + timedelta(number)).weekday() > 4 else 1
        )
        for realm, usual in A_DAY.items():
            for _ in range(round(usual * swell * draw.uniform(0.85, 1.15))):
                _one(made, draw, actors[realm], published)
        made.office.exporter.run()
        _until_morning(made)
    made.office.exporter.run()
    oldest = (made.clock.now() - timedelta(hours=48)).date()
    made.released.counts = [
        DayCount(day, realm, event, count)
        for (day, realm, event), count in sorted(published.items())
        if day < oldest and published[day, realm, "uploads"] >= 10
    ]


def fill_places(made: Bureau) -> None:
    """Register places; one has new cards and a kiosk, one waits for a decision."""
    chief, issuer = Actor("minh.tran", "79", "supervisor"), Actor("hoa.le", "79", "issuer")
    named = [
        ("Bệnh viện Bình Thạnh", 2, "gia dinh", "132 Lê Văn Duyệt", ()),
        ("Siêu thị Hòa Bình", 4, "cau ong lanh", "189C Cống Quỳnh", ()),
        ("Trường THPT Lê Quý Đôn", 3, "xuan hoa", "110 Nguyễn Thị Minh Khai", ()),
        ("Chợ Bến Thành", 5, "ben thanh", "Lê Lợi", ("Cửa Bắc", "Cửa Nam")),
    ]
    made.desk.commune_lists.take(COMMUNES.encode(), 2, OPERATOR)
    communes = made.desk.communes.book("79", 2)
    for name, kind, commune, address, rooms in named:
        made.pass_time(hours=1)
        code = communes.code(commune)
        order = VenueOrder(name, kind, code, "79", 2, address, 360, 1080, rooms=rooms)
        place = made.desk.venues.register(order, chief).venue_id
    made.desk.renewal.rotate(place, chief)
    made.desk.kiosk_files.make(place, "", chief)
    waits = VenueOrder("Nhà hàng Hoa Sen", 7, 26743, "79", 2, "12 Phạm Ngọc Thạch")
    made.desk.venues.register(waits, issuer)


def _one(
    made: Bureau, draw: random.Random, actor: Actor, published: Counter[tuple[date, str, str]]
) -> None:
    now = made.clock.now()
    tested = now.date() - timedelta(draw.choice((0, 1, 1, 2)))
    onset = tested - timedelta(draw.randint(1, 4)) if draw.random() < 0.7 else None
    kind = "likely" if draw.random() < 0.15 else "confirmed"
    made.pass_time(seconds=draw.randint(20, 160))
    issued = made.issuing.issue(CodeOrder(kind, onset, tested, realm=actor.realm), actor)
    if draw.random() > REDEEMED:
        return
    token = made.office.verification.claim(issued.code).token
    if draw.random() > CERTIFIED:
        return
    days = range(1, draw.randint(6, 14))
    keys = keys_of_days(*days, seed=draw.getrandbits(40), now=made.clock.now())
    secret = draw.randbytes(16)
    certificate = made.office.verification.certify(token, keys_hmac(keys, secret))
    if draw.random() > PUBLISHED:
        return
    made.office.publisher.publish(
        Upload([uploaded(key) for key in keys], "vn.moh", certificate, secret)
    )
    published[now.date(), actor.realm, "uploads"] += 1
    published[now.date(), actor.realm, "keys"] += len(keys)


def warn(made: Bureau) -> None:
    """Warn of three places, and let a kiosk propose a fourth notice."""
    places, now = made.places, made.clock.now()
    places.place("Chợ Long Biên", realm="01")
    places.place("Chợ đêm Long Biên", realm="01")
    market = places.place("Chợ Bà Chiểu", "Khu A", "Khu B")
    school = places.place("Trường Tiểu học Nguyễn Bỉnh Khiêm", kind=VenueKind.SCHOOL)
    diner = places.place("Quán cơm tấm Ba Ghiền", kind=VenueKind.RESTAURANT)
    minh, hoa = Actor("minh.tran", "79", "supervisor"), Actor("hoa.le", "79", "issuer")

    def stay(venue: Venue, hours: float, length: float, **changes: object) -> NoticeOrder:
        start = now - timedelta(hours=hours)
        made = NoticeOrder(venue.venue_id, start, start + timedelta(hours=length), phone="19009095")
        return replace(made, **changes)  # type: ignore[arg-type]

    places.notices.issue(stay(school, 30, 4, level=NoticeLevel.MONITOR), minh)
    places.bundles.run()
    wrong = places.notices.issue(stay(diner, 26, 1.5), minh).notice.number
    places.bundles.run()
    places.notices.retract(wrong, minh)
    places.bundles.run()
    places.notices.issue(stay(diner, 27, 1.5), minh)
    places.notices.issue(stay(market, 5, 2, room="Khu A"), hoa)
    desk = places.proposals.desk(places.kiosk(market))
    begin = now - timedelta(hours=28)
    heard = Evidence(42, 97, 1, 140, 0.8)
    places.proposals.take(desk, b"p" * 16, begin, begin + timedelta(minutes=50), heard)


def open_registers(made: Bureau) -> str:
    """Ask for two registers, of which one is approved; return the number of the other."""
    minh, ha = Actor("minh.tran", "79", "supervisor"), Actor("ha.bui", "79", "supervisor")
    register, now = made.register(), made.clock.now()
    for case, place in (("F0-118", "Phòng khám Hoa Sen"), ("F0-121", "Phòng khám An Bình")):
        clinic = made.places.place(place, kind=VenueKind.HEALTH_FACILITY)
        start, basis = now - timedelta(hours=30), "Luật Phòng, chống bệnh truyền nhiễm 2007"
        window = (start, start + timedelta(hours=4))
        asked = register.drafted(clinic.venue_id, *window, case, basis, LONGEST_LIFE, minh)
        register.request(write_warrant(asked, ASKING), minh)
        if case == "F0-118":
            register.approve(asked.warrant_id, write_warrant(asked, APPROVING), ha)
        made.pass_time(minutes=20)
    return asked.warrant_id.hex()


def _until_morning(made: Bureau) -> None:
    now = made.clock.now()
    morning = datetime.combine(now.date() + timedelta(1), time(1, 30), tzinfo=UTC)
    made.pass_time(seconds=(morning - now).total_seconds())


@contextmanager
def served(made: Bureau) -> Iterator[str]:
    """Serve the console on a port of the kernel's choice; yield its address."""
    with server.bind("127.0.0.1:0") as bound:
        running = uvicorn.Server(uvicorn.Config(made.app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield server.address_of(bound)
        finally:
            running.should_exit = True
            thread.join()


class Camera:
    """Takes pictures of pages in one language at one size."""

    def __init__(self, page: Page, made: Bureau, address: str, name: str) -> None:
        self._page = page
        self._made = made
        self._address = address
        self._name = name

    def go(self, path: str) -> Page:
        self._page.goto(self._address + path)
        return self._page

    def sign_in(self, name: str) -> None:
        self._made.pass_time(seconds=30)
        page = self.go(menu.SIGN_IN)
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        page.fill("#code", self._made.staff.code(self._made.enrolments[name]))
        page.click("main button.primary")

    def take(self, subject: str, *, whole: bool = False) -> None:
        file = FOLDER / f"{subject}-{self._name}.png"
        self._page.screenshot(path=file, full_page=whole)
        if squeeze := shutil.which("convert"):
            # 64 colours are enough for a page of text: a third of the bytes.
            subprocess.run([squeeze, file, "+dither", "-colors", "64", f"PNG8:{file}"], check=True)


def take_all(made: Bureau, address: str, number: str) -> None:
    """Take every picture; *number*: of the warrant that is looked at."""
    with sync_playwright() as player:
        for language in ("vi", "en"):
            # The fields for dates follow the browser's own language.
            browser = player.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=["--no-sandbox"],
                env={**os.environ, "LANGUAGE": LOCALES[language].replace("-", "_")},
            )
            for size, device in ((DESK, "desk"), (TELEPHONE, "phone")):
                context = browser.new_context(
                    viewport={"width": size[0], "height": size[1]},
                    locale=LOCALES[language],
                    java_script_enabled=False,
                    color_scheme="light",
                    device_scale_factor=1 if device == "desk" else 1.5,
                )
                camera = Camera(context.new_page(), made, address, f"{device}-{language}")
                _tour(camera, made, number, everything=language == "vi")
                context.close()
            browser.close()


def _tour(camera: Camera, made: Bureau, number: str, *, everything: bool) -> None:
    if everything:
        camera.go(menu.CLAIM)
        camera.take("claim", whole=True)
    camera.go(menu.SIGN_IN)
    camera.take("sign-in")
    camera.sign_in("lan.nguyen")
    page = camera.go(menu.CODES)
    page.fill("#symptoms", (made.clock.now().date() - timedelta(days=2)).isoformat())
    page.click("h1")  # away from the field: its own editor looks different everywhere
    camera.take("issue", whole=True)
    page.click("main button.primary")
    camera.take("code", whole=True)
    camera.go(menu.FUNNEL)
    camera.take("funnel", whole=True)
    if not everything:
        return
    page = camera.go(menu.BULK)
    page.set_input_files(
        "#file",
        files=[{"name": "2026-03-24.csv", "mimeType": "text/csv", "buffer": SHEET.encode()}],
    )
    page.select_option("#realm", "79")
    page.click("main button.primary")
    if page.locator("input[name=force]").count():
        page.check("input[name=force]")
        page.set_input_files(
            "#file",
            files=[{"name": "2026-03-24.csv", "mimeType": "text/csv", "buffer": SHEET.encode()}],
        )
        page.select_option("#realm", "79")
        page.click("main button.primary")
    camera.take("bulk", whole=True)
    camera.go(menu.EXPORTS)
    camera.take("exports", whole=True)
    _notices(camera)
    tour_places(camera, made)
    _list_of_places(camera)
    _warrants(camera, number)
    camera.go(menu.USERS)
    camera.take("users", whole=True)
    camera.go(menu.AUDIT).click("main form button")
    camera.take("audit")


def _notices(camera: Camera) -> None:
    """Walk from what a patient said to the notice: at Chợ Long Biên, on Saturday from 7 to 9."""
    page = camera.go(menu.NOTICES)
    camera.take("notices", whole=True)
    page.fill("#place", "cho long bien")
    page.click("main section button.primary")
    camera.take("notice-places", whole=True)
    page.click("td a.button >> nth=0")
    page.select_option("#from_day", SATURDAY)
    page.fill("#from_time", "7h")
    page.fill("#to_time", "9h")
    page.fill("#phone", "19009095")
    camera.take("notice-form", whole=True)
    page.click("main button.primary")
    camera.take("notice-preview", whole=True)
    page.click("main form button.primary")
    camera.take("notice-sent", whole=True)
    camera.go(menu.PROPOSALS).click("tbody a")
    camera.take("proposal", whole=True)


def _warrants(camera: Camera, number: str) -> None:
    camera.go(menu.WARRANTS)
    camera.take("warrants", whole=True)
    camera.go(f"{menu.WARRANTS}/{number}")
    camera.take("warrant", whole=True)


def _list_of_places(camera: Camera) -> None:
    page = camera.go(menu.PLACE_LIST)
    page.select_option("#realm", "79")
    file = {"name": "phuong.csv", "mimeType": "text/csv", "buffer": PLACES.encode()}
    page.set_input_files("#file", files=[file])  # type: ignore[list-item]
    page.click("main button.primary")
    camera.take("place-list", whole=True)


def tour_places(camera: Camera, made: Bureau) -> None:
    """Take the pictures of places, signed in."""
    camera.go(menu.PLACES)
    camera.take("places", whole=True)
    (place,) = made.desk.directory.search("ben thanh le loi", Actor("", "*", "admin"))
    camera.go(f"{menu.PLACES}/{place.venue_id.hex()}")
    camera.take("place", whole=True)
    page = camera.go(f"{menu.PLACES}/{place.venue_id.hex()}/edit")
    page.fill("#name", "Chợ Bến Thành (cửa chính)")
    page.fill("#rooms", "Cửa Bắc\nCửa Đông")
    page.click("main button.primary")
    camera.take("place-edit", whole=True)


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        bureau(Path(folder), with_realms(*REALMS)) as made,
    ):
        fill(made)
        fill_places(made)
        made.person("lan.nguyen", "admin", "*")
        made.person("minh.tran", "supervisor", "79")
        made.person("hoa.le", "issuer", "79")
        made.person("duc.pham", "issuer", "01")
        made.staff.add("thao.vo", "48", "issuer")
        made.staff.accounts.disable(Actor("lan.nguyen", "*", "admin"), "duc.pham")
        warn(made)
        with served(made) as address:
            take_all(made, address, open_registers(made))
    for file in sorted(FOLDER.glob("*.png")):
        print(f"{file.stat().st_size // 1000:5} kB  {file.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
