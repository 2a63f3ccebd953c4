"""The errors that bluetoothd answers with, and their words."""

from tests.bluez.exported import Refused


def failed(text: str) -> Refused:
    return Refused("org.bluez.Error.Failed", text)


def in_progress() -> Refused:
    return Refused("org.bluez.Error.InProgress", "Operation already in progress")


def not_ready() -> Refused:
    return Refused("org.bluez.Error.NotReady", "Resource Not Ready")


def already_exists() -> Refused:
    return Refused("org.bluez.Error.AlreadyExists", "Already Exists")


def does_not_exist() -> Refused:
    return Refused("org.bluez.Error.DoesNotExist", "Does Not Exist")


def not_permitted(text: str) -> Refused:
    return Refused("org.bluez.Error.NotPermitted", text)


def invalid_arguments() -> Refused:
    return Refused("org.bluez.Error.InvalidArguments", "Invalid arguments in method call")


def blocked() -> Refused:
    """What Linux 6.1 makes bluetoothd say to Powered under rfkill; its own *Blocked* is not met."""
    return failed("Failed")
