"""Communes by name: what people type, and the official lists as they come."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.places.communes import CommuneBook
from bluezone_node.authority.ports.accounts import OPERATOR, Actor
from bluezone_node.authority.ports.communes import Commune
from bluezone_node.authority.settings import RealmSettings
from bluezone_node.errors import AuthorityRefused, BadInput
from tests.venue_desk import CHIEF, MARKET, VenueDesk

OFFICIAL = Path(__file__).resolve().parents[4] / "shared/data/vn/vn-wards-3321.topo.json"
REALMS = (RealmSettings("01", province="01"), RealmSettings("79", province="79"))
LISTED = [
    Commune(2, 145, "Phường Long Biên", 1),
    Commune(2, 565, "Xã Gia Lâm", 1),
    Commune(2, 9877, "Phường Tân An", 1),
    Commune(2, 9878, "Xã Tân An", 1),
    Commune(2, 24, "Phường Hà Giang 1", 1),
    Commune(2, 26740, "Phường Bến Thành", 79),
    Commune(2, 26732, "Đặc khu Côn Đảo", 79),
]
SHEET = "code,name,province\n" + "".join(
    f"{each.code:05},{each.name},{each.province:02}\n" for each in LISTED
)
BOOK = CommuneBook(LISTED)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[VenueDesk]:
    made = VenueDesk(tmp_path, realms=REALMS)
    yield made
    made.engine.dispose()


def refusal(work: Callable[[], object]) -> AuthorityRefused:
    with pytest.raises(AuthorityRefused) as refused:
        work()
    return refused.value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("00145", 145),
        (" 145 ", 145),
        ("Phường Long Biên", 145),
        (normalize("NFD", "phường  LONG BIÊN"), 145),
        ("long bien", 145),
        ("P. Long Biên", 145),
        ("p.long bien", 145),
        ("Phường Long Biên (00145)", 145),
        ("xã tân an", 9878),
        ("Đặc khu Côn Đảo", 26732),
        ("ĐK Côn Đảo", 26732),
        ("con dao", 26732),
        ("Hà Giang 1", 24),
    ],
)
def test_communes_as_people_write_them(text: str, code: int) -> None:
    """By number or name, with or without diacritics and what it is."""
    assert BOOK.code(text) == code


@pytest.mark.parametrize(
    ("text", "reason", "candidates"),
    [
        ("Tân An", "commune_ambiguous", "Phường Tân An (09877), Xã Tân An (09878)"),
        ("xã Long Biên", "commune_unknown", "Phường Long Biên (00145)"),
        ("gia", "commune_unknown", "Xã Gia Lâm (00565)"),
        ("146", "commune_unknown", "write its whole name"),
        ("Thành phố Vũ Hán", "commune_unknown", "write its whole name"),
        ("", "commune_unknown", "write its whole name"),
        ("1234567", "commune_unknown", "write its whole name"),
    ],
)
def test_what_is_no_commune_is_asked_back(text: str, reason: str, candidates: str) -> None:
    """With those that it may be."""
    refused = refusal(lambda: BOOK.code(text))
    assert refused.reason == reason
    assert candidates in refused.hint


def test_diacritics_decide_where_they_are_typed() -> None:
    """Eight pairs of communes of one province have one name without them."""
    book = CommuneBook([Commune(2, 1, "Xã Ba Tơ", 51), Commune(2, 2, "Xã Ba Tô", 51)])
    assert (book.code("Xã Ba Tơ"), book.code("ba tô"), book.code("x. Ba Tô")) == (1, 2, 2)
    assert refusal(lambda: book.code("ba to")).reason == "commune_ambiguous"


def test_without_a_list_a_number_is_what_it_is() -> None:
    """And a name is none."""
    book = CommuneBook([])
    assert (book.code("26740"), book.label(26740)) == (26740, "26740")
    assert refusal(lambda: book.code("Bến Thành")).reason == "venue_commune"


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_commune_or_refused(text: str) -> None:
    """And what is shown for it is read back as it."""
    try:
        code = BOOK.code(text)
    except AuthorityRefused:
        return
    assert BOOK.code(BOOK.label(code)) == code


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_list_as_spreadsheets_write_it(
    desk: VenueDesk, sign: str, encoding: str, form: str
) -> None:
    """Whatever its signs, encoding and normal form; again it is known."""
    data = normalize(form, SHEET.replace(",", sign)).encode(encoding)
    first = desk.commune_lists.take(data, 2, OPERATOR)
    assert first.totals == {
        "read": 7,
        "new": 7,
        "changed": 0,
        "known": 0,
        "rejected": 0,
        "removed": 0,
    }
    assert desk.commune_lists.listed(2) == sorted(LISTED, key=lambda each: each.code)
    again = desk.commune_lists.take(data, 2, OPERATOR)
    assert (again.totals["known"], again.totals["new"]) == (7, 0)
    assert desk.commune_lists.take(first.communes_csv(), 2, OPERATOR).totals["known"] == 7


def test_every_row_is_answered(desk: VenueDesk) -> None:
    """Kept or rejected with its reason; where one is, nothing leaves the list."""
    desk.commune_lists.take(SHEET.encode(), 2, OPERATOR)
    rows = "145,Phường Bồ Đề,1\n145,Hai lần,1\nx,Xã,1\n1,,1\n2,Xã B,Hà Nội\n3,Xã C,1,4\n0,Xã,1\n"
    told = desk.commune_lists.take(f"Mã xã,Tên,Tỉnh\n{rows}".encode(), 2, OPERATOR)
    assert told.totals == {
        "read": 7,
        "new": 0,
        "changed": 1,
        "known": 0,
        "rejected": 6,
        "removed": 0,
    }
    rejects = list(csv.reader(io.StringIO(told.rejected_csv().decode("utf-8-sig"))))
    assert [row[0] for row in rejects[1:]] == ["3", "4", "5", "6", "7", "8"]
    assert [each.reason for each in told.rejected] == [
        "row_repeated",
        "commune_commune",
        "text_malformed",
        "commune_province",
        "row_too_long",
        "commune_commune",
    ]
    assert len(desk.commune_lists.listed(2)) == 7
    whole = desk.commune_lists.take("code,name,province\n145,Phường A,1\n".encode(), 2, OPERATOR)
    assert whole.totals["removed"] == 6
    (entry, *_) = desk.trail.entries()
    assert (entry.action, entry.detail) == ("communes_imported", {"rows": 1, "rejected": 0})


def test_a_map_is_read_for_its_names(desk: VenueDesk) -> None:
    """Features without them are rejected, each by its place in the file."""
    features = [
        {"type": "Polygon", "arcs": [[0]], "properties": {"code": "00145", "name": "Phường A"}},
        {"properties": {"code": "00146", "name": "Phường B", "p": "01"}, "id": 7},
        {"properties": {"code": 147, "name": None, "p": []}},
        {},
    ]
    shapes = {"wards": {"type": "GeometryCollection", "geometries": features}}
    topology = {"type": "Topology", "arcs": [], "objects": shapes}
    told = desk.commune_lists.take(b"\xef\xbb\xbf" + json.dumps(topology).encode(), 2, OPERATOR)
    assert told.communes == [Commune(2, 146, "Phường B", 1)]
    assert [each.line for each in told.rejected] == [1, 3, 4]


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"{}",
        b'{"type":"Topology"}',
        b'{"type":"Topology","objects":{}}',
        b'{"type":"Topology","objects":{"a":{"geometries":[]}}}',
        b'{"type":"FeatureCollection","objects":{"a":{"geometries":[{}]}}}',
        b'{"a":' * 100_000,
        b"name\nA\n",
        b"",
        b"\xff",
    ],
)
def test_what_is_no_list_is_refused_whole(desk: VenueDesk, data: bytes) -> None:
    """In words, and nothing is kept."""
    with pytest.raises(BadInput):
        desk.commune_lists.take(data, 2, OPERATOR)
    assert desk.commune_lists.counts() == {}


def test_the_official_list_is_taken_whole(desk: VenueDesk) -> None:
    """Every name of a province is one commune; each label is read back."""
    if not OFFICIAL.exists():
        pytest.skip(f"{OFFICIAL} is not here: the official list is not part of the project")
    told = desk.commune_lists.take(OFFICIAL.read_bytes(), 2, OPERATOR)
    assert (told.totals["new"], told.totals["rejected"]) == (3321, 0)
    for realm in ("01", "79"):
        book = desk.communes.book(realm, 2)
        for each in desk.commune_lists.listed(2, int(realm)):
            assert book.code(each.name) == book.code(book.label(each.code)) == each.code
    assert desk.communes.book("01", 2).code("long bien") == 145
    assert len(desk.communes.book("01", 2)) == 126


def test_places_are_in_communes_of_their_province(desk: VenueDesk) -> None:
    """By form, file, claim and edit; without a list, and of another edition, any number is."""
    before = desk.venues.register(MARKET, CHIEF)
    desk.commune_lists.take(SHEET.encode(), 2, OPERATOR)
    for order in (replace(MARKET, name="X", commune=145), replace(MARKET, name="X", commune=9)):
        for work in (
            lambda order=order: desk.venues.register(order, CHIEF),
            lambda order=order: desk.renewal.edit(before.venue_id, order, CHIEF),
            lambda order=order: desk.claims.claim(
                replace(order, contact="0901234567", realm="79"), address=""
            ),
        ):
            assert refusal(work).reason == "commune_unknown"
    file = "name,commune\nA,Bến Thành\nB,145\nC,con dao\nD,Tân Định\n".encode()
    told = desk.bulk.register(file, CHIEF)
    assert [each.reason for each in told.rejected] == ["commune_unknown"] * 2
    places = desk.directory.search("", Actor("", "*", "admin"))
    assert {each.name: each.commune for each in places if len(each.name) == 1} == {
        "A": 26740,
        "C": 26732,
    }
    assert desk.venues.register(replace(MARKET, name="X", commune=145, edition=1), CHIEF)
    assert set(desk.communes.names(places).values()) == {"Phường Bến Thành", "Đặc khu Côn Đảo"}


def test_a_place_of_before_the_list_can_be_edited(desk: VenueDesk) -> None:
    """Its commune stays what it is until somebody says another."""
    place = desk.venues.register(replace(MARKET, commune=9), CHIEF)
    desk.commune_lists.take(SHEET.encode(), 2, OPERATOR)
    told = replace(MARKET, commune=9, contact="0901234567")
    assert desk.renewal.edit(place.venue_id, told, CHIEF).venue.contact == "+84901234567"
    assert desk.communes.names([place]) == {place.venue_id: ""}
