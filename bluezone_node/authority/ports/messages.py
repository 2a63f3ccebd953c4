"""How a code reaches the telephone of its holder."""

from typing import Protocol

from bluezone_node.errors import BluezoneError


class MessageNotSent(BluezoneError):
    """The message could not be sent."""


class Messenger(Protocol):
    """Sends one SMS at a time. It blocks, and keeps nothing that it was given any longer."""

    def send(self, phone: str, text: str) -> None:
        """Send *text*, which fits in one message, to *phone* (E.164).

        Raises:
            MessageNotSent: without a word of the number or the text.
        """
