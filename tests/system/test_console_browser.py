"""The console in a real browser: a telephone without JavaScript, two server processes, one code."""

import asyncio
import json
import os
import re
import shutil
import sys
from base64 import b64encode
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pyotp
import pytest
from playwright.async_api import Browser, Page, async_playwright

from bluezone_node.store.authority.folder import AuthorityFolder, make_folder
from bluezone_node.web.console import menu
from tests.authority_process import running
from tests.bureau import bureau
from tests.console_pictures import served
from tests.patience import PATIENCE
from tests.staff import PASSWORD
from tests.vm.packages import may_install

pytestmark = pytest.mark.slow

TELEPHONE = {"width": 360, "height": 740}
CHROMIUM = shutil.which("chromium")


@pytest.fixture
def chromium() -> str:
    """Debian's browser."""
    if CHROMIUM is None:
        if os.environ.get("CI") == "true" and may_install():
            pytest.fail("a build server must have chromium")
        pytest.skip("chromium is not installed")
    return CHROMIUM


async def test_a_code_from_sign_in_to_the_funnel(tmp_path: Path, chromium: str) -> None:
    """Sign in for the first time, issue a code, have it redeemed, and see that in the figures."""
    folder = make_folder(tmp_path / "authority", ("registrar", "publisher"))
    person = await _added(folder, "lan.nguyen")
    async with running(folder, "--workers", "2") as server, async_playwright() as player:
        # Chromium's own sandbox needs what a container does not give to root.
        browser = await player.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page, objections = await _telephone(browser)
        visited: list[str] = []
        page.on("framenavigated", lambda frame: visited.append(frame.url))
        await page.goto(server.url + menu.ROOT)
        assert await page.text_content("h1") == "Đăng nhập"
        await page.fill("#name", person["name"])
        await page.fill("#password", person["password"])
        await page.fill("#code", _one_time(person))
        await page.click("main button.primary")

        assert await page.text_content("h1") == "Hãy đặt mật khẩu riêng của bạn"
        await page.fill("#old", person["password"])
        await page.fill("#new", PASSWORD)
        await page.fill("#again", PASSWORD)
        await page.click("main button.primary")

        assert await page.text_content("h1") == "Cấp mã"
        await _fits(page)
        await page.check("text=Xác định")
        await page.click("main button.primary")
        code = "".join(re.findall(r"\d", await page.inner_text("#code")))
        assert len(code) == 8
        await _fits(page)
        for _ in range(4):  # whichever of the two processes answers
            await page.reload()
            assert "".join(re.findall(r"\d", await page.inner_text("#code"))) == code

        async with httpx2.AsyncClient(base_url=server.url) as http:
            claimed = (await http.post("/api/verify", json={"code": code})).json()
            hmac = b64encode(b"h" * 32).decode()
            document = {"token": claimed["token"], "ekeyhmac": hmac}
            assert "certificate" in (await http.post("/api/certificate", json=document)).json()
        await page.reload()
        assert await page.locator("#code").count() == 0
        assert await page.inner_text("dl.facts .state") == "Đã dùng"

        await page.click("summary")
        await page.click("nav >> text=Số liệu")
        await _fits(page)
        newest = page.locator("table:has(#by-day) tbody tr").first.locator("td")
        assert [await newest.nth(n).inner_text() for n in range(3)] == ["1", "1", "1"]
        assert await page.locator("svg.chart").count() == 2

        await page.click("summary")
        await page.click("nav >> text=Đăng xuất")
        assert await page.text_content("h1") == "Đăng nhập"
        await page.go_back()
        assert PASSWORD not in await page.content()
        assert code not in await page.content()
        await browser.close()
        server.stop()
        said = await server.stopped()
    assert objections == []
    for secret in (code, PASSWORD, person["password"], "lan.nguyen"):
        assert secret not in said
        assert not any(secret in url for url in visited)
    kept = b"".join(path.read_bytes() for path in folder.path.glob("*.db*"))
    assert code.encode() not in kept


