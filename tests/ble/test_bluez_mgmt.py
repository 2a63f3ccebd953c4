"""What the kernel tells of an adapter; of a real one, see ``tests/vm``."""

import errno
import socket

import pytest

from bluezone_node.ble import bluez_mgmt
from bluezone_node.ble.bluez_mgmt import br_edr
from tests.bluez.kernel import BR_EDR, INDEX_ADDED, LE, information, kernel_tells, refusal


@pytest.mark.parametrize(("settings", "told"), [(LE, False), (LE | BR_EDR, True)])
def test_whether_br_edr_is_on(monkeypatch: pytest.MonkeyPatch, settings: int, told: bool) -> None:
    """It is asked by the adapter's number; what comes in between of others is passed over."""
    others = INDEX_ADDED, information(7, settings ^ BR_EDR)
    with kernel_tells(monkeypatch, *others, information(12, settings)) as asked:
        assert br_edr("hci12") is told
        assert asked[0].recv(64) == bytes.fromhex("0400 0c00 0000")


def test_an_adapter_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel refuses, and nothing is known."""
    with kernel_tells(monkeypatch, refusal(3)):
        assert br_edr("hci3") is None


def test_a_kernel_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for."""
    monkeypatch.setattr(bluez_mgmt, "PATIENCE", 0.01)
    with kernel_tells(monkeypatch):
        assert br_edr("hci0") is None


def test_where_it_may_not_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox, or a kernel, without Bluetooth sockets."""

    def refused() -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(bluez_mgmt, "open_channel", refused)
    assert br_edr("hci0") is None


def test_asking_the_kernel_of_this_machine() -> None:
    """Whatever it is, it is no exception: there is no adapter of that number."""
    assert br_edr("hci65000") is None
