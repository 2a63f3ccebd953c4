"""Pages as a screen reader and a keyboard meet them."""

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bluezone_node.web.console import menu
from tests.bureau import Browser, Bureau, bureau

pytestmark = pytest.mark.slow

VOID = {"meta", "link", "input", "br", "img", "hr"}


class Outline(HTMLParser):
    """What matters of a page: its elements in order, and whether they are closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Bureau]:
    with bureau(tmp_path) as made:
        yield made


def _pages(browser: Browser, office: Bureau) -> Iterator[str]:
    """Yield every kind of page, forms with errors among them."""
    names = ("codes", "find", "bulk", "funnel", "exports", "users", "audit", "account", "none")
    for name in names:
        browser.get(f"{menu.ROOT}/{name}")
        yield browser.page
    yield browser.see(browser.issue())
    for path, fields in (
        (menu.CODES, {"type": "x", "test": "x", "symptoms": "x", "kind": "long"}),
        (menu.FIND, {"handle": "x"}),
        (menu.USERS, {"name": "?", "role": "issuer", "realm": "79"}),
        (menu.AUDIT, {"head": "x"}),
        (menu.AUDIT, {}),
        (menu.ACCOUNT, {"old": "a", "new": "b", "again": "c"}),
    ):
        browser.see(path)
        browser.send(path, fields)
        yield browser.page
    browser.see(menu.USERS)
    new = browser.send(menu.USERS, {"name": "new", "role": "issuer", "realm": "79"})
    yield browser.see(new.headers["location"])
    browser.see(menu.BULK)
    done = browser.send(menu.BULK, {"realm": "79"}, file=b"test_type\nlikely\nx\n")
    yield browser.see(done.headers["location"])
    yield office.browser().see(menu.SIGN_IN)


def test_every_page_can_be_read_without_seeing_it(office: Bureau) -> None:
    """One heading of the first rank, landmarks, names for all fields and tables, no id twice."""
    browser = office.signed_in("admin", "*")
    for page in _pages(browser, office):
        outline = Outline(page)
        tags = Counter(tag for tag, _ in outline.elements)
        assert (tags["h1"], tags["main"], tags["header"], tags["footer"]) == (1, 1, 1, 1), page
        assert outline.all("html")[0]["lang"] == "en"
        ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
        assert len(ids) == len(set(ids)), ids
        labelled = {attributes.get("for") for attributes in outline.all("label")}
        for field in outline.all("input", "select"):
            if field.get("type") in ("hidden", "radio", "checkbox") or "aria-hidden" in field:
                continue  # of the latter two each stands within its label
            assert field["id"] in labelled, field
        for _, attributes in outline.elements:
            for name in ("aria-describedby", "aria-labelledby"):
                for target in (attributes.get(name) or "").split():
                    assert target in ids, (name, target)
            if (attributes.get("href") or "").startswith("#"):
                assert str(attributes["href"])[1:] in ids, attributes
            assert "tabindex" not in attributes or attributes["tabindex"] in ("0", "-1")
        assert tags["table"] == tags["caption"]
        for heading in outline.all("th"):
            assert heading.get("scope") in ("row", "col")
        for form in outline.all("form"):
            assert form["method"] in ("post", "get")
        assert tags["form"] - page.count('method="get"') == page.count('name="csrf"')
        for picture in outline.all("svg"):
            assert picture.get("role") == "img" or 'class="square" role="img"' in page