async def test_an_officer_new_to_it_warns_of_a_market(tmp_path: Path, chromium: str) -> None:
    """From “chợ Long Biên, on Saturday from seven to nine” to the notice: six taps, four fields."""
    with bureau(tmp_path, with_publisher=False) as office:
        for name in ("Chợ Long Biên", "Siêu thị Long Biên"):
            office.places.place(name)
        office.person("minh.tran", "supervisor")
        with served(office) as address:
            async with async_playwright() as player:
                browser = await player.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox"]
                )
                page, objections = await _telephone(browser)
                office.pass_time(seconds=30)
                await page.goto(address + menu.SIGN_IN)
                await page.fill("#name", "minh.tran")
                await page.fill("#password", PASSWORD)
                await page.fill("#code", office.staff.code(office.enrolments["minh.tran"]))
                await page.click("main button.primary")

                await page.click("summary")
                await page.click("nav >> text=Thông báo dịch tễ")
                await _fits(page)
                await page.fill("#place", "cho long bien")
                await page.click("text=Tìm địa điểm")
                await _fits(page)
                await page.click("td a.primary >> nth=0")
                await page.select_option("#from_day", label="Thứ Bảy, 07/03/2026")
                await page.fill("#from_time", "7h")
                await page.fill("#to_time", "9h")
                await _fits(page)
                await page.click("main button.primary")
                assert "07:00 – 09:00, 07/03/2026" in await page.inner_text("dl.facts")
                await _fits(page)
                await page.click("main form button.primary")
                assert "trong khoảng một phút" in await page.inner_text("p.note")
                assert office.places.bundles.run().drawn == 1
                await page.reload()
                assert "Thông báo đã ra" in await page.inner_text("p.note")
                assert not await page.is_visible("button.danger")
                await page.click("main summary")
                await page.click("button.danger")
                await page.wait_for_selector("dl.facts .state:has-text('Đã thu hồi')")
                await _fits(page)
                await _goes_back(await page.context.new_page(), address)
                await browser.close()
    assert objections == []


async def _goes_back(page: Page, address: str) -> None:
    """Go back at each step of a notice: no browser asks whether to send a form again."""
    await page.goto(address + menu.NOTICES)
    await page.fill("#place", "cho long bien")
    await page.click("text=Tìm địa điểm")
    await page.click("td a.primary >> nth=0")
    await page.wait_for_selector("#from_day")
    await page.go_back()
    assert await page.input_value("#place") == "cho long bien"
    await page.click("td a.primary >> nth=0")
    await page.select_option("#from_day", label="Thứ Bảy, 07/03/2026")
    await page.fill("#from_time", "9h")
    await page.fill("#to_time", "7h")
    await page.click("main button.primary")
    assert "trước giờ bắt đầu" in await page.inner_text("#to_time-error")
    await page.fill("#to_time", "11h")
    await page.click("main button.primary")
    await page.wait_for_selector("dl.facts")
    await page.go_back()
    assert "trước giờ bắt đầu" in await page.inner_text("#to_time-error")
    await page.go_forward()
    await page.wait_for_selector("dl.facts")
    await page.click("main form button.primary")
    await page.wait_for_selector("h1:has-text('Thông báo số 2')")


async def _telephone(browser: Browser) -> tuple[Page, list[str]]:
    """Return a page of a small screen without JavaScript, and what the browser objects to."""
    context = await browser.new_context(
        viewport=TELEPHONE, java_script_enabled=False, locale="vi-VN", has_touch=True
    )
    page = await context.new_page()
    objections: list[str] = []
    page.on("console", lambda message: objections.append(message.text))
    page.on("requestfailed", lambda request: objections.append(request.url))
    return page, objections


async def _fits(page: Page) -> None:
    """See that nobody has to scroll sideways."""
    box = await page.locator("body").bounding_box()
    assert box is not None
    assert box["width"] <= TELEPHONE["width"]
    for part in ("header", "nav", "main", "footer"):
        found = await page.locator(f"body {part}").first.bounding_box()
        assert found is not None
        assert found["x"] + found["width"] <= TELEPHONE["width"] + 0.5, part


async def _added(folder: AuthorityFolder, name: str) -> dict[str, str]:
    """Add a supervisor from the server's shell; return what the person is handed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bluezone_node", "authority", "users", "add", name),
        *("--realm", "VN", "--role", "supervisor", "--show", "--json", "--dir", str(folder.path)),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        printed, _ = await process.communicate()
    assert process.returncode == 0
    found = json.loads(printed)
    return {name: str(value) for name, value in found.items()}


def _one_time(person: dict[str, str]) -> str:
    secret = parse_qs(urlsplit(person["otpauth"]).query)["secret"][0]
    return pyotp.TOTP(secret).now()
