"""The console's pages as a browser without JavaScript sees them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bluezone_node.web.console import menu
from tests.bureau import Bureau, bureau

pytestmark = pytest.mark.slow


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Bureau]:
    with bureau(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        (None, set()),
        ("issuer", {"codes", "find", "account"}),
        ("supervisor", {"codes", "find", "bulk", "funnel", "exports", "audit", "account"}),
        (
            "admin",
            {"codes", "find", "bulk", "funnel", "exports", "users", "audit", "account"},
        ),
    ],
)
def test_each_role_sees_its_pages_and_no_others(
    office: Bureau, role: str | None, seen: set[str]
) -> None:
    """The menu names them, the others are refused in words, and a stranger is sent to sign in."""
    browser = office.signed_in(role) if role else office.browser()
    for name in ("codes", "find", "bulk", "funnel", "exports", "users", "audit", "account"):
        path = f"{menu.ROOT}/{name}"
        answer = browser.get(path)
        if role is None:
            assert (answer.status_code, answer.headers["location"]) == (303, menu.SIGN_IN)
        elif name in seen:
            assert answer.status_code == 200, (name, answer.text)
            assert f'href="{path}" aria-current="page"' in browser.page
        else:
            assert answer.status_code == 403, name
            assert "You may not do this" in browser.words()
            assert f'href="{path}"' not in browser.page
