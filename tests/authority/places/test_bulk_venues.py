"""Files of places: nothing in them is lost, whatever a spreadsheet did to them."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_node.authority.places.bulk import MAX_ROWS, VenueImport, kind_of
from bluezone_node.errors import AuthorityRefused, BadInput, Refused
from bluezone_node.venues.kinds import RULES, VenueKind
from tests.venue_desk import CHIEF, ISSUER, VenueDesk

pytestmark = pytest.mark.slow

TEXT = (
    "name,kind,commune,address,hours,rooms,phone\r\n"
    "Chợ Bến Thành,Chợ,26740,Lê Lợi,06:00-18:30,Khu A|Khu B,0901234567\r\n"
    "Trạm y tế,health facility,26741,,,,\r\n"
)
VIETNAMESE = (
    "Mã xã;Loại địa điểm;Tên địa điểm;Địa chỉ;Giờ mở cửa;Phòng;Số điện thoại\r\n"
    "26740;Chợ;Chợ Bến Thành;Lê Lợi;6h-18h30;Khu A|Khu B;901234567\r\n"
    "26741;Cơ sở y tế;Trạm y tế;;;;\r\n"
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[VenueDesk]:
    made = VenueDesk(tmp_path)
    yield made
    made.engine.dispose()


def taken(desk: VenueDesk, data: str | bytes) -> VenueImport:
    raw = data.encode() if isinstance(data, str) else data
    return desk.bulk.register(raw, CHIEF)


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + VIETNAMESE.encode("utf-16-be"),
        VIETNAMESE.encode(),
        normalize("NFD", VIETNAMESE).encode(),
        TEXT.replace(",", "\t").replace("\r\n", "\n").encode(),
        TEXT.encode().rstrip(),
    ],
)
def test_whatever_a_spreadsheet_makes_of_it_is_read(desk: VenueDesk, data: bytes) -> None:
    """Encodings, delimiters, order of columns, normal forms: the same two places."""
    result = taken(desk, data)
    assert result.totals == {"read": 2, "registered": 2, "known": 0, "rejected": 0}
    market = desk.directory.find("Chợ Bến Thành", CHIEF)
    assert (market.kind, market.commune, market.opens) == (VenueKind.MARKET, 26740, 360)
    assert (market.closes, market.rooms) == (1110, ("Khu A", "Khu B"))
    assert market.contact == "+84901234567"
    again = taken(desk, TEXT)
    assert again.totals == {"read": 2, "registered": 0, "known": 2, "rejected": 0}


def test_every_row_has_an_end(desk: VenueDesk) -> None:
    """Registered, known or rejected with the line, the cells and a reason that no cell is in."""
    desk.bulk.register(b"name,commune\nQu\xc3\xa1n,1\n", CHIEF)
    rows = [
        "Quán,1",
        "Quán mới,1",
        "QUÁN MỚI,1",
        ",1",
        "Quán,x",
        "Quán,100000",
        "Quán,1,stray",
        '"=HYPERLINK(""x"")",2',
        "a\u202eb,3",
    ]
    result = taken(desk, "name,commune\n" + "\n".join(rows) + "\n")
    assert result.totals == {"read": 9, "registered": 2, "known": 1, "rejected": 6}
    assert [(each.line, each.reason) for each in result.rejected] == [
        (4, "row_repeated"),
        (5, "text_malformed"),
        (6, "venue_commune"),
        (7, "venue_commune"),
        (8, "row_too_long"),
        (10, "text_malformed"),
    ]
    written = result.rejected_csv().decode("utf-8-sig")
    assert "The same place stands in line 3." in written
    assert "9,\"'=HYPERLINK" in result.registered_csv().decode("utf-8-sig")
    mended = written.replace("QUÁN MỚI", "Quán khác").replace(",x,", ",7,")
    assert taken(desk, mended).totals["registered"] == 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "file_columns"),
        (b"name,commune\n", "file_empty"),
        (TEXT.encode("utf-16-le"), "file_encoding"),
        (TEXT.encode("utf-16-le")[:-1], "file_encoding"),
        (b"name,commune,owner\nA,1,B\n", "file_columns"),
        (b"name,commune,name\nA,1,B\n", "file_columns"),
        (b"commune\n1\n", "file_columns"),
        (b'name,commune\n"A,1\n', "file_malformed"),
        (b"PK\x03\x04\x14\x00\x06\x00", "file_encoding"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused_whole(
    desk: VenueDesk, data: bytes, reason: str
) -> None:
    """Nothing of it is registered."""
    with pytest.raises(BadInput) as refused:
        desk.bulk.register(data, CHIEF)
    assert refused.value.reason == reason
    assert desk.directory.search("", CHIEF) == []


def test_a_file_that_was_cut_off_is_found_by_its_total(desk: VenueDesk) -> None:
    """Whole rows may be missing and no reader can see it, but for the number that was told."""
    with pytest.raises(AuthorityRefused) as refused:
        desk.bulk.register(TEXT.encode(), CHIEF, rows=3)
    assert refused.value.reason == "file_rows"
    assert desk.directory.search("", CHIEF) == []
    assert desk.bulk.register(TEXT.encode(), CHIEF, rows=2).totals["registered"] == 2


def test_only_supervisors_register_in_bulk(desk: VenueDesk) -> None:
    """And only in their own province."""
    with pytest.raises(AuthorityRefused) as refused:
        desk.bulk.register(TEXT.encode(), ISSUER)
    assert refused.value.reason == "forbidden"
    result = taken(desk, "name,commune,realm\nA,1,01\nB,1,79\nC,1,\n")
    assert [(each.line, each.reason) for each in result.rejected] == [(2, "unknown_realm")]


@pytest.mark.slow
def test_a_file_that_is_too_long_is_refused(desk: VenueDesk) -> None:
    """At any length, before anything is kept; a sheet of a million rows is one."""
    data = b"name,commune\n" + b"A,x\n" * (MAX_ROWS + 1)
    with pytest.raises(BadInput, match=f"more than {MAX_ROWS} rows"):
        desk.bulk.register(data, CHIEF)


@pytest.mark.slow
def test_row_65537_is_not_lost(desk: VenueDesk) -> None:
    """Where old spreadsheets end: every sixteenth row is right, the last among them."""
    rows = "".join(
        f"Quán số {number},{'x' if number % 16 else number % 9999 + 1}\n"
        for number in range(65_537)
    )
    result = taken(desk, "name,commune\n" + rows)
    assert result.totals == {"read": 65_537, "registered": 4_097, "known": 0, "rejected": 61_440}
    assert desk.directory.find("Quán số 65536", CHIEF)


def test_a_kind_is_named_in_either_language() -> None:
    """Without diacritics too, or by its number; nothing is the kind for all others."""
    for kind, rule in RULES.items():
        for text in (rule.name_vi, rule.name_en.upper(), str(int(kind)), kind.name.lower()):
            assert kind_of(text) is kind
    assert kind_of("quán ăn") is kind_of("Nha hang") is VenueKind.RESTAURANT
    assert kind_of(" ") is VenueKind.OTHER
    assert kind_of("cho") is VenueKind.MARKET
    with pytest.raises(AuthorityRefused, match="no such kind"):
        kind_of("circus")


@settings(max_examples=25)
@given(st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=3), max_size=5))
def test_totals_always_add_up(rows: list[list[str]]) -> None:
    """Of any cells; or the file is refused as a whole, by our own errors."""
    lines = "\n".join(",".join(row) for row in rows)
    with TemporaryDirectory() as folder:
        desk = VenueDesk(Path(folder))
        try:
            data = f"name,commune,kind\n{lines}".encode("utf-8", "replace")
            totals = desk.bulk.register(data, CHIEF).totals
            assert totals["read"] == sum(totals.values()) - totals["read"]
            assert len(desk.directory.search("", CHIEF)) == totals["registered"]
        except Refused:
            assert desk.directory.search("", CHIEF) == []
        finally:
            desk.engine.dispose()
