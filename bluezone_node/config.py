"""The node's settings: one TOML file and two environment variables, read and checked once.

Nothing below this module reads the environment.  Every setting has a default and a reason.
"""

import os
import tomllib
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bluezone_node.errors import BadConfig

CONFIG_VARIABLE = "BLUEZONE_CONFIG"
STATE_VARIABLE = "BLUEZONE_STATE_DIR"

PLACES_SOURCE = "places"
"""The name of the notices of places among the sources."""

GUESSED_TX_POWER = 12
"""dBm: what a Raspberry Pi 3 needs to look like a phone (NIST's recordings, two Pi 3 at 0.5-4 m);
its chip does not report a power."""

_SYSTEM_CONFIG = Path("/etc/bluezone-node/config.toml")
_USER_CONFIG = Path("bluezone-node/config.toml")


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One authority whose exports are matched."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
    """A stable name: what was already matched is remembered by it."""
    url: str
    """Address of the folder with ``index.txt``."""
    public_keys: Annotated[list[str], Meta(min_length=1)]
    """Base64 of the SubjectPublicKeyInfo, or paths of PEM files. Any of them may have signed."""


class AuthoritySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a diagnosis is reported."""

    registrar: str
    """Address that exchanges codes for certificates."""
    publisher: str
    """Address that takes the keys. Another host than the registrar, in earnest."""
    health_authority: Annotated[str, Meta(min_length=1, max_length=128)] = "vn.moh"
    """healthAuthorityID of the publish request."""


class NodeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How this device works."""

    state_dir: str = ""
    """Folder of the database. Default: $STATE_DIRECTORY (systemd), else the user's state folder."""
    radio: str = "auto"
    """``auto``, ``bluez:hci0``, or ``air:ADDRESS#DEVICE`` for the simulated radio."""
    scan: Literal["kiosk", "wearable"] = "kiosk"
    """How much a real radio listens: all that mains power allows, or four seconds a minute."""
    time: Literal["checked", "trusted"] = "checked"
    """Whether something must vouch for the machine's clock, or its owner does."""
    tx_power: Annotated[int, Meta(ge=-50, le=20)] | None = None
    """Radiated power told to others, dBm; None: what the controller reports, else
    `GUESSED_TX_POWER`. GAEN receivers drop what is not -50..20."""
    calibration_confidence: Annotated[int, Meta(ge=0, le=3)] = 0
    """How well tx_power is known: 0 guessed .. 3 measured on this very device."""
    rx_offset: Annotated[float, Meta(ge=-40, le=40)] | None = None
    """dB added to every received level; None: what `calibrate` found of this adapter, else 0."""
    profile: str = "people"
    """How signal strength and distance go together where this node is."""
    rules: str = "vn-f1-2m"
    """Preset that decides what an exposure is."""
    key_file: str = ""
    """File with the key or passphrase that the data are encrypted under at rest."""
    sync_minutes: Annotated[float, Meta(ge=1, le=1440)] = 240
    """Between two downloads. GAEN phones ask every 4 hours."""


Host = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]{2,60}[a-z0-9]\Z")]
"""As the registrar's ``places.host``: no scheme, no port, no slash."""


class PlacesSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Places that are checked in to, and what is published about them."""

    root: Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=\Z")]
    """Base64 of the Ed25519 public key that signs the list of all others."""
    url: Annotated[str, Meta(pattern=r"^(https?://\S+)?\Z")] = ""
    """Address of the folder ``places/`` with ``index.txt``; empty: notices come on sticks."""
    hosts: Annotated[list[Host], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: ["q.example.vn"]
    )
    """Hosts that a scanned link may lead to; all others are refused. A kiosk's own square leads to
    the first."""
    private: bool = False
    """Keep no name of a place once a visit is over."""

    @property
    def root_key(self) -> bytes:
        """The 32 bytes of `root`."""
        return b64decode(self.root)


class KioskSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The kiosk at a place's door."""

    venue: str = ""
    """The registrar's file of the place; empty: this node stands at none."""
    listen: str = "127.0.0.1:8680"
    """Where the page is served. Beyond loopback it needs a PIN."""
    mode: Literal["both", "in", "out"] = "both"
    """Whether people come and go at this door, or only one of the two."""
    capacity: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    """People that the place holds; more are let in, and told of. None: not counted."""
    paper: Literal[58, 80] = 80
    """Millimetres of the roll that paper slips are printed on."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a node needs to know."""

    node: NodeSettings = msgspec.field(default_factory=NodeSettings)
    sources: list[SourceSettings] = msgspec.field(default_factory=list)
    authority: AuthoritySettings | None = None
    places: PlacesSettings | None = None
    kiosk: KioskSettings = msgspec.field(default_factory=KioskSettings)

    def state_dir(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the folder of the node's own data."""
        if chosen := environ.get(STATE_VARIABLE) or self.node.state_dir:
            return Path(chosen).expanduser()
        if given := environ.get("STATE_DIRECTORY"):
            return Path(given.split(":")[0])
        base = environ.get("XDG_STATE_HOME") or "~/.local/state"
        return Path(base).expanduser() / "bluezone-node"


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from *path*, else from the usual places, else take the defaults.

    Raises:
        BadConfig: a named file is missing, or a setting is unknown or out of range.
    """
    chosen = path or _find(environ)
    if chosen is None:
        return Settings()
    try:
        document = tomllib.loads(chosen.read_text(encoding="utf-8"))
        settings = msgspec.convert(document, Settings)
    except OSError as error:
        raise BadConfig(f"{chosen}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"{chosen} is not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise BadConfig(
            f"{chosen}: {error}", hint="docs/operate.md lists every setting with its range"
        ) from error
    _check_names(chosen, settings)
    return settings


def _find(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get(CONFIG_VARIABLE):
        return Path(named)
    home = Path(environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    return next((p for p in (home / _USER_CONFIG, _SYSTEM_CONFIG) if p.is_file()), None)


def _check_names(path: Path, settings: Settings) -> None:
    names = [source.name for source in settings.sources]
    if PLACES_SOURCE in names:
        raise BadConfig(f"{path}: no source may be called {PLACES_SOURCE!r}: that is the notices'")
    for name in names:
        if names.count(name) > 1:
            raise BadConfig(f"{path}: two sources are called {name!r}; give each its own name")
