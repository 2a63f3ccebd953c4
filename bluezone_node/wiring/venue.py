"""The place that a kiosk stands at, by the file that its authority gave out."""

from pathlib import Path

from bluezone_node.config import Settings
from bluezone_node.errors import NoPlace
from bluezone_node.venuefile import VenueFile, read_venue_file


def venue_named(settings: Settings, given: Path | None = None) -> VenueFile | None:
    """Return the place that the settings, or *given*, name; None: this node stands at none.

    Raises:
        BadConfig: its file is of no use.
    """
    named = str(given) if given else settings.kiosk.venue
    return read_venue_file(Path(named).expanduser()) if named else None


def venue_path(settings: Settings) -> Path:
    """Return where the file of the place lies that the settings name."""
    return Path(settings.kiosk.venue).expanduser()


def venue_of(settings: Settings, given: Path | None = None) -> VenueFile:
    """Return the place that this kiosk stands at.

    Raises:
        NoPlace: none is named.
        BadConfig: its file is of no use.
    """
    venue = venue_named(settings, given)
    if venue is None:
        raise NoPlace(
            hint="kiosk.venue in the settings, or --venue FILE: the file of `venue kiosk`"
        )
    return venue
