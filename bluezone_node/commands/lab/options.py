"""Options that several lab commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bluezone_node.crypto.signing import PublicKey, load_public_key
from bluezone_node.errors import BadInput
from bluezone_node.presets import (
    DEFAULT_PRESET,
    DEFAULT_PROFILE,
    preset_names,
    profile_names,
)

Command = TypeVar("Command", bound=Callable[..., Any])


def preset_option(default: str = DEFAULT_PRESET) -> Callable[[Command], Command]:
    """Add ``--preset NAME``."""
    return click.option(
        "--preset",
        "preset_name",
        type=click.Choice(preset_names()),
        default=default,
        show_default=True,
        help="The rules to judge by, and their table of infectiousness.",
    )


def profile_option(default: str | None = DEFAULT_PROFILE) -> Callable[[Command], Command]:
    """Add ``--profile NAME``."""
    return click.option(
        "--profile",
        "profile_name",
        type=click.Choice(profile_names()),
        default=default,
        show_default=default is not None,
        help="How signal strength and distance go together there.",
    )


def sightings_option(command: Command) -> Command:
    """Add ``--sightings FILE``."""
    return click.option(
        "--sightings",
        "sightings_file",
        required=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="CSV with the columns time (ISO or Unix seconds), rpi, aem (may be empty), rssi.",
    )(command)


def public_key(text: str) -> PublicKey:
    """Read a public key from a PEM file, or from the PEM or base64 itself."""
    # A PEM has line ends and base64 may be longer than any path: neither names a file.
    named = len(text) < 256 and "\n" not in text and Path(text).is_file()
    try:
        return load_public_key(Path(text).read_bytes() if named else text)
    except BadInput as refused:
        hint = "" if named else " No file of that name is here either."
        raise click.BadParameter(f"{refused}{hint}") from None


def public_key_option(command: Command) -> Command:
    """Add ``--public-key PEM|BASE64``, which may be given more than once."""
    return click.option(
        "--public-key",
        "public_keys",
        type=public_key,
        metavar="PEM|BASE64",
        multiple=True,
        help="Whose signature the export must carry: a PEM file, or base64. Any of several.",
    )(command)
