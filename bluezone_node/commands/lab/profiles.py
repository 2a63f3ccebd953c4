"""A profile by name, or from a file that ``lab fit`` made."""

from math import isfinite
from pathlib import Path

import click
import msgspec

from bluezone_node.presets import load_profile, profile_names
from bluezone_node.proximity.profile import Profile

BARE_BOARDS = "line-of-sight"
"""Profile of what sends, or is taken to send, the power of a Raspberry Pi."""

_POSITIVE = ("exponent", "packet_spread", "typical_distance", "distance_spread")
_NOT_NEGATIVE = ("loss_at_1m", "link_spread", "fading", "drift")


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
        for names, least in ((_POSITIVE, 1e-6), (_NOT_NEGATIVE, 0.0)):
            for name in names:
                constant = getattr(told, name)
                if not isfinite(constant) or constant < least:
                    more = "more than" if least else "at least"
                    self.fail(f"{path.name} is no profile: {name} must be {more} 0.")
        return told
