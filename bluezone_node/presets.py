"""Data of the package: ``proximity/presets`` and ``…/profiles``, and ``venues/advice.json``."""

from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from bluezone_node.errors import BadConfig
from bluezone_node.proximity.preset import Preset
from bluezone_node.proximity.profile import Profile
from bluezone_node.proximity.rules.cwa import CwaRules
from bluezone_node.proximity.rules.f1 import F1Rules
from bluezone_node.proximity.rules.gaen import GaenRules
from bluezone_node.proximity.rules.nhs import NhsRules

DEFAULT_PRESET = "vn-f1-2m"
DEFAULT_PROFILE = "people"

_PRESETS = files("bluezone_node") / "proximity" / "presets"
_PROFILES = files("bluezone_node") / "proximity" / "profiles"
_SUFFIX = ".json"

_FAMILIES: dict[str, type[GaenRules | CwaRules | NhsRules | F1Rules]] = {
    "gaen-v2": GaenRules,
    "cwa-v2": CwaRules,
    "nhs": NhsRules,
    "f1": F1Rules,
}


class _File(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    title: str
    source: str
    date: date
    note: str
    kind: str
    rules: msgspec.Raw


class Sentence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same in both languages."""

    vi: str
    en: str


class PlaceAdvice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an alert about a place says, by the level and the advice of its notice."""

    title: str
    source: str
    date: date
    levels: dict[str, Sentence]
    advice: dict[str, Sentence]


def load_place_advice() -> PlaceAdvice:
    """Return the sentences that go with notices of places."""
    return msgspec.json.decode(
        (files("bluezone_node") / "venues" / "advice.json").read_bytes(), type=PlaceAdvice
    )


def preset_names() -> list[str]:
    """Return the names of all presets, in alphabetical order."""
    return _names(_PRESETS)


def load_preset(name: str) -> Preset:
    """Return the preset *name*.

    Raises:
        BadConfig: there is none of that name; the message lists those there are.
    """
    told = msgspec.json.decode(_read(_PRESETS, name, "preset"), type=_File)
    return Preset(
        name=told.name,
        title=told.title,
        source=told.source,
        date=told.date,
        note=told.note,
        kind=told.kind,
        rules=msgspec.json.decode(told.rules, type=_FAMILIES[told.kind]),
    )


def profile_names() -> list[str]:
    """Return the names of all profiles, in alphabetical order."""
    return _names(_PROFILES)


def load_profile(name: str) -> Profile:
    """Return the profile *name*.

    Raises:
        BadConfig: there is none of that name; the message lists those there are.
    """
    return msgspec.json.decode(_read(_PROFILES, name, "profile"), type=Profile)


def _names(folder: Traversable) -> list[str]:
    return sorted(
        entry.name.removesuffix(_SUFFIX)
        for entry in folder.iterdir()
        if entry.name.endswith(_SUFFIX)
    )


def _read(folder: Traversable, name: str, kind: str) -> bytes:
    names = _names(folder)
    if name not in names:
        raise BadConfig(
            f"There is no {kind} {name!r}.", hint=f"{kind.capitalize()}s: {', '.join(names)}."
        )
    return (folder / f"{name}{_SUFFIX}").read_bytes()
