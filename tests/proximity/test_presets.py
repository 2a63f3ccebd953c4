"""Presets are data: complete, dated, cited, and nothing in a file goes unread."""

from importlib.resources import files

import msgspec
import pytest

from bluezone_node.errors import BadConfig
from bluezone_node.presets import DEFAULT_PRESET, load_preset, preset_names
from bluezone_node.proximity.model import Infectiousness, ReportType

FOLDER = files("bluezone_node") / "proximity" / "presets"

N, S, H = Infectiousness.NONE, Infectiousness.STANDARD, Infectiousness.HIGH


def test_the_promised_presets_are_there() -> None:
    """Germany, Switzerland, England's like, LFPH's nets and Vietnam's two definitions."""
    promised = {
        "cwa-v2", "lfph-narrow", "lfph-wide", "nhs-like", "swisscovid", "vn-f1-1m", "vn-f1-2m",
    }  # fmt: skip
    assert promised <= set(preset_names())
    assert DEFAULT_PRESET in preset_names()


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_says_where_it_comes_from(name: str) -> None:
    """Every preset has its file's name, a title, a source, its date and a note."""
    preset = load_preset(name)
    assert preset.name == name
    assert all(len(text) > 10 for text in (preset.title, preset.source, preset.note))
    assert 2020 <= preset.date.year <= 2023


@pytest.mark.parametrize("name", preset_names())
def test_no_number_in_a_preset_goes_unread(name: str) -> None:
    """A misspelt parameter would be silently ignored, so reading and writing give the same."""
    written = msgspec.json.decode((FOLDER / f"{name}.json").read_bytes())["rules"]
    read = msgspec.to_builtins(load_preset(name).rules)

    def check(told: object, kept: object) -> None:
        if isinstance(told, dict):
            assert isinstance(kept, dict)
            for key, value in told.items():
                check(value, kept[key])
        elif isinstance(told, list):
            assert isinstance(kept, list | tuple)
            assert len(told) == len(kept)
            for one, other in zip(told, kept, strict=True):
                check(one, other)
        else:
            assert told == kept

    check(written, read)


@pytest.mark.parametrize("name", preset_names())
def test_a_key_that_tells_no_report_type_is_a_confirmed_test(name: str) -> None:
    """Early exports held confirmed cases only, and said nothing of it."""
    assert load_preset(name).report_type_when_missing is ReportType.CONFIRMED_TEST


@pytest.mark.parametrize(
    ("name", "first_day", "curve"),
    [
        ("lfph-narrow", -6, [N, N, S, S, H, H, H, H, H, H, S, S, N]),
        ("lfph-wide", -6, [N, N, S, S, H, H, H, H, H, H, S, S, N]),
        ("lfph-wide-v1", -6, [N, S, S, H, H, H, H, H, H, H, H, S, S, S, S, S, N]),
        ("nhs-like", -6, [N, S, S, S, H, H, H, H, H, H, S, S, S, S, S, S, N]),
        ("vn-f1-2m", -5, [N, N, H, H, H, H]),
    ],
)
def test_infectiousness_by_days_since_onset(
    name: str, first_day: int, curve: list[Infectiousness]
) -> None:
    """The published curves, day by day."""
    preset = load_preset(name)
    days = range(first_day, first_day + len(curve))
    assert [preset.infectiousness_of(day) for day in days] == curve


def test_a_missing_or_impossible_onset_takes_the_default() -> None:
    """GAEN maps days −14 to 14; anything else is as if not told."""
    preset = load_preset("vn-f1-2m")
    assert preset.infectiousness_of(None) is H
    assert preset.infectiousness_of(15) is H
    assert preset.infectiousness_of(-14) is N


def test_an_unknown_preset_is_named_with_the_known() -> None:
    """The message says what was asked, the hint what there is."""
    with pytest.raises(BadConfig, match="nowhere") as refused:
        load_preset("nowhere")
    assert all(name in refused.value.hint for name in preset_names())


def test_a_name_is_not_a_path() -> None:
    """A preset's name comes from a configuration file and never leaves the folder."""
    with pytest.raises(BadConfig):
        load_preset("../presets/cwa-v2")
