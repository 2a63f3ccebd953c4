"""The presets that come with the package, read from ``proximity/presets/*.json``."""

from datetime import date
from importlib.resources import files

import msgspec

from bluezone_node.errors import BadConfig
from bluezone_node.proximity.preset import Preset
from bluezone_node.proximity.rules.cwa import CwaRules
from bluezone_node.proximity.rules.f1 import F1Rules
from bluezone_node.proximity.rules.gaen import GaenRules
from bluezone_node.proximity.rules.nhs import NhsRules

DEFAULT_PRESET = "vn-f1-2m"

_FOLDER = files("bluezone_node") / "proximity" / "presets"
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


def preset_names() -> list[str]:
    """Return the names of all presets, in alphabetical order."""
    return sorted(
        entry.name.removesuffix(_SUFFIX)
        for entry in _FOLDER.iterdir()
        if entry.name.endswith(_SUFFIX)
    )


def load_preset(name: str) -> Preset:
    """Return the preset *name*.

    Raises:
        BadConfig: there is none of that name; the message lists those there are.
    """
    names = preset_names()
    if name not in names:
        raise BadConfig(f"There is no preset {name!r}.", hint=f"Presets: {', '.join(names)}.")
    told = msgspec.json.decode((_FOLDER / f"{name}{_SUFFIX}").read_bytes(), type=_File)
    return Preset(
        name=told.name,
        title=told.title,
        source=told.source,
        date=told.date,
        note=told.note,
        kind=told.kind,
        rules=msgspec.json.decode(told.rules, type=_FAMILIES[told.kind]),
    )
