"""Posters of all places of a list, through the front door: one file, within a province."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from bluezone_node.authority.places.orders import EDITION, VenueOrder
from bluezone_node.authority.ports.accounts import Actor
from bluezone_node.posters.batch import Batch, batch
from bluezone_node.venues.text import to_url
from bluezone_node.web.console import menu, place_posters
from tests.bureau import Browser, Bureau, bureau

pytestmark = pytest.mark.slow

CHIEF = Actor("chief", "79", "supervisor")
NEIGHBOUR = Actor("neighbour", "01", "supervisor")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bureau]:
    """A market with a hall, a school, one that waits, and a market of another province."""
    with bureau(tmp_path, with_publisher=False) as opened:
        register = opened.desk.venues.register
        register(VenueOrder("Chợ Mơ", 5, 26743, rooms=("Khu A",)), CHIEF)
        register(VenueOrder("Trường Lê Lợi", 3, 26740, address="Lê Lợi"), CHIEF)
        register(VenueOrder("Chợ chờ", 5, 26740), Actor("tram", "79", "issuer"))
        register(VenueOrder("Chợ Đồng Xuân", 5, 4), NEIGHBOUR)
        yield opened


def links(made: Bureau, name: str, way: Any = None) -> list[str]:
    """Return what stands in the squares of a place, its own and its rooms'."""
    (venue,) = made.desk.directory.search(name, CHIEF)
    cards = made.desk.directory.view(venue.venue_id, CHIEF).cards
    return [to_url(row.signed.cose, "q.example.vn", way) for row in cards]


def squares(pdf: bytes) -> list[str]:
    """Return what another library reads on each page."""
    drawn = (page.render(scale=2).to_pil() for page in pypdfium2.PdfDocument(pdf))
    return [zxingcpp.read_barcode(each).text for each in drawn]  # type: ignore[union-attr]


def saved(browser: Browser, query: str = "") -> bytes:
    answer = browser.get(f"{menu.POSTERS}?size=sticker{query}")
    assert answer.status_code == 200, browser.words()
    assert answer.headers["content-type"] == "application/pdf"
    return answer.content


def test_the_places_of_a_list_are_one_file(made: Bureau) -> None:
    """By commune and name, a page for each room; none of a place that waits, or of elsewhere."""
    issuer = made.signed_in()
    assert "of the 2 approved places of the list" in _words(issuer, menu.PLACES)
    school, market = links(made, "truong le loi"), links(made, "cho mo")
    assert squares(saved(issuer)) == [*school, *market]
    assert len(market) == 2
    assert "of the 1 approved place of the list" in _words(issuer, f"{menu.PLACES}?q=mo")
    assert squares(saved(issuer, "&q=mo")) == market
    assert squares(saved(issuer, "&commune=26743")) == market
    ways = squares(saved(issuer, "&q=truong&way=in-out"))
    assert ways == links(made, "truong", "in") + links(made, "truong", "out")


def test_what_cannot_be_printed_is_said(made: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    """None, too many, an unknown paper, and nobody signed in: in words, and no file."""
    chief = made.signed_in("supervisor", language="vi")
    chief.see(f"{menu.PLACES}?state=claimed")
    assert "Áp phích của các địa điểm này" not in chief.words()
    assert chief.get(f"{menu.POSTERS}?size=a4&state=claimed").status_code == 400
    assert "Không nơi nào ở đây có áp phích" in chief.words()
    monkeypatch.setattr(place_posters, "MOST", 5)
    assert saved(chief)
    assert chief.get(f"{menu.POSTERS}?size=a4&way=in-out").status_code == 400
    assert "Hãy tìm ít địa điểm hơn" in chief.words()
    for query in ("size=a3", "size=a4&way=up", ""):
        assert chief.get(f"{menu.POSTERS}?{query}").status_code == 404
    away = made.browser().get(f"{menu.POSTERS}?size=a4")
    assert away.headers["location"] == menu.SIGN_IN


def test_the_places_of_a_commune_are_listed(made: Bureau) -> None:
    """By its number or, once there is a list, its name; what is none is asked about."""
    issuer = made.signed_in()
    assert "Chợ Mơ" in issuer.see(f"{menu.PLACES}?commune=26743")
    assert "Trường Lê Lợi" not in issuer.page
    file = "code,name,province\n26740,Phường Sài Gòn,79\n26743,Phường Bến Thành,79\n"
    made.desk.commune_lists.take(file.encode(), EDITION, CHIEF)
    assert "Chợ Mơ" in issuer.see(f"{menu.PLACES}?commune=ben+thanh")
    assert "Trường Lê Lợi" not in issuer.page
    assert 'name="commune" value="ben thanh"' in issuer.page
    assert issuer.get(f"{menu.PLACES}?commune=ben").status_code == 422
    assert "Is it Phường Bến Thành (26743)?" in issuer.words()
    assert issuer.get(f"{menu.POSTERS}?size=a4&commune=x").status_code == 400
    assert "no such commune" in issuer.words()


def test_one_file_at_a_time(made: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks meanwhile is told to come back; afterwards the server is free again."""
    chief, issuer = made.signed_in("supervisor"), made.signed_in()

    def meanwhile(*cards: Any, **wanted: Any) -> Batch:
        assert issuer.get(f"{menu.POSTERS}?size=sticker").status_code == 400
        return batch(*cards, **wanted)

    monkeypatch.setattr(place_posters, "batch", meanwhile)
    assert saved(chief)
    assert "try again in a few seconds" in issuer.words()
    monkeypatch.undo()
    assert saved(issuer)


def _words(browser: Browser, path: str) -> str:
    browser.see(path)
    return browser.words()
