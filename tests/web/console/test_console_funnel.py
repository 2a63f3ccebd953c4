"""The figures: sums, what is withheld, charts, and who sees which province."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.ports.tally import DayCount
from bluezone_node.web.console import funnel_chart, menu
from bluezone_node.web.console.funnel_chart import Series, Stage
from bluezone_node.web.console.funnel_figures import Total, figures
from tests.bureau import Bureau, bureau

pytestmark = pytest.mark.slow

MONDAY, TUESDAY = date(2026, 3, 9), date(2026, 3, 10)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Bureau]:
    with bureau(tmp_path) as made:
        yield made


def test_what_is_missing_of_the_publisher_is_withheld_and_not_zero() -> None:
    """A province that released one of two days has at least that; the registrar's zero is zero."""
    found = figures(
        MONDAY,
        TUESDAY,
        [DayCount(MONDAY, "01", "codes_issued", 5), DayCount(TUESDAY, "79", "codes_issued", 7)],
        [DayCount(MONDAY, "79", "uploads", 12), DayCount(MONDAY, "79", "key_age_03", 12)],
    )
    assert found.totals["codes_issued"] == Total(12, withheld=False)
    assert found.totals["uploads"] == Total(12, withheld=True)
    assert found.by_realm["01"]["uploads"] == Total(0, withheld=True)
    assert found.by_day["uploads"] == [Total(12, withheld=True), Total(0, withheld=True)]
    assert found.by_day["codes_claimed"] == [Total(0, withheld=False)] * 2
    assert set(found.totals) == {
        "codes_issued", "codes_claimed", "certificates", "uploads", "keys",
    }  # fmt: skip


def test_one_province_and_no_publisher() -> None:
    """Others' counts are left out; without a publisher nothing of its is shown."""
    counts = [DayCount(MONDAY, realm, "codes_issued", 5) for realm in ("01", "79")]
    found = figures(MONDAY, MONDAY, counts, None, "79")
    assert found.totals["codes_issued"].count == 5
    assert list(found.by_realm) == ["79"]
    assert "uploads" not in found.totals
    assert not found.published


@given(
    st.lists(st.tuples(st.integers(0, 10**7), st.booleans()), min_size=1, max_size=92),
    st.text(max_size=20),
)
def test_charts_are_well_formed_and_stay_within_their_sheet(
    counts: list[tuple[int, bool]], words: str
) -> None:
    """Whatever the numbers, whatever the words that XML can say."""
    words = "".join(letter for letter in words if letter.isprintable())
    labels = [str(n) for n in range(len(counts))]
    series = Series(words, [count for count, _ in counts], [held for _, held in counts])
    stage = Stage(words, "1", counts[0][0] / 10**7, words, counts[0][1])
    for picture in (
        funnel_chart.days([series, series], labels, words, words),
        funnel_chart.funnel([stage] * 4, words, words),
    ):
        root = ET.fromstring(picture)
        height = float(root.attrib["viewBox"].split()[3])
        assert root[0].tag == "title"
        for shape in root.iter("rect"):
            x, y, w, h = (float(shape.attrib[name]) for name in ("x", "y", "width", "height"))
            assert x >= 0
            assert y >= 0
            assert x + w <= funnel_chart.WIDTH + 0.2
            assert y + h <= height + 0.2
        assert "style" not in {name for shape in root.iter() for name in shape.attrib}


@given(st.integers(0, 10**9))
def test_an_axis_ends_with_a_round_even_number(highest: int) -> None:
    """Not below what it shows, nor far above it."""
    end = funnel_chart.scale(highest)
    assert end >= highest
    assert end % 2 == 0
    assert end <= max(4, 2.5 * highest)


def test_the_page_counts_what_happened(office: Bureau) -> None:
    """From issuing to redeeming, on the day and in the province; the table has all numbers."""
    browser = office.signed_in("supervisor")
    for _ in range(3):
        browser.see(browser.issue())
    token = office.office.verification.claim(browser.code()).token
    office.office.verification.certify(token, b"h" * 32)
    office.released.counts = [DayCount(MONDAY, "79", "uploads", 1234)]
    browser.see(f"{menu.FUNNEL}?from=2026-03-09&to=2026-03-10")
    assert "Codes issued: 3; Codes used: 1; Certificates: 1; People who published: ≥ 1,234" in (
        browser.page
    )
    assert "10/03/2026 3 1 1 – withheld – withheld" in browser.words()
    assert "09/03/2026 0 0 0 1,234 – withheld" in browser.words()
    assert browser.page.count("<svg") == 2


def test_each_sees_their_province(office: Bureau) -> None:
    """Whatever the address asks for; who works for the whole country chooses."""
    office.released.counts = [DayCount(MONDAY, "79", "uploads", 77)]
    near, far = office.signed_in("supervisor"), office.signed_in("supervisor", "01")
    near.see(near.issue())
    query = f"{menu.FUNNEL}?realm=79"
    far.see(query)
    assert "77" not in far.words()
    assert "Codes issued: 0" in far.page
    everyone = office.signed_in("supervisor", "*")
    everyone.see(menu.FUNNEL)
    assert "Codes issued: 1" in everyone.page
    everyone.see(f"{menu.FUNNEL}?realm=01")
    assert "Codes issued: 0" in everyone.page


RANGES = (
    ("from=2026-03-10&to=2026-03-09", "must not lie after"),
    ("from=2020-01-01&to=2026-03-09", "at most 92 days"),
    ("from=x&to=2026-03-09", "no date"),
    ("to=%3Cscript%3E", "no date"),
    ("from=0001-01-01&to=0001-01-02", "no date"),
    ("to=0001-01-01", "no date"),
    ("to=9999-12-31", "no date"),
    ("realm=%3Cscript%3E&x=1", "25/02/2026 to 10/03/2026, people"),
)


def test_a_range_that_makes_no_sense_is_told(office: Bureau) -> None:
    """And the last two weeks are shown instead."""
    browser = office.signed_in("supervisor")
    for query, words in RANGES:
        answer = browser.get(f"{menu.FUNNEL}?{query}")
        assert answer.status_code == 200
        assert words in browser.words()
        assert "<script" not in browser.page
