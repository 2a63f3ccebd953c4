"""A poster before the camera of a telephone that has no app: what its browser shows, and asks."""

import pytest
from playwright.async_api import async_playwright
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from bluezone_node.web.routes.landing import landing_routes
from tests.authorities import served
from tests.kiosk_process import CHROMIUM

TELEPHONE = (360, 740)
DIGITS = "40197980043197311473870900992885147536"


@pytest.mark.slow
async def test_a_poster_in_a_browser_tells_the_server_nothing() -> None:
    """One request without the digits, no cookie, and a page that fits a small telephone."""
    asked: list[str] = []

    def listening(app: ASGIApp) -> ASGIApp:
        async def noting(scope: Scope, receive: Receive, send: Send) -> None:
            asked.append(f"{scope['raw_path']} {scope['query_string']} {scope['headers']}")
            await app(scope, receive, send)

        return noting

    app = listening(Starlette(routes=landing_routes()))
    async with served(app) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        width, height = TELEPHONE
        context = await browser.new_context(
            viewport={"width": width, "height": height}, java_script_enabled=False
        )
        page = await context.new_page()
        await page.goto(f"{url}/#{DIGITS}.i", wait_until="networkidle")
        assert await page.locator("h1").inner_text() == "Bạn vừa quét mã của một địa điểm"
        for part in await page.locator("p, li, code").all():
            box = await part.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert await context.cookies() == []
        await browser.close()
    assert len(asked) == 1
    assert DIGITS not in asked[0]
