"""A profile by name, or from a file that ``lab fit`` made."""

from pathlib import Path

import click
import msgspec

from bluezone_node.presets import load_profile, profile_names
from bluezone_node.proximity.profile import Profile

BARE_BOARDS = "line-of-sight"
"""Profile of what sends, or is taken to send, the power of a Raspberry Pi."""

_BOUNDS = {
    "loss_at_1m": (0.0, 150.0),
    "exponent": (0.2, 10.0),
    "link_spread": (0.0, 40.0),
    "fading": (0.0, 40.0),
    "packet_spread": (0.01, 40.0),
    "typical_distance": (0.1, 100.0),
    "distance_spread": (0.01, 5.0),
    "drift": (0.0, 10.0),
}
"""Between which each constant means something at all; the estimator counts on it."""


class ProfileOrFile(click.ParamType[Profile]):
    """A profile of the package, or a JSON file of the same form."""

    name = "NAME|FILE"

    def convert(
        self, value: str | Profile, param: click.Parameter | None, ctx: click.Context | None
    ) -> Profile:
        """Return the profile.

        Raises:
            click.BadParameter: there is none, or its constants are none.
        """
        if isinstance(value, Profile):
            return value
        if value in profile_names():
            return load_profile(value)
        path = Path(value)
        if not path.is_file():
            known = ", ".join(profile_names())
            self.fail(f"there is no profile {value!r} and no such file. Profiles: {known}.")
        try:
            told = msgspec.json.decode(path.read_bytes(), type=Profile)
        except msgspec.ValidationError as error:
            self.fail(f"{path.name} is no profile: {error}.")
        except (msgspec.DecodeError, UnicodeDecodeError, OSError):
            self.fail(f"{path.name} is not a JSON document.")
        for name, (least, most) in _BOUNDS.items():
            if not least <= getattr(told, name) <= most:
                self.fail(f"{path.name} is no profile: {name} must be {least:g} to {most:g}.")
        return told
