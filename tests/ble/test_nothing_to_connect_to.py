"""A node offers no connection: there is no service to fuzz, to exhaust, or to know it again by."""

from pathlib import Path

import bluezone_node

SOURCES = sorted(Path(bluezone_node.__file__).parent.rglob("*.py"))


def test_no_service_and_no_device_is_connected() -> None:
    """BlueZ would need one of these words for it; what is sent is a broadcast."""
    advertiser = next(path for path in SOURCES if path.name == "bluez_advertiser.py")
    assert 'Variant("s", "broadcast")' in advertiser.read_text(encoding="utf-8")
    for word in ("GattManager1", "RegisterApplication", "BleakClient", "ConnectProfile"):
        assert not [path.name for path in SOURCES if word in path.read_text(encoding="utf-8")]
