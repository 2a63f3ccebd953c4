"""Messages left as files for a modem's program, in the form of smstools3's outgoing spool.

The default: it needs nothing but a folder.  A file holds a telephone number and a code, so it is
its owner's alone, and whoever sends the message takes the file away.
"""

import secrets
from pathlib import Path

from bluezone_node.authority.ports.messages import MessageNotSent
from bluezone_node.store.authority.private import hand_over, replace

NAME_BYTES = 12
"""Of a file's name: drawn, so that neither number nor order of messages is to be read from it."""


class Outbox:
    """`Messenger` that writes a file for each message."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, phone: str, text: str) -> None:
        # The number without +, the text in the default alphabet, which GSM-7 messages keep to.
        message = f"To: {phone.removeprefix('+')}\n\n{text}\n"
        try:
            if not self._folder.exists():
                self._folder.mkdir(mode=0o700, exist_ok=True)
                hand_over(self._folder)
            replace(self._folder / f"sms-{secrets.token_hex(NAME_BYTES)}", message.encode("ascii"))
        except OSError as error:
            raise MessageNotSent(f"The outbox cannot be written: {error.strerror}.") from error
