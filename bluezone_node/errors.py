"""The errors a person may meet: one small family.

The docstring of each class is the sentence shown when nothing more exact is known.
An error never carries a key, an identifier, a name or a code: it is printed, logged and
pasted into bug reports.
"""

from typing import ClassVar


class BluezoneError(Exception):
    """Something went wrong."""

    exit_status: ClassVar[int] = 1
    """Of a command that ends with it."""

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.hint = hint
        """What the reader can do about it; may be empty."""


class Refused(BluezoneError):
    """The input was refused."""

    def __init__(self, message: str = "", *, reason: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        """A stable machine name for why, in snake_case: counted in metrics, printed in JSON."""


class BadFrame(Refused):
    """The advertisement is not one of ours, or is malformed."""


class BadExport(Refused):
    """The export file must not be used."""


class BadInput(Refused):
    """The file or value given could not be understood."""


class CalibrationRefused(Refused):
    """The measurement does not support a calibration."""


class BadConfig(BluezoneError):
    """The configuration could not be read."""


class NoPlace(BadConfig):
    """No place is named for this kiosk."""

    # EX_CONFIG of sysexits(3): until somebody writes the setting no restart will help. A file of a
    # place that is missing or out of date may come by itself, and is no such case.
    exit_status = 78


class DatabaseInUse(BluezoneError):
    """Another node is running on this database."""


class DatabaseUnusable(BluezoneError):
    """The database could not be opened or written."""


class StorageUnusable(BluezoneError):
    """The object storage could not be used."""


class FontUnavailable(BluezoneError):
    """No font with Vietnamese letters was found on this machine."""


class RadioUnavailable(BluezoneError):
    """The radio could not be opened."""

    # EX_UNAVAILABLE of sysexits(3): whoever started the program can tell a lost radio, for which
    # restarting the Bluetooth service may help, from a fault that only a person can mend.
    exit_status = 69


class TimeUnknown(BluezoneError):
    """The time is not known."""


class Unreachable(BluezoneError):
    """The authority could not be reached."""


class AuthorityRefused(Refused):
    """The authority refused the request."""
