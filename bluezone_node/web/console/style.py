"""The one style sheet of the console, read once."""

from functools import cache
from importlib.resources import files


@cache
def style_sheet() -> bytes:
    """Return ``console.css``."""
    return files(__package__).joinpath("static/console.css").read_bytes()
